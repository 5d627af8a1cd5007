"""Rows by keys: what the loaders and the streams ask for, many at once, whoever asks."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from models.activity import Activity
from models.channel import Channel
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.episode import Episode
from models.member import Member
from models.message import Message
from models.team import Team
from models.user import User
from models.workspace import Workspace
from realtime.events import (
    CredentialRevoked,
    MemberChanged,
    MessageAdded,
    MessageStatusChanged,
)
from realtime.log import Logged
from resolvers.access import Viewer
from resolvers.page import Page, PageRequest, cut, decode_key, encode_key

Item = TypeVar("Item", Message, Activity)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event with the rows that it speaks of, read once for all who get it; None where erased."""

    logged: Logged
    conversation: Conversation | None
    message: Message | None
    member: Member | None


async def conversations_by_id(ids: Collection[int]) -> dict[int, Conversation]:
    """Return conversations with contact and assignee."""
    rows = await Conversation.filter(id__in=set(ids)).select_related("contact", "assignee__user")
    return {row.id: row for row in rows}


async def conversations_by_contact(ids: Collection[int]) -> dict[int, Conversation]:
    """Return the conversation of each contact, with contact and assignee."""
    rows = await Conversation.filter(contact_id__in=set(ids)).select_related(
        "contact", "assignee__user"
    )
    return {row.contact_id: row for row in rows}


async def contacts_by_id(ids: Collection[int]) -> dict[int, Contact]:
    """Return contacts."""
    return {row.id: row for row in await Contact.filter(id__in=set(ids))}


async def messages_by_id(ids: Collection[int]) -> dict[int, Message]:
    """Return messages."""
    return {row.id: row for row in await Message.filter(id__in=set(ids))}


async def members_by_id(ids: Collection[int]) -> dict[int, Member]:
    """Return members with their user."""
    rows = await Member.filter(id__in=set(ids)).select_related("user")
    return {row.id: row for row in rows}


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
) -> dict[tuple[str, int], Member | Contact]:
    """Return who wrote: the contact of a conversation, or a member."""
    conversations = {key for kind, key in keys if kind == "contact"}
    members = {key for kind, key in keys if kind == "member"}
    found: dict[tuple[str, int], Member | Contact] = {}
    if conversations:
        for contact in await Contact.filter(conversation__id__in=conversations).select_related(
            "conversation"
        ):
            found["contact", contact.conversation.id] = contact
    if members:
        for key, member in (await members_by_id(members)).items():
            found["member", key] = member
    return found


async def timelines(
    keys: Collection[tuple[int, PageRequest]],
) -> dict[tuple[int, PageRequest], Page[Message | Activity]]:
    """Return pages of timelines, for pairs of conversation and page."""
    found = {}
    for request in {request for _, request in keys}:
        ids = [conversation for conversation, other in keys if other == request]
        for conversation, page in (await timeline_pages(ids, request)).items():
            found[conversation, request] = page
    return found


async def threads(
    keys: Collection[tuple[int, PageRequest]],
) -> dict[tuple[int, PageRequest], Page[Message]]:
    """Return pages of messages, for pairs of conversation and page."""
    found = {}
    for request in {request for _, request in keys}:
        ids = [conversation for conversation, other in keys if other == request]
        for conversation, page in (await message_pages(ids, request)).items():
            found[conversation, request] = page
    return found


async def users_by_id(ids: Collection[int]) -> dict[int, User]:
    """Return users."""
    return {row.id: row for row in await User.filter(id__in=set(ids))}


async def teams_by_id(ids: Collection[int]) -> dict[int, Team]:
    """Return teams."""
    return {row.id: row for row in await Team.filter(id__in=set(ids))}


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
    rows = await sql.rows(
        "SELECT member_id, conversation_id, incoming_read FROM read_mark"
        f" WHERE member_id IN ({sql.marks(members)})"
        f" AND conversation_id IN ({sql.marks(conversations)})",
        *members,
        *conversations,
    )
    return {(row["member_id"], row["conversation_id"]): row["incoming_read"] for row in rows}


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


