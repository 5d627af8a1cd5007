"""Members and streams: whose sockets close when somebody changes, and whose stay open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.database import connect, disconnect
from models.engine import sql
from models.member import Role, Visibility
from models.team import Team
from realtime.events import MemberChanged
from realtime.log import read_page
from resolvers.assignment import assign_conversation
from resolvers.member import remove_member, update_member
from resolvers.message import send_message
from schema.ids import encode_id
from tests import streaming
from tests.processes import processes
from tests.streaming import (
    CHANGES,
    MESSAGES,
    WORKSPACE_EVENTS,
    Client,
    Server,
    cursor_of,
    last_seq,
    repeating,
    seq_of,
    visible_seqs,
)
from tests.waiting import until
from tests.world import Person, World, make_world

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

UPDATE = """
mutation ($input: UpdateMemberInput!) { updateMember(input: $input) { userErrors { code } } }
"""
REMOVE = """
mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { userErrors { code } } }
"""
EVENTS = """
query ($id: ID!, $after: String!) {
  events(workspaceId: $id, after: $after) {
    nodes { __typename ... on MemberChanged { isSightChanged member { name } } }
  }
}
"""
INBOX = """
query ($id: ID!) { inbox(id: $id) { conversations { nodes { id } } } }
"""


async def listed(server: Server, world: World, who: Person) -> list[str]:
    """Return the conversations that somebody sees."""
    key = encode_id("StandardInbox", f"{world.workspace.id}.ALL")
    found = (await server.ask(who, INBOX, id=key))["inbox"]["conversations"]["nodes"]
    return [one["id"] for one in found]


async def is_alive(client: Client) -> None:
    """Return once a socket answers."""
    await client.say(type="ping")
    while orjson.loads(await client.socket.recv())["type"] != "pong":
        pass


async def _people(world: World) -> tuple[dict[str, Person], Team, Team]:
    sales, support = await world.team("Sales"), await world.team("Support")
    return (
        {
            "sales": await world.add("Sue", visibility=Visibility.TEAM, team=sales),
            "support": await world.add("Sam", visibility=Visibility.TEAM, team=support),
            "own": await world.add("Ian", visibility=Visibility.OWN, team=sales),
            "all": await world.add("Ada", team=sales),
            "manager": await world.add("Mia", Role.MANAGER, visibility=Visibility.TEAM, team=sales),
            "third": await world.add(
                "Tom", visibility=Visibility.TEAM, team=await world.team("Third")
            ),
            "nowhere": await world.add("Ned", visibility=Visibility.TEAM),
        },
        sales,
        support,
    )


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("document", [WORKSPACE_EVENTS, CHANGES, MESSAGES])
async def test_who_sees_a_team_reads_anew_when_somebody_changes_it(
    server: Server, world: World, document: str, replayed: bool
) -> None:
    people, sales, support = await _people(world)
    mover = await world.add("Max", team=sales)
    conversation = (await world.hear()).conversation_id
    owner = await world.owner.viewer()
    await assign_conversation(owner, conversation, assignee_id=mover.member.id)
    seen = [len(await listed(server, world, people[name])) for name in ("sales", "support")]
    assert seen == [1, 0]
    cursor = await cursor_of(world)

    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(server.client(person))
            for name, person in people.items()
        }
        if replayed:
            await update_member(owner, mover.member.id, {"team_id": support.id})
        for client in clients.values():
            await client.subscribe(document, workspaceId=world.id, after=cursor)
        if not replayed:
            await update_member(owner, mover.member.id, {"team_id": support.id})
        await send_message(owner, conversation, text="after")

        for name in ("sales", "support"):
            assert await clients[name].closing() == (4412, "ACCESS_REVOKED")
            told = [message["type"] for message in clients[name].left()]
            assert told == ["error"]
        for name in ("all", "manager"):
            await clients[name].until(await last_seq(world))
        for name in ("own", "third", "nowhere"):
            await is_alive(clients[name])
    seen = [len(await listed(server, world, people[name])) for name in ("sales", "support")]
    assert seen == [0, 1]


async def test_who_polls_is_told_to_read_anew(server: Server, world: World) -> None:
    people, sales, support = await _people(world)
    mover = await world.add("Max", team=sales)
    cursor = await cursor_of(world)
    await update_member(
        await world.owner.viewer(), mover.member.id, {"team_id": support.id, "role": Role.MANAGER}
    )
    for name, person in (people | {"self": mover, "owner": world.owner}).items():
        found = await server.ask(person, EVENTS, id=world.id, after=cursor)
        [event] = found["events"]["nodes"]
        assert event == {
            "__typename": "MemberChanged",
            "isSightChanged": name in ("sales", "support", "self"),
            "member": {"name": "Max"},
        }


async def test_removal_closes_what_is_open_and_nothing_later_is_told(
    server: Server, world: World
) -> None:
    ada = await world.add("Ada")
    conversation = (await world.hear()).conversation_id
    owner = await world.owner.viewer()
    async with server.client(ada) as client:
        await client.subscribe(MESSAGES, workspaceId=world.id, after=await cursor_of(world))
        await remove_member(owner, ada.member.id)
        await send_message(owner, conversation, text="after")
        assert await client.closing() == (4412, "ACCESS_REVOKED")
        assert [message["type"] for message in client.left()] == ["error"]


CHANGE: dict[str, tuple[str, dict[str, Any]]] = {
    "role": (UPDATE, {"role": "MANAGER"}),
    "visibility": (UPDATE, {"visibility": "OWN"}),
    "restrictions": (UPDATE, {"restrictions": ["SHORTCUTS"]}),
    "removal": (REMOVE, {}),
}


async def test_a_change_on_one_process_closes_the_sockets_of_another(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await connect(postgres_database_url)
    try:
        async with processes(tmp_path, postgres_database_url, redis_url, 2) as (here, there):
            world = await make_world()
            conversation = (await world.hear()).conversation_id
            owner = await world.owner.viewer()
            for name, (document, values) in CHANGE.items():
                ada = await world.add(f"Ada {name}")
                cursor = await cursor_of(world)
                async with there.client(ada) as follower, there.client(ada) as idle:
                    await follower.subscribe(MESSAGES, workspaceId=world.id, after=cursor)
                    given = {"memberId": ada.id, **values}
                    [payload] = (await here.ask(world.owner, document, input=given)).values()
                    assert payload["userErrors"] == []
                    await send_message(owner, conversation, text="after")
                    for client in (follower, idle):
                        assert await client.closing() == (4412, "ACCESS_REVOKED"), name
                    assert "next" not in [message["type"] for message in follower.left()]
    finally:
        await disconnect()


PER_SECOND = 100
"""How many events a second flow while somebody is removed."""
AT_ONCE = 8
PRODUCERS = 3
COMMENTS = f"""
mutation ($id: ID!) {{ {
    " ".join(
        f'c{number}: addComment(input: {{conversationId: $id, text: "{number}"}})'
        " { userErrors { code } }"
        for number in range(AT_ONCE)
    )
} }}
"""


@asynccontextmanager
async def flowing(server: Server, world: World) -> AsyncIterator[None]:
    """Have comments written through a server all the while; begin once they flow fast enough."""
    conversation = encode_id("Conversation", (await world.hear()).conversation_id)

    async def write() -> None:
        told = await server.ask(world.owner, COMMENTS, id=conversation)
        assert [one["userErrors"] for one in told.values()] == [[]] * AT_ONCE

    async def is_fast() -> bool:
        rows = await sql.rows(
            "SELECT COUNT(*) AS count FROM event WHERE workspace_id = ?"
            " AND kind = 'CommentAdded' AND created_at > now() - interval '1 second'",
            world.workspace.id,
        )
        return bool(rows[0]["count"] >= PER_SECOND)

    async with AsyncExitStack() as stack:
        for _ in range(PRODUCERS):
            await stack.enter_async_context(repeating(write))
        await until(is_fast, 60)
        yield


@asynccontextmanager
async def witnessing(client: Client) -> AsyncIterator[list[int]]:
    """Give the numbers of the events that a stream tells, as it tells them."""
    heard: list[int] = []

    async def follow() -> None:
        while True:
            heard.append(seq_of(await client.hear()))

    task = asyncio.create_task(follow())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _remove_in_the_flow(here: Server, there: Server, world: World) -> None:
    ada = await world.add("Ada")
    start, cursor = await last_seq(world), await cursor_of(world)
    async with there.client(ada) as follower, there.client(world.owner) as witness:
        for client in (follower, witness):
            await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        closing = asyncio.create_task(follower.closing(90))
        async with witnessing(witness) as heard, flowing(here, world):
            async with asyncio.timeout(5):  # from before the commit
                answer = await here.ask(world.owner, REMOVE, input={"memberId": ada.id})
                assert await closing == (4412, "ACCESS_REVOKED")
            assert answer["removeMember"]["userErrors"] == []
            [removal] = [
                logged.seq
                for logged in await read_page(world.workspace.id, start, 100_000)
                if isinstance(logged.fact, MemberChanged)
            ]

            async def others_hear_more() -> bool:
                return bool(heard) and heard[-1] > removal + PER_SECOND

            await until(others_hear_more, 30)
        *events, last = follower.left()
        told = [seq_of(event["payload"]["data"]["workspaceEvents"]) for event in events]
        assert last["type"] == "error"
        assert len(told) >= PER_SECOND
        assert told[-1] < removal, "of what was committed after the removal nothing is told"
        visible = await visible_seqs(world, start)
        assert told == visible[: len(told)]
        assert heard == visible[: len(heard)], "who stays misses nothing"


async def test_a_removal_in_a_flow_of_events_closes_the_sockets_of_another_process(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await connect(postgres_database_url)
    try:
        async with processes(tmp_path, postgres_database_url, redis_url, 2) as (here, there):
            await _remove_in_the_flow(here, there, await make_world())
    finally:
        await disconnect()
