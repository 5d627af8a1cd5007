"""What the tests of exports share: how one is asked for, and what its file has."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from starlette.applications import Starlette

from settings import get_settings
from tests.serving import serving
from tests.world import Api, World, run_jobs
from web.transfers import routes

SELECTION = "id fileName state percent contactCount doneCount downloadUrl"
EXPORT = f"""
mutation ($input: ExportContactsInput!) {{
  exportContacts(input: $input) {{
    contactExport {{ {SELECTION} }} userErrors {{ code message field }}
  }}
}}"""
NODE = f"query ($id: ID!) {{ node(id: $id) {{ ... on ContactExport {{ {SELECTION} }} }} }}"
LIST = "query ($id: ID!) { contactExports(workspaceId: $id) { nodes { id } } }"
HEADER = ["First name", "Last name", "Phone", "Email", "Language", "Tags", "Lifecycle stage"]
LAST = ["Country", "Created at"]
KEPT = ("event", "job", "transfer", "transfer_chunk", "idempotency_key")
MISSING = {"code": "NOT_FOUND", "message": "Nothing was found under this id.", "field": ["id"]}


async def start(api: Api, world: World, who: Any = None, **values: Any) -> Any:
    """Ask for an export; return the payload."""
    given = {"workspaceId": world.id, **values}
    return (await api.ask(who or world.owner, EXPORT, input=given))["exportContacts"]


async def found(api: Api, payload: Any, who: Any) -> Any:
    """Return an export as it is now."""
    return (await api.ask(who, NODE, id=payload["contactExport"]["id"]))["node"]


async def exported(api: Api, world: World, who: Any = None, **values: Any) -> Any:
    """Export contacts to the end; return the export."""
    payload = await start(api, world, who, **values)
    assert payload["userErrors"] == []
    await run_jobs()
    one = await found(api, payload, who or world.owner)
    assert (one["state"], one["percent"]) == ("DONE", 100)
    assert one["contactCount"] == one["doneCount"]
    return one


def path_of(one: Any) -> str:
    """Return the path of the link to an export's file."""
    url: str = one["downloadUrl"]
    assert url.startswith(f"{get_settings().public_url}/exports/")
    return url.removeprefix(get_settings().public_url)


@asynccontextmanager
async def opened() -> AsyncIterator[httpx2.AsyncClient]:
    """Give an HTTP client of a server that has only the doors of transfers."""
    async with (
        serving(Starlette(routes=routes()), lifespan="off") as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        yield client


async def text_of(one: Any) -> str:
    """Return the file of an export."""
    async with opened() as door:
        answer = await door.get(path_of(one))
    assert answer.status_code == 200
    return str(answer.text)


async def rows_of(one: Any) -> list[list[str]]:
    """Return the cells of an export's file, its header first."""
    return list(csv.reader(io.StringIO(await text_of(one), newline="")))


async def names_in(one: Any) -> list[str]:
    """Return the first names in an export's file."""
    return [row[0] for row in (await rows_of(one))[1:]]
