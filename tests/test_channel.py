"""Channels: who may connect one, and what the integrator is told."""

from typing import Any

import pytest

from models.channel import Channel
from models.member import Role
from schema.ids import encode_id
from tests.world import Api, World, make_world, snapshot, webhook

CONNECT = """
mutation Connect($input: ConnectChannelInput!) {
  connectChannel(input: $input) {
    channel { id kind name handle isConnected }
    token
    webhookUrl
    userErrors { code message field }
  }
}
"""


async def connect(api: Api, who: Any, world: World, **given: Any) -> Any:
    """Connect a channel and return the payload."""
    values = {"name": "Shop", "baseUrl": "https://shop.test/api", **given}
    return (await api.ask(who, CONNECT, input={"workspaceId": world.id, **values}))[
        "connectChannel"
    ]


def refused(code: str, message: str, *field: str) -> dict[str, Any]:
    errors = [{"code": code, "message": message, "field": list(field)}]
    return {"channel": None, "token": None, "webhookUrl": None, "userErrors": errors}


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
async def test_a_leader_connects_a_channel(api: Api, world: World, role: Role) -> None:
    who = await world.add("Max", role)

    payload = await connect(
        api, who, world, name=" Shop ", signingSecret="s3", acceptsIdempotencyKey=True
    )

    [row] = await Channel.all()
    assert payload == {
        "channel": {
            "id": encode_id("Channel", row.id),
            "kind": "CUSTOM",
            "name": "Shop",
            "handle": row.handle,
            "isConnected": True,
        },
        "token": row.token,
        "webhookUrl": "http://127.0.0.1:8000/custom/channel/webhook/",
        "userErrors": [],
    }
    assert (row.workspace_id, row.base_url, row.signing_secret, row.accepts_idempotency_key) == (
        world.workspace.id,
        "https://shop.test/api",
        "s3",
        True,
    )
    assert row.handle.startswith("ch_") and row.token.startswith("pc_")
    assert len(row.token) == 46


async def test_an_agent_connects_nothing(api: Api, world: World) -> None:
    agent = await world.add("Ada", Role.AGENT)
    before = await snapshot("channel", "event", "job")
    payload = await connect(api, agent, world)
    assert payload == refused("FORBIDDEN", "Your role does not allow this.")
    assert await snapshot("channel", "event", "job") == before


async def test_a_workspace_of_others_does_not_exist(api: Api, world: World) -> None:
    stranger = await make_world("Other")
    payload = await connect(api, stranger.owner, world)
    assert payload == refused("NOT_FOUND", "Nothing was found under this id.", "workspaceId")
    assert await Channel.all().count() == 0


INPUTS = [
    ({"name": " "}, ("INVALID", "A name has 1 to 100 characters.", "name")),
    ({"name": "x" * 101}, ("INVALID", "A name has 1 to 100 characters.", "name")),
    ({"baseUrl": "ftp://shop.test"}, ("INVALID", "This is no web address.", "baseUrl")),
    ({"baseUrl": "shop.test"}, ("INVALID", "This is no web address.", "baseUrl")),
    (
        {"baseUrl": "https://shop.test/" + "x" * 2000},
        ("INVALID", "This is no web address.", "baseUrl"),
    ),
]


@pytest.mark.parametrize(("given", "why"), INPUTS)
async def test_a_channel_needs_a_name_and_an_address(
    api: Api, world: World, given: dict[str, str], why: tuple[str, str, str]
) -> None:
    assert await connect(api, world.owner, world, **given) == refused(*why)
    assert await Channel.all().count() == 0


async def test_the_same_message_id_on_two_channels_is_two_messages(api: Api, world: World) -> None:
    first, second = await world.connect(), await world.connect()
    said = {"type": "message", "mId": "1", "message": {"type": "text", "text": "Hi"}}
    assert [await webhook(channel, "carla", said) for channel in (first, second)] == [1, 1]
    assert [await webhook(channel, "carla", said) for channel in (first, second)] == [0, 0]
