"""Files of scheduled messages: held until their moment, then sent, or given back."""

import asyncio
from datetime import timedelta
from typing import Any

from models.attachment import Attachment, AttachmentState
from models.channel import Channel
from models.clock import now
from models.contact_channel import ContactChannel
from models.engine import sql
from models.message import Message
from models.scheduled_message import ScheduledMessage
from resolvers.block import block_contact
from resolvers.email_message import Envelope
from resolvers.file_erasure import collect_loose_files
from resolvers.message import send_message
from resolvers.schedule import Plan, cancel_scheduled_message, schedule_message
from resolvers.snippet import create_snippet, delete_snippet
from tests.mail import OWN, connect_mail
from tests.vendor import vendor_server
from tests.world import World, let_time_pass, run_jobs

AN_HOUR = 3700.0


async def planned(world: World, row: Message, *files: Attachment, **options: Any) -> Any:
    """Schedule files for in an hour."""
    viewer = await world.owner.viewer()
    ids = tuple(file.id for file in files)
    plan = Plan("Later", now() + timedelta(hours=1), file_ids=ids, **options)
    return await schedule_message(viewer, row.conversation_id, plan)


async def uploaded(world: World, name: str) -> Attachment:
    """Put a file of the owner's there that belongs to nothing."""
    return await Attachment.create(
        workspace_id=world.workspace.id,
        actor=(await world.owner.viewer()).actor,
        secret="s",
        state=AttachmentState.READY,
        kind="DOCUMENT",
        file_name=name,
        content_type="text/plain",
        byte_size=1,
        storage_key=name,
        sha256="0" * 64,
        loose_since=now(),
        created_at=now(),
    )


ENDS = {
    "window": ("FAILED", "WINDOW_CLOSED"),
    "channel": ("FAILED", "NO_CHANNEL"),
    "reply": ("CANCELLED", None),
    "block": ("CANCELLED", None),
    "sent": ("SENT", None),
}


async def test_what_cannot_go_when_its_moment_comes_gives_its_files_back(world: World) -> None:
    async with vendor_server() as vendor:
        await world.connect(vendor.url, messaging_window_hours=1)
        other = await world.connect()
        rows, files = {}, {}
        for name in ENDS:
            heard, files[name] = await world.hear(sender=name), await uploaded(world, name)
            if name == "channel":
                own = ContactChannel.filter(channel_id=world.channels[0].id, external_id=name)
                await own.update(channel_id=other.id)
            rows[name] = await planned(world, heard, files[name], cancel_on_reply=name == "reply")
        await ContactChannel.filter(external_id="window").update(
            last_incoming_at=now() - timedelta(hours=1)
        )
        await Channel.filter(id=other.id).update(is_connected=False)
        await world.hear("Never mind", sender="reply")
        blocked = await Message.get(conversation_id=rows["block"].conversation_id).select_related(
            "conversation"
        )
        await block_contact(await world.owner.viewer(), blocked.conversation.contact_id)
        await let_time_pass(AN_HOUR)
        await run_jobs()
    ends = {}
    for name, row in rows.items():
        found = await ScheduledMessage.get(id=row.id)
        ends[name] = (found.state.value, found.failure_code)
        assert ((await Attachment.get(id=files[name].id)).loose_since is None) == (name == "sent")
    assert ends == ENDS
    assert await sql.rows("SELECT 1 FROM scheduled_message_attachment") == []
    await Attachment.filter(loose_since__isnull=False).update(loose_since=now() - timedelta(days=2))
    await collect_loose_files()
    left = await Attachment.exclude(state=AttachmentState.GONE)
    assert [row.file_name for row in left] == ["sent"]


async def test_a_snippets_file_is_held_after_the_snippet(world: World) -> None:
    viewer, file = await world.owner.viewer(), await uploaded(world, "shared")
    snippet = await create_snippet(
        viewer, world.workspace.id, name="Prices", attachment_ids=[file.id]
    )
    heard, kim = await world.hear(), await world.hear(sender="kim")
    waiting = [await planned(world, row, file) for row in (heard, kim, heard, kim)]
    await send_message(viewer, heard.conversation_id, attachment_ids=[file.id])
    await Message.filter(direction="OUTGOING").delete()
    await delete_snippet(viewer, snippet.id)
    assert (await Attachment.get(id=file.id)).state is AttachmentState.READY
    await asyncio.gather(*(cancel_scheduled_message(viewer, row.id) for row in waiting[:2]))
    assert (await Attachment.get(id=file.id)).loose_since is None
    await asyncio.gather(*(cancel_scheduled_message(viewer, row.id) for row in waiting[2:]))
    assert (await Attachment.get(id=file.id)).loose_since is not None


async def test_a_first_mail_is_planned_with_its_subject(world: World) -> None:
    channel = await connect_mail(world)
    row = await world.conversation("Dora", email="dora@x.test")
    plan = Plan("Hello", now() + timedelta(hours=1), email=Envelope("News", cc=("a@b.cc",)))
    await schedule_message(await world.owner.viewer(), row.id, plan)
    assert not await ContactChannel.filter(channel_id=channel.id).exists()
    await let_time_pass(AN_HOUR)
    await run_jobs()
    [mail] = await sql.rows("SELECT subject, recipients, cc, sender FROM message_email")
    assert mail == {"subject": "News", "recipients": "dora@x.test", "cc": "a@b.cc", "sender": OWN}
