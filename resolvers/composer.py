"""The composer: what keeps somebody from writing to a contact, the same for field and action."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum

from models.engine import sql
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
FIRST_CHANNEL = (
    "CASE WHEN cc.id IS NULL AND ct.phone IS NOT NULL THEN (SELECT f.id FROM channel f"
    " WHERE f.id = (SELECT MIN(a.id) FROM channel a"
    " WHERE a.workspace_id = c.workspace_id AND a.is_connected)"
    " AND NOT EXISTS (SELECT 1 FROM contact_channel o"
    " WHERE o.channel_id = f.id AND o.external_id = ct.phone)) END"
)
"""The SQL of the channel on which a contact is reached by phone who has not written yet."""


class ComposerRestriction(Enum):
    """Why nothing can be written to a contact, the most pressing reason first."""

    BLOCKED = "BLOCKED"
    """The contact is blocked."""
    NO_CHANNEL = "NO_CHANNEL"
    """There is no channel on which the contact can be reached."""
    CHANNEL_DISCONNECTED = "CHANNEL_DISCONNECTED"
    """The channel is disconnected."""
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    """The vendor did not send the last message because the channel's account cannot pay for it;
    `retryMessage` with that message finds out whether it can now."""
    AI_HANDLING = "AI_HANDLING"
    """An AI agent looks after the conversation; a member takes it over first."""


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
}
"""How an action says each of them: the code, the sentence, and the argument at fault."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The channel on which a contact is written to."""

    channel_id: int
    is_connected: bool = True
    last_failure: str | None = None
    """The failure code of the last message that was sent on it; None: it did not fail."""
    is_claimed: bool = False
    """Whether it is reached by a number that was given by who did not see which are there."""


def known_to(reach: Reach | None, masking: Masking) -> Reach | None:
    """Return the channel as far as the viewer may know of it.

    Whether a number can be written to tells whether another contact has it: who gave it without
    seeing numbers does not learn that.
    """
    return None if reach is not None and reach.is_claimed and masking.phones else reach


def restriction_of(
    reach: Reach | None, *, is_blocked: bool, is_ai_handled: bool, is_member: bool
) -> ComposerRestriction | None:
    """Return the first of the reasons why nothing can be written; None: it can.

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
    return ComposerRestriction.AI_HANDLING if is_ai_handled and is_member else None


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
    )
    if restriction is None and reach is not None:
        return reach
    code, message, own_field = REFUSALS[restriction or ComposerRestriction.NO_CHANNEL]
    raise Refused(code, message, field=(field or own_field,))


async def reaches(ids: Collection[int]) -> dict[int, Reach]:
    """Return on which channel the contact of each conversation is written to, where none is said.

    It is the one used last, else another one of theirs, else the first by which they can be
    reached by phone. One statement.
    """
    rows = await sql.records(
        f"SELECT c.id, COALESCE(cc.channel_id, {FIRST_CHANNEL}), ch.is_connected,"
        f" {LAST_FAILURE.format(conversation='c.id')},"
        " cc.id IS NULL AND ct.given_phone IS NOT NULL"
        " FROM conversation c JOIN contact ct ON ct.id = c.contact_id"
        " LEFT JOIN contact_channel cc ON cc.id = COALESCE((SELECT l.id FROM contact_channel l"
        " WHERE l.id = c.last_channel_id AND l.contact_id = c.contact_id),"
        " (SELECT MAX(o.id) FROM contact_channel o WHERE o.contact_id = c.contact_id))"
        f" LEFT JOIN channel ch ON ch.id = cc.channel_id WHERE {sql.among('c.id')}",
        sql.group(ids),
    )
    return {
        row[0]: Reach(row[1], row[2] is None or bool(row[2]), row[3], bool(row[4]))
        for row in rows
        if row[1] is not None
    }
