"""The only way to hold a row: what a viewer may see, and how it is read or locked for them."""

from collections.abc import Sequence
from typing import Any, cast

from models.channel import Channel
from models.contact import Contact
from models.engine import sql
from models.layout import Layout
from models.member import Role, Visibility
from models.message import Message
from models.queries import (
    Reading,
    Records,
    Where,
    lock_conversation,
    read,
    read_conversations,
    read_members,
)
from models.records import (
    COMMENTS,
    CommentRecord,
    ContactRecord,
    ConversationRecord,
    ConversationRow,
    MemberRecord,
)
from models.refusal import Code, Conflict, Refused
from models.workspace import Workspace
from resolvers.proof import must_prove, proved, proving, unproved
from resolvers.rights import Right
from resolvers.viewer import Membership, Viewer, hidden, require


def sees_assignment(
    membership: Membership,
    *,
    assignee_id: int | None,
    assignee_team_id: int | None,
    team_id: int | None,
) -> bool:
    """Tell whether a conversation assigned like this is visible: the pure form of the rule."""
    if membership.sees_all:
        return True
    if assignee_id is not None and assignee_id == membership.member_id:
        return True
    if membership.visibility is not Visibility.TEAM or membership.team_id is None:
        return False
    return membership.team_id in (assignee_team_id, team_id)


PLACE = ("workspace_id", "assignee_id", "team_id", "assignee.team_id", "blocked_at")
"""What decides on who sees a conversation."""


def sees_place(viewer: Viewer, place: Sequence[Any]) -> bool:
    """Tell whether the viewer may see a conversation with this PLACE. No query."""
    workspace_id, assignee_id, team_id, assignee_team_id, blocked_at = place
    membership = viewer.memberships.get(workspace_id)
    if membership is None or (blocked_at is not None and not membership.sees_blocked):
        return False
    return sees_assignment(
        membership,
        assignee_id=assignee_id,
        assignee_team_id=assignee_team_id,
        team_id=team_id,
    )


def sees(viewer: Viewer, row: ConversationRow) -> bool:
    """Tell whether the viewer may see a conversation whose `assignee` is loaded. No query."""
    team_id = row.assignee.team_id if row.assignee is not None else None
    place = (row.workspace_id, row.assignee_id, row.team_id, team_id, row.blocked_at)
    return sees_place(viewer, place)


def visible_conversations(viewer: Viewer, workspace_id: int) -> Where:
    """Return the SQL form of `sees`, on conversations (alias c) with their assignee (alias m)."""
    membership = require(viewer, workspace_id, Right.VIEW)
    where = Where("c.workspace_id = ?", (workspace_id,))
    if not membership.sees_blocked:
        where &= Where("c.blocked_at IS NULL")
    if membership.sees_all:
        return where
    rules, values = "c.assignee_id = ?", [membership.member_id]
    if membership.visibility is Visibility.TEAM and membership.team_id is not None:
        rules += " OR m.team_id = ? OR c.team_id = ?"
        values += [membership.team_id, membership.team_id]
    return where & Where(f"({rules})", tuple(values))


async def get_workspace(viewer: Viewer, workspace_id: int, right: Right = Right.VIEW) -> Workspace:
    """Return a workspace of the viewer."""
    require(viewer, workspace_id, right)
    return await Workspace.get(id=workspace_id)


async def hold_workspace(viewer: Viewer, workspace_id: int, right: Right) -> Workspace:
    """Return a workspace of the viewer to be changed, locked until the transaction ends."""
    require(viewer, workspace_id, right)
    # Not FOR UPDATE: who writes a row that refers to it need not wait, and may hold what is wanted.
    return await Workspace.select_for_update(no_key=True).get(id=workspace_id)


async def get_conversation(
    viewer: Viewer,
    conversation_id: int,
    right: Right = Right.VIEW,
    *,
    layout: Layout | None = None,
) -> ConversationRecord:
    """Return a visible conversation with contact and assignee; refuse if hidden or forbidden.

    With a layout the row has only what that asks for.
    """
    reading: Reading = layout or Records(read_conversations)
    where = proving(viewer, Where("c.id = ?", (conversation_id,)))
    found = await reading.read(f"WHERE {where.condition}", *where.values, along=PLACE)
    proved(viewer, found)
    place = reading.beside(PLACE)(found[0]) if found else None
    if place is None or not sees_place(viewer, place):
        raise hidden(("conversationId",))
    require(viewer, place[0], right)
    return cast(ConversationRecord, found[0])


def is_frozen(conversation: ConversationRow) -> bool:
    """Tell whether its contact is blocked, so that only who looks after it can change."""
    return conversation.blocked_at is not None


def refuse_blocked(conversation: ConversationRow) -> None:
    """Refuse what cannot be done with a frozen conversation."""
    if is_frozen(conversation):
        raise Refused(Code.BLOCKED, "This contact is blocked.", field=("conversationId",))


async def hold_conversation(
    viewer: Viewer,
    conversation_id: int,
    right: Right,
    *,
    expected_version: int | None = None,
    also_blocked: bool = False,
) -> ConversationRecord:
    """Return a conversation to be changed, locked until the transaction ends.

    Refuses as `get_conversation` does, raises Conflict if `expected_version` is not its version
    any more, and refuses one that is blocked unless it is wanted also then. It proves a viewer who
    is only remembered, or raises UnprovenError.
    """
    conversation = await lock_conversation(conversation_id, unproved(viewer))
    must_prove(viewer, conversation)
    if conversation is None or not sees(viewer, conversation):
        raise hidden(("conversationId",))
    require(viewer, conversation.workspace_id, right)
    if expected_version is not None and conversation.version != expected_version:
        raise Conflict(conversation)
    if not also_blocked:
        refuse_blocked(conversation)
    return conversation


