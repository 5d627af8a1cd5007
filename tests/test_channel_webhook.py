"""The door of the custom channel over real HTTP: who gets in, and what is kept (guarantee G4)."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

import web.webhooks
from models.engine import sql
from models.inbound_event import InboundEvent
from settings import get_settings
from tests.serving import serving
from tests.world import Api, World, run_jobs, snapshot
from web.webhooks import routes

REFUSED = (
    401,
    {"error": {"message": "The token or the signature is not that of the channel."}},
)
HELLO = {"type": "message", "mId": "m1", "message": {"type": "text", "text": "Hello"}}
KEPT = ("inbound_event", "job", "message", "event")


@pytest.fixture
async def door(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """Give an HTTP client of a server that has only the door."""
    async with (
        serving(Starlette(routes=routes()), lifespan="off") as url,
        httpx2.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        yield client


async def post(
    door: httpx2.AsyncClient, body: Any, token: str, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Post to the door; return status and answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", **headers}
    answer = await door.post("/custom/channel/webhook/", content=content, headers=headers)
    return answer.status_code, answer.json()


def said(world: World, *events: Any, sender: str = "carla") -> dict[str, Any]:
    return {"channelId": world.channels[0].handle, "contactId": sender, "events": list(events)}


async def test_a_message_is_kept_and_waits_for_its_processing(
    door: httpx2.AsyncClient, world: World
) -> None:
    channel = await world.connect()

    assert await post(door, said(world, HELLO), channel.token) == (200, {"accepted": 1})

    [event] = await InboundEvent.all()
    assert (event.channel_id, event.kind, event.handled_at) == (channel.id, "InboundMessage", None)
    assert json.loads(event.payload) == HELLO
    [job] = await sql.rows("SELECT kind, payload, ordering_key FROM job")
    assert job == {
        "kind": "process_inbound",
        "payload": f'{{"inbound_event_id":{event.id}}}',
        "ordering_key": f"inbound:{channel.id}:carla",
    }


async def test_a_repeat_is_accepted_and_has_no_effect(
    door: httpx2.AsyncClient, world: World
) -> None:
    channel = await world.connect()
    await post(door, said(world, HELLO), channel.token)
    await run_jobs()
    before = await snapshot(*KEPT)

    for _ in range(2):
        assert await post(door, said(world, HELLO), channel.token) == (200, {"accepted": 0})

    assert await snapshot(*KEPT) == before
    assert len(before["message"]) == 1


async def test_only_the_holder_of_the_token_gets_in(door: httpx2.AsyncClient, world: World) -> None:
    channel, other = await world.connect(), await world.connect()
    body = said(world, HELLO)
    before = await snapshot(*KEPT)

    for token in ("x", "nonsense", other.token, channel.token + "x", channel.token.lower()):
        assert await post(door, body, token) == REFUSED, token
    answer = await door.post("/custom/channel/webhook/", json=body)
    assert (answer.status_code, answer.json()) == REFUSED
    unknown = {**body, "channelId": "ch_unknown"}
    assert await post(door, unknown, channel.token) == REFUSED
    assert await snapshot(*KEPT) == before


async def test_with_a_secret_the_signature_must_be_right_and_fresh(
    door: httpx2.AsyncClient, world: World
) -> None:
    channel = await world.connect(signing_secret="s3")
    body = json.dumps(said(world, HELLO)).encode()

    def signed(at: float, secret: bytes = b"s3", over: bytes = body) -> dict[str, str]:
        digest = hmac.new(secret, f"{int(at)}.".encode() + over, hashlib.sha256).hexdigest()
        return {"X-Parley-Signature": f"t={int(at)},s={digest}"}

    wrong: list[dict[str, str]] = [
        {},
        {"X-Parley-Signature": "nonsense"},
        signed(time.time(), secret=b"other"),
        signed(time.time(), over=body + b" "),
        signed(time.time() - 3600),
        signed(time.time() + 3600),
    ]
    before = await snapshot(*KEPT)
    for headers in wrong:
        assert await post(door, body, channel.token, **headers) == REFUSED, headers
    assert await snapshot(*KEPT) == before
    right = signed(time.time())
    assert await post(door, body, "nonsense", **right) == REFUSED
    assert await post(door, body, channel.token, **right) == (200, {"accepted": 1})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"null", b"[]", b"{}", b'{"events":[]}'])
async def test_what_is_no_webhook_is_refused(
    door: httpx2.AsyncClient, world: World, body: bytes
) -> None:
    channel = await world.connect()
    before = await snapshot(*KEPT)
    status, answer = await post(door, body, channel.token)
    assert (status, list(answer), list(answer["error"])) == (400, ["error"], ["message"])
    assert await snapshot(*KEPT) == before


async def test_a_webhook_names_one_channel(door: httpx2.AsyncClient, world: World) -> None:
    first, second = await world.connect(), await world.connect()
    both = [said(world, HELLO), {**said(world, HELLO), "channelId": second.handle}]
    before = await snapshot(*KEPT)
    status, _ = await post(door, both, first.token)
    assert status == 400
    assert await snapshot(*KEPT) == before


async def test_a_body_that_is_too_large_is_not_read(door: httpx2.AsyncClient, world: World) -> None:
    channel = await world.connect()
    limit = get_settings().max_body_bytes
    body = json.dumps(said(world, HELLO)).encode()
    padded = body + b" " * (limit - len(body))
    assert await post(door, padded + b" ", channel.token) == (
        413,
        {"error": {"message": "The body is too large."}},
    )
    assert await InboundEvent.all().count() == 0
    assert await post(door, padded, channel.token) == (200, {"accepted": 1})


async def test_other_methods_do_not_exist(door: httpx2.AsyncClient, world: World) -> None:
    for path in ("/custom/channel/webhook/", "/custom/channel/webhook"):
        assert (await door.get(path)).status_code == 405


async def test_every_item_of_a_batch_is_kept(door: httpx2.AsyncClient, world: World) -> None:
    channel = await world.connect()
    second = {**HELLO, "mId": "m2"}
    seen = {"type": "message_status", "mId": "x", "status": "read"}
    strange = {"type": "hologram", "mId": "m3"}
    batch = [
        said(world, HELLO, second, HELLO),
        said(world, seen, strange, sender="bob"),
        {"channelId": channel.handle, "contactId": "eve", "events": "none"},
        17,
    ]

    assert await post(door, batch, channel.token) == (200, {"accepted": 6})

    rows = await InboundEvent.all().order_by("id")
    assert [(row.kind, row.problem is not None) for row in rows] == [
        ("InboundMessage", False),
        ("InboundMessage", False),
        ("InboundReceipt", False),
        ("Unparsed", True),
        ("Unparsed", True),
        ("Unparsed", True),
    ]
    assert [json.loads(row.payload) for row in rows] == [HELLO, second, seen, strange, *batch[2:]]
    assert await post(door, batch, channel.token) == (200, {"accepted": 0})


async def test_long_message_ids_are_still_different(door: httpx2.AsyncClient, world: World) -> None:
    channel = await world.connect()
    long = [{**HELLO, "mId": "x" * 254 + end} for end in "ab"]
    assert await post(door, said(world, *long), channel.token) == (200, {"accepted": 2})
    assert await post(door, said(world, *long), channel.token) == (200, {"accepted": 0})


async def test_what_cannot_be_committed_is_to_be_sent_again(
    door: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await world.connect()

    async def broken(body: bytes, headers: dict[str, str]) -> int:
        raise ConnectionError("the database is gone")

    with monkeypatch.context() as patched:
        patched.setattr(web.webhooks, "accept_webhook", broken)
        answer = await post(door, said(world, HELLO), channel.token)
    assert answer == (503, {"error": {"message": "Try again."}})
    assert await post(door, said(world, HELLO), channel.token) == (200, {"accepted": 1})
