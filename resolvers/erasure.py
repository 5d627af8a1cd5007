"""Erasure: taking a contact out of everybody's sight at once, and erasing them bit by bit."""

import secrets

import msgspec

from models.clock import now
from models.engine import sql
from models.records import ConversationRecord
from models.workspace import NOWHERE
from realtime.jobs import ClaimedJob
from realtime.transaction import Announce, transaction
from resolvers.export_file import erase_from_exports
from resolvers.file_erasure import OWNERS, bury_files, files_of
from resolvers.idempotency import forget_inputs

ERASE_CONTACT = "erase_contact"
ERASE_INBOUND = "erase_inbound"
FILE_IDS = '"file_ids":['
"""Behind this, an event has the numbers of a mail's files; no text in JSON has such quotes."""
IDS_LENGTH = 8192
"""More than the numbers of the most files take."""
ROWS_AT_ONCE = 500
"""How many rows of a conversation one transaction erases."""
EVENTS_AT_ONCE = 5000
"""Among how many raw inbound events one transaction looks for those of a contact."""
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("message", ("sendMessage", "retryMessage")),
    ("notification", ()),
    ("comment", ("addComment",)),
    ("activity", ()),
    ("episode", ()),
    ("read_mark", ()),
    ("draft", ()),
    ("scheduled_message", ("scheduleMessage",)),
)
"""What is in a conversation, and which calls have made it."""
OF_THE_CONTACT = ("createContact",)


async def bury(conversation: ConversationRecord, announce: Announce) -> None:
    """Take a locked conversation and its contact out of their workspace, and have them erased.

    Nobody is a member of where they are then: nobody sees them, and no list, count or search of the
    workspace has them. Their identities are free: who writes again is somebody new. What waits to
    be sent to them is not.
    """
    contact_id, workspace_id = conversation.contact_id, conversation.workspace_id
    await _dig(workspace_id)
    await _free_identities(contact_id, announce)
    await sql.affected(
        "UPDATE contact SET workspace_id = ?, first_name = '', last_name = '', phone = NULL,"
        " email = NULL, language = NULL, country = NULL, lifecycle_stage_id = NULL,"
        " picture_url = NULL, search_text = '', folded_name = '', claimed_phone = NULL,"
        " claimed_email = NULL, given_phone = NULL, given_email = NULL, name_text = '',"
        " version = version + 1 WHERE id = ?",
        NOWHERE,
        contact_id,
    )
    await sql.affected(
        "UPDATE conversation SET workspace_id = ?, status = 'CLOSED', assignee_id = NULL,"
        " ai_agent_id = NULL, team_id = NULL, status_before_snooze = NULL, snoozed_at = NULL,"
        " snoozed_until = NULL, snoozed_by_id = NULL, blocked_at = NULL, blocked_by_id = NULL,"
        " unreplied_since = NULL, idle_since = NULL, version = version + 1 WHERE id = ?",
        NOWHERE,
        conversation.id,
    )
    for table in ("contact_tag", "custom_field_value"):
        await sql.affected(f"DELETE FROM {table} WHERE contact_id = ?", contact_id)
    await sql.affected("DELETE FROM job WHERE ordering_key = ?", f"conversation:{conversation.id}")
    announce.job(ERASE_CONTACT, {"contact_id": contact_id, "workspace_id": workspace_id})


async def _dig(workspace_id: int) -> None:
    """Make the workspace that is nobody's, if there is none yet."""
    await sql.affected(
        "INSERT INTO workspace (id, name, time_zone, language, unreplied_since, created_at)"
        " SELECT cast(? as bigint), '', time_zone, language, unreplied_since, created_at"
        " FROM workspace WHERE id = ? ON CONFLICT (id) DO NOTHING",
        NOWHERE,
        workspace_id,
    )


async def _free_identities(contact_id: int, announce: Announce) -> None:
    """Let the vendors' names of a contact be unknown again, and have what came from them erased."""
    [[last]] = await sql.records("SELECT COALESCE(MAX(id), 0) FROM inbound_event")
    for row in await sql.rows(
        "SELECT id, channel_id, external_id FROM contact_channel WHERE contact_id = ?", contact_id
    ):
        await sql.affected(
            "UPDATE contact_channel SET external_id = ? WHERE id = ?",
            f"erased {secrets.token_hex(16)}",
            row["id"],
        )
        announce.job(
            ERASE_INBOUND,
            {
                "channel_id": row["channel_id"],
                "external_id": row["external_id"],
                "last_event_id": last,
            },
        )


