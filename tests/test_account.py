"""Logging in: the same answers and work whether an account exists, and at most so many tries."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.engine import sql
from models.session import Session
from models.user import User
from resolvers import password
from resolvers.password import hash_password
from tests.passwords import REAL, passwords_of
from tests.world import PASSWORD, Api, World

TOKENS = "tokens { accessToken expiresAt refreshToken refreshExpiresAt }"
LOG_IN = (
    "mutation($input: LogInInput!) { logIn(input: $input) {"
    f" {TOKENS} userErrors {{ code message field }} }} }}"
)
LOG_OUT = "mutation { logOut(input: {}) { isLoggedOut userErrors { code message field } } }"
VIEWER = "{ viewer { email } }"


async def log_in(api: Api, email: str, password: str = PASSWORD) -> Any:
    return (await api.ask(None, LOG_IN, input={"email": email, "password": password}))["logIn"]


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
    verify = REAL.hasher.verify

    def counting(given: str, known: str) -> bool:
        verified.append(known)
        return bool(verify(given, known))

    with passwords_of(REAL):
        user = world.owner.user
        await User.filter(id=user.id).update(password_hash=await hash_password(PASSWORD))
        monkeypatch.setattr(password._passwords, "verify", counting)
        await log_in(api, user.email, "wrong")
        await log_in(api, "nobody@parley.test", "wrong")
    parameters = [known.rsplit("$", 2)[0] for known in verified]
    assert parameters == ["$argon2id$v=19$m=65536,t=3,p=4"] * 2, "as RFC 9106 recommends"


@pytest.mark.parametrize("token", ["ps_nonsense", "pk_nonsense", "nonsense", "pr_x"])
async def test_an_unknown_token_is_nobody(api: Api, world: World, token: str) -> None:
    assert await code_of(api, token) == "UNAUTHENTICATED"
    before = await sessions()
    answer = await api.run(token, LOG_OUT)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await sessions() == before
