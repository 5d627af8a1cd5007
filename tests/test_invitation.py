"""Invitations: who may invite whom, what is refused, and a token that opens once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.invitation import Invitation
from models.member import Member, Role, Visibility
from models.refusal import Code, Refused
from models.user import User
from realtime.events import MemberChanged, MemberTeamChanged
from resolvers.account import log_in
from resolvers.invitation import (
    MAX_PENDING,
    VALID_DAYS,
    accept_invitation,
    check_email,
    check_person,
    invite_member,
)
from resolvers.member import remove_member
from schema.ids import encode_id
from tests.acting import api_key
from tests.world import Api, World, make_world, snapshot

PASSWORD = "correct horse battery"
ERRORS = "userErrors { code message field }"
INVITE = f"""
mutation ($input: InviteMemberInput!) {{
  inviteMember(input: $input) {{
    token
    invitation {{
      id email role visibility restrictions team {{ id }} invitedBy {{ id }}
      createdAt expiresAt acceptedAt revokedAt
    }}
    {ERRORS}
  }}
}}
"""
REVOKE = f"""
mutation ($input: RevokeInvitationInput!) {{
  revokeInvitation(input: $input) {{ invitation {{ id acceptedAt revokedAt }} {ERRORS} }}
}}
"""
ACCEPT = f"""
mutation ($input: AcceptInvitationInput!) {{
  acceptInvitation(input: $input) {{
    member {{ id name role visibility restrictions isActive team {{ id }} user {{ email }} }}
    {ERRORS}
  }}
}}
"""
TABLES = ("invitation", "member", "account", "event")
SENTENCE = "This invitation is not valid any more."


async def invite(
    api: Api, world: World, email: str = "zoe@example.com", who: Any = None, **values: Any
) -> Any:
    """Invite an address; return the payload."""
    given = {"workspaceId": world.id, "email": email, **values}
    return (await api.ask(who or world.owner, INVITE, input=given))["inviteMember"]


async def accept(api: Api, token: str, who: Any = None, **values: Any) -> Any:
    """Accept an invitation; return the payload."""
    return (await api.ask(who, ACCEPT, input={"token": token, **values}))["acceptInvitation"]


async def join(api: Api, token: str) -> Any:
    """Accept an invitation as somebody new; return the payload."""
    return await accept(api, token, name="Zoe", password=PASSWORD)


async def revoke(api: Api, who: Any, key: str) -> Any:
    """Revoke an invitation; return the payload."""
    return (await api.ask(who, REVOKE, input={"invitationId": key}))["revokeInvitation"]


def codes(payload: Any) -> list[tuple[str, ...]]:
    """Return the refusals of a payload."""
    return [(error["code"], *error["field"]) for error in payload["userErrors"]]


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        (" Zoe@Example.COM ", "zoe@example.com"),
        ("z+tag@mail.example.com", "z+tag@mail.example.com"),
        ("zoe", None),
        ("zoe@example", None),
        ("zoe@ex ample.com", None),
        ("a@b.c,d@e.f", None),
        ("a@b.c\nBcc: d@e.f", None),
        ("<a@b.c>", None),
        ("a" * 250 + "@b.cd", None),
        ("", None),
    ],
)
def test_an_address_at_its_edges(email: str, kept: str | None) -> None:
    if kept is not None:
        assert check_email(email) == kept
        return
    with pytest.raises(Refused) as refused:
        check_email(email)
    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("email",))


@pytest.mark.parametrize(
    ("name", "password", "outcome"),
    [
        (" Zoe ", "x" * 10, ("Zoe", "x" * 10)),
        ("Z" * 100, "x" * 200, ("Z" * 100, "x" * 200)),
        (None, "x" * 10, (Code.BLANK, "name")),
        ("Z" * 101, "x" * 10, (Code.TOO_LONG, "name")),
        ("Zoe", None, (Code.INVALID, "password")),
        ("Zoe", "x" * 9, (Code.INVALID, "password")),
        ("Zoe", "x" * 201, (Code.INVALID, "password")),
        ("Zoe", " Zoe@Example.com", (Code.INVALID, "password")),
    ],
)
def test_a_person_at_their_edges(name: str | None, password: str | None, outcome: Any) -> None:
    try:
        assert check_person(name, password, "zoe@example.com") == outcome
    except Refused as refusal:
        assert (refusal.code, *refusal.field) == outcome


async def test_an_invitation_says_what_it_is_for(api: Api, world: World) -> None:
    team = await world.team()
    key = encode_id("Team", team.id)
    made = await invite(api, world, " Zoe@Example.com", visibility="TEAM", teamId=key)
    token, invitation = made["token"], made["invitation"]
    assert made["userErrors"] == []
    row = await Invitation.get()
    assert token not in row.token_hash
    assert row.expires_at - row.created_at == timedelta(days=VALID_DAYS) == timedelta(days=7)
    assert invitation == {
        "id": encode_id("Invitation", row.id),
        "email": "zoe@example.com",
        "role": "AGENT",
        "visibility": "TEAM",
        "restrictions": ["DATA_EXPORT"],
        "team": {"id": key},
        "invitedBy": {"id": world.owner.id},
        "createdAt": invitation["createdAt"],
        "expiresAt": invitation["expiresAt"],
        "acceptedAt": None,
        "revokedAt": None,
    }


async def test_a_new_account_is_the_member_that_was_invited(api: Api, world: World) -> None:
    team = await world.team()
    key = encode_id("Team", team.id)
    token = (await invite(api, world, visibility="TEAM", teamId=key))["token"]
    joined = await accept(api, token, name=" Zoe ", password=PASSWORD)
    member = await Member.get(user__email="zoe@example.com")
    assert joined == {
        "member": {
            "id": encode_id("Member", member.id),
            "name": "Zoe",
            "role": "AGENT",
            "visibility": "TEAM",
            "restrictions": ["DATA_EXPORT"],
            "isActive": True,
            "team": {"id": key},
            "user": {"email": "zoe@example.com"},
        },
        "userErrors": [],
    }
    assert (await world.facts())[-1] == MemberChanged(world.workspace.id, member.id)
    assert (await log_in("zoe@example.com", PASSWORD)).session.user_id == member.user_id
    assert codes(await join(api, token)) == [("INVALID_CREDENTIALS", "token")]
    assert (await Invitation.get()).accepted_at is not None


async def test_who_has_an_account_must_be_logged_in_with_it(api: Api, world: World) -> None:
    zoe = (await make_world("Other")).owner
    made = await invite(api, world, zoe.user.email.upper(), role="MANAGER", restrictions=[])
    before = await snapshot(*TABLES)
    for who in (None, world.owner, await api_key(world)):
        payload = await accept(api, made["token"], who, name="Zoe", password=PASSWORD)
        assert codes(payload) == [("FORBIDDEN",)]
    assert await snapshot("invitation", "member", "account") == {
        name: before[name] for name in ("invitation", "member", "account")
    }
    joined = await accept(api, made["token"], zoe, name="Nobody", password="ignored")
    assert (joined["member"]["name"], joined["member"]["role"]) == (zoe.user.name, "MANAGER")
    assert len((await zoe.viewer()).memberships) == 2


async def test_who_left_comes_back_as_the_same_member(api: Api, world: World) -> None:
    team = await world.team()
    ada = await world.add("Ada", Role.MANAGER, team=team)
    await remove_member(await world.owner.viewer(), ada.member.id)
    made = await invite(api, world, ada.user.email)
    joined = await accept(api, made["token"], ada)
    assert (joined["member"]["id"], joined["member"]["role"]) == (ada.id, "AGENT")
    assert (joined["member"]["isActive"], joined["member"]["team"]) == (True, None)
    assert (await world.facts())[-1] == MemberTeamChanged(
        world.workspace.id, ada.member.id, None, team.id
    )


async def test_a_token_that_has_ended_opens_nothing(api: Api, world: World) -> None:
    first = await invite(api, world)
    second = await invite(api, world, " ZOE@example.com")
    third = await invite(api, world, "ben@example.com")
    assert await Invitation.filter(revoked_at=None).count() == 2
    await revoke(api, world.owner, second["invitation"]["id"])
    await Invitation.filter(email="ben@example.com").update(expires_at=now())
    before = await snapshot(*TABLES)
    for token in (first["token"], second["token"], third["token"], "pi_wrong", ""):
        payload = await join(api, token)
        error = {"code": "INVALID_CREDENTIALS", "message": SENTENCE, "field": ["token"]}
        assert payload == {"member": None, "userErrors": [error]}
    assert await snapshot(*TABLES) == before
    again = await invite(api, world, "ben@example.com")
    assert (await join(api, again["token"]))["userErrors"] == []


async def test_a_bad_name_or_password_leaves_the_token_good(api: Api, world: World) -> None:
    token = (await invite(api, world))["token"]
    before = await snapshot(*TABLES)
    assert codes(await accept(api, token)) == [("BLANK", "name")]
    assert codes(await accept(api, token, name="Zoe", password="short")) == [
        ("INVALID", "password")
    ]
    assert await snapshot(*TABLES) == before
    assert (await join(api, token))["userErrors"] == []


async def test_of_several_at_once_one_joins(api: Api, world: World) -> None:
    zoe = (await make_world("Other")).owner
    viewer = await world.owner.viewer()
    _, token = await invite_member(
        viewer, world.workspace.id, email=zoe.user.email, role=Role.AGENT
    )
    who = await zoe.viewer()
    outcomes = await asyncio.gather(
        *(accept_invitation(who, token=token or "") for _ in range(5)), return_exceptions=True
    )
    refused = [one.code for one in outcomes if isinstance(one, Refused)]
    assert refused == [Code.INVALID_CREDENTIALS] * 4
    assert await Member.filter(workspace_id=world.workspace.id, user_id=zoe.user.id).count() == 1
    facts = [fact for fact in await world.facts() if isinstance(fact, MemberChanged)]
    assert len(facts) == 2


async def test_refused_values_change_nothing(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_PENDING == 100
    ada = await world.add("Ada")
    await invite(api, world)
    foreign = await (await make_world("Other")).team("Elsewhere")
    before = await snapshot(*TABLES)
    monkeypatch.setattr("resolvers.invitation.MAX_PENDING", 1)
    refusals: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"email": "nobody"}, ("INVALID", "email")),
        ({"email": ada.user.email.upper()}, ("TAKEN", "email")),
        ({"email": "ben@example.com"}, ("WRONG_STATE",)),
        ({"restrictions": ["CONTACT_DELETION"]}, ("INVALID", "restrictions")),
        ({"teamId": encode_id("Team", foreign.id)}, ("NOT_FOUND", "teamId")),
        ({"idempotencyKey": ""}, ("INVALID", "idempotencyKey")),
    ]
    for values, expected in refusals:
        assert codes(await invite(api, world, **values)) == [expected], values
    assert await snapshot(*TABLES) == before


async def test_a_repeated_key_invites_once(api: Api, world: World) -> None:
    made = await invite(api, world, idempotencyKey="k")
    again = await invite(api, world, idempotencyKey="k")
    assert again == made | {"token": None}
    other = await invite(api, world, idempotencyKey="k", role="OWNER")
    assert codes(other) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]
    assert await Invitation.all().count() == 1


async def test_a_restricted_member_is_invited_as_such(api: Api, world: World) -> None:
    made = await invite(api, world, restrictions=["SHORTCUTS", "BLOCKED_CONTACTS"])
    await join(api, made["token"])
    user = await User.get(email="zoe@example.com")
    member = await Member.get(user_id=user.id)
    assert member.restrictions == "BLOCKED_CONTACTS,SHORTCUTS"
    assert member.visibility is Visibility.ALL