async def erase_contact(job: ClaimedJob) -> None:
    """Erase a buried contact, the most numerous rows a few at a time; a second run goes on."""
    contact_id, workspace_id = int(job.payload["contact_id"]), int(job.payload["workspace_id"])
    found = await sql.records(
        "SELECT id FROM conversation WHERE contact_id = ? AND workspace_id = ?", contact_id, NOWHERE
    )
    for (conversation_id,) in found:
        for table, mutations in PARTS:
            while await _erase_some(table, conversation_id, workspace_id, mutations):
                pass
    async with transaction():
        await sql.affected(
            "DELETE FROM contact WHERE id = ? AND workspace_id = ?", contact_id, NOWHERE
        )
        await erase_from_exports(workspace_id, contact_id)
        await forget_inputs(workspace_id, OF_THE_CONTACT, [contact_id])
        await job.complete()


async def _erase_some(
    table: str, conversation_id: int, workspace_id: int, mutations: tuple[str, ...]
) -> bool:
    """Erase rows of a conversation, and what calls have given for them; tell if there were any."""
    async with transaction() as announce:
        found = await sql.records(
            f"SELECT id FROM {table} WHERE conversation_id = ? LIMIT {ROWS_AT_ONCE}",
            conversation_id,
        )
        ids = [row[0] for row in found]
        if ids and mutations:
            await forget_inputs(workspace_id, mutations, ids)
        files = await files_of(table, ids) if ids and table in OWNERS else []
        if ids:
            await sql.affected(f"DELETE FROM {table} WHERE {sql.among('id')}", sql.group(ids))
        if files:
            await bury_files(files, announce)
    return bool(ids)


async def erase_inbound(job: ClaimedJob) -> None:
    """Erase what a channel has brought of a buried contact up to an event, unless it still waits.

    The events themselves stay their time, empty: a vendor who repeats one brings nobody back.
    """
    channel_id, last = int(job.payload["channel_id"]), int(job.payload["last_event_id"])
    external_id = str(job.payload["external_id"])
    await sql.affected(
        "DELETE FROM job WHERE ordering_key = ? AND state = 'DEAD'",
        f"inbound:{channel_id}:{external_id}",
    )
    [[first]] = await sql.records(
        "SELECT COALESCE(MIN(id), 0) FROM inbound_event WHERE channel_id = ?", channel_id
    )
    for start in range(first, last + 1, EVENTS_AT_ONCE):
        await _empty_events(channel_id, external_id, start, min(start + EVENTS_AT_ONCE - 1, last))
    await job.complete()


async def _empty_events(channel_id: int, external_id: str, first: int, last: int) -> None:
    """Empty the events of a contact between two numbers that no job is to make something of.

    Files that came with them go, too, but for those of a message, which takes them along.
    """
    found_in = "strpos" if sql.dialect() == "postgres" else "instr"
    named = f'"external_contact_id":{msgspec.json.encode(external_id).decode()}'
    async with transaction() as announce:
        rows = await sql.records(
            f"SELECT id, {found_in}(item, ?), substr(item, {found_in}(item, ?), {IDS_LENGTH})"
            " FROM inbound_event WHERE channel_id = ? AND id BETWEEN ? AND ?"
            f" AND {found_in}(item, ?) > 0 AND (handled_at IS NOT NULL OR NOT EXISTS ("
            "SELECT 1 FROM job WHERE kind = 'process_inbound' AND state <> 'DEAD'"
            " AND payload = '{\"inbound_event_id\":' || inbound_event.id || '}'))",
            *(FILE_IDS, FILE_IDS, channel_id, first, last, named),
        )
        await sql.affected(
            "UPDATE inbound_event SET item = '{}', payload = '{}', problem = NULL,"
            f" handled_at = COALESCE(handled_at, ?) WHERE {sql.among('id')}",
            now(),
            sql.group([row[0] for row in rows]),
        )
        lists = [row[2][len(FILE_IDS) :].partition("]")[0] for row in rows if row[1]]
        if files := [int(key) for ids in lists if ids for key in ids.split(",")]:
            await bury_files(files, announce)
