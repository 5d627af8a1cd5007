"""Log-in by an OpenID provider on a real port: what it proves, and what it does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from models.clock import now
from models.identity import Identity
from models.log_in_code import LogInCode
from models.openid_attempt import OpenidAttempt
from models.user import User
from settings import get_settings
from tests import streaming
from tests.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    OTHER_KEY,
    Provider,
    openid_provider,
)
from tests.streaming import Server, served
from tests.world import World, make_world, snapshot

stack_bus_url = streaming.stack_bus_url

HOME = "http://127.0.0.1:8000/log-in#"
WITH_CODE = """mutation($code: String!) { logInWithCode(input: {code: $code}) {
  tokens { accessToken } userErrors { code field } } }"""
TABLES = ("account", "identity", "log_in_code", "session", "openid_attempt")
NO_CODE = {
    "tokens": None,
    "userErrors": [{"code": "INVALID_CREDENTIALS", "field": ["code"]}],
}


@dataclass
class Stage:
    """A server, its provider and a browser."""

    server: Server
    provider: Provider
    world: World
    browser: httpx2.AsyncClient

    async def leave(self) -> httpx2.Response:
        """Begin, and return the provider's answer, which leads back."""
        left = await self.browser.get(f"{self.server.url}/auth/oidc/start")
        assert left.status_code == 303
        return await self.browser.get(left.headers["location"])

    async def come_back(self, answer: httpx2.Response, **changes: str) -> str:
        """Follow the provider's answer to us; return where we lead the browser."""
        url = httpx2.URL(answer.headers["location"])
        query = dict(url.params) | changes
        back = await self.browser.get(f"{self.server.url}/auth/oidc/callback", params=query)
        assert back.status_code == 303
        assert back.headers["cache-control"] == "no-store"
        location: str = back.headers["location"]
        assert location.startswith(HOME)
        return location.removeprefix(HOME)

    async def log_in(self) -> str:
        """Go out and come back; return `code=…` or `error=…`."""
        return await self.come_back(await self.leave())

    async def exchange(self, brought: str) -> Any:
        """Give a code that was brought home to `logInWithCode`."""
        data = await self.server.ask(None, WITH_CODE, code=brought.removeprefix("code="))
        return data["logInWithCode"]


@pytest.fixture
async def stage(database_url: str, stack_bus_url: str) -> AsyncIterator[Stage]:
    """Give a server whose owner the provider knows."""
    async with openid_provider() as provider:
        settings = {
            "oidc_discovery_url": f"{provider.url}/.well-known/openid-configuration",
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(CLIENT_SECRET),
        }
        async with (
            served(database_url, stack_bus_url, **settings) as server,
            httpx2.AsyncClient(trust_env=False, timeout=20) as browser,
        ):
            world = await make_world()
            provider.claims = {"email": world.owner.user.email.upper()}
            yield Stage(server, provider, world, browser)


async def test_a_verified_address_logs_its_account_in(stage: Stage) -> None:
    brought = await stage.log_in()
    assert brought.startswith("code=pc_")
    assert brought.removeprefix("code=") not in str(await snapshot(*TABLES))

    payload = await stage.exchange(brought)

    headers = {"authorization": f"Bearer {payload['tokens']['accessToken']}"}
    answer = await stage.browser.post(
        f"{stage.server.url}/graphql", json={"query": "{ viewer { email } }"}, headers=headers
    )
    assert answer.json() == {"data": {"viewer": {"email": stage.world.owner.user.email}}}
    identity = await Identity.get()
    assert (identity.user_id, identity.issuer, identity.subject) == (
        stage.world.owner.user.id,
        stage.provider.url,
        "person-1",
    )
    assert await stage.exchange(brought) == NO_CODE
    assert await OpenidAttempt.all().count() == 0