async def _first_ids(
    table: str,
    order: str,
    conversations: set[int],
    limit: int,
    *,
    between: tuple[int | None, int | None] = (None, None),
) -> list[int]:
    """Return the ids of the first rows of each conversation, within `seq` bounds; one statement."""
    after, before = between
    bounds = " AND seq > ?" * (after is not None) + " AND seq < ?" * (before is not None)
    rows = await sql.rows(
        "SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY conversation_id"
        f" ORDER BY {order}) AS place FROM {table}"
        f" WHERE conversation_id IN ({sql.marks(conversations)}){bounds}) ranked"
        f" WHERE place <= {int(limit)}",
        *conversations,
        *(bound for bound in between if bound is not None),
    )
    return [row["id"] for row in rows]


async def timeline_pages(
    conversations: Sequence[int], request: PageRequest
) -> dict[int, Page[Message | Activity]]:
    """Return the same page of the timeline of each conversation, oldest first."""
    messages = await _items(Message, conversations, request)
    activities = await _items(Activity, conversations, request)
    pages = {}
    for conversation in conversations:
        items: list[Message | Activity] = sorted(
            [*messages[conversation], *activities[conversation]],
            key=lambda item: item.seq,
            reverse=request.backward,
        )
        items = items[: request.size + 1]
        pages[conversation] = cut(items, [encode_key(item.seq) for item in items], request)
    return pages


async def message_pages(
    conversations: Sequence[int], request: PageRequest
) -> dict[int, Page[Message]]:
    """Return the same page of the messages of each conversation, oldest first."""
    found = await _items(Message, conversations, request)
    return {
        conversation: cut(items, [encode_key(item.seq) for item in items], request)
        for conversation, items in ((one, found[one]) for one in conversations)
    }


async def _items(
    table: type[Item], conversations: Sequence[int], request: PageRequest
) -> dict[int, list[Item]]:
    """Return up to size + 1 rows of each conversation, from the side that was asked."""
    after = decode_key(request.after, "after", int)[0] if request.after is not None else None
    before = decode_key(request.before, "before", int)[0] if request.before is not None else None
    order = "-seq" if request.backward else "seq"
    if len(conversations) == 1:
        query = table.filter(conversation_id=conversations[0])
        if after is not None:
            query = query.filter(seq__gt=after)
        if before is not None:
            query = query.filter(seq__lt=before)
        return {conversations[0]: await query.order_by(order).limit(request.size + 1)}
    ids = await _first_ids(
        table._meta.db_table,
        "seq DESC" if request.backward else "seq",
        set(conversations),
        request.size + 1,
        between=(after, before),
    )
    found: dict[int, list[Item]] = {conversation: [] for conversation in conversations}
    for row in await table.filter(id__in=ids).order_by(order):
        found[row.conversation_id].append(row)
    return found


async def hydrate(events: Sequence[Logged]) -> list[Delivery]:
    """Return events with their rows: each row is read once, however many follow."""
    facts = [event.fact for event in events]
    conversation_ids = {
        fact.conversation_id
        for fact in facts
        if not isinstance(fact, MemberChanged | CredentialRevoked)
    }
    message_ids = {
        fact.message_id for fact in facts if isinstance(fact, MessageAdded | MessageStatusChanged)
    }
    member_ids = {fact.member_id for fact in facts if isinstance(fact, MemberChanged)}
    conversations = await conversations_by_id(conversation_ids) if conversation_ids else {}
    messages = await messages_by_id(message_ids) if message_ids else {}
    members = await members_by_id(member_ids) if member_ids else {}
    return [
        Delivery(
            event,
            conversations.get(getattr(event.fact, "conversation_id", 0)),
            messages.get(getattr(event.fact, "message_id", 0)),
            members.get(event.fact.member_id) if isinstance(event.fact, MemberChanged) else None,
        )
        for event in events
    ]
