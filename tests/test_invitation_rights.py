"""Invitations: who may invite and revoke whom, and who sees which."""

import asyncio
from typing import Any

from models.clock import now
from models.invitation import Invitation
from models.member import Role
from resolvers.invitation import invite_member
from schema.ids import encode_id
from tests.acting import api_key
from tests.test_invitation import TABLES, codes, invite, join, revoke
from tests.world import Api, World, make_world, snapshot

LIST = "query ($id: ID!) { workspace(id: $id) { invitations { email } viewerCanInviteMembers } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Invitation { email } } }"


async def test_who_may_invite_and_revoke_whom(api: Api, world: World) -> None:
    manager, agent = await world.add("Mia", Role.MANAGER), await world.add("Ada")
    stranger = (await make_world("Other")).owner
    callers: dict[str, tuple[Any, list[str]]] = {
        "owner": (world.owner, ["OWNER", "MANAGER", "AGENT"]),
        "program of an owner": (await api_key(world, Role.OWNER), ["OWNER", "MANAGER", "AGENT"]),
        "manager": (manager, ["AGENT"]),
        "program of a manager": (await api_key(world, Role.MANAGER), ["AGENT"]),
        "agent": (agent, []),
        "program": (await api_key(world), []),
        "stranger": (stranger, []),
    }
    hidden: tuple[str, ...] = ("NOT_FOUND", "workspaceId")
    for name, (who, roles) in callers.items():
        for role in ("OWNER", "MANAGER", "AGENT"):
            theirs = await invite(api, world, "zoe@example.com", role=role)
            key = theirs["invitation"]["id"]
            before = await snapshot(*TABLES)
            made = await invite(api, world, "ben@example.com", who, role=role)
            if role in roles:
                assert made["userErrors"] == [], name
                assert (await revoke(api, who, made["invitation"]["id"]))["userErrors"] == []
                replaced = await invite(api, world, "zoe@example.com", who, role="AGENT")
                assert replaced["userErrors"] == []
                assert (await revoke(api, who, key))["userErrors"] == []
                continue
            refused: list[tuple[str, ...]] = [("FORBIDDEN", *(["role"] if roles else []))]
            if who is stranger:
                refused = [hidden]
            assert codes(made) == refused, name
            refused = [("FORBIDDEN", *(["invitationId"] if roles else []))]
            if who is stranger:
                refused = [("NOT_FOUND", "invitationId")]
            assert codes(await revoke(api, who, key)) == refused, name
            if roles:
                mine = await invite(api, world, "zoe@example.com", who)
                assert codes(mine) == [("FORBIDDEN", "email")]
            assert await snapshot(*TABLES) == before


async def test_who_sees_the_pending_ones(api: Api, world: World) -> None:
    manager, agent = await world.add("Mia", Role.MANAGER), await world.add("Ada")
    for email in ("zoe@example.com", "ben@example.com", "kim@example.com", "lea@example.com"):
        made = await invite(api, world, email)
    await revoke(api, world.owner, made["invitation"]["id"])
    kim = await Invitation.get(email="kim@example.com")
    await Invitation.filter(id=kim.id).update(expires_at=now())
    pending = [{"email": "ben@example.com"}, {"email": "zoe@example.com"}]
    stranger = (await make_world("Other")).owner
    for who, sees in ((world.owner, True), (manager, True), (agent, False)):
        found = (await api.ask(who, LIST, id=world.id))["workspace"]
        assert found == {"invitations": pending if sees else [], "viewerCanInviteMembers": sees}
    for who, sees in ((world.owner, True), (agent, False), (stranger, False)):
        found = await api.ask(who, NODES, ids=[made["invitation"]["id"]])
        assert found == {"nodes": [{"email": "lea@example.com"} if sees else None]}


async def test_revoking_what_has_ended_changes_nothing(api: Api, world: World) -> None:
    made = await invite(api, world)
    key = made["invitation"]["id"]
    await join(api, made["token"])
    before = await snapshot(*TABLES)
    payload = await revoke(api, world.owner, key)
    assert payload["userErrors"] == []
    assert payload["invitation"]["acceptedAt"] is not None
    assert payload["invitation"]["revokedAt"] is None
    missing = await revoke(api, world.owner, encode_id("Invitation", 999_999))
    assert codes(missing) == [("NOT_FOUND", "invitationId")]
    assert await snapshot(*TABLES) == before


async def test_inviting_at_once_leaves_one_invitation(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    made = await asyncio.gather(
        *(
            invite_member(viewer, world.workspace.id, email="zoe@example.com", role=Role.AGENT)
            for _ in range(4)
        )
    )
    assert len({token for _, token in made}) == 4
    assert await Invitation.filter(revoked_at=None).count() == 1
