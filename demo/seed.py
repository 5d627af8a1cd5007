"""Filling an empty database with the demo shop, through the same resolvers that people use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from connectors.channels import custom
from demo.shop import (
    BY_HAND,
    CHANNEL,
    COLLEAGUES,
    OWNER,
    SHOP,
    TEAMS,
    THREADS,
    TIME_ZONE,
    Answered,
    Assigned,
    Closed,
    Snoozed,
    Step,
    Thread,
    WasRead,
    Wrote,
)
from models.channel import Channel
from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.member import Member
from models.message import Message, MessageStatus
from models.queries import lock_conversation
from models.records import MessageRow
from models.team import Team
from models.user import User
from models.workspace import Workspace
from realtime.log import Head
from realtime.transaction import transaction
from resolvers.assignment import assign_conversation
from resolvers.channel import connect_channel
from resolvers.closing import close_conversation
from resolvers.contact import create_contact
from resolvers.contact_details import clean_details
from resolvers.delivery import report_status
from resolvers.inbound import receive
from resolvers.message import send_message
from resolvers.read_mark import mark_conversation_read
from resolvers.snooze import snooze_conversation
from resolvers.viewer import Membership, Viewer
from resolvers.workspace import add_member, add_user, add_workspace

NOBODY_LISTENS = "http://127.0.0.1:8010"
"""Where the shop's messages go until customers run: they stay PENDING and are tried again."""
STORIES: Mapping[MessageStatus, tuple[MessageStatus, ...]] = {
    MessageStatus.DELIVERED: (MessageStatus.SENT, MessageStatus.DELIVERED),
    MessageStatus.READ: (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ),
    MessageStatus.FAILED: (MessageStatus.SENT, MessageStatus.FAILED),
}
"""What the vendor reports about a message until it has come as far as it has."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo workspace as it stands in the database."""

    workspace_id: int
    owner: Viewer
    channel: Channel


async def seed(password: str) -> Demo | None:
    """Fill an empty database with the demo shop; return it, or None where others live there.

    Each conversation is one transaction: interrupted, the next start goes on behind the last one.
    """
    demo = await find_demo()
    if demo is None:
        if await Workspace.exists():
            return None
        demo = await _open_shop(password)
    colleagues = await _colleagues(demo.workspace_id)
    for thread in THREADS:
        if not await _is_known(demo.channel, thread):
            async with transaction():
                await _tell(thread, demo.channel, colleagues)
    return demo


async def find_demo() -> Demo | None:
    """Return the demo workspace of this database, None if there is none."""
    owner = await Member.filter(user__email=OWNER.email).order_by("id").first()
    if owner is None:
        return None
    channel = await Channel.filter(workspace_id=owner.workspace_id).order_by("id").first()
    if channel is None:
        return None
    return Demo(owner.workspace_id, _viewer(owner), channel)


async def first_conversation(demo: Demo) -> Conversation:
    """Return the conversation that GraphiQL's tabs begin with."""
    known = await ContactChannel.get(channel_id=demo.channel.id, external_id=THREADS[0].phone)
    return await Conversation.get(contact_id=known.contact_id)


async def move_channel(demo: Demo, base_url: str) -> Demo:
    """Send the shop's messages to another address from now on; return the demo as it then is."""
    await Channel.filter(id=demo.channel.id).update(base_url=base_url)
    return replace(demo, channel=await Channel.get(id=demo.channel.id))


def _viewer(member: Member) -> Viewer:
    """Return a colleague as the one who acts; no session is opened for it."""
    membership = Membership(
        workspace_id=member.workspace_id,
        member_id=member.id,
        role=member.role,
        visibility=member.visibility,
        team_id=member.team_id,
        restrictions=member.restrictions,
        head=Head(0, 0, ""),
    )
    return Viewer("session:0", member.user_id, {member.workspace_id: membership}, None, None)


