"""Many contacts write at once and several workers take it in: everything once, in order."""

from collections import defaultdict

from app import job_handlers
from connectors.http import GuardedClient
from connectors.mail import Mailer
from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.inbound_event import InboundEvent
from models.message import Message
from realtime.broker import Broker
from realtime.jobs import JobRunner
from settings import get_settings
from tests.test_inbound import PHONE, text
from tests.waiting import until
from tests.world import Api, World, webhook


async def no_jobs() -> bool:
    return await sql.rows("SELECT id FROM job WHERE state <> 'DEAD'") == []


async def run_with(workers: int) -> None:
    """Let several runners work until nothing is left."""
    client = GuardedClient(timeout_seconds=5)
    broker = Broker("memory://")
    runners = [
        JobRunner(job_handlers(client, Mailer(get_settings())), broker, concurrency=4)
        for _ in range(workers)
    ]
    for runner in runners:
        runner.start()
    try:
        await until(no_jobs, seconds=60)
    finally:
        for runner in runners:
            await runner.stop()
        await client.aclose()


async def test_several_workers_keep_the_order_of_each_contact(api: Api, world: World) -> None:
    channel = await world.connect()
    for number in range(5):
        for sender in "abcdef":
            await webhook(channel, sender, text(f"{sender}{number}", f"{sender}{number}"))

    await run_with(4)

    assert (await Contact.all().count(), await Conversation.all().count()) == (6, 6)
    by_conversation = defaultdict(list)
    for row in await Message.all().order_by("conversation_id", "seq"):
        by_conversation[row.conversation_id].append(row.text)
    assert sorted(by_conversation.values()) == [
        [f"{sender}{number}" for number in range(5)] for sender in "abcdef"
    ]
    assert await InboundEvent.filter(handled_at=None).count() == 0
    head = [row["seq"] for row in await sql.rows("SELECT seq FROM event ORDER BY seq")]
    assert head == list(range(1, len(head) + 1))


async def test_one_person_on_many_channels_at_once_is_one_contact(api: Api, world: World) -> None:
    channels = [await world.connect() for _ in range(6)]
    for channel in channels:
        await webhook(channel, PHONE, text())

    await run_with(4)

    assert await sql.rows("SELECT id, last_error FROM job") == []
    [contact] = await Contact.all()
    assert contact.phone == PHONE
    rows = await Message.all().order_by("seq")
    assert [row.seq for row in rows] == list(range(2, 8))
    assert {row.channel_id for row in rows} == {channel.id for channel in channels}
    assert await Conversation.all().count() == 1
