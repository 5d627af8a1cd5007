"""Bulk: the list actions done to up to 100 conversations at once, with a result for each."""

from datetime import datetime

import strawberry

from resolvers import bulk
from resolvers.snooze import SnoozePreset
from schema.context import Info, viewer_of
from schema.ids import keys, optional_key_in, split_id
from schema.outcomes import ConversationsPayload, results
from schema.payload import mutation


@strawberry.input
class ConversationsInput:
    """Which conversations to do something to."""

    conversation_ids: list[strawberry.ID]
    """1 to 100 conversations, each once."""


@strawberry.input
class OpenConversationsInput(ConversationsInput):
    """Which conversations to open."""


@strawberry.type
class OpenConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class AssignConversationsInput(ConversationsInput):
    """Which conversations to give to whom."""

    assignee_id: strawberry.ID | None = None
    """The member or the AI agent to look after them; their teams stay. Give this or `teamId`."""
    team_id: strawberry.ID | None = None
    """The team to have them; nobody in particular looks after them then. Give this or
    `assigneeId`."""
    if_unassigned: bool = False
    """Refuse with CONFLICT each that a member or an AI agent looks after already."""


@strawberry.type
class AssignConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class UnassignConversationsInput(ConversationsInput):
    """Which conversations to move to Unassigned."""


@strawberry.type
class UnassignConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class CloseConversationsInput(ConversationsInput):
    """Which conversations to close, and with what note."""

    category_id: strawberry.ID | None = None
    """The category of the note; whether one is required is in `settings.closingNotes`."""
    summary: str | None = None
    """The text of the note: at most 2,000 characters; blank is as omitted."""


@strawberry.type
class CloseConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class SnoozeConversationsInput(ConversationsInput):
    """Which conversations to snooze, and until when."""

    until: datetime | None = None
    """When they come back by themselves: in the future, at most 366 days ahead."""
    preset: SnoozePreset | None = None
    """In place of `until`: one of the `snoozePresets`; its moment is found for each anew."""
    wake_on_reply: bool | None = None
    """Whether a message of the contact ends a snooze; omitted: as the workspace has it."""


@strawberry.type
class SnoozeConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class UnsnoozeConversationsInput(ConversationsInput):
    """Which conversations to bring back."""


@strawberry.type
class UnsnoozeConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class MarkConversationsReadInput(ConversationsInput):
    """Which conversations were read."""


@strawberry.type
class MarkConversationsReadPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class MarkConversationsUnreadInput(ConversationsInput):
    """Which conversations are to be unread again."""


@strawberry.type
class MarkConversationsUnreadPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class TagConversationsInput(ConversationsInput):
    """Which tags to put on the contacts of which conversations."""

    tag_ids: list[strawberry.ID]
    """At most 50 tags of the workspace; those that a contact has already stay."""


@strawberry.type
class TagConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


@strawberry.input
class UntagConversationsInput(ConversationsInput):
    """Which tags to take off the contacts of which conversations."""

    tag_ids: list[strawberry.ID]
    """At most 50 tags of the workspace; those that a contact does not have change nothing."""


@strawberry.type
class UntagConversationsPayload(ConversationsPayload):
    """What became of each conversation."""


def _target(input: AssignConversationsInput) -> dict[str, int | None]:
    """Return whom to give them to, by the names of the resolver's arguments."""
    is_agent = split_id(input.assignee_id or "")[0] == "AiAgent"
    kind, name = ("AiAgent", "ai_agent_id") if is_agent else ("Member", "assignee_id")
    return {
        name: optional_key_in(input.assignee_id, kind),
        "team_id": optional_key_in(input.team_id, "Team"),
    }


