"""The clean-up: it removes what is past its time and only that, and comes again by itself."""

from datetime import timedelta
from typing import Any

from models.clock import now
from models.engine import sql
from models.event import Event, EventCounter
from models.idempotency_key import IdempotencyKey
from models.inbound_event import InboundEvent
from models.invitation import Invitation
from models.member import Role
from models.session import Session
from models.transfer import Transfer
from realtime.log import encode_cursor, read_head
from realtime.transaction import transaction
from resolvers.contact_export import export_contacts
from resolvers.contact_import import import_contacts
from resolvers.invitation import invite_member
from resolvers.retention import (
    CLEAN_UP_EVERY_SECONDS,
    INVITATION_RETENTION_DAYS,
    schedule_clean_up,
)
from resolvers.session import open_session
from tests.test_message import send
from tests.world import Api, World, let_time_pass, make_world, run_jobs, snapshot, webhook

EVENTS = """
query Events($workspaceId: ID!, $after: String!) {
  events(workspaceId: $workspaceId, after: $after) { edges { cursor } pageInfo { endCursor } }
}
"""
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def clean_up() -> None:
    """Run the clean-up now."""
    await schedule_clean_up()
    await let_time_pass(CLEAN_UP_EVERY_SECONDS)
    assert await run_jobs() == 1


async def clean_up_jobs() -> list[dict[str, Any]]:
    return await sql.rows(
        f"SELECT kind, state, dedupe_key, run_at, {sql.database_now()} AS clock FROM job"
    )


async def test_nothing_is_removed_before_its_time(api: Api, world: World) -> None:
    heard = await world.hear()
    await send(api, world.owner, heard.conversation_id, idempotencyKey="k")
    await run_jobs()
    await sql.affected("DELETE FROM job")
    tables = ("event", "event_counter", "idempotency_key", "inbound_event", "session", "message")
    edge = now() - 7 * DAY + MINUTE
    await Event.all().update(created_at=edge)
    await IdempotencyKey.all().update(created_at=edge)
    await InboundEvent.all().update(received_at=now() - 30 * DAY + MINUTE)
    await Session.all().update(refresh_expires_at=now() + MINUTE)
    before = await snapshot(*tables)
    assert all(before.values())

    await clean_up()

    assert await snapshot(*tables) == before


async def test_old_idempotency_keys_may_be_used_again(api: Api, world: World) -> None:
    heard = await world.hear()
    for key in ("old", "young"):
        await send(api, world.owner, heard.conversation_id, key, idempotencyKey=key)
    await IdempotencyKey.filter(key="old").update(created_at=now() - 7 * DAY - MINUTE)

    await sql.affected("DELETE FROM job")
    await clean_up()

    assert [row.key for row in await IdempotencyKey.all()] == ["young"]
    payload = await send(api, world.owner, heard.conversation_id, "new", idempotencyKey="old")
    assert (payload["userErrors"], payload["message"]["text"]) == ([], "new")


async def test_handled_items_go_after_a_month_and_others_stay(api: Api, world: World) -> None:
    await world.hear(message_id="handled")
    await webhook(world.channels[0], "carla", {"type": "message_status", "mId": "?", "status": 1})
    waiting = {"type": "message_status", "mId": "nobody", "status": "read"}
    await run_jobs()
    await webhook(world.channels[0], "carla", waiting)
    await InboundEvent.all().update(received_at=now() - 30 * DAY - MINUTE)
    await world.hear(message_id="young")
    await sql.affected("DELETE FROM job")
    await InboundEvent.filter(dedupe_key__contains="nobody").update(handled_at=None)

    await clean_up()

    kept = await InboundEvent.all().order_by("id")
    assert [row.dedupe_key for row in kept] == ["status:nobody:read", "message:young"]


async def test_sessions_go_once_they_cannot_be_renewed(api: Api, world: World) -> None:
    old = await open_session(world.owner.user.id)
    expired = await open_session(world.owner.user.id)
    await Session.filter(id=old.session.id).update(refresh_expires_at=now() - MINUTE)
    await Session.filter(id=expired.session.id).update(expires_at=now() - MINUTE)
    before = {row.id for row in await Session.all()}

    await clean_up()

    assert {row.id for row in await Session.all()} == before - {old.session.id}


