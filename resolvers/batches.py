"""Rows by keys: what the loaders and the streams ask for, many at once, whoever asks."""

from collections import defaultdict
from collections.abc import Collection

from models.channel import Channel
from models.clock import now
from models.closing_note_category import ClosingNoteCategory
from models.contact_channel import ContactChannel
from models.engine import sql
from models.episode import Episode
from models.invitation import Invitation
from models.member import Member
from models.queries import read, read_conversations, read_members
from models.records import (
    AI_AGENTS,
    COMMENTS,
    MESSAGES,
    AiAgentRecord,
    CommentRecord,
    ContactRecord,
    ConversationRecord,
    MemberRecord,
    MessageRecord,
)
from models.scheduled_message import ScheduledMessage
from models.snippet import SNIPPETS, SnippetRecord
from models.team import Team
from models.transfer import Transfer
from models.user import User
from models.workspace import Workspace
from resolvers.viewer import Viewer


async def conversations_by_id(ids: Collection[int]) -> dict[int, ConversationRecord]:
    """Return conversations with contact and assignee."""
    rows = await read_conversations(f"WHERE {sql.among('c.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def conversations_by_contact(ids: Collection[int]) -> dict[int, ConversationRecord]:
    """Return the conversation of each contact, with contact and assignee."""
    rows = await read_conversations(f"WHERE {sql.among('c.contact_id')}", sql.group(ids))
    return {row.contact_id: row for row in rows}


async def contacts_of_conversations(ids: Collection[int]) -> dict[int, int]:
    """Return whose each conversation is."""
    rows = await sql.records(
        f"SELECT id, contact_id FROM conversation WHERE {sql.among('id')}", sql.group(ids)
    )
    return {row[0]: row[1] for row in rows}


async def contacts_after_merges(ids: Collection[int]) -> dict[int, int]:
    """Return, for contacts who were merged into another one, who they are by now."""
    rows = await sql.records(
        f"SELECT merged_id, contact_id FROM merged_contact WHERE {sql.among('merged_id')}",
        sql.group(ids),
    )
    return {row[0]: row[1] for row in rows}


async def messages_by_id(ids: Collection[int]) -> dict[int, MessageRecord]:
    """Return messages."""
    rows = await read(MESSAGES, f"WHERE {sql.among('t.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def comments_by_id(ids: Collection[int]) -> dict[int, CommentRecord]:
    """Return comments, also deleted ones."""
    rows = await read(COMMENTS, f"WHERE {sql.among('t.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def messages_beyond_retry(ids: Collection[int]) -> dict[int, bool]:
    """Return, for messages that cannot be sent again whatever their status, that it is so.

    A retry of them is on its way or has arrived, or their contact is blocked.
    """
    rows = await sql.records(
        f"SELECT retry_of_id FROM message WHERE status <> 'FAILED' AND {sql.among('retry_of_id')}"
        " UNION SELECT t.id FROM message t JOIN conversation c ON c.id = t.conversation_id"
        f" WHERE c.blocked_at IS NOT NULL AND {sql.among('t.id')}",
        sql.group(ids),
        sql.group(ids),
    )
    return {row[0]: True for row in rows}


async def blocked_contacts(ids: Collection[int]) -> dict[int, bool]:
    """Return, for contacts who are blocked, that they are."""
    rows = await sql.records(
        "SELECT contact_id FROM conversation WHERE blocked_at IS NOT NULL"
        f" AND {sql.among('contact_id')}",
        sql.group(ids),
    )
    return {row[0]: True for row in rows}


async def members_by_id(ids: Collection[int]) -> dict[int, MemberRecord]:
    """Return members with their user."""
    rows = await read_members(f"WHERE {sql.among('m.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def members_of_teams(ids: Collection[int]) -> dict[int, list[MemberRecord]]:
    """Return the active members of each team, by name."""
    rows = await read_members(
        f"WHERE m.is_active = ? AND {sql.among('m.team_id')} ORDER BY u.name, m.id",
        True,
        sql.group(ids),
    )
    found: dict[int, list[MemberRecord]] = defaultdict(list)
    for row in rows:
        if row.team_id is not None:
            found[row.team_id].append(row)
    return found


async def working_hours_of_members(ids: Collection[int]) -> dict[int, str]:
    """Return the working hours of members who have some of their own, as their rows keep them."""
    rows = await sql.records(
        "SELECT id, working_hours FROM member"
        f" WHERE working_hours IS NOT NULL AND {sql.among('id')}",
        sql.group(ids),
    )
    return {row[0]: row[1] for row in rows}


async def memberships_of_users(ids: Collection[int]) -> dict[int, list[Workspace]]:
    """Return the workspaces in which users are active members, by name."""
    rows = (
        await Member.filter(user_id__in=set(ids), is_active=True)
        .select_related("workspace")
        .order_by("workspace__name", "id")
    )
    found: dict[int, list[Workspace]] = defaultdict(list)
    for row in rows:
        found[row.user_id].append(row.workspace)
    return found


async def shared_workspaces(
    keys: Collection[tuple[Viewer, int]],
) -> dict[tuple[Viewer, int], list[Workspace]]:
    """Return the workspaces that viewers share with users, by name."""
    found = await memberships_of_users({user_id for _, user_id in keys})
    return {
        (viewer, user_id): [row for row in found[user_id] if row.id in viewer.memberships]
        for viewer, user_id in keys
    }


async def authors(
    keys: Collection[tuple[str, int]],
) -> dict[tuple[str, int], MemberRecord | ContactRecord]:
    """Return who wrote: the contact of a conversation, or a member."""
    conversations = {key for kind, key in keys if kind == "contact"}
    members = {key for kind, key in keys if kind == "member"}
    found: dict[tuple[str, int], MemberRecord | ContactRecord] = {}
    if conversations:
        for key, conversation in (await conversations_by_id(conversations)).items():
            found["contact", key] = conversation.contact
    if members:
        for key, member in (await members_by_id(members)).items():
            found["member", key] = member
    return found


async def ai_agents_by_id(ids: Collection[int]) -> dict[int, AiAgentRecord]:
    """Return AI agents."""
    rows = await read(AI_AGENTS, f"WHERE {sql.among('t.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def assignees(
    keys: Collection[tuple[str, int]],
) -> dict[tuple[str, int], MemberRecord | AiAgentRecord]:
    """Return who looks after conversations: members and AI agents."""
    members = {key for kind, key in keys if kind == "member"}
    agents = {key for kind, key in keys if kind == "ai_agent"}
    found: dict[tuple[str, int], MemberRecord | AiAgentRecord] = {}
    if members:
        found |= {("member", key): row for key, row in (await members_by_id(members)).items()}
    if agents:
        found |= {("ai_agent", key): row for key, row in (await ai_agents_by_id(agents)).items()}
    return found


async def users_by_id(ids: Collection[int]) -> dict[int, User]:
    """Return users."""
    return {row.id: row for row in await User.filter(id__in=set(ids))}


async def teams_by_id(ids: Collection[int]) -> dict[int, Team]:
    """Return teams."""
    return {row.id: row for row in await Team.filter(id__in=set(ids))}


async def transfers_by_id(ids: Collection[int]) -> dict[int, Transfer]:
    """Return imports and exports."""
    return {row.id: row for row in await Transfer.filter(id__in=set(ids))}


async def workspaces_by_id(ids: Collection[int]) -> dict[int, Workspace]:
    """Return workspaces."""
    return {row.id: row for row in await Workspace.filter(id__in=set(ids))}


async def closing_note_categories_by_id(ids: Collection[int]) -> dict[int, ClosingNoteCategory]:
    """Return closing-note categories."""
    return {row.id: row for row in await ClosingNoteCategory.filter(id__in=set(ids))}


async def scheduled_messages_by_id(ids: Collection[int]) -> dict[int, ScheduledMessage]:
    """Return scheduled messages."""
    return {row.id: row for row in await ScheduledMessage.filter(id__in=set(ids))}


async def snippets_by_id(ids: Collection[int]) -> dict[int, SnippetRecord]:
    """Return snippets."""
    rows = await read(SNIPPETS, f"WHERE {sql.among('t.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def invitations_by_id(ids: Collection[int]) -> dict[int, Invitation]:
    """Return invitations."""
    return {row.id: row for row in await Invitation.filter(id__in=set(ids))}


async def pending_invitations(workspace_id: int) -> list[Invitation]:
    """Return the invitations of a workspace that can still be accepted, the newest first."""
    return await Invitation.filter(
        workspace_id=workspace_id, accepted_at=None, revoked_at=None, expires_at__gt=now()
    ).order_by("-id")


async def channels_by_id(ids: Collection[int]) -> dict[int, Channel]:
    """Return channels."""
    return {row.id: row for row in await Channel.filter(id__in=set(ids))}


async def channels_of_contacts(ids: Collection[int]) -> dict[int, list[ContactChannel]]:
    """Return the identities of each contact, the one used last first, with their channel."""
    rows = await ContactChannel.filter(contact_id__in=set(ids)).select_related("channel")
    found: dict[int, list[ContactChannel]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.last_message_at or row.created_at, reverse=True):
        found[row.contact_id].append(row)
    return found


async def read_counts(keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return how many incoming messages were read, for pairs of member and conversation."""
    members = {member for member, _ in keys}
    conversations = {conversation for _, conversation in keys}
    rows = await sql.records(
        "SELECT member_id, conversation_id, incoming_read FROM read_mark"
        f" WHERE {sql.among('member_id')} AND {sql.among('conversation_id')}",
        sql.group(members),
        sql.group(conversations),
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def newest_episodes(
    keys: Collection[tuple[int, int]],
) -> dict[tuple[int, int], list[Episode]]:
    """Return the newest episodes of conversations, for pairs of conversation and limit."""
    most = max(limit for _, limit in keys)
    ids = await _first_ids(
        "episode", "opened_at DESC, id DESC", {conversation for conversation, _ in keys}, most
    )
    found: dict[int, list[Episode]] = defaultdict(list)
    for row in await Episode.filter(id__in=ids).order_by("-opened_at", "-id"):
        found[row.conversation_id].append(row)
    return {key: found[key[0]][: key[1]] for key in keys}


async def _first_ids(table: str, order: str, conversations: set[int], limit: int) -> list[int]:
    """Return the ids of the first rows of each conversation; one statement."""
    rows = await sql.rows(
        "SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY conversation_id"
        f" ORDER BY {order}) AS place FROM {table}"
        f" WHERE {sql.among('conversation_id')}) ranked WHERE place <= {int(limit)}",
        sql.group(conversations),
    )
    return [row["id"] for row in rows]