@strawberry.type
class Mutation:
    """Doing one thing to many conversations: each in a transaction of its own, whatever becomes of
    the others."""

    @mutation
    async def open_conversations(
        self, info: Info, input: OpenConversationsInput
    ) -> OpenConversationsPayload:
        """Do `openConversation` to each of a list, in its order."""
        done = bulk.open_conversations(viewer_of(info), keys(input.conversation_ids))
        return OpenConversationsPayload(results=await results(info, input.conversation_ids, done))

    @mutation
    async def assign_conversations(
        self, info: Info, input: AssignConversationsInput
    ) -> AssignConversationsPayload:
        """Do `assignConversation` to each of a list, in its order."""
        done = bulk.assign_conversations(
            viewer_of(info),
            keys(input.conversation_ids),
            **_target(input),
            if_unassigned=input.if_unassigned,
        )
        return AssignConversationsPayload(results=await results(info, input.conversation_ids, done))

    @mutation
    async def unassign_conversations(
        self, info: Info, input: UnassignConversationsInput
    ) -> UnassignConversationsPayload:
        """Do `unassignConversation` to each of a list, in its order."""
        done = bulk.unassign_conversations(viewer_of(info), keys(input.conversation_ids))
        return UnassignConversationsPayload(
            results=await results(info, input.conversation_ids, done)
        )

    @mutation
    async def close_conversations(
        self, info: Info, input: CloseConversationsInput
    ) -> CloseConversationsPayload:
        """Do `closeConversation` to each of a list, in its order."""
        done = bulk.close_conversations(
            viewer_of(info),
            keys(input.conversation_ids),
            category_id=optional_key_in(input.category_id, "ClosingNoteCategory"),
            summary=input.summary,
        )
        return CloseConversationsPayload(results=await results(info, input.conversation_ids, done))

    @mutation
    async def snooze_conversations(
        self, info: Info, input: SnoozeConversationsInput
    ) -> SnoozeConversationsPayload:
        """Do `snoozeConversation` to each of a list, in its order."""
        done = bulk.snooze_conversations(
            viewer_of(info),
            keys(input.conversation_ids),
            until=input.until,
            preset=input.preset,
            wake_on_reply=input.wake_on_reply,
        )
        return SnoozeConversationsPayload(results=await results(info, input.conversation_ids, done))

    @mutation
    async def unsnooze_conversations(
        self, info: Info, input: UnsnoozeConversationsInput
    ) -> UnsnoozeConversationsPayload:
        """Do `unsnoozeConversation` to each of a list, in its order."""
        done = bulk.unsnooze_conversations(viewer_of(info), keys(input.conversation_ids))
        return UnsnoozeConversationsPayload(
            results=await results(info, input.conversation_ids, done)
        )

    @mutation
    async def mark_conversations_read(
        self, info: Info, input: MarkConversationsReadInput
    ) -> MarkConversationsReadPayload:
        """Do `markConversationRead` to each of a list, in its order."""
        done = bulk.mark_conversations_read(viewer_of(info), keys(input.conversation_ids))
        return MarkConversationsReadPayload(
            results=await results(info, input.conversation_ids, done)
        )

    @mutation
    async def mark_conversations_unread(
        self, info: Info, input: MarkConversationsUnreadInput
    ) -> MarkConversationsUnreadPayload:
        """Do `markConversationUnread` to each of a list, in its order."""
        done = bulk.mark_conversations_unread(viewer_of(info), keys(input.conversation_ids))
        return MarkConversationsUnreadPayload(
            results=await results(info, input.conversation_ids, done)
        )

    @mutation
    async def tag_conversations(
        self, info: Info, input: TagConversationsInput
    ) -> TagConversationsPayload:
        """Do `tagContact` to the contact of each of a list, in its order."""
        tags = keys(input.tag_ids, "Tag")
        done = bulk.tag_conversations(viewer_of(info), keys(input.conversation_ids), tags)
        return TagConversationsPayload(results=await results(info, input.conversation_ids, done))

    @mutation
    async def untag_conversations(
        self, info: Info, input: UntagConversationsInput
    ) -> UntagConversationsPayload:
        """Do `untagContact` to the contact of each of a list, in its order."""
        tags = keys(input.tag_ids, "Tag")
        done = bulk.untag_conversations(viewer_of(info), keys(input.conversation_ids), tags)
        return UntagConversationsPayload(results=await results(info, input.conversation_ids, done))