async def test_old_events_go_and_older_cursors_have_expired(api: Api, world: World) -> None:
    for number in range(3):
        await world.hear(f"m{number}")
    other = await make_world("Other")
    head = await read_head(world.workspace.id)
    await Event.filter(workspace_id=world.workspace.id, seq__lte=4).update(
        created_at=now() - 7 * DAY - MINUTE
    )
    others = await Event.filter(workspace_id=other.workspace.id).count()

    await clean_up()

    rows = await Event.filter(workspace_id=world.workspace.id).order_by("seq")
    assert [row.seq for row in rows] == list(range(5, head.seq + 1))
    counter = await EventCounter.get(workspace_id=world.workspace.id)
    assert (counter.oldest_seq, counter.seq, counter.epoch) == (5, head.seq, head.epoch)
    assert await Event.filter(workspace_id=other.workspace.id).count() == others
    for seq, answers in ((0, False), (3, False), (4, True), (head.seq, True)):
        answer = await api.run(
            world.owner, EVENTS, workspaceId=world.id, after=encode_cursor(head.epoch, seq)
        )
        if answers:
            assert len(answer["data"]["events"]["edges"]) == head.seq - seq, seq
        else:
            assert answer["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED", seq


async def test_a_log_that_lost_every_event_goes_on_counting(api: Api, world: World) -> None:
    await world.hear()
    head = await read_head(world.workspace.id)
    await Event.all().update(created_at=now() - 8 * DAY)

    await clean_up()

    assert await Event.all().count() == 0
    assert (await read_head(world.workspace.id)).oldest_seq == head.seq + 1
    await world.hear("Next")
    assert [row.seq for row in await Event.all()] == [head.seq + 1]
    answer = await api.ask(
        world.owner, EVENTS, workspaceId=world.id, after=encode_cursor(head.epoch, head.seq)
    )
    assert len(answer["events"]["edges"]) == 1


async def test_the_clean_up_waits_once_and_enqueues_the_next(api: Api, world: World) -> None:
    for _ in range(3):
        await schedule_clean_up()
    assert [job["kind"] for job in await clean_up_jobs()] == ["clean_up"]

    assert await run_jobs() == 1

    [job] = await clean_up_jobs()
    pause = sql.moment(job["run_at"]) - sql.moment(job["clock"])
    assert (job["kind"], job["state"], job["dedupe_key"]) == ("clean_up", "READY", "clean_up")
    assert 0 < CLEAN_UP_EVERY_SECONDS - pause.total_seconds() < 60
    assert await run_jobs() == 0


async def test_what_was_quarantined_is_found_by_its_index(world: World) -> None:
    explain = "EXPLAIN QUERY PLAN" if sql.dialect() == "sqlite" else "EXPLAIN"
    with sql.count_statements(everywhere=True) as counter:
        await clean_up()
    [query] = [one for one in counter.statements if "is_quarantined" in one]
    async with transaction():
        if sql.dialect() == "postgres":  # few rows are read at once, however they are found
            await sql.records("SET LOCAL enable_seqscan = off")
        plan = await sql.records(f"{explain} {query.replace('$1', '?')}", now())
    assert "quarantined_messages" in "\n".join(str(row[-1]) for row in plan)


async def test_invitations_stay_a_month_after_they_have_expired(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    made = []
    for name in ("old", "young"):
        invitation, _ = await invite_member(
            viewer, world.workspace.id, email=f"{name}@parley.test", role=Role.AGENT
        )
        made.append(invitation.id)
    for key, age in zip(made, (MINUTE, -MINUTE), strict=True):
        expired = now() - INVITATION_RETENTION_DAYS * DAY - age
        await Invitation.filter(id=key).update(expires_at=expired)
    assert await run_jobs() == 2, "their mails, which are not sent any more"
    await clean_up()
    assert [row.id for row in await Invitation.all()] == made[1:]


async def test_exports_and_imports_go_after_a_week_with_all_that_is_theirs(
    api: Api, world: World
) -> None:
    owner, tables = await world.owner.viewer(), ("transfer_chunk", "transfer_refusal")
    await world.contact("Ann")
    for age in (7 * DAY + MINUTE, 7 * DAY - MINUTE):
        transfers = [
            await export_contacts(owner, world.workspace.id),
            await import_contacts(
                owner, world.workspace.id, file_name="x", csv="First name,Phone\nBea,1\n"
            ),
        ]
        await run_jobs()
        for one in transfers:
            assert one.expires_at == one.created_at + 7 * DAY
            await Transfer.filter(id=one.id).update(expires_at=one.expires_at - age)
    kinds = [row.kind.value for row in await Transfer.all().order_by("id")]
    assert kinds == ["EXPORT", "IMPORT"] * 2
    assert [len(rows) for rows in (await snapshot(*tables)).values()] == [2, 2]

    await clean_up()

    assert await Transfer.all().order_by("id").values_list("id", flat=True) == [
        one.id for one in transfers
    ]
    left = await snapshot(*tables)
    assert [row["transfer_id"] for name in tables for row in left[name]] == [
        one.id for one in transfers
    ]
