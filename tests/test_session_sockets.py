"""Sessions and open sockets: they close with their session, and a renewed one loses nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from models.clock import now
from models.session import Session
from resolvers.message import send_message
from resolvers.password import change_password
from resolvers.session import (
    Tokens,
    log_out_everywhere,
    open_session,
    refresh_session,
    revoke_session,
)
from resolvers.viewer import Viewer
from tests import streaming
from tests.streaming import MESSAGES, Ended, Server, cursor_of
from tests.world import PASSWORD, World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world


async def revoke(viewer: Viewer, tokens: Tokens) -> None:
    await revoke_session(viewer, tokens.session.id)


async def log_out_others(viewer: Viewer, _: Tokens) -> None:
    await log_out_everywhere(viewer, except_current=True)


async def change(viewer: Viewer, _: Tokens) -> None:
    await change_password(viewer, current_password=PASSWORD, new_password=f"{PASSWORD} 2")


async def steal(_: Viewer, tokens: Tokens) -> None:
    await refresh_session(tokens.refresh_token)
    with pytest.raises(Exception, match="This session has ended"):
        await refresh_session(tokens.refresh_token)


@pytest.mark.parametrize("end", [revoke, log_out_others, change, steal])
async def test_the_sockets_of_an_ended_session_close_and_no_others(
    server: Server, world: World, end: Callable[[Viewer, Tokens], Awaitable[None]]
) -> None:
    agent = await world.add()
    conversation, cursor = (await world.hear()).conversation_id, await cursor_of(world)
    tokens = await open_session(agent.user.id)
    other = replace(agent, token=tokens.access_token)
    async with server.client(agent) as kept, server.client(other) as lost:
        for client in (kept, lost):
            await client.subscribe(MESSAGES, workspaceId=world.id, after=cursor)
        await send_message(await world.owner.viewer(), conversation, text="before")
        for client in (kept, lost):
            assert (await client.hear())["message"]["text"] == "before"
        await end(await agent.viewer(), tokens)
        with pytest.raises(Ended) as ended:
            await lost.hear()
        assert ended.value.codes == ["ACCESS_REVOKED"]
        assert await lost.closing() == (4412, "ACCESS_REVOKED")
        await send_message(await world.owner.viewer(), conversation, text="after")
        assert (await kept.hear())["message"]["text"] == "after"


async def test_a_new_token_with_the_old_cursor_loses_nothing(server: Server, world: World) -> None:
    agent = await world.add()
    conversation = (await world.hear()).conversation_id
    cursor, owner = await cursor_of(world), await world.owner.viewer()
    tokens = await open_session(agent.user.id)
    await Session.filter(id=tokens.session.id).update(expires_at=now() + timedelta(seconds=3))
    async with server.client(replace(agent, token=tokens.access_token)) as client:
        await client.subscribe(MESSAGES, workspaceId=world.id, after=cursor)
        await send_message(owner, conversation, text="before")
        told = [await client.hear()]
        with pytest.raises(Ended) as ended:
            await client.hear()
        assert ended.value.codes == ["TOKEN_EXPIRED"]
        assert await client.closing() == (4411, "TOKEN_EXPIRED")
    await send_message(owner, conversation, text="between")
    renewed = await refresh_session(tokens.refresh_token)
    async with server.client(replace(agent, token=renewed.access_token)) as client:
        await client.subscribe(MESSAGES, workspaceId=world.id, after=told[-1]["cursor"])
        told.append(await client.hear())
        await send_message(owner, conversation, text="after")
        told.append(await client.hear())
    assert [event["message"]["text"] for event in told] == ["before", "between", "after"]
