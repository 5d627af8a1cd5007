"""Downloading an export over real HTTP: as what, by whom, and what they still see of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from models.api_key import ApiKey
from models.audit_entry import AuditEntry
from models.clock import now
from models.conversation import Conversation
from models.member import Member, Restriction, Visibility
from models.transfer import Transfer, TransferChunk, TransferState
from models.workspace import Workspace
from resolvers import export_file
from resolvers.contact_deletion import delete_contact
from schema.ids import decode_id
from tests.acting import api_key, assigned_to
from tests.exporting import MISSING, exported, names_in, opened, path_of, rows_of, start
from tests.importing import perform_next
from tests.test_contact_export import fill
from tests.test_erasure import everything
from tests.world import Api, World, make_world, run_jobs, snapshot

PORTION = "resolvers.contact_export.PORTION_CONTACTS"


@pytest.fixture
async def door(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """Give an HTTP client of a server that has only the doors of transfers."""
    async with opened() as client:
        yield client


async def get(door: httpx2.AsyncClient, path: str) -> tuple[int, Any]:
    """Return status and answer of a download that is refused."""
    answer = await door.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-disposition" not in answer.headers
    return answer.status_code, answer.json()


async def test_as_a_file_that_nothing_opens(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    await world.contact("Zoé", last_name="=1+1")
    one = await exported(api, world)
    answer = await door.get(path_of(one))
    assert answer.status_code == 200
    shown = ("content-type", "content-disposition", "cache-control", "x-content-type-options")
    assert [answer.headers[name] for name in (*shown, "referrer-policy")] == [
        "text/csv; charset=utf-8",
        f"attachment; filename*=UTF-8''{one['fileName']}",
        "no-store",
        "nosniff",
        "no-referrer",
    ]
    assert answer.text.splitlines()[1].startswith('"Zoé","\'=1+1"')


async def test_only_a_good_link_opens(api: Api, world: World, door: httpx2.AsyncClient) -> None:
    one, other = await exported(api, world), await exported(api, world)
    path = path_of(one)
    head, _, token = path.rpartition("/")
    purpose, number, actor, until, signature = token.split(".")
    before = await snapshot("transfer", "transfer_chunk", "event")
    wrong = [
        (purpose, number, actor, until, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        (purpose, number, actor, str(int(until) + 1), signature),
        (purpose, str(decode_id(other["id"], "ContactExport")), actor, until, signature),
        (purpose, "999999", actor, until, signature),
        (purpose, number, "member-999", until, signature),
        ("u", number, actor, until, signature),
        ("r", number, actor, until, signature),
        (purpose,),
    ]
    for parts in wrong:
        assert await get(door, f"{head}/{'.'.join(parts)}") == (404, {"error": MISSING}), parts
    assert (await door.get(f"/imports/{token}")).status_code == 404
    assert (await door.post(path)).status_code == 405
    assert await snapshot("transfer", "transfer_chunk", "event") == before
    with patch("resolvers.signed_link.now", lambda: now() + timedelta(seconds=3601)):
        assert await get(door, path) == (404, {"error": MISSING})
    assert (await door.get(path)).status_code == 200
    await Transfer.all().update(expires_at=now())
    assert await get(door, path) == (404, {"error": MISSING})


@pytest.mark.parametrize("loss", ["removed", "restricted", "masked", "revoked", "moved", "failed"])
async def test_who_has_lost_the_right_finds_nothing(
    api: Api, world: World, door: httpx2.AsyncClient, loss: str
) -> None:
    await world.contact("Ann")
    ada = await world.add("Ada")
    one = await exported(api, world, await api_key(world) if loss == "revoked" else ada)
    assert (await door.get(path_of(one))).status_code == 200
    row, place = Member.filter(id=ada.member.id), Workspace.filter(id=world.workspace.id)
    match loss:
        case "removed":
            await row.update(is_active=False)
        case "restricted":
            await row.update(restrictions=Restriction.DATA_EXPORT.value)
        case "masked":
            await place.update(masks_emails=True)
        case "revoked":
            await ApiKey.all().update(revoked_at=now())
        case "moved":
            other = await make_world("Other")
            await Member.filter(id=other.owner.member.id).delete()
            await row.update(workspace_id=other.workspace.id)
        case "failed":
            await Transfer.all().update(state=TransferState.FAILED)
    assert await get(door, path_of(one)) == (404, {"error": MISSING})


async def test_what_they_no_longer_see_is_left_out(api: Api, world: World) -> None:
    tim = await world.add("Tim")
    rows = [await assigned_to(world, tim, name) for name in ("One", "Two", "Three")]
    one = await exported(api, world, tim)
    await Conversation.filter(id=rows[1].id).update(assignee_id=world.owner.member.id)
    assert await names_in(one) == ["One", "Two", "Three"]
    await Member.filter(id=tim.member.id).update(visibility=Visibility.OWN)
    assert await names_in(one) == ["One", "Three"]
    await Conversation.filter(id=rows[0].id).update(blocked_at=now())
    assert await names_in(one) == ["One", "Three"]
    await Member.filter(id=tim.member.id).update(restrictions="BLOCKED_CONTACTS")
    assert await names_in(one) == ["Three"]


@pytest.mark.parametrize("loss", ["right", "part"])
async def test_a_file_that_cannot_be_finished_breaks_off(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    monkeypatch.setattr(PORTION, 2)
    await fill(world, 5)
    ada = await world.add("Ada")
    one = await exported(api, world, ada)
    _, parts = await export_file.open_export(path_of(one).rpartition("/")[2])
    assert (await anext(parts)).startswith('"First name"')
    assert [line[:5] for line in (await anext(parts)).splitlines()] == ['"N0",', '"N1",']
    if loss == "right":
        await Member.filter(id=ada.member.id).update(restrictions="DATA_EXPORT")
    else:
        await TransferChunk.filter(number__gt=0).delete()
    with pytest.raises(Exception, match="Nothing was found"):
        await anext(parts)
    denied = await AuditEntry.filter(action="downloadContactExport").values_list("actor", "code")
    assert denied == ([(f"member:{ada.member.id}", "NOT_FOUND")] if loss == "right" else [])


async def test_one_part_at_a_time_is_held(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, door: httpx2.AsyncClient
) -> None:
    monkeypatch.setattr(PORTION, 2)
    await fill(world, 7)
    one = await exported(api, world)
    read = []
    decoded = export_file._decoded

    def watched(content: str) -> Any:
        read.append(len(decoded(content)))
        return decoded(content)

    monkeypatch.setattr(export_file, "_decoded", watched)
    assert len((await door.get(path_of(one))).text.splitlines()) == 8
    assert read == [2, 2, 2, 1]


@pytest.mark.parametrize("done", [False, True])
async def test_who_is_deleted_is_erased_from_files(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    monkeypatch.setattr(PORTION, 2)
    owner = await world.owner.viewer()
    people = [await world.contact(name) for name in ("Ann", "Zerlina", "Cy", "Dan", "Leporello")]
    payload = await start(api, world)
    await (run_jobs() if done else perform_next())
    for gone in (people[1], people[4]):
        await delete_contact(owner, gone.id)
    await run_jobs()
    kept = (await everything()).casefold()
    assert [name for name in ("zerlina", "leporello") if name in kept] == []
    key = decode_id(payload["contactExport"]["id"], "ContactExport")
    assert (await Transfer.get(id=key)).state is TransferState.DONE
    from tests.exporting import found

    one = await found(api, payload, world.owner)
    assert [row[0] for row in (await rows_of(one))[1:]] == ["Ann", "Cy", "Dan"]
