"""Inboxes: one by its id, and the custom ones that members make."""

from collections.abc import AsyncIterator

import strawberry
from strawberry import UNSET

from models.custom_inbox import InboxSharing
from resolvers import inbox
from resolvers import inbox_kinds as kinds
from resolvers.inbox_finding import find_inbox
from resolvers.inbox_kinds import Sharing
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id, split_id
from schema.inbox_filter import InboxFilterInput, filter_of
from schema.inbox_stream import InboxPlace, follow_inbox
from schema.objects.event import changes_conversation
from schema.objects.inbox import CustomInbox, Inbox
from schema.objects.inbox_event import InboxChanged
from schema.payload import Payload, mutation, result


@strawberry.input
class InboxSharingInput:
    """Who is to have a custom inbox, besides its creator."""

    mode: InboxSharing
    """PRIVATE: nobody; SHARED: those named below; WORKSPACE: everybody."""
    member_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """For SHARED: the members."""
    team_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """For SHARED: the teams, whoever their members are."""


@strawberry.input
class CreateInboxInput:
    """A filter that is to become an inbox."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters."""
    filter: InboxFilterInput
    """Which conversations it is to hold."""
    sharing: InboxSharingInput | None = None
    """Who is to have it; omitted: nobody else."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateInboxPayload(Payload):
    """The new inbox."""

    inbox: kinds.CustomInbox | None = result(CustomInbox)
    """The inbox."""


@strawberry.input
class UpdateInboxInput:
    """What is to be changed about an inbox; omitted fields stay."""

    inbox_id: strawberry.ID
    """The custom inbox."""
    name: str | None = UNSET
    """1 to 100 characters."""
    filter: InboxFilterInput | None = UNSET
    """Which conversations it is to hold."""
    sharing: InboxSharingInput | None = UNSET
    """Who is to have it."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UpdateInboxPayload(Payload):
    """The inbox as it is now."""

    inbox: kinds.CustomInbox | None = result(CustomInbox)
    """The inbox; after a conflict, as it is now."""


@strawberry.input
class DeleteInboxInput:
    """Which inbox is to go."""

    inbox_id: strawberry.ID
    """The custom inbox."""


@strawberry.type
class DeleteInboxPayload(Payload):
    """Which inbox is gone."""

    deleted_inbox_id: strawberry.ID | None = None
    """The id that it had; null where it was refused."""


def _sharing(given: InboxSharingInput | None) -> Sharing | None:
    if not given:
        return None
    if given.mode is not InboxSharing.SHARED:
        return Sharing(given.mode)
    members = {decode_id(one, "Member", "sharing") for one in given.member_ids}
    teams = {decode_id(one, "Team", "sharing") for one in given.team_ids}
    return Sharing(given.mode, tuple(sorted(members)), tuple(sorted(teams)))


@strawberry.type
class Query:
    """Reading inboxes."""

    @strawberry.field(graphql_type=Inbox | None)
    async def inbox(self, info: Info, id: strawberry.ID) -> kinds.Inbox:
        """One inbox of the viewer; NOT_FOUND where they have none under this id."""
        return await find_inbox(viewer_of(info), *split_id(id))


@strawberry.type
class Mutation:
    """Making, changing and deleting custom inboxes."""

    @mutation
    async def create_inbox(self, info: Info, input: CreateInboxInput) -> CreateInboxPayload:
        """Save a filter as an inbox of the viewer, for themselves or for others."""
        made = await inbox.create_inbox(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            conditions=filter_of(input.filter),
            sharing=_sharing(input.sharing) or Sharing(),
            idempotency_key=input.idempotency_key,
        )
        return CreateInboxPayload(inbox=made)

    @mutation
    async def update_inbox(self, info: Info, input: UpdateInboxInput) -> UpdateInboxPayload:
        """Change name, filter or sharing of an inbox that the viewer made."""
        changed = await inbox.update_inbox(
            viewer_of(info),
            decode_id(input.inbox_id, "CustomInbox", "inboxId"),
            name=input.name or None,
            conditions=filter_of(input.filter) if input.filter else None,
            sharing=_sharing(input.sharing),
            expected_version=input.expected_version,
        )
        return UpdateInboxPayload(inbox=changed)

    @mutation
    async def delete_inbox(self, info: Info, input: DeleteInboxInput) -> DeleteInboxPayload:
        """Delete an inbox that the viewer made; its conversations stay where they are."""
        inbox_id = decode_id(input.inbox_id, "CustomInbox", "inboxId")
        gone = await inbox.delete_inbox(viewer_of(info), inbox_id)
        return DeleteInboxPayload(deleted_inbox_id=encode_id("CustomInbox", gone))


@strawberry.type
class Subscription:
    """Following inboxes."""

    @strawberry.subscription
    async def inbox_changed(
        self, info: Info, inbox_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[InboxChanged]:
        """What enters an inbox of the viewer, leaves it or changes in it, with its counts.

        After a cursor, what happened meanwhile comes as MOVED where the conversation is there by
        now: add it where you do not know it. As LEFT comes what is not there, also if it never was.
        Where the inbox itself has changed the stream ends: query it again.
        """
        async for event in follow_inbox(
            info,
            InboxPlace(inbox_id),
            after,
            lambda fact: changes_conversation(fact, None),
            lambda seen, view: InboxChanged(seen=seen, view=view),
        ):
            yield event