async def _open_shop(password: str) -> Demo:
    """Make the workspace with its people, teams, channel and first contacts, all or nothing."""
    async with transaction():
        workspace = await add_workspace(SHOP, time_zone=TIME_ZONE)
        teams = {name: await Team.create(workspace_id=workspace.id, name=name) for name in TEAMS}
        for colleague in COLLEAGUES:
            user = await add_user(
                colleague.email, colleague.name, password, language=colleague.language
            )
            await add_member(
                workspace.id,
                user.id,
                colleague.role,
                visibility=colleague.visibility,
                team_id=teams[colleague.team].id if colleague.team else None,
            )
        owner = _viewer((await _colleagues(workspace.id))[OWNER.key])
        channel = await connect_channel(
            owner,
            workspace.id,
            name=CHANNEL,
            base_url=NOBODY_LISTENS,
            accepts_idempotency_key=True,
        )
        for details in BY_HAND:
            await create_contact(owner, workspace.id, clean_details(**details))
    return Demo(workspace.id, owner, channel)


async def _colleagues(workspace_id: int) -> dict[str, Member]:
    """Return the shop's people by their key in the story."""
    emails = {colleague.email: colleague.key for colleague in COLLEAGUES}
    users = {user.id: emails[user.email] for user in await User.filter(email__in=emails)}
    members = await Member.filter(workspace_id=workspace_id, user_id__in=users)
    return {users[member.user_id]: member for member in members}


async def _is_known(channel: Channel, thread: Thread) -> bool:
    return await ContactChannel.exists(channel_id=channel.id, external_id=thread.phone)


async def _tell(thread: Thread, channel: Channel, colleagues: Mapping[str, Member]) -> None:
    """Let everything of a story happen, in its order."""
    for number, step in enumerate(thread.steps):
        if isinstance(step, Wrote):
            await _write(thread, channel, number, step.text)
        else:
            known = await ContactChannel.get(channel_id=channel.id, external_id=thread.phone)
            conversation = await Conversation.get(contact_id=known.contact_id)
            await _act(step, conversation.id, colleagues, f"{channel.handle}-{known.id}-{number}")


async def _write(thread: Thread, channel: Channel, number: int, text: str) -> None:
    """Let the contact write, read from the same JSON that the webhook takes."""
    event = {
        "type": "message",
        "mId": f"seed-{thread.phone}-{number}",
        "message": {"type": "text", "text": text},
    }
    body = {
        "channelId": channel.handle,
        "contactId": thread.phone,
        "events": [event],
        "contact": thread.profile,
    }
    async with transaction() as announce:
        for item in custom.decode(msgspec.json.encode(body)):
            await receive(channel, item, announce)


async def _act(
    step: Step, conversation_id: int, colleagues: Mapping[str, Member], external_id: str
) -> None:
    """Let a colleague do their part of the story."""
    match step:
        case Answered(by, text, status):
            message = await send_message(_viewer(colleagues[by]), conversation_id, text=text)
            await _report(message, status, external_id)
        case Assigned(by, to):
            await assign_conversation(
                _viewer(colleagues[by]), conversation_id, assignee_id=colleagues[to].id
            )
        case Snoozed(by, minutes):
            until = now() + timedelta(minutes=minutes)
            await snooze_conversation(_viewer(colleagues[by]), conversation_id, until=until)
        case Closed(by):
            await close_conversation(_viewer(colleagues[by]), conversation_id)
        case WasRead(by):
            await mark_conversation_read(_viewer(colleagues[by]), conversation_id)


async def _report(message: MessageRow, status: MessageStatus, external_id: str) -> None:
    """Let the vendor tell how far a message came; its delivery then finds nothing left to do."""
    async with transaction() as announce:
        await lock_conversation(message.conversation_id)
        message = await Message.get(id=message.id)
        message.external_id = external_id
        failure = ("PROVIDER", "The contact's phone is switched off.")
        for reached in STORIES[status]:
            await report_status(message, reached, announce, failure=failure)
