"""Nodes: anything by its type and key, with the rights that it has everywhere else."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from models.activity import Activity
from models.contact_channel import ContactChannel
from models.episode import Episode
from models.transfer import TransferKind
from models.workspace import Workspace
from resolvers import batches
from resolvers.access import sees
from resolvers.attachment import visible_attachments
from resolvers.inbox_finding import find_inboxes
from resolvers.notification import seen_notifications
from resolvers.rights import Right
from resolvers.transfer import sees_transfer
from resolvers.viewer import Viewer, may, number_in
from resolvers.vocabulary import custom_fields_by_id, lifecycle_stages_by_id, tags_by_id

INBOXES = ("StandardInbox", "TeamInbox", "CustomInbox", "BlockedInbox")
Key = tuple[str, str]
Find = Callable[[Viewer, Collection[int]], Awaitable[Mapping[int, Any]]]


async def find_nodes(viewer: Viewer, keys: Collection[Key]) -> dict[Key, Any]:
    """Return the visible rows under (type, key); a constant number of statements per type."""
    found: dict[Key, Any] = {}
    for kind in {kind for kind, _ in keys}:
        wanted = [key for other, key in keys if other == kind]
        if kind in INBOXES:
            inboxes = await find_inboxes(viewer, kind, wanted)
            found |= {(kind, key): inbox for key, inbox in inboxes.items()}
        elif kind in FINDERS:
            numbers = [number for key in wanted if (number := number_in(key)) is not None]
            rows = await FINDERS[kind](viewer, numbers)
            found |= {(kind, str(number)): row for number, row in rows.items()}
    return found


async def _conversations(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    rows = await batches.conversations_by_id(ids)
    return {key: row for key, row in rows.items() if sees(viewer, row)}


async def _contacts(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    rows = await batches.conversations_by_contact(ids)
    return {key: row.contact for key, row in rows.items() if sees(viewer, row)}


async def _seen_through(viewer: Viewer, rows: Mapping[int, Any]) -> dict[int, Any]:
    """Return the rows whose conversation the viewer sees."""
    conversations = await _conversations(viewer, {row.conversation_id for row in rows.values()})
    return {key: row for key, row in rows.items() if row.conversation_id in conversations}


async def _messages(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    return await _seen_through(viewer, await batches.messages_by_id(ids))


async def _scheduled(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    return await _seen_through(viewer, await batches.scheduled_messages_by_id(ids))


async def _comments(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    return await _seen_through(viewer, await batches.comments_by_id(ids))


async def _activities(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    rows = {row.id: row for row in await Activity.filter(id__in=ids)}
    return await _seen_through(viewer, rows)


async def _episodes(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    rows = {row.id: row for row in await Episode.filter(id__in=ids)}
    return await _seen_through(viewer, rows)


async def _contact_channels(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    found = await ContactChannel.filter(id__in=ids).select_related("channel")
    rows = {row.id: row for row in found}
    contacts = await _contacts(viewer, {row.contact_id for row in rows.values()})
    return {key: row for key, row in rows.items() if row.contact_id in contacts}


def _in_a_workspace(find: Callable[[Collection[int]], Awaitable[Mapping[int, Any]]]) -> Find:
    """Return how to find rows that every member of their workspace may see."""

    async def finder(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
        rows = await find(ids)
        return {key: row for key, row in rows.items() if row.workspace_id in viewer.memberships}

    return finder


async def _invitations(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    rows = await batches.invitations_by_id(ids)
    return {
        key: row for key, row in rows.items() if may(viewer, row.workspace_id, Right.MANAGE_MEMBERS)
    }


def _transfers(kind: TransferKind) -> Find:
    """Return how to find imports or exports."""

    async def finder(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
        rows = await batches.transfers_by_id(ids)
        return {
            key: row
            for key, row in rows.items()
            if row.kind is kind and sees_transfer(viewer, row.workspace_id, kind, row.actor)
        }

    return finder


async def _workspaces(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    mine = [key for key in ids if key in viewer.memberships]
    return {row.id: row for row in await Workspace.filter(id__in=mine)} if mine else {}


async def _users(viewer: Viewer, ids: Collection[int]) -> dict[int, Any]:
    shared = await batches.memberships_of_users(ids)
    visible = [
        user_id
        for user_id in ids
        if user_id == viewer.user_id
        or any(workspace.id in viewer.memberships for workspace in shared.get(user_id, []))
    ]
    return await batches.users_by_id(visible) if visible else {}


FINDERS: Mapping[str, Find] = {
    "Activity": _activities,
    "AiAgent": _in_a_workspace(batches.ai_agents_by_id),
    "Attachment": visible_attachments,
    "ClosingNoteCategory": _in_a_workspace(batches.closing_note_categories_by_id),
    "Comment": _comments,
    "Channel": _in_a_workspace(batches.channels_by_id),
    "Contact": _contacts,
    "ContactChannel": _contact_channels,
    "ContactExport": _transfers(TransferKind.EXPORT),
    "ContactImport": _transfers(TransferKind.IMPORT),
    "Conversation": _conversations,
    "CustomField": _in_a_workspace(custom_fields_by_id),
    "Episode": _episodes,
    "Invitation": _invitations,
    "LifecycleStage": _in_a_workspace(lifecycle_stages_by_id),
    "Member": _in_a_workspace(batches.members_by_id),
    "Message": _messages,
    "Notification": seen_notifications,
    "ScheduledMessage": _scheduled,
    "Snippet": _in_a_workspace(batches.snippets_by_id),
    "Tag": _in_a_workspace(tags_by_id),
    "Team": _in_a_workspace(batches.teams_by_id),
    "User": _users,
    "Workspace": _workspaces,
}
"""How the rows of each GraphQL type are found."""
