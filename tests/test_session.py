"""Sessions: tokens that rotate, a stolen one that ends its session, and the list of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.clock import now, written
from models.session import Session
from realtime.events import CredentialRevoked
from schema.ids import decode_id, encode_id
from tests.acting import api_key
from tests.test_account import LOG_OUT, TOKENS, code_of, log_in, sessions
from tests.world import Api, World, snapshot

REFRESH = (
    "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) {"
    f" {TOKENS} userErrors {{ code message field }} }} }}"
)
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


async def refresh(api: Api, token: str) -> Any:
    return (await api.ask(None, REFRESH, input={"refreshToken": token}))["refreshSession"]


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


OWN = "{ viewer { sessions { id createdAt lastUsedAt expiresAt userAgent isCurrent } } }"
REVOKE = """mutation($input: RevokeSessionInput!) { revokeSession(input: $input) {
  revokedSessionId userErrors { code message field } } }"""
EVERYWHERE = """mutation($input: LogOutEverywhereInput!) { logOutEverywhere(input: $input) {
  endedCount userErrors { code message field } } }"""


async def own(api: Api, who: Any) -> list[Any]:
    found: list[Any] = (await api.ask(who, OWN))["viewer"]["sessions"]
    return found


async def revoke(api: Api, who: Any, session_id: str) -> Any:
    return (await api.ask(who, REVOKE, input={"sessionId": session_id}))["revokeSession"]


async def test_any_older_renewal_token_ends_the_session(api: Api, world: World) -> None:
    tokens = [(await log_in(api, world.owner.user.email))["tokens"]]
    other = (await log_in(api, world.owner.user.email))["tokens"]
    for _ in range(3):
        tokens.append((await refresh(api, tokens[-1]["refreshToken"]))["tokens"])

    assert await refresh(api, tokens[1]["refreshToken"]) == ENDED

    assert await code_of(api, tokens[-1]["accessToken"]) == "UNAUTHENTICATED"
    assert await refresh(api, tokens[-1]["refreshToken"]) == ENDED
    assert await code_of(api, other["accessToken"]) is None
    assert sum(isinstance(fact, CredentialRevoked) for fact in await world.facts()) == 1


async def test_a_session_from_before_families_is_protected_from_its_first_renewal(
    api: Api, world: World
) -> None:
    old = (await log_in(api, world.owner.user.email))["tokens"]
    await Session.all().update(family_hash=None)
    new = (await refresh(api, old["refreshToken"]))["tokens"]
    assert await code_of(api, new["accessToken"]) is None
    assert await refresh(api, old["refreshToken"]) == ENDED
    assert await code_of(api, new["accessToken"]) == "UNAUTHENTICATED"


async def test_of_two_renewals_at_once_one_wins_and_the_session_ends(
    api: Api, world: World
) -> None:
    old = (await log_in(api, world.owner.user.email))["tokens"]
    answers = await asyncio.gather(*(refresh(api, old["refreshToken"]) for _ in range(4)))
    won = [answer["tokens"] for answer in answers if answer != ENDED]
    assert len(won) == 1
    assert await code_of(api, won[0]["accessToken"]) == "UNAUTHENTICATED"


async def test_people_see_their_own_sessions(api: Api, world: World) -> None:
    agent = await world.add()
    tokens = (await log_in(api, world.owner.user.email))["tokens"]
    row = await Session.all().order_by("-id").first()
    assert row is not None
    gone = (await log_in(api, world.owner.user.email))["tokens"]
    await Session.filter(id__gt=row.id).update(refresh_expires_at=now() - timedelta(seconds=1))
    await Session.filter(user_id=agent.user.id).update(user_agent="Not yours")

    listed = await own(api, tokens["accessToken"])

    assert listed[0] == {
        "id": encode_id("Session", row.id),
        "createdAt": written(row.created_at),
        "lastUsedAt": written(row.created_at),
        "expiresAt": tokens["refreshExpiresAt"],
        "userAgent": "",
        "isCurrent": True,
    }
    assert [one["isCurrent"] for one in listed] == [True, False]
    assert await refresh(api, gone["refreshToken"]) == ENDED


async def test_sessions_of_others_are_not_told(api: Api, world: World) -> None:
    await world.add()
    document = (
        "query($id: ID!) { workspace(id: $id) { members { name user { sessions { id } } } } }"
    )
    data = await api.ask(world.owner, document, id=world.id)
    told = {one["name"]: one["user"]["sessions"] for one in data["workspace"]["members"]}
    assert told["Ada"] == []
    assert len(told["Olga"]) == 1


async def test_an_hour_later_the_use_of_a_session_is_noted(api: Api, world: World) -> None:
    [before] = await own(api, world.owner)
    long_ago = now() - timedelta(hours=3)
    await Session.all().update(created_at=long_ago)
    [after] = await own(api, world.owner)
    assert after["createdAt"] == written(long_ago)
    assert after["lastUsedAt"] >= before["lastUsedAt"]
    [again] = await own(api, world.owner)
    assert again == after


async def test_a_session_is_revoked_from_another_device(api: Api, world: World) -> None:
    tokens = (await log_in(api, world.owner.user.email))["tokens"]
    [new, old] = await own(api, world.owner)
    assert (new["isCurrent"], old["isCurrent"]) == (False, True)

    payload = await revoke(api, world.owner, new["id"])

    assert payload == {"revokedSessionId": new["id"], "userErrors": []}
    assert await code_of(api, tokens["accessToken"]) == "UNAUTHENTICATED"
    assert await own(api, world.owner) == [old]
    key = decode_id(new["id"], "Session")
    assert (await world.facts())[-1] == CredentialRevoked(world.workspace.id, f"session:{key}")


async def test_a_session_of_somebody_else_does_not_exist(api: Api, world: World) -> None:
    agent = await world.add()
    [theirs] = await own(api, agent)
    before = await snapshot("session", "event")
    answers = [
        await revoke(api, world.owner, key)
        for key in (theirs["id"], encode_id("Session", 10**9), world.id, "x")
    ]
    assert answers == [answers[0]] * 4
    assert answers[0]["userErrors"][0]["code"] == "NOT_FOUND"
    assert answers[0]["userErrors"][0]["field"] == ["sessionId"]
    assert await snapshot("session", "event") == before


@pytest.mark.parametrize("kept", [True, False])
async def test_logging_out_everywhere(api: Api, world: World, kept: bool) -> None:
    agent = await world.add()
    tokens = [(await log_in(api, world.owner.user.email))["tokens"] for _ in range(2)]
    facts = len(await world.facts())
    data = await api.ask(world.owner, EVERYWHERE, input={"exceptCurrent": kept})

    count = 2 if kept else 3
    assert data["logOutEverywhere"] == {"endedCount": count, "userErrors": []}
    assert await code_of(api, world.owner.token) == (None if kept else "UNAUTHENTICATED")
    for one in tokens:
        assert await code_of(api, one["accessToken"]) == "UNAUTHENTICATED"
        assert await refresh(api, one["refreshToken"]) == ENDED
    assert await code_of(api, agent.token) is None
    told = (await world.facts())[facts:]
    assert len(told) == count
    assert {type(fact) for fact in told} == {CredentialRevoked}


async def test_a_program_has_no_sessions(api: Api, world: World) -> None:
    secret = await api_key(world)
    before = await snapshot("session", "event")
    [mine] = await own(api, world.owner)
    no = [{"code": "FORBIDDEN", "message": "A program has no account.", "field": []}]
    assert (await revoke(api, secret, mine["id"]))["userErrors"] == no
    data = await api.ask(secret, EVERYWHERE, input={})
    assert data["logOutEverywhere"] == {"endedCount": None, "userErrors": no}
    assert await snapshot("session", "event") == before
