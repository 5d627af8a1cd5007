"""One execution of an event serves all subscribers whose results cannot differ, and no others."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError

from realtime.log import encode_cursor
from resolvers.read_mark import mark_conversation_read
from schema.sharing import Answer, Watched, share
from tests.streaming import Client, Server, server, stack_bus_url, world
from tests.world import World

__all__ = ["server", "stack_bus_url", "world"]

DEADLINE = 10.0


@dataclass
class Asker:
    viewer: str
    loaders: str = "loaders"


@dataclass
class Executor:
    context_value: Any
    operation: object = "operation"


@dataclass
class Event:
    answers: dict[object, Answer] = field(default_factory=dict)


@dataclass
class Executions:
    """Executes an event for one asker after another, and counts."""

    answer: Callable[[Any], ExecutionResult]
    event: Event = field(default_factory=Event)
    begun: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, name: str, key: object = "key") -> "asyncio.Task[ExecutionResult]":
        executor = Executor(Asker(name))

        async def execute() -> ExecutionResult:
            self.begun.append(name)
            self.started.set()
            await self.gate.wait()
            return self.answer(executor.context_value)

        async def run() -> ExecutionResult:
            result: Any = share(executor, self.event, key, execute)
            done: ExecutionResult = await result if isinstance(result, Awaitable) else result
            return done

        return asyncio.create_task(run())

    async def finish(self, *tasks: "asyncio.Task[ExecutionResult]") -> list[ExecutionResult]:
        self.gate.set()
        async with asyncio.timeout(DEADLINE):
            return await asyncio.gather(*tasks)


def impartial(context: Any) -> ExecutionResult:
    return ExecutionResult({"loaded": context.loaders}, None)


def personal(context: Any) -> ExecutionResult:
    return ExecutionResult({"name": context.viewer}, None)


def failing(_context: Any) -> ExecutionResult:
    return ExecutionResult(None, [GraphQLError("no")])


async def test_impartial_event_is_executed_once() -> None:
    executions = Executions(impartial)
    tasks = [executions.start(name) for name in ("Ada", "Bea", "Cleo")]
    results = await executions.finish(*tasks)
    [late] = await executions.finish(executions.start("Dora"))
    assert executions.begun == ["Ada"]
    assert [one.data for one in (*results, late)] == [{"loaded": "loaders"}] * 4


def test_a_shortcut_for_those_who_see_all_makes_nothing_personal() -> None:
    watched = Watched(SimpleNamespace(sees_details=True, viewer="Ada"))
    assert (watched.sees_details, watched.is_personal) == (True, False)
    assert (watched.viewer, watched.is_personal) == ("Ada", True)


async def test_personal_event_is_executed_for_each() -> None:
    executions = Executions(personal)
    tasks = [executions.start(name) for name in ("Ada", "Bea")]
    results = await executions.finish(*tasks)
    results += await executions.finish(executions.start("Cleo"))
    assert executions.begun == ["Ada", "Bea", "Cleo"]
    assert [one.data for one in results] == [{"name": name} for name in executions.begun]


async def test_failure_is_not_shared() -> None:
    executions = Executions(failing)
    results = await executions.finish(executions.start("Ada"), executions.start("Bea"))
    assert executions.begun == ["Ada", "Bea"]
    assert results[0].errors is not results[1].errors


async def test_other_key_is_another_execution() -> None:
    executions = Executions(impartial)
    await executions.finish(executions.start("Ada", "one"), executions.start("Bea", "two"))
    assert executions.begun == ["Ada", "Bea"]


async def test_others_go_on_when_the_first_leaves() -> None:
    executions = Executions(impartial)
    first, second = executions.start("Ada"), executions.start("Bea")
    async with asyncio.timeout(DEADLINE):
        await executions.started.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    [result] = await executions.finish(second)
    assert executions.begun == ["Ada", "Bea"]
    assert result.data == {"loaded": "loaders"}


async def test_follower_who_leaves_disturbs_nobody() -> None:
    executions = Executions(impartial)
    tasks = [executions.start(name) for name in ("Ada", "Bea", "Cleo")]
    async with asyncio.timeout(DEADLINE):
        await executions.started.wait()
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
    results = await executions.finish(tasks[0], tasks[2])
    assert executions.begun == ["Ada"]
    assert [one.data for one in results] == [{"loaded": "loaders"}] * 2


ADDED = """subscription($id: ID!) {
  messageAdded(workspaceId: $id) { cursor message { text } conversation { contact { name } } }
}"""
UNREAD = """subscription($id: ID!) {
  messageAdded(workspaceId: $id) { message { text } conversation { unreadCount } }
}"""


async def all_hear(world: World, *clients: Client) -> None:
    """Let the contact write until every stream has begun; no message is left half processed."""
    heard = asyncio.gather(*(client.hear() for client in clients))
    while not heard.done():
        await world.hear("warm")
    await heard


async def test_server_executes_an_event_once_for_each_class_of_viewers(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def counted(epoch: str, seq: int) -> str:
        told.append(seq)
        return encode_cursor(epoch, seq)

    monkeypatch.setattr("schema.objects.workspace_event.encode_cursor", counted)
    await world.hear("one")
    people = [world.owner, await world.add("Ada"), await world.add("Bea")]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.client(one)) for one in people]
        for client in clients:
            await client.subscribe(ADDED, id=world.id)
        await all_hear(world, *clients)
        message = await world.hear("last")
        heard = []
        for client in clients:
            while (event := await client.hear())["message"]["text"] != message.text:
                pass
            heard.append(event)
    assert heard[0] == heard[1] == heard[2]
    assert heard[0]["conversation"] == {"contact": {"name": "Carla"}}
    assert told.count(max(told)) == 2  # for the owner, and for both agents


async def test_everybody_gets_their_own_where_it_differs(server: Server, world: World) -> None:
    ada = await world.add("Ada")
    message = await world.hear("one")
    await mark_conversation_read(await ada.viewer(), message.conversation_id)
    async with server.client(ada) as first, server.client(world.owner) as second:
        for client in (first, second):
            await client.subscribe(UNREAD, id=world.id)
        await all_hear(world, first, second)
        await world.hear("last")
        unread = []
        for client in (first, second):
            while (told := await client.hear())["message"]["text"] != "last":
                pass
            unread.append(told["conversation"]["unreadCount"])
    assert unread[1] == unread[0] + 1
