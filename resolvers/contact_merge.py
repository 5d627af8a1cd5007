"""Merging contacts: two who are one person become one, with all that was said to either."""

from collections.abc import Collection
from typing import Any

from models.activity import ActivityKind
from models.contact import Contact
from models.conversation import ConversationStatus
from models.engine import sql
from models.records import CONVERSATIONS, ConversationRecord
from models.refusal import Code, Refused
from realtime.contact_events import ContactMerged
from realtime.events import ConversationAssigned, ConversationOpened, ConversationSnoozed
from realtime.transaction import Announce, transaction
from resolvers.access import get_contact, hold_contact, hold_conversation_with, sees
from resolvers.batches import conversations_by_contact, conversations_by_id
from resolvers.contact import save_update
from resolvers.contact_details import FOLDED, fold_details
from resolvers.conversation import caused_by, record, save_state
from resolvers.draft import join_drafts
from resolvers.erasure import bury
from resolvers.idempotency import claim_key
from resolvers.idle_clock import watch
from resolvers.merged_state import MergedDetail, details_after, join_ends, join_states
from resolvers.merged_timeline import join_episodes, join_timelines
from resolvers.notification import join_notifications
from resolvers.rights import Right
from resolvers.schedule import join_scheduled
from resolvers.snooze import EXPIRE_SNOOZE
from resolvers.tag import MAX_TAGS_OF_CONTACT
from resolvers.thread import LAST_MESSAGE
from resolvers.viewer import Viewer, hidden

RIGHT = Right.DELETE_CONTACTS
"""Of two contacts one is left: who merges them must be allowed to delete one."""


async def merge_contacts(
    viewer: Viewer,
    contact_id: int,
    merged_contact_id: int,
    *,
    taken: Collection[MergedDetail] = (),
    expected_version: int | None = None,
    idempotency_key: str | None = None,
) -> ConversationRecord:
    """Merge a contact into another one, who is kept; return the conversation of both.

    The other one's messages, comments and channels are theirs then: each channel keeps the identity
    by which the contact is known there. Raises Conflict if `expected_version` is not the version
    any more of the contact who is kept.
    """
    workspace_id = (await get_contact(viewer, contact_id, RIGHT)).workspace_id
    said = [contact_id, merged_contact_id, sorted(detail.value for detail in taken)]
    async with transaction() as announce:
        claim = await claim_key(viewer, workspace_id, "mergeContacts", idempotency_key, said)
        if claim.first_result is None:
            if contact_id == merged_contact_id:
                raise Refused(
                    Code.INVALID,
                    "A contact cannot be merged with themselves.",
                    field=("mergedContactId",),
                )
            conversations, contacts = await _hold_both(
                viewer, contact_id, merged_contact_id, expected_version
            )
            check_merge(*conversations)
            await _merge(viewer, conversations, contacts, taken, announce)
            await claim.remember(contact_id)
    rows = await conversations_by_contact([contact_id])
    if contact_id not in rows or not sees(viewer, rows[contact_id]):
        raise hidden(("contactId",))
    return rows[contact_id]


def check_merge(kept: ConversationRecord, merged: ConversationRecord) -> None:
    """Refuse contacts of two workspaces, and a blocked one together with one who is not."""
    if kept.workspace_id != merged.workspace_id:
        raise Refused(
            Code.INVALID,
            "Contacts of different workspaces cannot be merged.",
            field=("mergedContactId",),
        )
    if (kept.blocked_at is None) is not (merged.blocked_at is None):
        raise Refused(
            Code.BLOCKED,
            "A blocked contact cannot be merged with one who is not blocked.",
            field=("mergedContactId",),
        )


async def _hold_both(
    viewer: Viewer, kept_id: int, merged_id: int, expected_version: int | None
) -> tuple[tuple[ConversationRecord, ConversationRecord], tuple[Contact, Contact]]:
    """Return both conversations and contacts, locked: whoever merges them takes the same order."""
    fields = {kept_id: "contactId", merged_id: "mergedContactId"}
    versions = {kept_id: expected_version, merged_id: None}
    rows = {
        key: await hold_conversation_with(viewer, key, RIGHT, field=fields[key])
        for key in sorted(fields)
    }
    people = {
        key: await hold_contact(viewer, key, RIGHT, expected_version=versions[key])
        for key in sorted(fields)
    }
    return (rows[kept_id], rows[merged_id]), (people[kept_id], people[merged_id])


