"""Mail as tests write it: a mailbox that is connected, and raw mail that comes to it."""

from typing import Any

from models.channel import Channel
from models.email_account import SmtpSecurity
from models.message import Message
from resolvers.email_channel import Mailbox, accept_mail, connect_email_channel
from tests.world import World, run_jobs

OWN = "shop@shop.test"


async def connect_mail(world: World, port: int = 9, **options: Any) -> Channel:
    """Connect a mailbox that sends through a server of this machine."""
    mailbox = Mailbox(OWN, "The Shöp", "127.0.0.1", port, SmtpSecurity.NONE)
    viewer = await world.owner.viewer()
    return await connect_email_channel(
        viewer, world.workspace.id, name="Mail", mailbox=mailbox, **options
    )


async def bring(channel: Channel, body: bytes) -> int:
    """Hand a raw mail on, and process it; return whether it was new."""
    headers = {"Authorization": f"Bearer {channel.token}"}
    fresh = await accept_mail(channel.handle, body, headers)
    await run_jobs()
    return fresh


def raw(
    text: str = "Hello",
    *,
    message_id: str = "<1@home.test>",
    sender: str = "Carla Diaz <Carla@Home.test>",
    subject: str = "Red shoes",
    **headers: str,
) -> bytes:
    """Return a plain mail."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"From: {sender}\r\nTo: {OWN}\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n"
        f"Date: Tue, 03 Nov 2026 10:00:00 +0100\r\n{more}\r\n{text}"
    ).encode()


async def written(channel: Channel, body: bytes) -> Message:
    """Let a mail come in, and return the message that it became."""
    assert await bring(channel, body) == 1
    message = await Message.filter(channel_id=channel.id).order_by("-id").first()
    assert message is not None
    return message
