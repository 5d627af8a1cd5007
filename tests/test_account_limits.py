"""Log-in limits: so many tries of one name and from one address, whether they exist or not."""

import asyncio
import statistics
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from models.clock import now
from models.engine import sql
from models.rate_window import RateWindow
from models.refusal import RateLimited
from models.user import User
from resolvers.client import Client
from resolvers.rate_limit import Limit, begin_attempt, end_attempt
from settings import get_settings
from tests import streaming
from tests.passwords import SEEN, passwords_of
from tests.streaming import Server
from tests.test_account import LOG_IN, log_in
from tests.test_retention import clean_up as run_clean_up
from tests.world import PASSWORD, Api, World, make_world, snapshot

stack_bus_url = streaming.stack_bus_url
server = streaming.server

MANY = (
    "mutation($input: LogInInput!) {"
    + " ".join(f"a{n}: logIn(input: $input) {{ userErrors {{ code }} }}" for n in range(11))
    + "}"
)


def allow(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    """Change settings for this test."""
    for name, value in limits.items():
        monkeypatch.setattr(get_settings(), name, value)


async def attempt(api: Api, email: str, password: str = "wrong") -> Any:
    return await api.run(None, LOG_IN, input={"email": email, "password": password})


def outcome(answer: dict[str, Any]) -> str:
    """Return what an attempt led to, in one word."""
    if "errors" in answer:
        [error] = answer["errors"]
        assert answer["data"] is None
        assert 0 < error["extensions"]["retryAfterSeconds"] <= 900
        return str(error["extensions"]["code"])
    payload = answer["data"]["logIn"]
    return "OPENED" if payload["tokens"] else str(payload["userErrors"][0]["code"])


@pytest.mark.parametrize("is_known", [True, False])
async def test_the_eleventh_attempt_is_refused(api: Api, world: World, is_known: bool) -> None:
    email = world.owner.user.email if is_known else "nobody@parley.test"
    outcomes = [outcome(await attempt(api, email)) for _ in range(12)]
    assert outcomes == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 2
    before = await snapshot("session")
    assert outcome(await attempt(api, f" {email.upper()} ", PASSWORD)) == "RATE_LIMITED"
    assert await snapshot("session") == before
    assert outcome(await attempt(api, "somebody.else@parley.test")) == "INVALID_CREDENTIALS"


async def test_a_refusal_is_the_same_for_known_and_unknown_accounts(api: Api, world: World) -> None:
    answers = []
    for email in (world.owner.user.email, "nobody@parley.test"):
        for _ in range(10):
            await attempt(api, email)
        answer = await attempt(api, email)
        assert answer["errors"][0]["extensions"].pop("retryAfterSeconds") > 0
        answers.append(answer)
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["message"] == (
        "Too many attempts: wait a little before the next one."
    )


async def test_aliases_of_one_document_count_one_by_one(api: Api, world: World) -> None:
    given = {"email": world.owner.user.email, "password": "wrong"}
    answer = await api.run(None, MANY, input=given)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["RATE_LIMITED"]
    assert answer["errors"][0]["path"] == ["a10"]


async def test_success_takes_its_failure_back_but_counts_as_an_attempt(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, log_in_attempts_per_account=15)
    email = world.owner.user.email
    outcomes = [outcome(await attempt(api, email, PASSWORD)) for _ in range(12)]
    assert outcomes == ["OPENED"] * 12
    row = await RateWindow.get()
    assert (row.attempts, row.failures) == (12, 0)
    outcomes = [outcome(await attempt(api, email)) for _ in range(4)]
    assert outcomes == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"]


async def test_many_at_once_are_no_more_than_one_after_another(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, log_in_failures_per_account=3)
    email = world.owner.user.email
    answers = await asyncio.gather(*(attempt(api, email) for _ in range(9)))
    outcomes = sorted(map(outcome, answers))
    assert outcomes == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"] * 6


def lasts(window: RateWindow) -> int:
    """Return the whole seconds of a window; PostgreSQL asks its clock for each of its ends."""
    return (window.ends_at - window.begins_at) // timedelta(seconds=1)


async def test_a_window_ends_and_another_begins(api: Api, world: World) -> None:
    email = world.owner.user.email
    for _ in range(11):
        await attempt(api, email)
    first = await RateWindow.get()
    assert lasts(first) == 900
    await RateWindow.all().update(ends_at=now() - timedelta(seconds=1))
    assert outcome(await attempt(api, email)) == "INVALID_CREDENTIALS"
    second = await RateWindow.get()
    assert (second.id, second.attempts, second.failures) == (first.id, 1, 1)
    assert second.begins_at > first.begins_at
    assert lasts(second) == 900


async def test_ended_windows_are_removed(api: Api, world: World) -> None:
    for name in ("old", "young"):
        await begin_attempt({name: Limit(60, 5, 5)})
    young = await RateWindow.all().order_by("-id").first()
    assert young is not None
    await RateWindow.exclude(id=young.id).update(ends_at=now() - timedelta(seconds=1))
    await run_clean_up()
    assert [row.id for row in await RateWindow.all()] == [young.id]


async def test_what_the_first_limit_refuses_is_not_counted_for_the_next(
    api: Api, world: World
) -> None:
    limits = {"address": Limit(60, 2, 2), "account": Limit(60, 5, 5)}
    await begin_attempt(limits)
    await end_attempt(limits)
    await begin_attempt(limits)
    with pytest.raises(RateLimited):
        await begin_attempt(limits)
    counts = await sql.rows("SELECT attempts, failures FROM rate_window ORDER BY id")
    assert counts == [{"attempts": 3, "failures": 2}, {"attempts": 2, "failures": 1}]


async def test_names_and_addresses_are_not_kept(api: Api, world: World) -> None:
    await attempt(api, world.owner.user.email)
    assert world.owner.user.email not in str(await sql.rows("SELECT * FROM rate_window"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (None, None),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002/64"),
        ("2001:db8:1:2::9", "20010db800010002/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_counted_as_its_network(address: str | None, network: str | None) -> None:
    assert Client(address, "").network == network


async def test_an_address_is_limited_whatever_names_it_tries(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, log_in_failures_per_address=3)

    async def from_address(name: str, address: str) -> str:
        given = {"email": f"{name}@parley.test", "password": "wrong"}
        answer = await client.post(
            f"{server.url}/graphql",
            json={"query": LOG_IN, "variables": {"input": given}},
            headers={"x-forwarded-for": address},  # uvicorn trusts a proxy on the same machine
        )
        assert answer.status_code == 200
        return outcome(answer.json())

    async with httpx2.AsyncClient(trust_env=False) as client:
        one = [await from_address(f"a{number}", "192.0.2.1") for number in range(4)]
        other = await from_address("a9", "192.0.2.2")
    assert one == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"]
    assert other == "INVALID_CREDENTIALS"


async def test_a_socket_has_the_address_of_its_handshake(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world()
    document = """mutation($email: String!) {
      logIn(input: {email: $email, password: "wrong"}) { userErrors { code } }
    }"""
    allow(monkeypatch, log_in_failures_per_address=2)
    headers = {"x-forwarded-for": "2001:db8::7", "user-agent": "Phone/1"}
    async with server.client(world.owner, additional_headers=headers) as client:
        names = [await client.subscribe(document, email=f"a{n}@parley.test") for n in range(3)]
        codes = []
        for name in names:
            try:
                codes.append((await client.hear(name))["userErrors"][0]["code"])
            except AssertionError as error:
                codes.append("RATE_LIMITED" if "RATE_LIMITED" in str(error) else "?")
    assert sorted(codes) == ["INVALID_CREDENTIALS"] * 2 + ["RATE_LIMITED"]


async def test_the_device_is_kept_as_it_names_itself(server: Server) -> None:
    world = await make_world()
    given = {"email": world.owner.user.email, "password": PASSWORD}
    async with httpx2.AsyncClient(trust_env=False) as client:
        await client.post(
            f"{server.url}/graphql",
            json={"query": LOG_IN, "variables": {"input": given}},
            headers={"user-agent": "Phone/1 " + "x" * 300},
        )
    rows = await sql.rows("SELECT user_agent FROM session ORDER BY id")
    assert [row["user_agent"] for row in rows] == ["", ("Phone/1 " + "x" * 300)[:200]]


async def test_known_and_unknown_accounts_take_as_long(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, log_in_failures_per_account=1000, log_in_attempts_per_account=1000)
    user = world.owner.user
    await User.filter(id=user.id).update(password_hash=SEEN.hasher.hash(PASSWORD))
    emails = {"known": user.email, "unknown": "nobody@parley.test"}
    took: dict[str, list[float]] = {kind: [] for kind in emails}
    answers = []

    with passwords_of(SEEN):
        for _ in range(100):
            for kind, email in emails.items():
                began = time.perf_counter()
                answers.append(await log_in(api, email, "wrong"))
                took[kind].append(time.perf_counter() - began)
    assert answers == [answers[0]] * 200
    known, unknown = (statistics.median(took[kind]) for kind in ("known", "unknown"))
    assert 0.8 < known / unknown < 1.25, took
