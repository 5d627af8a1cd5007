"""Logging in and out: tokens that rotate, and a stolen one that ends its session."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.clock import now
from models.engine import sql
from models.session import Session
from realtime.events import CredentialRevoked
from resolvers import account
from tests.world import PASSWORD, Api, World

TOKENS = "tokens { accessToken expiresAt refreshToken refreshExpiresAt }"
LOG_IN = (
    "mutation($input: LogInInput!) { logIn(input: $input) {"
    f" {TOKENS} userErrors {{ code message field }} }} }}"
)
REFRESH = (
    "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) {"
    f" {TOKENS} userErrors {{ code message field }} }} }}"
)
LOG_OUT = "mutation { logOut(input: {}) { isLoggedOut userErrors { code message field } } }"
VIEWER = "{ viewer { email } }"
ENDED = {
    "tokens": None,
    "userErrors": [
        {
            "code": "INVALID_CREDENTIALS",
            "message": "This session has ended. Log in again.",
            "field": ["refreshToken"],
        }
    ],
}


async def log_in(api: Api, email: str, password: str = PASSWORD) -> Any:
    return (await api.ask(None, LOG_IN, input={"email": email, "password": password}))["logIn"]


async def refresh(api: Api, token: str) -> Any:
    return (await api.ask(None, REFRESH, input={"refreshToken": token}))["refreshSession"]


async def code_of(api: Api, token: str | None) -> str | None:
    """Return the error's code of an operation with a token; None where it works."""
    answer = await api.run(token, VIEWER)
    if "errors" not in answer:
        return None
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def sessions() -> list[dict[str, Any]]:
    return await sql.rows("SELECT * FROM session ORDER BY id")


async def test_logging_in_opens_a_session(api: Api, world: World) -> None:
    before = now()
    payload = await log_in(api, f"  {world.owner.user.email.upper()} ")

    tokens = payload["tokens"]
    assert payload["userErrors"] == []
    assert await api.ask(tokens["accessToken"], VIEWER) == {
        "viewer": {"email": world.owner.user.email}
    }
    row = await Session.all().order_by("-id").first()
    assert row is not None
    assert tokens["expiresAt"] == row.expires_at.isoformat()
    assert tokens["refreshExpiresAt"] == row.refresh_expires_at.isoformat()
    assert timedelta(hours=12) <= row.expires_at - before < timedelta(hours=12, minutes=1)
    stored = str(await sessions())
    assert tokens["accessToken"] not in stored
    assert tokens["refreshToken"] not in stored


async def test_the_answer_is_the_same_whether_the_account_exists(api: Api, world: World) -> None:
    before = await sessions()
    email = world.owner.user.email
    payloads = [
        await log_in(api, email, "wrong"),
        await log_in(api, email, ""),
        await log_in(api, "nobody@parley.test", PASSWORD),
        await log_in(api, "", PASSWORD),
    ]
    wrong = {
        "code": "INVALID_CREDENTIALS",
        "message": "Email and password do not match.",
        "field": ["password"],
    }
    assert payloads == [{"tokens": None, "userErrors": [wrong]}] * 4
    assert await sessions() == before


async def test_an_unknown_account_costs_as_much_work_as_a_wrong_password(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    verify = account._passwords.verify

    def counting(password: str, known: str) -> bool:
        verified.append(known)
        return bool(verify(password, known))

    monkeypatch.setattr(account._passwords, "verify", counting)
    await log_in(api, world.owner.user.email, "wrong")
    await log_in(api, "nobody@parley.test", "wrong")
    assert len(verified) == 2
    parameters = {known.rsplit("$", 2)[0] for known in verified}
    assert len(parameters) == 1, "the same algorithm with the same cost"


async def test_renewing_rotates_both_tokens(api: Api, world: World) -> None:
    old = (await log_in(api, world.owner.user.email))["tokens"]
    count = len(await sessions())

    payload = await refresh(api, old["refreshToken"])

    new = payload["tokens"]
    assert payload["userErrors"] == []
    assert {old["accessToken"], old["refreshToken"]}.isdisjoint(
        {new["accessToken"], new["refreshToken"]}
    )
    assert await code_of(api, old["accessToken"]) == "UNAUTHENTICATED"
    assert await code_of(api, new["accessToken"]) is None
    assert len(await sessions()) == count


async def test_a_renewal_token_used_twice_ends_the_session(api: Api, world: World) -> None:
    old = (await log_in(api, world.owner.user.email))["tokens"]
    row = await Session.all().order_by("-id").first()
    assert row is not None
    new = (await refresh(api, old["refreshToken"]))["tokens"]

    assert await refresh(api, old["refreshToken"]) == ENDED

    assert await Session.filter(id=row.id).count() == 0
    assert await code_of(api, new["accessToken"]) == "UNAUTHENTICATED"
    assert await refresh(api, new["refreshToken"]) == ENDED
    assert (await world.facts())[-1] == CredentialRevoked(world.workspace.id, f"session:{row.id}")


@pytest.mark.parametrize("token", ["", "pr_nonsense", "ps_x"])
async def test_an_unknown_renewal_token_changes_nothing(api: Api, world: World, token: str) -> None:
    before, facts = await sessions(), await world.facts()
    assert await refresh(api, token) == ENDED
    assert (await sessions(), await world.facts()) == (before, facts)


async def test_an_access_token_cannot_renew(api: Api, world: World) -> None:
    tokens = (await log_in(api, world.owner.user.email))["tokens"]
    before = await sessions()
    assert await refresh(api, tokens["accessToken"]) == ENDED
    assert await sessions() == before


async def test_an_expired_token_says_so_and_can_be_renewed(api: Api, world: World) -> None:
    tokens = (await log_in(api, world.owner.user.email))["tokens"]
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    await Session.all().update(expires_at=long_ago)

    assert await code_of(api, tokens["accessToken"]) == "TOKEN_EXPIRED"

    new = (await refresh(api, tokens["refreshToken"]))["tokens"]
    assert await code_of(api, new["accessToken"]) is None
    await Session.all().update(refresh_expires_at=long_ago)
    assert await refresh(api, new["refreshToken"]) == ENDED


async def test_logging_out_ends_this_session_only(api: Api, world: World) -> None:
    one, two = [(await log_in(api, world.owner.user.email))["tokens"] for _ in range(2)]
    row = await Session.all().order_by("-id").first()
    assert row is not None

    answer = await api.ask(two["accessToken"], LOG_OUT)

    assert answer == {"logOut": {"isLoggedOut": True, "userErrors": []}}
    assert await code_of(api, two["accessToken"]) == "UNAUTHENTICATED"
    assert await code_of(api, one["accessToken"]) is None
    assert await refresh(api, two["refreshToken"]) == ENDED
    assert (await world.facts())[-1] == CredentialRevoked(world.workspace.id, f"session:{row.id}")


@pytest.mark.parametrize("token", ["ps_nonsense", "pk_nonsense", "nonsense", "pr_x"])
async def test_an_unknown_token_is_nobody(api: Api, world: World, token: str) -> None:
    assert await code_of(api, token) == "UNAUTHENTICATED"
    before = await sessions()
    answer = await api.run(token, LOG_OUT)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await sessions() == before
