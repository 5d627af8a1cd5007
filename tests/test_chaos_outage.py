"""Chaos: the database and the bus go away and come back, and servers are asked to end."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from models.database import migrate
from models.engine import sql
from models.queries import lock_conversation
from realtime.transaction import transaction
from resolvers.message import send_message
from schema.ids import decode_id
from tests.bus_servers import PostgresServer, RedisServer
from tests.chaos import SEND, Trial, keys_of, pause, report, trial
from tests.processes import Process, processes
from tests.servers import start_postgres, stop_postgres
from tests.streaming import MESSAGES, cursor_of
from tests.vendor import vendor_server
from tests.waiting import until

RECOVERY_SECONDS = 5.0
POLL_SECONDS = 3.0
"""The two of the guarantee, and one for a machine that does much else."""
OUTAGE_SECONDS = 1.0
LOG_OUT = "mutation { logOut(input: {}) { isLoggedOut } }"


class Postgres(PostgresServer):
    """A database of our own that loses nothing when it is killed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = start_postgres(directory)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Give a PostgreSQL that a test may kill."""
    directory = Path(tempfile.mkdtemp(prefix="parley-chaos-"))
    yield Postgres(directory)
    stop_postgres(directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Give a Redis that a test may kill."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@asynccontextmanager
async def _cluster(
    directory: Path, database_url: str, redis: RedisServer
) -> AsyncIterator[tuple[Trial, list[Process]]]:
    """Run two servers on a database, and on a bus of our own."""
    async with (
        vendor_server() as vendor,
        processes(directory, database_url, redis.url, 2) as servers,
        trial(database_url, vendor, servers) as made,
    ):
        yield made, servers


async def _is_heard_in_time(made: Trial, seconds: float) -> None:
    """Assert that sending goes on by itself, and that what is sent then is soon heard."""
    async with asyncio.timeout(seconds):
        await made.until_acknowledged(len(made.acknowledged) + 1)
        end = await _head(made)
        while not made.seqs or made.seqs[-1] < end:
            made.moved.clear()
            await made.moved.wait()


async def _head(made: Trial) -> int:
    rows = await sql.rows(
        "SELECT seq FROM event_counter WHERE workspace_id = ?", made.world.workspace.id
    )
    return int(rows[0]["seq"])


async def test_a_database_and_a_bus_that_come_back_are_used_again_and_nothing_is_lost(
    tmp_path: Path, postgres: Postgres, redis: RedisServer
) -> None:
    await migrate(postgres.url)
    async with _cluster(tmp_path, postgres.url, redis) as (made, servers):
        keys: list[str] = []
        stopping = asyncio.Event()

        async def send_on() -> None:
            while not stopping.is_set():
                keys.append(f"key-{len(keys)}")
                await made.send(keys[-1])

        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(send_on())
            await made.until_acknowledged(20)
            for _ in range(2):
                postgres.kill()
                await pause(OUTAGE_SECONDS)
                assert not await servers[0].is_ready()
                await asyncio.to_thread(postgres.start)
                await _is_heard_in_time(made, RECOVERY_SECONDS)
                redis.kill()
                await pause(OUTAGE_SECONDS)
                await _is_heard_in_time(made, RECOVERY_SECONDS)
                redis.start()
                await _is_heard_in_time(made, RECOVERY_SECONDS)
            stopping.set()
        for server in servers:
            await server.until_ready(10)
        await made.until_delivered()
        report(await made.check(keys), made, messages=len(keys))


async def test_what_one_server_does_another_tells_in_time_also_while_the_bus_is_down(
    tmp_path: Path, postgres_database_url: str, redis: RedisServer
) -> None:
    async with _cluster(tmp_path, postgres_database_url, redis) as (made, servers):
        cursor = await cursor_of(made.world)
        variables = {"workspaceId": made.world.id, "after": cursor}
        people = [await made.world.add(name) for name in ("Ada", "Ben")]
        async with (
            servers[1].client(made.world.owner) as client,
            servers[1].client(people[0]) as first,
            servers[1].client(people[1]) as second,
        ):
            for one in (client, first, second):
                await one.subscribe(MESSAGES, **variables)
            assert await made.try_to_send("key-0", servers[0]) is not None
            for one in (client, first, second):
                assert (await one.hear())["message"] == {"text": "text of key-0"}
            await servers[0].ask(people[0], LOG_OUT)
            assert await first.closing() == (4412, "ACCESS_REVOKED")
            redis.kill()
            await servers[0].ask(people[1], LOG_OUT)
            for number in range(1, 4):
                assert await made.try_to_send(f"key-{number}", servers[0]) is not None
                told = await client.hear(seconds=POLL_SECONDS)
                assert told["message"] == {"text": f"text of key-{number}"}
            assert await second.closing() == (4412, "ACCESS_REVOKED")
            for one in (first, second):
                assert [message["type"] for message in one.left()] == ["error"]
            redis.start()
            for server in servers:
                await server.until_ready(10)


async def test_a_server_that_is_asked_to_end_finishes_what_runs(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with (
        vendor_server() as vendor,
        processes(tmp_path, postgres_database_url, redis_url) as [server],
        trial(postgres_database_url, vendor, [server]) as made,
        server.client(made.world.owner) as client,
    ):
        await client.subscribe(MESSAGES, workspaceId=made.world.id)
        conversation = made.conversations[0]
        values = {"conversationId": conversation, "text": "running", "idempotencyKey": "k"}
        async with transaction():
            await lock_conversation(decode_id(conversation, "Conversation"))
            running = asyncio.create_task(server.post(made.world.owner, SEND, input=values))
            await until(_somebody_waits_for_a_lock)
            server.terminate()
            assert await client.closing() == (1012, "restart")
            await until(lambda: _refuses_connections(server))
            assert not running.done()
        answer = await running
        assert answer["data"]["sendMessage"]["userErrors"] == []
        await _ends_well(server)


async def _ends_well(server: Process) -> None:
    """Assert that all was closed in time without a complaint, and the signal then obeyed."""
    assert await server.ended(15) == -signal.SIGTERM
    assert server.log.read_text() == ""


async def _somebody_waits_for_a_lock() -> bool:
    return bool(await sql.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))


async def _refuses_connections(server: Process) -> bool:
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        try:
            await client.get(f"{server.url}/healthz")
        except httpx2.ConnectError:
            return True
    return False


async def test_a_server_on_sqlite_that_is_asked_to_end_under_load_keeps_what_it_acknowledged(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    url = sqlite_database_url.partition("?")[0]
    keys = keys_of(1)
    async with (
        vendor_server() as vendor,
        processes(tmp_path, url, "memory://") as [server],
        trial(url, vendor, [server]) as made,
    ):
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(made.send_all(keys))
            await made.until_acknowledged(10)
            server.terminate()
            await _ends_well(server)
            assert not sending.done()
            server.start()
        await made.until_delivered()
        report(await made.check(keys), made)
        assert await send_message(
            await made.world.owner.viewer(),
            decode_id(made.conversations[0], "Conversation"),
            text="and it goes on",
        )
