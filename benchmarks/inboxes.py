"""Inboxes: pages in every sort, a custom inbox of three conditions, and live inboxes."""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import fanout, load, seeding, work
from benchmarks.data import WORKSPACE, World, assignee, stretch
from benchmarks.processes import server
from benchmarks.scale import Rows, show
from models.clock import now
from models.conversation import ConversationStatus
from models.custom_inbox import InboxSharing
from models.database import connect, disconnect
from models.engine import sql
from models.member import Member
from models.tag import Tag
from resolvers.inbox import create_inbox
from resolvers.inbox_filter import AllOf, Choice, ChoiceCondition, ChoiceOperator
from resolvers.inbox_kinds import Inbox, InboxKind, Sharing, StandardInbox
from resolvers.inbox_pages import ConversationSort, list_conversations
from resolvers.page import PageRequest
from resolvers.viewer import Membership, Viewer

TAGGED_EVERY = 8
"""Every so manieth contact has the tag that the custom inbox asks for."""
ROUNDS, SECONDS = 5, 2.0
SUBSCRIBERS, EVENTS = 500, 40
PAGE = work.INBOX.replace(
    "query Inbox($id: ID!)", "query Inbox($id: ID!, $sort: ConversationSort!)"
)
PAGE = PAGE.replace("first: 25)", "sort: $sort, first: 25)")
CHANGED = """subscription Changed($id: ID!) {
  inboxChanged(inboxId: $id) {
    eventId cursor occurredAt change conversationId
    conversation { id status contact { id name } lastMessage { text } }
    counts { open unreplied }
  }
}"""


async def add_custom_inbox() -> Inbox:
    """Tag contacts, and make an inbox of three conditions that everybody has."""
    tag = await Tag.create(workspace_id=WORKSPACE, name="VIP", folded_name="vip", created_at=now())
    await sql.affected(
        "INSERT INTO contact_tag (contact_id, tag_id) SELECT id, cast(? as bigint) FROM contact"
        f" WHERE workspace_id = ? AND id % {TAGGED_EVERY} = 0",
        tag.id,
        WORKSPACE,
    )
    await sql.affected("ANALYZE")
    members = tuple(range(1, 31))
    some = ChoiceOperator.HAS_ANY_OF
    return await create_inbox(
        viewer(await Member.get(id=1)),
        WORKSPACE,
        name="VIPs",
        conditions=AllOf(
            (
                ChoiceCondition(Choice.TAG, some, (tag.id,)),
                ChoiceCondition(Choice.ASSIGNEE, some, members),
                ChoiceCondition(Choice.LAST_CHANNEL, some, (1,)),
            )
        ),
        sharing=Sharing(InboxSharing.WORKSPACE),
    )


def viewer(member: Member) -> Viewer:
    """Return a member as the one who asks."""
    membership = Membership(
        workspace_id=WORKSPACE,
        member_id=member.id,
        role=member.role,
        visibility=member.visibility,
        team_id=member.team_id,
        restrictions=member.restrictions,
        head=None,
    )
    return Viewer("session:1", member.user_id, {WORKSPACE: membership}, None, None)


async def plan_of(inbox: Inbox, sort: ConversationSort) -> str:
    """Return how the database reads the first page of an inbox's open conversations."""
    sent: list[tuple[str, Sequence[Any]]] = []
    client = sql.client()
    fetch = client.fetch

    async def noting(query: str, values: Sequence[Any]) -> Any:
        sent.append((query, values))
        return await fetch(query, values)

    client.fetch = noting
    try:
        asker = viewer(await Member.get(id=1))
        open_ones = ConversationStatus.OPEN
        await list_conversations(asker, inbox, PageRequest(first=25), status=open_ones, sort=sort)
    finally:
        del client.fetch
    [(query, values)] = [one for one in sent if "ORDER BY c." in one[0]]
    word = "EXPLAIN QUERY PLAN" if sql.dialect() == "sqlite" else "EXPLAIN"
    steps = [str(row[-1]).strip() for row in await fetch(f"{word} {query}", values)]
    return next(step for step in steps if "conversation" in step or " c " in step)


