"""Uploading a file over real HTTP: piece by piece, by who may, until it is there."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from starlette.applications import Starlette

from models.member import Member, Role
from models.transfer import Transfer, TransferChunk
from resolvers import import_upload
from resolvers.import_upload import PORTION_LINES, decode_portion
from settings import get_settings
from tests.importing import NODE, counted, counts, people, start
from tests.serving import serving
from tests.world import Api, World, run_jobs, snapshot
from web.transfers import routes

KEPT = ("transfer", "transfer_chunk", "contact", "event", "job")
MISSING = {"code": "NOT_FOUND", "message": "Nothing was found under this id.", "field": ["id"]}


@pytest.fixture
async def door(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """Give an HTTP client of a server that has only the doors of transfers."""
    async with (
        serving(Starlette(routes=routes()), lifespan="off") as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        yield client


async def waiting(api: Api, world: World, who: Any = None, **values: Any) -> tuple[Any, str]:
    """Ask for an import without a file; return it and the path of its upload."""
    one = (await start(api, world, None, who, **values))["contactImport"]
    assert (one["state"], one["lineCount"], one["percent"]) == ("WAITING", None, 0)
    return one, path_of(one["uploadUrl"])


def path_of(url: str) -> str:
    """Return the path of a link of ours."""
    assert url.startswith(get_settings().public_url)
    return url.removeprefix(get_settings().public_url)


async def post(door: httpx2.AsyncClient, path: str, body: Any) -> tuple[int, Any]:
    """Upload a file; return status and answer."""
    answer = await door.post(path, content=body, headers={"content-type": "text/csv"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield a file in pieces."""
    for place in range(0, len(data), size):
        yield data[place : place + size]


@pytest.mark.parametrize("size", [1, 7, 65_536])
async def test_a_file_comes_in_pieces(
    api: Api, world: World, door: httpx2.AsyncClient, size: int
) -> None:
    one, path = await waiting(api, world)
    names = [f"Zoé {number}" for number in range(2 * PORTION_LINES + 1)]
    text = "\ufeffFirst name;Last name\r\n" + "".join(f"{name};Ü\r\n" for name in names)
    assert await post(door, path, pieces(text.encode(), size)) == (202, {"lines": len(names)})
    chunks = await TransferChunk.all().order_by("number")
    portions = [decode_portion(chunk.content) for chunk in chunks]
    assert [len(portion) for portion in portions] == [PORTION_LINES, PORTION_LINES, 1]
    assert [chunk.number for chunk in chunks] == [0, 1, 2]
    await run_jobs()
    found = (await api.ask(world.owner, NODE, id=one["id"]))["node"]
    assert counts(found) == (len(names), 0, 0, 0)
    assert (found["uploadUrl"], found["reportUrl"]) == (None, None)
    assert await people("first_name", "last_name") == [(name, "Ü") for name in names]


