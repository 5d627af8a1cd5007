"""Builds random worlds: all rows at once, with keys that are known before."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from models.ai_agent import AiAgent
from models.api_key import ApiKey
from models.attachment import (
    Attachment,
    AttachmentKind,
    AttachmentState,
    CommentAttachment,
    MessageAttachment,
)
from models.channel import Channel, ChannelKind
from models.clock import now
from models.comment import Comment
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.episode import ChangeSource
from models.member import Member, Role, Visibility
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.search_entry import CommentEntry, MessageEntry
from models.session import Session
from models.team import Team
from models.terms import entry_of
from models.user import User
from resolvers.workspace import add_workspace
from tests.random_worlds import USERS, WORD, WORKSPACES, Person, Place, Plan, Thread, Worlds

_keys: Iterator[int] = count(1000)


async def build(plan: Plan) -> Worlds:
    """Make the worlds of a plan, with a session of each user and a program's key."""
    worlds, (people, threads) = Worlds(), plan
    users = [await _user() for _ in range(USERS)]
    for number in range(WORKSPACES):
        place = await _place()
        own = people[number * USERS :][:USERS]
        for user, person in zip(users, own, strict=True):
            place.members.append(_member(place, user, person))
        owner = Person(Role.OWNER, Visibility.ALL, None, frozenset(), is_active=True)
        place.members.append(_member(place, await _user(), owner))
        await Member.bulk_create(place.members)
        worlds.places.append(place)
        await _fill(worlds, place, threads[number])
    for user in users:
        worlds.credentials[f"session:{(await _session(user)).id}"] = user.id
    key = await ApiKey.create(
        workspace_id=worlds.places[0].key, name="K", key_hash=f"{next(_keys)}", created_at=now()
    )
    worlds.credentials[f"api_key:{key.id}"] = 0
    return worlds


async def _user() -> User:
    email = f"{next(_keys)}@parley.test"
    return await User.create(email=email, name="U", password_hash="", created_at=now())


async def _session(user: User) -> Session:
    return await Session.create(
        user_id=user.id,
        token_hash=f"{next(_keys)}",
        refresh_hash=f"{next(_keys)}",
        expires_at=now() + timedelta(hours=1),
        refresh_expires_at=now() + timedelta(hours=1),
        created_at=now(),
    )


async def _place() -> Place:
    own = {"workspace_id": (await add_workspace("W")).id}
    teams: list[int | None] = [(await Team.create(**own, name=name)).id for name in "AB"]
    ai = await AiAgent.create(**own, name="Bot", created_at=now())
    channel = await Channel.create(
        **own,
        kind=ChannelKind.CUSTOM,
        name="C",
        handle=f"{next(_keys)}",
        base_url="",
        token="",
        created_at=now(),
    )
    return Place(own["workspace_id"], teams, ai.id, channel.id)


def _member(place: Place, user: User, person: Person) -> Member:
    columns = person.columns(place.teams)
    own = {"workspace_id": place.key, "user_id": user.id, "created_at": now()}
    return Member(id=next(_keys), **own, **columns)


async def _fill(worlds: Worlds, place: Place, threads: list[Thread]) -> None:
    """Add conversations to a place, with all that is in them."""
    made = [_thread(place, thread) for thread in threads]
    await Contact.bulk_create([contact for contact, _, _ in made])
    await ContactChannel.bulk_create([identity for _, identity, _ in made])
    place.conversations += [row for _, _, row in made]
    await Conversation.bulk_create(place.conversations)
    lines = [
        _line(place, row, seq, what)
        for row, thread in zip(place.conversations, threads, strict=True)
        for seq, what in enumerate(thread.lines, 1)
    ]
    messages = [one for one in lines if isinstance(one, Message)]
    comments = [one for one in lines if isinstance(one, Comment)]
    await Message.bulk_create(messages)
    await Comment.bulk_create(comments)
    terms = entry_of(place.key, WORD) or ""
    await MessageEntry.bulk_create(
        [MessageEntry(message_id=one.id, terms=terms) for one in messages]
    )
    await CommentEntry.bulk_create(
        [CommentEntry(comment_id=one.id, terms=terms) for one in comments if one.text]
    )
    worlds.lines += lines
    with_file = {
        (row.id, seq)
        for row, thread in zip(place.conversations, threads, strict=True)
        for seq, what in enumerate(thread.lines, 1)
        if what.isupper()
    }
    await _attach(worlds, place, [o for o in lines if (o.conversation_id, o.seq) in with_file])


def _thread(place: Place, thread: Thread) -> tuple[Contact, ContactChannel, Conversation]:
    """Return a contact whom a channel knows, and the conversation with them."""
    key, own, moment = next(_keys), {"workspace_id": place.key}, now()
    names = {"first_name": WORD, "search_text": WORD, "name_text": WORD}
    identity = ContactChannel(
        id=key, contact_id=key, channel_id=place.channel, external_id=f"{key}", created_at=moment
    )
    row = Conversation(
        id=next(_keys),
        **own,
        contact_id=key,
        last_message_at=moment,
        created_at=moment,
        **thread.columns(place.members, place.teams, place.ai),
    )
    return Contact(id=key, **own, **names, created_at=moment), identity, row


def _line(place: Place, row: Conversation, seq: int, what: str) -> Message | Comment:
    """Return a message or a comment."""
    own = {"id": next(_keys), "workspace_id": place.key, "conversation_id": row.id, "seq": seq}
    own |= {"created_at": now()}
    if what in "mM":
        return Message(
            **own,
            contact_channel_id=row.contact_id,
            channel_id=place.channel,
            incoming_count=seq,
            direction=Direction.INCOMING,
            kind=MessageKind.TEXT,
            source=MessageSource.CONTACT,
            text=WORD,
            status=MessageStatus.RECEIVED,
        )
    gone = now() if what == "d" else None
    return Comment(
        **own,
        source=ChangeSource.USER,
        actor="user:1",
        text=None if gone else WORD,
        deleted_at=gone,
    )


async def _attach(worlds: Worlds, place: Place, lines: list[Message | Comment]) -> None:
    """Give each of these lines a file."""
    files = [
        Attachment(
            id=line.id,
            workspace_id=place.key,
            actor="",
            secret="",
            state=AttachmentState.WAITING,
            kind=AttachmentKind.DOCUMENT,
            file_name="a.pdf",
            content_type="",
            byte_size=1,
            created_at=now(),
        )
        for line in lines
    ]
    await Attachment.bulk_create(files)
    for line in lines:
        worlds.files[line.id] = line.conversation_id
    await MessageAttachment.bulk_create(
        [
            MessageAttachment(message_id=line.id, attachment_id=line.id, position=0)
            for line in lines
            if isinstance(line, Message)
        ]
    )
    await CommentAttachment.bulk_create(
        [
            CommentAttachment(comment_id=line.id, attachment_id=line.id, position=0)
            for line in lines
            if isinstance(line, Comment)
        ]
    )