async def test_the_second_time_the_provider_is_believed_by_its_own_name(stage: Stage) -> None:
    await stage.log_in()
    stage.provider.claims = {"email": "moved@parley.test", "email_verified": False}
    assert (await stage.exchange(await stage.log_in()))["tokens"] is not None
    assert await Identity.all().count() == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": [CLIENT_ID, "somebody else"]},
        {"azp": "somebody else"},
        {"iss": "https://evil.example"},
        {"exp": 1_700_000_000},  # long ago; a time of now would name the test otherwise each time
        {"exp": None},
        {"sub": ""},
    ],
    ids=str,
)
async def test_an_id_token_that_is_not_for_us_proves_nothing(
    stage: Stage, claims: dict[str, Any]
) -> None:
    stage.provider.claims |= claims
    before = await snapshot(*TABLES)
    assert await stage.log_in() == "error=PROVIDER_FAILED"
    assert await snapshot(*TABLES) == before


async def test_a_signature_by_another_key_proves_nothing(stage: Stage) -> None:
    stage.provider.key = OTHER_KEY
    assert await stage.log_in() == "error=PROVIDER_FAILED"


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": None}])
async def test_an_address_that_is_not_verified_finds_no_account(
    stage: Stage, claims: dict[str, Any]
) -> None:
    stage.provider.claims |= claims
    before = await snapshot(*TABLES)
    assert await stage.log_in() == "error=EMAIL_NOT_VERIFIED"
    assert await snapshot(*TABLES) == before


@pytest.mark.parametrize("creates", [False, True])
async def test_who_has_no_account_gets_one_only_if_the_setting_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, creates: bool
) -> None:
    monkeypatch.setattr(get_settings(), "oidc_creates_accounts", creates)
    stage.provider.claims = {"email": "new@parley.test", "name": "Nora"}
    brought = await stage.log_in()
    made = await User.filter(email="new@parley.test").first()
    if not creates:
        assert (brought, made) == ("error=NO_ACCOUNT", None)
        return
    assert made is not None
    assert made.name == "Nora"
    assert (await stage.exchange(brought))["tokens"] is not None


async def test_who_says_no_is_brought_home(stage: Stage) -> None:
    stage.provider.refuses = True
    assert await stage.log_in() == "error=DENIED"


async def test_only_the_browser_that_left_comes_back_and_once(stage: Stage) -> None:
    answer = await stage.leave()
    assert await stage.come_back(answer, state="another") == "error=EXPIRED"
    answer = await stage.leave()
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as other:
        stage.browser, own = other, stage.browser
        assert await stage.come_back(answer) == "error=EXPIRED"
        stage.browser = own
    assert (await stage.come_back(answer)).startswith("code=")
    assert await stage.come_back(answer) == "error=EXPIRED"


async def test_who_takes_too_long_begins_anew(stage: Stage) -> None:
    answer = await stage.leave()
    await OpenidAttempt.all().update(expires_at=now() - timedelta(seconds=1))
    assert await stage.come_back(answer) == "error=EXPIRED"


async def test_a_code_is_good_once_and_for_a_minute(stage: Stage) -> None:
    brought = await stage.log_in()
    answers = await asyncio.gather(*(stage.exchange(brought) for _ in range(3)))
    assert sorted(answer == NO_CODE for answer in answers) == [False, True, True]
    brought = await stage.log_in()
    assert await LogInCode.all().count() == 1
    await LogInCode.all().update(expires_at=now() - timedelta(seconds=1))
    assert await stage.exchange(brought) == NO_CODE


async def test_a_provider_that_is_away(stage: Stage) -> None:
    stage.provider.url = "http://127.0.0.1:9"
    left = await stage.browser.get(f"{stage.server.url}/auth/oidc/start")
    assert left.headers["location"] == f"{HOME}error=PROVIDER_FAILED"


async def test_without_the_setting_there_is_no_such_door(
    database_url: str, stack_bus_url: str
) -> None:
    async with (
        served(database_url, stack_bus_url) as server,
        httpx2.AsyncClient(trust_env=False) as browser,
    ):
        assert (await browser.get(f"{server.url}/auth/oidc/start")).status_code == 404