async def _merge(
    viewer: Viewer,
    conversations: tuple[ConversationRecord, ConversationRecord],
    contacts: tuple[Contact, Contact],
    taken: Collection[MergedDetail],
    announce: Announce,
) -> None:
    """Move everything of the second contact to the first, and bury what is left of the second."""
    kept, merged = conversations
    _tell_end(kept, merged, announce)
    details = details_after(*contacts, taken)
    kept.last_seq, kept.incoming_count = await join_timelines(kept.id, merged.id)
    await join_episodes(kept.id, merged.id)
    await _move_rest(kept, merged)
    await join_drafts(kept, merged.id, announce)
    await join_scheduled(kept, merged)
    await join_notifications(kept, merged)
    before = (kept.status, kept.assignee_id, kept.ai_agent_id, kept.team_id)
    join_states(kept, merged)
    join_ends(kept, merged)
    _tell_state(kept, before, announce)
    record(kept, announce, ActivityKind.MERGED, caused_by(viewer, kept.workspace_id))
    save_state(kept, announce)
    announce.save(CONVERSATIONS, kept, LAST_MESSAGE)
    await bury(merged, announce)
    contact = contacts[0]
    for name, value in details.items():
        setattr(contact, name, value)
    fold_details(contact)
    await save_update(contact, announce, *details, *FOLDED)


def _tell_end(kept: ConversationRecord, merged: ConversationRecord, announce: Announce) -> None:
    assignee = merged.assignee
    announce(
        ContactMerged(
            merged.workspace_id,
            merged.contact_id,
            merged.id,
            assignee_id=merged.assignee_id,
            assignee_team_id=assignee.team_id if assignee else None,
            team_id=merged.team_id,
            is_blocked=merged.blocked_at is not None,
            kept_conversation_id=kept.id,
        )
    )


def _tell_state(kept: ConversationRecord, before: tuple[Any, ...], announce: Announce) -> None:
    """Announce what has changed about a conversation's state, and have its timers run."""
    workspace_id, key, (status, *handler) = kept.workspace_id, kept.id, before
    if [kept.assignee_id, kept.ai_agent_id, kept.team_id] != handler:
        announce(
            ConversationAssigned(
                workspace_id,
                key,
                kept.assignee_id,
                None,
                None,
                None,
                ai_agent_id=kept.ai_agent_id,
                team_id=kept.team_id,
                is_blocked=kept.blocked_at is not None,
            )
        )
    if kept.status is not status and kept.status is ConversationStatus.OPEN:
        announce(ConversationOpened(workspace_id, key))
    elif kept.status is not status and kept.snoozed_until is not None:
        announce.job(EXPIRE_SNOOZE, {"conversation_id": key}, run_at=kept.snoozed_until)
        announce(ConversationSnoozed(workspace_id, key, kept.snoozed_until))
    watch(kept, announce)


async def _move_rest(kept: ConversationRecord, merged: ConversationRecord) -> None:
    """Move channels, tags, custom fields and what waits to be sent; what the first has stays."""
    await _lead_on(kept.contact_id, merged.contact_id)
    await sql.affected(
        "UPDATE contact_channel SET contact_id = ? WHERE contact_id = ?",
        kept.contact_id,
        merged.contact_id,
    )
    await sql.affected(
        "UPDATE custom_field_value SET contact_id = ? WHERE contact_id = ? AND field_id NOT IN"
        " (SELECT field_id FROM custom_field_value WHERE contact_id = ?)",
        kept.contact_id,
        merged.contact_id,
        kept.contact_id,
    )
    [[count]] = await sql.records(
        "SELECT COUNT(*) FROM contact_tag WHERE contact_id = ?", kept.contact_id
    )
    await sql.affected(
        "UPDATE contact_tag SET contact_id = ? WHERE id IN (SELECT id FROM contact_tag"
        " WHERE contact_id = ? AND tag_id NOT IN"
        " (SELECT tag_id FROM contact_tag WHERE contact_id = ?)"
        f" ORDER BY id LIMIT {MAX_TAGS_OF_CONTACT - count})",
        kept.contact_id,
        merged.contact_id,
        kept.contact_id,
    )
    await sql.affected(
        "UPDATE job SET ordering_key = ? WHERE ordering_key = ?",
        f"conversation:{kept.id}",
        f"conversation:{merged.id}",
    )


async def _lead_on(kept_id: int, merged_id: int) -> None:
    """Let old links to a contact, and to those who became them before, lead to another one."""
    await sql.affected(
        "UPDATE merged_contact SET contact_id = ? WHERE contact_id = ?", kept_id, merged_id
    )
    await sql.affected(
        "INSERT INTO merged_contact (merged_id, contact_id) VALUES (?, ?)", merged_id, kept_id
    )


async def seen_conversations(
    keys: Collection[tuple[Viewer, int]],
) -> dict[tuple[Viewer, int], ConversationRecord]:
    """Return conversations for pairs of a viewer who sees it and its id."""
    rows = await conversations_by_id({key for _, key in keys})
    return {
        (viewer, key): rows[key] for viewer, key in keys if key in rows and sees(viewer, rows[key])
    }
