"""Who may export and sees exports, what is hidden from them, and who loses the right."""

from typing import Any

import pytest

from models.clock import now
from models.conversation import Conversation
from models.member import Member, Restriction, Role, Visibility
from resolvers.masking import HIDDEN
from resolvers.workspace import update_workspace_settings
from tests.acting import api_key, assigned_to
from tests.exporting import (
    EXPORT,
    KEPT,
    LIST,
    NODE,
    exported,
    found,
    names_in,
    rows_of,
    start,
)
from tests.importing import counted, perform_next
from tests.test_contact_export import fill
from tests.world import Api, World, make_world, run_jobs, snapshot

PORTION = "resolvers.contact_export.PORTION_CONTACTS"


async def test_who_may_export(api: Api, world: World) -> None:
    await world.contact("Ann")
    mia, ada = await world.add("Mia", Role.MANAGER), await world.add("Ada")
    for who in (world.owner, mia, ada, await api_key(world, Role.MANAGER)):
        assert await names_in(await exported(api, world, who)) == ["Ann"]
    restricted = [Restriction.DATA_EXPORT]
    bea = await world.add("Bea", restrictions=restricted)
    max_ = await world.add("Max", Role.MANAGER, restrictions=restricted)
    other = (await make_world("Other")).owner
    before = await snapshot(*KEPT)
    for who, code in ((bea, "FORBIDDEN"), (max_, "FORBIDDEN"), (other, "NOT_FOUND")):
        payload = await start(api, world, who)
        assert payload["contactExport"] is None
        assert [error["code"] for error in payload["userErrors"]] == [code]
    answer = await api.run(None, EXPORT, input={"workspaceId": world.id})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert await snapshot(*KEPT) == before


async def test_only_who_started_it_sees_it(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    one = await exported(api, world, ada)
    assert (await api.ask(ada, NODE, id=one["id"]))["node"]["state"] == "DONE"
    data = await api.ask(ada, LIST, id=world.id)
    assert data["contactExports"]["nodes"] == [{"id": one["id"]}]
    mia, bea = await world.add("Mia", Role.MANAGER), await world.add("Bea")
    other = (await make_world("Other")).owner
    for who in (world.owner, mia, bea, other):
        answer = await api.run(who, NODE, id=one["id"])
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
    for who in (world.owner, mia, bea):
        assert (await api.ask(who, LIST, id=world.id))["contactExports"]["nodes"] == []


async def test_only_what_they_see_is_exported(api: Api, world: World) -> None:
    team = await world.team()
    tim = await world.add("Tim", visibility=Visibility.TEAM, team=team)
    tia = await world.add("Tia", visibility=Visibility.OWN, team=team)
    kim = await world.add("Kim", restrictions=[Restriction.BLOCKED_CONTACTS])
    await assigned_to(world, tim, "Tims")
    await assigned_to(world, tia, "Tias")
    await world.contact("Free")
    blocked = await world.conversation("Blocked")
    await Conversation.filter(id=blocked.id).update(blocked_at=now())
    for who, names in (
        (world.owner, ["Tims", "Tias", "Free", "Blocked"]),
        (tim, ["Tims", "Tias"]),
        (tia, ["Tias"]),
        (kim, ["Tims", "Tias", "Free"]),
    ):
        one = await exported(api, world, who)
        assert one["contactCount"] == len(names)
        assert await names_in(one) == names


async def test_what_they_see_is_what_they_see_at_that_moment(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PORTION, 1)
    tia = await world.add("Tia", visibility=Visibility.OWN)
    rows = [await assigned_to(world, tia, name) for name in ("One", "Two", "Three", "Four")]
    payload = await start(api, world, tia)
    await perform_next()
    await Conversation.filter(id=rows[2].id).update(assignee_id=world.owner.member.id)
    await run_jobs()
    one = await found(api, payload, tia)
    assert (one["state"], one["contactCount"], one["doneCount"]) == ("DONE", 3, 3)
    assert await names_in(one) == ["One", "Two", "Four"]


async def test_what_is_hidden_from_them_is_hidden_in_the_file(api: Api, world: World) -> None:
    await world.contact("Zoe 0612345678", phone="+33612345678", email="zoe@b.test")
    ada = await world.add("Ada")
    bea = await world.add("Bea", restrictions=[Restriction.EMAIL_ADDRESSES])
    whole = ["Zoe 0612345678", "'+33612345678", "zoe@b.test", "FR"]
    emails_hidden = [f"Zoe {HIDDEN}", "'+33612345678", HIDDEN, "FR"]
    hidden = [f"Zoe {HIDDEN}", HIDDEN, HIDDEN, ""]

    async def cells(who: Any) -> list[str]:
        _, row = await rows_of(await exported(api, world, who))
        return [row[0], row[2], row[3], row[7]]

    assert [await cells(who) for who in (ada, bea)] == [whole, emails_hidden]
    both = {"masks_phones": True, "masks_emails": True}
    await update_workspace_settings(await world.owner.viewer(), world.workspace.id, both)
    program = await api_key(world)
    assert [await cells(who) for who in (ada, bea, program)] == [hidden] * 3
    assert await cells(world.owner) == whole
    assert (await exported(api, world, ada, search="345678"))["doneCount"] == 0
    country = {"field": "COUNTRY", "operator": "HAS_ANY_OF", "values": ["FR"]}
    before = await snapshot(*KEPT)
    payload = await start(api, world, ada, filter={"contactField": country})
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]
    assert await snapshot(*KEPT) == before


@pytest.mark.parametrize("loss", ["removed", "restricted", "masked", "revoked"])
async def test_who_loses_the_right_stops_their_export(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    monkeypatch.setattr(PORTION, 2)
    await fill(world, 5)
    ada = await world.add("Ada")
    who: Any = await api_key(world, Role.MANAGER) if loss == "revoked" else ada
    payload = await start(api, world, who)
    await perform_next()
    assert await counted("transfer_chunk") == [1]
    row, workspace = Member.filter(id=ada.member.id), type(world.workspace)
    if loss == "removed":
        await row.update(is_active=False)
    elif loss == "restricted":
        await row.update(restrictions="DATA_EXPORT")
    elif loss == "masked":
        await workspace.filter(id=world.workspace.id).update(masks_phones=True)
    else:
        from models.api_key import ApiKey

        await ApiKey.all().update(revoked_at=now())
    await run_jobs()
    assert await counted("transfer_chunk", "job") == [0, 0]
    fact: Any = (await world.facts())[-1]
    assert (fact.state, fact.done_count, fact.contact_count) == ("FAILED", 2, 5)
    if loss == "masked":
        one = await found(api, payload, ada)
        assert (one["state"], one["percent"], one["downloadUrl"]) == ("FAILED", 40, None)
