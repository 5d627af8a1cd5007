"""What the tests of imports share: how one is asked for, and what it has come to."""

from collections.abc import Sequence
from typing import Any

from app import job_handlers
from connectors.http import GuardedClient
from connectors.mail import Mailer
from models.contact import Contact
from models.custom_field import CustomFieldKind
from models.engine import sql
from realtime.broker import Broker
from realtime.jobs import JobRunner, claim
from resolvers.custom_field import create_custom_field
from resolvers.lifecycle import create_lifecycle_stage
from resolvers.tag import create_tag
from settings import get_settings
from tests.world import Api, World, run_jobs

COUNTS = "lineCount doneCount createdCount updatedCount skippedCount refusedCount"
SELECTION = f"id fileName mode isDryRun state percent {COUNTS} startedBy {{ name }} uploadUrl"
IMPORT = f"""
mutation ($input: ImportContactsInput!) {{
  importContacts(input: $input) {{
    contactImport {{ {SELECTION} }} userErrors {{ code message field }}
  }}
}}"""
NODE = (
    f"query ($id: ID!) {{ node(id: $id) {{ ... on ContactImport {{ {SELECTION} reportUrl }} }} }}"
)
REPORT = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  importReport(importId: $id, first: $first, after: $after, last: $last, before: $before) {
    nodes { line column code message } pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}"""
TABLES = ("contact", "conversation", "contact_tag", "custom_field_value")
"""What an import writes of contacts."""
KEPT = (*TABLES, "event", "job", "transfer", "transfer_chunk", "idempotency_key")
HEADER = "First name,Last name,Phone,Email,Language,Tags,Lifecycle stage"


def csv_of(*lines: str) -> str:
    """Return the text of a file."""
    return "".join(f"{line}\n" for line in lines)


async def start(api: Api, world: World, csv: str | None, who: Any = None, **values: Any) -> Any:
    """Ask for an import; return the payload."""
    given = {"workspaceId": world.id, "fileName": "people.csv", "csv": csv, **values}
    return (await api.ask(who or world.owner, IMPORT, input=given))["importContacts"]


async def imported(api: Api, world: World, csv: str, who: Any = None, **values: Any) -> Any:
    """Import a file to its end; return the import."""
    payload = await start(api, world, csv, who, **values)
    assert payload["userErrors"] == []
    await run_jobs()
    found = await api.ask(who or world.owner, NODE, id=payload["contactImport"]["id"])
    return found["node"]


def counts(one: Any) -> tuple[int, ...]:
    """Return created, updated, skipped and refused lines; check that none is missing."""
    told = tuple(one[f"{name}Count"] for name in ("created", "updated", "skipped", "refused"))
    assert one["doneCount"] == sum(told) == one["lineCount"]
    assert (one["state"], one["percent"]) == ("DONE", 100)
    return told


async def report(api: Api, world: World, one: Any, **page: Any) -> list[tuple[Any, ...]]:
    """Return what an import refused."""
    data = await api.ask(world.owner, REPORT, id=one["id"], **page)
    return [tuple(node.values()) for node in data["importReport"]["nodes"]]


async def words(world: World) -> dict[str, Any]:
    """Give a workspace two tags, a stage, and a custom field of each kind called after it."""
    owner = await world.owner.viewer()
    made: dict[str, Any] = {}
    for name in ("VIP", "Press"):
        made[name] = await create_tag(owner, world.workspace.id, name=name)
    made["Customer"] = await create_lifecycle_stage(owner, world.workspace.id, name="Customer")
    for kind in CustomFieldKind:
        made[kind.value] = await create_custom_field(
            owner,
            world.workspace.id,
            name=f"My {kind.value.title()}",
            slug=f"my_{kind.value.lower()}",
            kind=kind,
            options=["S", "M"] if kind is CustomFieldKind.LIST else [],
        )
    return made


async def people(*names: str) -> list[tuple[Any, ...]]:
    """Return columns of all contacts, in the order in which they came."""
    names = names or ("first_name", "last_name", "phone", "email")
    found: Sequence[Any] = await Contact.all().order_by("id").values_list(*names)
    return [tuple(row) for row in found]


async def counted(*tables: str) -> list[int]:
    """Return how many rows tables have."""
    return [(await sql.rows(f"SELECT COUNT(*) AS n FROM {name}"))[0]["n"] for name in tables]


async def perform_next() -> None:
    """Run the one job that is due, and nothing that follows from it."""
    client = GuardedClient(timeout_seconds=5, private_hosts="127.0.0.1")
    runner = JobRunner(job_handlers(client, Mailer(get_settings())), Broker("memory://"))
    [job] = await claim()
    await runner.perform(job)
    await client.aclose()
