"""The composer: what keeps somebody from writing to a contact, the same for field and action."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from connectors.channels import AddressKind, Capabilities
from models.clock import now
from models.records import ConversationRow
from models.refusal import Code, Refused, sentence
from resolvers.masking import Masking

PAYMENT_PROBLEM = "131042"
"""Meta's code of a message that was not sent because the account cannot pay for it."""
LAST_FAILURE = (
    "(SELECT CASE WHEN x.status = 'FAILED' THEN x.failure_code END FROM message x"
    " WHERE x.conversation_id = {conversation} AND x.channel_id = cc.channel_id"
    " AND x.direction = 'OUTGOING' ORDER BY x.seq DESC LIMIT 1)"
)
"""The SQL of the failure code of the last message that was sent on a contact channel (cc)."""


class ComposerRestriction(Enum):
    """Why nothing can be written to a contact, the most pressing reason first."""

    BLOCKED = "BLOCKED"
    """The contact is blocked."""
    NO_CHANNEL = "NO_CHANNEL"
    """There is no channel on which the contact can be reached; of one channel: they have to write
    there first."""
    CHANNEL_DISCONNECTED = "CHANNEL_DISCONNECTED"
    """The channel is disconnected."""
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    """The vendor did not send the last message because the channel's account cannot pay for it;
    `retryMessage` with that message finds out whether it can now."""
    AI_HANDLING = "AI_HANDLING"
    """An AI agent looks after the conversation; a member takes it over first."""
    WINDOW_CLOSED = "WINDOW_CLOSED"
    """The contact has not written on the channel for longer than its messaging window."""


REFUSALS: Mapping[ComposerRestriction, tuple[Code, str, str]] = {
    ComposerRestriction.BLOCKED: (
        Code.BLOCKED,
        sentence("This contact is blocked."),
        "conversationId",
    ),
    ComposerRestriction.NO_CHANNEL: (
        Code.NO_CHANNEL,
        sentence("This contact cannot be reached on any channel."),
        "channelId",
    ),
    ComposerRestriction.CHANNEL_DISCONNECTED: (
        Code.NO_CHANNEL,
        sentence("This channel is disconnected."),
        "channelId",
    ),
    ComposerRestriction.INSUFFICIENT_BALANCE: (
        Code.INSUFFICIENT_BALANCE,
        sentence("The account of this channel cannot pay for messages."),
        "channelId",
    ),
    ComposerRestriction.AI_HANDLING: (
        Code.AI_HANDLING,
        sentence("An AI agent looks after this conversation: take it over first."),
        "conversationId",
    ),
    ComposerRestriction.WINDOW_CLOSED: (
        Code.WINDOW_CLOSED,
        sentence("The contact has not written for too long: the channel waits until they do."),
        "channelId",
    ),
}
"""How an action says each of them: the code, the sentence, and the argument at fault."""


def closing_time(capabilities: Capabilities, last_incoming_at: datetime | None) -> datetime | None:
    """Return when the window closes, or closed, that a contact opened by writing.

    None: it never closes, or was never opened.
    """
    if capabilities.window_seconds is None or last_incoming_at is None:
        return None
    return last_incoming_at + timedelta(seconds=capabilities.window_seconds)


def is_open(capabilities: Capabilities, last_incoming_at: datetime | None, at: datetime) -> bool:
    """Tell whether a channel's window lets a contact be written to; not at its very end."""
    if capabilities.window_seconds is None:
        return True
    closes_at = closing_time(capabilities, last_incoming_at)
    return closes_at is not None and at < closes_at


@dataclass(frozen=True, slots=True)
class Reach:
    """The channel on which a contact is written to."""

    channel_id: int
    is_connected: bool = True
    last_failure: str | None = None
    """The failure code of the last message that was sent on it; None: it did not fail."""
    claimed: AddressKind | None = None
    """By what it is reached if who gave that did not see whose it is already."""
    last_incoming_at: datetime | None = None
    """When the contact last wrote there, by the name by which they are written to."""
    capabilities: Capabilities = field(kw_only=True)


def known_to(reach: Reach | None, masking: Masking) -> Reach | None:
    """Return the channel as far as the viewer may know of it.

    Whether a number or an address can be written to tells whether another contact has it: who gave
    it without seeing them does not learn that.
    """
    hidden = {AddressKind.PHONE: masking.phones, AddressKind.EMAIL: masking.emails}
    return None if reach is not None and reach.claimed and hidden[reach.claimed] else reach


def restriction_of(
    reach: Reach | None, *, is_blocked: bool, is_ai_handled: bool, is_member: bool, at: datetime
) -> ComposerRestriction | None:
    """Return the first of the reasons why nothing can be written at a moment; None: it can.

    An AI agent is in the way of members only: programs know what they do.
    """
    if is_blocked:
        return ComposerRestriction.BLOCKED
    if reach is None:
        return ComposerRestriction.NO_CHANNEL
    if not reach.is_connected:
        return ComposerRestriction.CHANNEL_DISCONNECTED
    if reach.last_failure == PAYMENT_PROBLEM:
        return ComposerRestriction.INSUFFICIENT_BALANCE
    if is_ai_handled and is_member:
        return ComposerRestriction.AI_HANDLING
    may = is_open(reach.capabilities, reach.last_incoming_at, at)
    return None if may else ComposerRestriction.WINDOW_CLOSED


def check_composer(
    conversation: ConversationRow,
    reach: Reach | None,
    *,
    is_member: bool,
    field: str | None = None,
) -> Reach:
    """Return the channel if the contact can be written to on it; refuse with the first reason.

    With a `field` that argument is at fault, whatever the reason.
    """
    restriction = restriction_of(
        reach,
        is_blocked=conversation.blocked_at is not None,
        is_ai_handled=conversation.ai_agent_id is not None,
        is_member=is_member,
        at=now(),
    )
    if restriction is None and reach is not None:
        return reach
    code, message, own_field = REFUSALS[restriction or ComposerRestriction.NO_CHANNEL]
    raise Refused(code, message, field=(field or own_field,))
