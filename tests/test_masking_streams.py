"""Masking and streams: no frame is shared across it, and a switch closes the sockets of agents."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from models.member import Restriction, Role
from models.workspace import Workspace
from resolvers.contact import update_contact
from resolvers.contact_details import clean_details
from resolvers.masking import HIDDEN
from resolvers.workspace import update_workspace_settings
from tests import streaming
from tests.streaming import Client, Server, cursor_of, last_seq
from tests.world import Person, World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

PHONE = "+33612345678"
EVENTS = """
subscription ($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId cursor
    ... on ContactChanged { contact { name email country phone { value display } } }
  }
}
"""
PAGE = """
query ($id: ID!) { contacts(workspaceId: $id) { nodes { name email phone { value } } } }
"""


async def switch(world: World, **settings: bool) -> None:
    """Change what agents do not see."""
    await update_workspace_settings(await world.owner.viewer(), world.workspace.id, settings)


async def test_each_class_gets_frames_of_its_own(server: Server, world: World) -> None:
    """Owner, two agents alike, and one who is restricted follow the same events at once."""
    contact = await world.contact("Zoë", phone=PHONE, email="zoe@example.com")
    cursor = await cursor_of(world)
    whole: dict[str, Any] = {"name": "Zoë", "email": "zoe@example.com", "country": "FR"}
    whole |= {"phone": {"value": PHONE, "display": PHONE}}
    hidden = whole | {"country": None, "phone": {"value": None, "display": HIDDEN}}
    people = [
        (world.owner, whole),
        (await world.add("Ada"), whole),
        (await world.add("Bob", restrictions=[Restriction.PHONE_NUMBERS]), hidden),
        (await world.add("Cleo", restrictions=[Restriction.PHONE_NUMBERS]), hidden),
        (
            await world.add("Dora", restrictions=[Restriction.EMAIL_ADDRESSES]),
            whole | {"email": HIDDEN},
        ),
        (await world.add("Mia", Role.MANAGER), whole),
    ]
    async with _followers(server, world, cursor, [one for one, _ in people]) as clients:
        for number in range(3):
            details = clean_details(first_name="Zoë", last_name=f"{number}")
            await update_contact(await world.owner.viewer(), contact.id, details)
        seq = await last_seq(world)
        for client, (_, expected) in zip(clients, people, strict=True):
            told = [one["contact"] for one in await client.until(seq) if "contact" in one]
            assert [one | {"name": "Zoë"} for one in told] == [expected] * 3


@asynccontextmanager
async def _followers(
    server: Server, world: World, cursor: str, people: list[Person]
) -> AsyncIterator[list[Client]]:
    """Open a socket for each person, on which they follow the workspace."""
    async with AsyncExitStack() as stack:
        clients = []
        for one in people:
            client = await stack.enter_async_context(server.client(one))
            await client.subscribe(EVENTS, workspaceId=world.id, after=cursor)
            clients.append(client)
        yield clients


@pytest.mark.parametrize("setting", ["masks_phones", "masks_emails"])
async def test_a_switch_closes_the_sockets_of_agents(
    server: Server, world: World, setting: str
) -> None:
    agent = await world.add("Ada")
    barred = await world.add(
        "Bob", restrictions=[Restriction.PHONE_NUMBERS, Restriction.EMAIL_ADDRESSES]
    )
    contact = await world.contact("Zoë", phone=PHONE)
    for is_on in (True, False):
        cursor = await cursor_of(world)
        async with (
            server.client(agent) as following,
            server.client(agent) as idle,
            server.client(world.owner) as owner,
            server.client(barred) as other,
        ):
            for client in (following, owner, other):
                await client.subscribe(EVENTS, workspaceId=world.id, after=cursor)
            details = clean_details(last_name=f"before {is_on}")
            await update_contact(await world.owner.viewer(), contact.id, details)
            for client in (following, owner, other):  # or one would only begin after the switch
                assert (await client.hear())["__typename"] == "ContactChanged"
            await switch(world, **{setting: is_on})
            details = clean_details(last_name=f"after {is_on}")
            await update_contact(await world.owner.viewer(), contact.id, details)
            assert await following.closing() == (4412, "ACCESS_REVOKED")
            assert await idle.closing() == (4412, "ACCESS_REVOKED")
            assert [one["type"] for one in following.left()] == ["error"]
            seq = await last_seq(world)
            for client in (owner, other):  # nothing has changed for them
                kinds = [one["__typename"] for one in await client.until(seq)]
                assert kinds == ["WorkspaceSettingsChanged", "ContactChanged"]


async def test_a_remembered_agent_is_masked_at_once(server: Server, world: World) -> None:
    await world.contact("Zoë", phone=PHONE, email="zoe@example.com")
    agent = await world.add("Ada")
    seen = {"name": "Zoë", "email": "zoe@example.com", "phone": {"value": PHONE}}
    for _ in range(3):
        page = await server.ask(agent, PAGE, id=world.id)
        assert page["contacts"]["nodes"] == [seen]
    # as another process would
    await Workspace.filter(id=world.workspace.id).update(masks_phones=True)
    page = await server.ask(agent, PAGE, id=world.id)
    assert page["contacts"]["nodes"] == [seen | {"phone": {"value": None}}]
    page = await server.ask(world.owner, PAGE, id=world.id)
    assert page["contacts"]["nodes"] == [seen]
    await Workspace.filter(id=world.workspace.id).update(masks_phones=False)
    page = await server.ask(agent, PAGE, id=world.id)
    assert page["contacts"]["nodes"] == [seen]
