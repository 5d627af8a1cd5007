"""Merged states: what two contacts and two conversations have become, once they are one."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from models.contact import Contact
from models.conversation import ConversationStatus
from models.records import ConversationRecord
from resolvers.contact_details import country_of


class MergedDetail(Enum):
    """A detail that a contact can take over from the one who is merged into them."""

    NAME = "NAME"
    """First and last name."""
    PHONE = "PHONE"
    """The phone number, and the country that it is of."""
    EMAIL = "EMAIL"
    """The email address."""
    LANGUAGE = "LANGUAGE"
    """The language."""
    LIFECYCLE_STAGE = "LIFECYCLE_STAGE"
    """The lifecycle stage."""
    PICTURE = "PICTURE"
    """The profile picture."""


COLUMNS: Mapping[MergedDetail, tuple[str, ...]] = {
    MergedDetail.NAME: ("first_name", "last_name"),
    MergedDetail.PHONE: ("phone", "given_phone"),
    MergedDetail.EMAIL: ("email", "given_email"),
    MergedDetail.LANGUAGE: ("language",),
    MergedDetail.LIFECYCLE_STAGE: ("lifecycle_stage_id",),
    MergedDetail.PICTURE: ("picture_url",),
}
STATUS = (
    "status",
    "status_before_snooze",
    "snoozed_at",
    "snoozed_until",
    "snoozed_by_id",
    "wake_on_reply",
)
HANDLER = ("assignee_id", "assignee", "ai_agent_id", "ai_agent", "team_id")
LIVELINESS = (ConversationStatus.CLOSED, ConversationStatus.SNOOZED, ConversationStatus.OPEN)
"""Of two conversations the one that comes later in here says where both are."""


def details_after(
    kept: Contact, merged: Contact, taken: Collection[MergedDetail]
) -> dict[str, Any]:
    """Return the details of a contact into whom another one was merged.

    What they have stays, but for what is to be `taken`; what they lack is the other one's.
    """
    after: dict[str, Any] = {}
    for detail, names in COLUMNS.items():
        has, other_has = (any(getattr(one, name) for name in names) for one in (kept, merged))
        source = merged if other_has and (detail in taken or not has) else kept
        after |= {name: getattr(source, name) for name in names}
    for name in ("phone", "email"):  # what both are known to have needs no claim
        claims = (getattr(one, f"claimed_{name}") for one in (kept, merged))
        after[f"claimed_{name}"] = next((one for one in claims if one and one != after[name]), None)
    after["country"] = country_of(after["phone"]) or kept.country or merged.country
    return after


def is_running(row: ConversationRecord) -> bool:
    """Tell whether an episode of a conversation runs, perhaps underneath a snooze."""
    return ConversationStatus.OPEN in (row.status, row.status_before_snooze)


def join_states(kept: ConversationRecord, merged: ConversationRecord) -> None:
    """Give a conversation the state that it has together with another one.

    It is open if either is, else snoozed if either is. Who looks after it stays, or is the other
    one's where nobody does. It has waited for an answer since the first of both has.
    """
    runs = [row for row in (kept, merged) if is_running(row)]
    if LIVELINESS.index(merged.status) > LIVELINESS.index(kept.status):
        _copy(merged, kept, STATUS)
    if runs:
        if kept.status is ConversationStatus.SNOOZED:
            kept.status_before_snooze = ConversationStatus.OPEN
        kept.auto_close_minutes = runs[0].auto_close_minutes
        kept.opened_at = min((row.opened_at for row in runs if row.opened_at), default=None)
        kept.closed_at = None
    else:
        kept.opened_at = _latest(kept.opened_at, merged.opened_at)
        kept.closed_at = _latest(kept.closed_at, merged.closed_at)
    if not (kept.assignee_id or kept.ai_agent_id or kept.team_id):
        _copy(merged, kept, HANDLER)
    kept.handling_epoch = max(kept.handling_epoch, merged.handling_epoch) + 1
    waits = [row.unreplied_since for row in (kept, merged) if row.unreplied_since]
    kept.unreplied_since = min(waits, default=None)
    kept.idle_since = None if waits else _latest(kept.idle_since, merged.idle_since)


def join_ends(kept: ConversationRecord, merged: ConversationRecord) -> None:
    """Let the last message of two conversations be that of the one."""
    has_later = kept.last_message_id is None or merged.last_message_at > kept.last_message_at
    if merged.last_message_id is not None and has_later:
        _copy(merged, kept, ("last_message_id", "last_message_at", "last_channel_id"))
    kept.last_incoming_at = _latest(kept.last_incoming_at, merged.last_incoming_at)


def _copy(source: ConversationRecord, target: ConversationRecord, names: Collection[str]) -> None:
    for name in names:
        setattr(target, name, getattr(source, name))


def _latest(*moments: Any) -> Any:
    return max((one for one in moments if one is not None), default=None)