async def hold_conversation_with(
    viewer: Viewer, contact_id: int, right: Right, *, field: str = "contactId"
) -> ConversationRecord:
    """Return a contact's conversation, also a blocked one, locked until the transaction ends.

    Refuses as `get_contact` does.
    """
    found = await sql.records("SELECT id FROM conversation WHERE contact_id = ?", contact_id)
    conversation = await lock_conversation(found[0][0]) if found else None
    if conversation is None or not sees(viewer, conversation):
        raise hidden((field,))
    require(viewer, conversation.workspace_id, right)
    return conversation


async def get_contact(viewer: Viewer, contact_id: int, right: Right = Right.VIEW) -> ContactRecord:
    """Return a contact whose conversation the viewer may see."""
    found = await read_conversations("WHERE c.contact_id = ?", contact_id)
    if not found or not sees(viewer, found[0]):
        raise hidden(("contactId",))
    require(viewer, found[0].workspace_id, right)
    return found[0].contact


async def hold_contact(
    viewer: Viewer, contact_id: int, right: Right, *, expected_version: int | None = None
) -> Contact:
    """Return a contact to be changed, with the conversation, locked until the transaction ends.

    Refuses as `get_contact` does, and raises Conflict if `expected_version` is not its version
    any more.
    """
    if sql.dialect() == "postgres":
        await sql.rows("SELECT 1 FROM contact WHERE id = ? FOR UPDATE", contact_id)
    contact = await Contact.filter(id=contact_id).select_related("conversation__assignee").first()
    if contact is None or not sees(viewer, contact.conversation):
        raise hidden(("contactId",))
    require(viewer, contact.workspace_id, right)
    if expected_version is not None and contact.version != expected_version:
        raise Conflict(contact)
    return contact


async def get_message(viewer: Viewer, message_id: int, right: Right = Right.VIEW) -> Message:
    """Return a message of a conversation that the viewer may see."""
    message = (
        await Message.filter(id=message_id)
        .select_related("conversation__assignee", "contact_channel__channel")
        .first()
    )
    if message is None or not sees(viewer, message.conversation):
        raise hidden(("messageId",))
    require(viewer, message.workspace_id, right)
    return message


async def get_comment(viewer: Viewer, comment_id: int) -> CommentRecord:
    """Return a comment of a conversation that the viewer may see, also a deleted one."""
    found = await read(COMMENTS, "WHERE t.id = ?", comment_id)
    rows = await read_conversations("WHERE c.id = ?", found[0].conversation_id) if found else []
    if not rows or not sees(viewer, rows[0]):
        raise hidden(("commentId",))
    return found[0]


async def hold_comment(
    viewer: Viewer, comment_id: int, right: Right, *, expected_version: int | None = None
) -> tuple[CommentRecord, ConversationRecord]:
    """Return a comment to be changed and its conversation, locked until the transaction ends.

    Refuses as `get_comment` does, and raises Conflict if `expected_version` is not its version
    any more.
    """
    found = await read(COMMENTS, "WHERE t.id = ?", comment_id)
    conversation = await lock_conversation(found[0].conversation_id) if found else None
    if conversation is None or not sees(viewer, conversation):
        raise hidden(("commentId",))
    require(viewer, conversation.workspace_id, right)
    [comment] = await read(COMMENTS, "WHERE t.id = ?", comment_id)  # as it is after the wait
    if expected_version is not None and comment.version != expected_version:
        raise Conflict(comment)
    return comment, conversation


async def get_channel(viewer: Viewer, channel_id: int, right: Right = Right.VIEW) -> Channel:
    """Return a channel of one of the viewer's workspaces."""
    channel = await Channel.filter(id=channel_id).first()
    if channel is None or channel.workspace_id not in viewer.memberships:
        raise hidden(("channelId",))
    require(viewer, channel.workspace_id, right)
    return channel


async def get_member(viewer: Viewer, member_id: int) -> MemberRecord:
    """Return a member of one of the viewer's workspaces."""
    found = await read_members("WHERE m.id = ?", member_id)
    if not found or found[0].workspace_id not in viewer.memberships:
        raise hidden(("memberId",))
    return found[0]


async def hold_members(viewer: Viewer, member_id: int) -> tuple[MemberRecord, list[int]]:
    """Return a member to be changed, and the active owners of the workspace.

    All of them and the viewer's own member are locked until the transaction ends: of two who
    change each other, the second one finds what the first one has done. Refuses a viewer whose
    role has changed since they asked.
    """
    workspace_id = (await get_member(viewer, member_id)).workspace_id
    membership = require(viewer, workspace_id, Right.VIEW)
    # Not FOR UPDATE: who writes a row that refers to one of them need not wait.
    lock = " FOR NO KEY UPDATE" if sql.dialect() == "postgres" else ""
    locked = await sql.records(
        "SELECT id, role, is_active FROM member WHERE workspace_id = ?"
        f" AND (role = 'OWNER' OR id = ? OR id = ?) ORDER BY id{lock}",
        workspace_id,
        member_id,
        membership.member_id or 0,
    )
    roles = {row[0]: Role(row[1]) for row in locked if row[2]}
    own = membership.member_id
    if own is not None and roles.get(own) is not membership.role:
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.")
    owners = [key for key, role in roles.items() if role is Role.OWNER]
    return await get_member(viewer, member_id), owners


async def hold_team(workspace_id: int, team_id: int) -> None:
    """Keep a team of a workspace from being deleted until the transaction ends."""
    lock = " FOR KEY SHARE" if sql.dialect() == "postgres" else ""
    found = await sql.records(
        f"SELECT id FROM team WHERE id = ? AND workspace_id = ?{lock}", team_id, workspace_id
    )
    if not found:
        raise hidden(("teamId",))