async def test_no_more_than_a_portion_is_held(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    _, path = await waiting(api, world)
    held = []
    keep = import_upload.keep_portion

    async def watched(transfer: Transfer, number: int, portion: Any) -> None:
        held.append((number, len(portion)))
        assert (await counted("transfer_chunk")) == [number]
        await keep(transfer, number, portion)

    text = b"First name\n" + b"Ann\n" * 10 * PORTION_LINES
    with patch.object(import_upload, "keep_portion", watched):
        assert (await post(door, path, pieces(text, 4 * PORTION_LINES)))[0] == 202
    assert held == [(number, PORTION_LINES) for number in range(10)]


BODIES: dict[str, tuple[bytes, int, str, str]] = {
    "unknown column": (
        b"Colour\nred\n",
        *(422, "UNKNOWN_COLUMN"),
        "The column “Colour” is no detail and no custom field of a contact.",
    ),
    "Latin-1": ("First name\nZoé\n".encode("latin-1"), 422, "INVALID", "must be text in UTF-8."),
    "UTF-16": ("First name\nZoé\n".encode("utf-16"), 422, "INVALID", "must be text in UTF-8."),
    "cut letter": ("First name\nZoé".encode()[:-1], 422, "INVALID", "must be text in UTF-8."),
    "empty": (b"", 422, "BLANK", "The file has no lines to import."),
    "header alone": (b"First name\r\n", 422, "BLANK", "The file has no lines to import."),
    "too large": (b"First name\n" + b"x\n" * 600, 413, "TOO_LONG", "at most 1024 bytes."),
    "too many lines": (b"First name\n" + b"x\n" * 401, 413, "TOO_LONG", "at most 400 lines."),
}


@pytest.mark.parametrize("case", BODIES)
async def test_a_file_that_is_refused_may_be_sent_again(
    api: Api, world: World, door: httpx2.AsyncClient, case: str
) -> None:
    one, path = await waiting(api, world)
    body, status, code, message = BODIES[case]
    before = await snapshot("contact", "event", "job")
    settings = get_settings().model_copy(update={"import_max_bytes": 1024})
    with (
        patch.object(import_upload, "get_settings", lambda: settings),
        patch.object(import_upload, "MAX_LINES", 400),
    ):
        found, answer = await post(door, path, body)
    assert (found, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"].endswith(message)
    assert await snapshot("contact", "event", "job") == before
    assert await post(door, path, b"First name\nAnn\n") == (202, {"lines": 1})
    await run_jobs()
    assert counts((await api.ask(world.owner, NODE, id=one["id"]))["node"]) == (1, 0, 0, 0)
    assert await people("first_name") == [("Ann",)]


async def test_only_a_good_link_opens(api: Api, world: World, door: httpx2.AsyncClient) -> None:
    one, path = await waiting(api, world)
    other, _ = await waiting(api, world)
    head, purpose, number, actor, until, signature = *path.rpartition("/")[:1], *parts_of(path)
    wrong = [
        (purpose, number, actor, until, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        (purpose, number, actor, str(int(until) + 1), signature),
        (purpose, str(int(number) + 1), actor, until, signature),
        (purpose, number, "member-999", until, signature),
        ("r", number, actor, until, signature),
        ("f", number, actor, until, signature),
        (purpose, "x", actor, until, signature),
        (purpose, number, actor, "x" * 4000, signature),
        (purpose, number, actor, until, "é"),
        (purpose,),
    ]
    before = await snapshot(*KEPT)
    for parts in wrong:
        found = await post(door, f"{head}/{'.'.join(parts)}", b"First name\nAnn\n")
        assert found == (404, {"error": MISSING}), parts
    assert (await door.get(path)).status_code == 404
    await Transfer.all().update(secret="another")
    assert await post(door, path, b"First name\nAnn\n") == (404, {"error": MISSING})
    assert [row["state"] for row in (await snapshot("transfer"))["transfer"]] == ["WAITING"] * 2
    assert {key: (await snapshot(key))[key] for key in KEPT[1:]} == {
        key: before[key] for key in KEPT[1:]
    }
    assert one["id"] != other["id"]


def parts_of(path: str) -> list[str]:
    """Return the parts of a link's token."""
    return path.rpartition("/")[2].split(".")


async def test_a_link_expires(api: Api, world: World, door: httpx2.AsyncClient) -> None:
    with patch("resolvers.transfer.LINK_SECONDS", 0):
        _, path = await waiting(api, world)
    assert await post(door, path, b"First name\nAnn\n") == (404, {"error": MISSING})


async def test_rights_are_those_of_the_moment(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    mia = await world.add("Mia", Role.MANAGER)
    _, path = await waiting(api, world, mia)
    row = Member.filter(id=mia.member.id)
    for change, status in (
        ({"role": Role.AGENT}, 404),
        ({"role": Role.MANAGER, "is_active": False}, 404),
        ({"is_active": True}, 202),
    ):
        await row.update(**change)
        assert (await post(door, path, b"First name\nAnn\n"))[0] == status


async def test_one_file_is_enough(api: Api, world: World, door: httpx2.AsyncClient) -> None:
    _, path = await waiting(api, world)
    assert (await post(door, path, b"First name\nAnn\n"))[0] == 202
    status, answer = await post(door, path, b"First name\nBea\n")
    assert (status, answer["error"]["code"]) == (409, "WRONG_STATE")
    await run_jobs()
    assert (await post(door, path, b"First name\nBea\n"))[0] == 409
    assert await people("first_name") == [("Ann",)]


async def test_of_two_uploads_the_one_that_began_last_is_taken(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    _, path = await waiting(api, world)
    token = path.rpartition("/")[2]

    async def slow() -> AsyncIterator[bytes]:
        yield b"First name\n" + b"Slow\n" * (PORTION_LINES + 1)
        assert await post(door, path, b"First name\nFast\n") == (202, {"lines": 1})
        yield b"Slow\n"

    with pytest.raises(Exception, match="has its file already"):
        await import_upload.receive_import(token, slow())
    await run_jobs()
    assert await people("first_name") == [("Fast",)]


async def test_the_report_as_csv(api: Api, world: World, door: httpx2.AsyncClient) -> None:
    one, path = await waiting(api, world, fileName='C:\\lists\\my "people".csv')
    await post(door, path, b"First name,Phone\n=x,12\nAnn,\n,+33612345678\n")
    await run_jobs()
    found = (await api.ask(world.owner, NODE, id=one["id"]))["node"]
    answer = await door.get(path_of(found["reportUrl"]), headers={"accept-language": "fr"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''my%20people-refused.csv"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    header, first, second = answer.text.splitlines()
    assert header == '"Line","Column","Code","Reason"'
    assert first.startswith('"2","Phone","INVALID","Ceci n’est pas un numéro')
    assert second.startswith('"4","","BLANK","')
