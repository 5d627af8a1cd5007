"""The target of a message: the identity of a contact on the channel where they are written to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.channels import Capabilities
from models.clock import now
from models.engine import sql
from models.queries import next_id
from models.records import ConversationRecord
from models.refusal import Code, Refused
from resolvers.channel_choice import (
    REACHED,
    WRITTEN_FROM_LAST,
    first_of,
    offers,
    reach_of,
)
from resolvers.composer import LAST_FAILURE, check_composer
from resolvers.thread import Target, take_message_id
from resolvers.viewer import Membership, hidden

CHOSEN = "CASE WHEN cc.id = ? THEN 0 ELSE 1 END"
"""The SQL that sorts the identity first that was chosen."""
USED_LAST = "CASE WHEN cc.channel_id = l.channel_id THEN 0 ELSE 1 END"
"""The SQL that sorts the channel of the last message first (l: the identity by which it passed)."""
BY_THE_ANSWERED = (
    "CASE WHEN cc.id = (SELECT m.contact_channel_id FROM message m WHERE m.id = ?"
    " AND m.conversation_id = ?) THEN 0 ELSE 1 END"
)
"""The SQL that sorts the identity first by which a message passed that is answered."""
_ORDER = f"{CHOSEN}, {USED_LAST}, {BY_THE_ANSWERED}, {WRITTEN_FROM_LAST}"
_REACHED = REACHED.format(failure=LAST_FAILURE.format(conversation="?"))


@dataclass(frozen=True, slots=True)
class Way:
    """How a message is to go out, as far as it was chosen."""

    channel_id: int | None = None
    reply_to_id: int | None = None
    contact_channel_id: int | None = None
    """By which of the contact's identities on the channel, if by one in particular."""


def identity_of(conversation: ConversationRecord, way: Way) -> sql.Statement:
    """Return the SELECT of the identity by which the contact is reached, and of a message's id."""
    channel_id = way.channel_id
    condition, values = "", [conversation.last_channel_id or 0, conversation.contact_id]
    if channel_id is not None:
        condition, values = " AND cc.channel_id = ?", [*values, channel_id]
    query = (
        f"SELECT {_REACHED}, cc.id, {next_id('message')} FROM contact_channel cc"
        " JOIN channel ch ON ch.id = cc.channel_id"
        " LEFT JOIN contact_channel l ON l.id = ? AND l.contact_id = cc.contact_id"
        f" WHERE cc.contact_id = ?{condition} ORDER BY {_ORDER} LIMIT 1"
    )
    chosen, answered = way.contact_channel_id or 0, way.reply_to_id or 0
    return query, [conversation.id, *values, chosen, answered, conversation.id]


async def target_of(
    conversation: ConversationRecord,
    way: Way,
    membership: Membership,
    *,
    is_trial: bool = False,
    found: Sequence[Any] | None = None,
) -> tuple[Target, Capabilities]:
    """Return where the contact is reached, and what that channel can do: the given one, or the one
    used last.

    Who is known there by several names is reached by the one that was chosen, or by which the
    answered message passed, else by the one they wrote from last. At a trial, who is not known
    there yet has no identity (0) instead of a new one. What `identity_of` finds may be known.
    """
    if found is None:
        query, values = identity_of(conversation, way)
        found = await sql.records(query, *values)
    if not found:
        return await _first_contact(conversation, way, membership, is_trial=is_trial)
    *reached, contact_channel_id, next_message_id = found[0]
    reach = reach_of(reached)
    check_composer(conversation, reach, is_member=membership.member_id is not None)
    target = Target(contact_channel_id, reach.channel_id, next_message_id)
    return target, reach.capabilities


async def _first_contact(
    conversation: ConversationRecord, way: Way, membership: Membership, *, is_trial: bool
) -> tuple[Target, Capabilities]:
    """Write first on a channel where the contact is not known yet."""
    channel_id = way.channel_id
    offered = (await offers([conversation.id]))[conversation.id]
    offer = first_of(offered, channel_id)
    if offer is None and channel_id is not None:
        raise hidden(("channelId",))
    reach = offer.reach_for(membership.masking) if offer is not None else None
    if channel_id is not None and reach is None and conversation.blocked_at is None:
        raise Refused(
            Code.NO_CHANNEL,
            "The contact has to write on this channel first.",
            field=("channelId",),
        )
    reach = check_composer(conversation, reach, is_member=membership.member_id is not None)
    if is_trial:
        return Target(0, reach.channel_id, 0), reach.capabilities
    made = await sql.rows(
        "INSERT INTO contact_channel (contact_id, channel_id, external_id, created_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (channel_id, external_id) DO NOTHING RETURNING id",
        conversation.contact_id,
        reach.channel_id,
        offer.address if offer is not None else None,
        now(),
    )
    if not made:  # somebody with this number has just written, perhaps the contact
        return await target_of(conversation, way, membership)
    target = Target(made[0]["id"], reach.channel_id, await take_message_id())
    return target, reach.capabilities
