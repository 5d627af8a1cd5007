"""Assigning conversations."""

import strawberry

from models.records import ConversationRow
from resolvers import assignment
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id, split_id
from schema.objects.conversation import Conversation
from schema.payload import Payload, proving, result


@strawberry.input
class AssignConversationInput:
    """Which conversation to give to whom."""

    conversation_id: strawberry.ID
    """The conversation."""
    assignee_id: strawberry.ID | None = None
    """The member or the AI agent to look after it; its team stays. Give this or `teamId`."""
    team_id: strawberry.ID | None = None
    """The team to have it; nobody in particular looks after it then. Give this or `assigneeId`."""
    if_unassigned: bool = False
    """Refuse with CONFLICT where a member or an AI agent looks after it already."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class AssignConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The assigned conversation; after a conflict, as it is now."""


@strawberry.input
class TakeOverConversationInput:
    """Which conversation to take over."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class TakeOverConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation that is the viewer's; after a conflict, as it is now."""


@strawberry.input
class UnassignConversationInput:
    """Which conversation to move to Unassigned."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UnassignConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation without assignee and team; after a conflict, as it is now."""


def _target(input: AssignConversationInput) -> dict[str, int | None]:
    """Return whom to give it to, by the names of the resolver's arguments."""
    is_agent = split_id(input.assignee_id or "")[0] == "AiAgent"
    kind, name = ("AiAgent", "ai_agent_id") if is_agent else ("Member", "assignee_id")
    return {
        name: decode_optional_id(input.assignee_id, kind, "assigneeId"),
        "team_id": decode_optional_id(input.team_id, "Team", "teamId"),
    }


@strawberry.type
class Mutation:
    """Giving conversations to members, AI agents and teams."""

    @proving
    async def assign_conversation(
        self, info: Info, input: AssignConversationInput
    ) -> AssignConversationPayload:
        """Give a conversation to an active member, an active AI agent or a team; it succeeds also
        where the viewer then no longer sees it."""
        conversation = await assignment.assign_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            **_target(input),
            if_unassigned=input.if_unassigned,
            expected_version=input.expected_version,
        )
        return AssignConversationPayload(conversation=conversation)

    @proving
    async def take_over_conversation(
        self, info: Info, input: TakeOverConversationInput
    ) -> TakeOverConversationPayload:
        """Stop the AI agent that looks after a conversation, and give it to the viewer; for members
        only.

        Where the viewer has it already, it stays as it is; where another member was faster, it is a
        CONFLICT. The AI agent stays silent until it is given the conversation again.
        """
        conversation = await assignment.take_over_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return TakeOverConversationPayload(conversation=conversation)

    @proving
    async def unassign_conversation(
        self, info: Info, input: UnassignConversationInput
    ) -> UnassignConversationPayload:
        """Move a conversation to Unassigned; one that is there already stays as it is."""
        conversation = await assignment.unassign_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return UnassignConversationPayload(conversation=conversation)