def pages(inbox_id: str, sort: ConversationSort) -> Iterator[bytes]:
    """Ask for the first page of an inbox in an order, over and over."""
    return itertools.repeat(work.graphql(PAGE, id=inbox_id, sort=sort.value))


async def measure(postgres_url: str, options: argparse.Namespace) -> Rows:
    """Measure pages and live inboxes on both databases."""
    world = World(10_000 if options.quick else 100_000)
    rows: Rows = []
    live: Rows = []
    for database in ("postgres", "sqlite"):
        if options.database not in (None, database):
            continue
        if database == "postgres":
            url = await seeding.postgres_database(postgres_url, world)
        else:
            url = await seeding.sqlite_database(world)
        asked, plans = await prepare(url)
        with server("parley", url) as running:
            for name, requests in asked.items():
                found = await load.compare(
                    {name: running}, {name: requests}, rounds=ROUNDS, seconds=SECONDS
                )
                one = found[name]
                rows.append(
                    {
                        "database": database,
                        "page": name,
                        "requests_per_second": round(one.per_second),
                        "cpu_us": round(one.cpu_microseconds),
                        "p50_ms": round(one.milliseconds(50), 2),
                        "plan": plans[name],
                    }
                )
        live += [{"database": database, **await _live(url, world, kind)} for kind in LIVE]
    show("The first 25 open conversations of an inbox, in each order", rows)
    return rows + show(f"One event through {SUBSCRIBERS} subscribers of a live inbox", live)


async def prepare(url: str) -> tuple[dict[str, Iterator[bytes]], dict[str, str]]:
    """Return what is asked, and the plan of each, by the names of the pages."""
    await connect(url, pool_size=1)
    try:
        custom = await add_custom_inbox()
        cases: dict[str, tuple[Inbox, str, ConversationSort]] = {
            f"All, {sort.value}": (StandardInbox(WORKSPACE, InboxKind.ALL), LIVE["All"], sort)
            for sort in ConversationSort
        }
        newest = ConversationSort.NEWEST_MESSAGE
        cases["custom, three conditions"] = (custom, LIVE["custom"], newest)
        plans = {name: await plan_of(inbox, sort) for name, (inbox, _, sort) in cases.items()}
    finally:
        await disconnect()
    return {name: pages(key, sort) for name, (_, key, sort) in cases.items()}, plans


LIVE = {
    "All": work.global_id("StandardInbox", f"{WORKSPACE}.ALL"),
    "custom": work.global_id("CustomInbox", 1),
}
"""The inboxes that are followed."""


async def _live(url: str, world: World, kind: str) -> dict[str, Any]:
    followed = (CHANGED, {"id": LIVE[kind]})
    with server("parley", url, MAX_SOCKETS_PER_USER="1000") as running:
        audience = fanout.Audience(running, world, followed=followed)
        if kind == "custom":
            audience.ones = list(filter(_is_custom, range(1, world.conversations + 1)))
        try:
            await audience.gather(SUBSCRIBERS)
            for _ in range(EVENTS):
                await audience.measure()
        finally:
            audience.close()
    figures = fanout.figures_of(audience)
    return {
        "inbox": kind,
        "events_per_second": round(figures.per_second / SUBSCRIBERS, 1),
        "deliveries_per_second": round(figures.per_second),
        "cpu_us_per_delivery": round(figures.cpu_microseconds, 1),
        "p99_ms": round(figures.p99_milliseconds, 1),
    }


def _is_custom(conversation: int) -> bool:
    """Tell whether an open conversation is in the custom inbox, by how the data is made."""
    holder, (status, _) = assignee(conversation), stretch(conversation)
    is_tagged = conversation % TAGGED_EVERY == 0
    return is_tagged and status == "OPEN" and holder is not None and holder <= 30
