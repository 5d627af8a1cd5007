"""Presence over real sockets: come, away, gone; across processes, and by no sign any more."""

from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from models.database import connect, disconnect
from models.member import Visibility
from resolvers.workspace import change_member
from tests import streaming
from tests.processes import processes
from tests.streaming import Client, Server, repeating
from tests.world import Person, World, make_world

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

PRESENCE = """
subscription ($workspaceId: ID!) {
  presenceChanged(workspaceId: $workspaceId) { member { name } presence expiresAt }
}
"""
SET = """
mutation ($state: ChosenPresence!) {
  setPresence(input: {state: $state}) { userErrors { code } }
}
"""

SHORT_TTL = {"realtime.attendance:PRESENCE_TTL_SECONDS": 3.0}
"""That it is ten seconds is shown by a clock that is set, in `test_presence`."""


async def _next_of(client: Client, name: str, person: Person) -> Any:
    """Return the next presence that is told of somebody."""
    while True:
        told = await client.hear(name)
        if told["member"]["name"] == person.user.name:
            assert told["expiresAt"] is not None
            return told["presence"]


async def follow(server: Server, client: Client, world: World) -> str:
    """Follow the presence; return once that tells of the owner's."""
    name = await client.subscribe(PRESENCE, workspaceId=world.id)
    states = cycle(("AWAY", "ONLINE"))
    async with repeating(lambda: server.ask(world.owner, SET, state=next(states))):
        await client.hear(name)
    return name


async def test_come_away_back_and_gone(server: Server, world: World) -> None:
    ada = await world.add("Ada", visibility=Visibility.OWN)
    async with server.client(world.owner) as boss:
        name = await follow(server, boss, world)
        async with server.client(ada), server.client(ada):
            assert await _next_of(boss, name, ada) == "ONLINE"
            await server.ask(ada, SET, state="AWAY")
            assert await _next_of(boss, name, ada) == "AWAY"
            async with server.client(ada):
                await server.ask(ada, SET, state="ONLINE")
                assert await _next_of(boss, name, ada) == "ONLINE"
        assert await _next_of(boss, name, ada) == "OFFLINE"


async def test_another_workspace_hears_nothing_and_may_not_listen(
    server: Server, world: World
) -> None:
    other = await make_world("Other")
    ada = await world.add("Ada")
    async with server.client(other.owner) as stranger:
        mine = await follow(server, stranger, other)
        theirs = await stranger.subscribe(PRESENCE, workspaceId=world.id)
        with pytest.raises(streaming.Ended) as ended:
            await stranger.hear(theirs)
        assert ended.value.codes == ["NOT_FOUND"]
        async with server.client(world.owner) as boss:
            name = await follow(server, boss, world)
            async with server.client(ada):
                assert await _next_of(boss, name, ada) == "ONLINE"
            assert await _next_of(boss, name, ada) == "OFFLINE"
        zoe = await other.add("Zoe")
        async with server.client(zoe):
            assert await _next_of(stranger, mine, zoe) == "ONLINE"
        heard = [one["payload"]["data"]["presenceChanged"] for one in stranger.left(mine)]
        assert {one["member"]["name"] for one in heard} <= {"Olga", "Zoe"}


async def test_a_removed_member_hears_nothing_more_and_is_gone(
    server: Server, world: World
) -> None:
    ada = await world.add("Ada")
    async with server.client(world.owner) as boss, server.client(ada) as client:
        name = await follow(server, boss, world)
        await client.subscribe(PRESENCE, workspaceId=world.id)
        await server.ask(ada, SET, state="AWAY")
        assert await _next_of(boss, name, ada) == "AWAY"
        await change_member(ada.member.id, is_active=False)
        assert await client.closing() == (4412, "ACCESS_REVOKED")
        assert await _next_of(boss, name, ada) == "OFFLINE"


async def test_two_processes_agree_and_one_that_is_killed_falls_silent(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await connect(postgres_database_url)
    try:
        async with processes(tmp_path, postgres_database_url, redis_url, 2, SHORT_TTL) as (
            here,
            there,
        ):
            world = await make_world()
            ada = await world.add("Ada")
            async with here.client(world.owner) as boss:
                name = await follow(here, boss, world)
                async with there.client(ada):
                    assert await _next_of(boss, name, ada) == "ONLINE"
                    await here.ask(ada, SET, state="AWAY")
                    assert await _next_of(boss, name, ada) == "AWAY"
                assert await _next_of(boss, name, ada) == "OFFLINE"
                async with there.client(ada):
                    assert await _next_of(boss, name, ada) == "ONLINE"
                    there.kill()
                    assert await _next_of(boss, name, ada) == "OFFLINE"
    finally:
        await disconnect()
