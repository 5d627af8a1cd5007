"""Members: the last owner stays, whoever acts at once, and leaving."""

import asyncio

import pytest

from models.member import Member
from models.records import MemberRecord
from models.refusal import Code, Refused
from realtime.events import MemberChanged
from resolvers.member import leave_workspace, remove_member, update_member
from tests.acting import api_key
from tests.test_member import AGENT, MANAGER, OWNER, TABLES, codes, leave, remove, update
from tests.world import Api, World, snapshot


async def test_leaving(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    before = await snapshot(*TABLES)
    assert codes(await leave(api, world.owner, world)) == [("WRONG_STATE",)]
    assert codes(await leave(api, await api_key(world), world)) == [("FORBIDDEN",)]
    assert await snapshot(*TABLES) == before
    left = await leave(api, ada, world)
    assert left == {"leftWorkspaceId": world.id, "userErrors": []}
    assert not (await Member.get(id=ada.member.id)).is_active
    assert (await world.facts())[-1] == MemberChanged(world.workspace.id, ada.member.id)
    assert codes(await leave(api, ada, world)) == [("NOT_FOUND", "workspaceId")]
    await world.add("Otto", OWNER)
    assert (await leave(api, world.owner, world))["userErrors"] == []


async def test_a_program_cannot_take_the_last_owner(api: Api, world: World) -> None:
    program = await api_key(world, OWNER)
    before = await snapshot(*TABLES)
    sentence = "A workspace keeps at least one owner."
    for payload in (
        await update(api, program, world.owner, role="AGENT"),
        await remove(api, program, world.owner),
    ):
        error = {"code": "WRONG_STATE", "message": sentence, "field": []}
        assert payload == {"member": None, "userErrors": [error]}
    assert await snapshot(*TABLES) == before


@pytest.mark.parametrize("deed", ["demote", "remove", "leave"])
async def test_of_owners_who_go_for_each_other_one_is_left(
    api: Api, world: World, deed: str
) -> None:
    others = [await world.add(f"Otto {number}", OWNER) for number in range(3)]
    owners = [world.owner, *others]
    viewers = [await owner.viewer() for owner in owners]

    async def act(number: int) -> MemberRecord | int:
        target = owners[(number + 1) % len(owners)].member.id
        if deed == "leave":
            return await leave_workspace(viewers[number], world.workspace.id)
        if deed == "remove":
            return await remove_member(viewers[number], target)
        return await update_member(viewers[number], target, {"role": AGENT})

    outcomes = await asyncio.gather(*map(act, range(len(owners))), return_exceptions=True)
    done = [one for one in outcomes if not isinstance(one, BaseException)]
    refused = [one.code for one in outcomes if isinstance(one, Refused)]
    assert len(done) + len(refused) == len(owners)
    left = await Member.filter(workspace_id=world.workspace.id, role=OWNER, is_active=True).count()
    assert left == len(owners) - len(done) >= 1
    assert set(refused) <= {Code.FORBIDDEN, Code.WRONG_STATE, Code.NOT_FOUND}


async def test_who_was_demoted_meanwhile_changes_nobody(api: Api, world: World) -> None:
    mia, ada = await world.add("Mia", MANAGER), await world.add("Ada")
    stale = await mia.viewer()
    await update_member(await world.owner.viewer(), mia.member.id, {"role": AGENT})
    before = await snapshot(*TABLES)
    with pytest.raises(Refused) as refused:
        await remove_member(stale, ada.member.id)
    assert refused.value.code is Code.FORBIDDEN
    assert await snapshot(*TABLES) == before
