"""Channel choice: where a contact can be written to, and which channel is meant if none is said.

There is one entry for each channel, as `sendMessage` names a channel and no identity: of several
identities that a contact has on a channel, the one they wrote from last is written to.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from connectors.channels import AddressKind, Capabilities, custom, email_outbound
from models.channel import Channel, ChannelKind
from models.contact_channel import ContactChannel
from models.engine import sql
from resolvers.composer import LAST_FAILURE, Reach, known_to
from resolvers.masking import Masking

CAPABILITIES: Mapping[ChannelKind, Capabilities] = {
    ChannelKind.CUSTOM: custom.CAPABILITIES,
    ChannelKind.EMAIL: email_outbound.CAPABILITIES,
}
"""What the adapter of each kind can do."""
WRITTEN_FROM_LAST = (
    "CASE WHEN cc.last_incoming_at IS NULL THEN 1 ELSE 0 END, cc.last_incoming_at DESC, cc.id DESC"
)
CHOSEN = (
    "(SELECT cc.id FROM contact_channel cc WHERE cc.contact_id = c.contact_id{among}"
    f" ORDER BY {WRITTEN_FROM_LAST} LIMIT 1)"
)
LAST_SEQ = (
    "(SELECT MAX(x.seq) FROM message x WHERE x.conversation_id = c.id"
    " AND x.channel_id = cc.channel_id)"
)
REACHED = (
    "cc.channel_id, ch.is_connected, {failure}, cc.last_incoming_at, ch.kind, ch.accepts_reply_to,"
    " ch.messaging_window_hours, ch.files_per_call, ch.accepts_captions"
)
"""The SQL of what `reach_of` reads."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class ComposerChannelState(Enum):
    """Whether somebody can be written to on a channel, as far as they are known there."""

    ACTIVE = "ACTIVE"
    """Messages have passed there."""
    INACTIVE = "INACTIVE"
    """None has passed, and the first one can be sent: the channel lets one write first, and the
    contact has the phone number or the email address that it takes."""
    UNAVAILABLE = "UNAVAILABLE"
    """The contact has to write there first."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A channel of the workspace, and how the contact of a conversation is known there."""

    channel: Channel
    identity: ContactChannel | None
    """By which they are written to."""
    reach: Reach
    address: str | None = None
    """By what they can be written to first."""
    last_seq: int = 0
    """The place of the last message that passed there."""

    def state_for(self, masking: Masking) -> ComposerChannelState:
        """Return the state as far as the viewer may know of it."""
        if self.identity is not None:
            return ComposerChannelState.ACTIVE
        reachable = self.address is not None and known_to(self.reach, masking) is not None
        return ComposerChannelState.INACTIVE if reachable else ComposerChannelState.UNAVAILABLE

    def reach_for(self, masking: Masking) -> Reach | None:
        """Return how the contact is reached, as far as the viewer may know of it."""
        unavailable = self.state_for(masking) is ComposerChannelState.UNAVAILABLE
        return None if unavailable else self.reach


@lru_cache(maxsize=1024)
def capabilities_of(
    kind: ChannelKind,
    *,
    accepts_reply_to: bool,
    window_hours: int | None,
    files_per_call: int | None = None,
    captions: bool = True,
) -> Capabilities:
    """Return what a channel can do: what its kind can, and what was agreed when it was connected.

    Where there is a window, the contact opens it: nobody writes first.
    """
    found = replace(CAPABILITIES[kind], has_reply_to=accepts_reply_to)
    at_once = files_per_call or found.files_per_call
    found = replace(found, files_per_call=at_once, captions=captions and found.captions)
    if window_hours is not None:
        found = replace(found, window_seconds=window_hours * 3600)
    return found if found.window_seconds is None else replace(found, begins_by=None)


def capabilities_of_channel(channel: Channel) -> Capabilities:
    """Return what a channel can do."""
    return capabilities_of(
        channel.kind,
        accepts_reply_to=channel.accepts_reply_to,
        window_hours=channel.messaging_window_hours,
        files_per_call=channel.files_per_call,
        captions=channel.accepts_captions,
    )


def reach_of(row: Sequence[Any]) -> Reach:
    """Return how a contact is reached, from a row of what `REACHED` names."""
    channel_id, is_connected, failure, written_at, kind, accepts_reply_to, *limits = row
    hours, files_per_call, captions = limits
    return Reach(
        channel_id,
        bool(is_connected),
        failure,
        last_incoming_at=None if written_at is None else sql.moment(written_at),
        capabilities=capabilities_of(
            ChannelKind(kind),
            accepts_reply_to=bool(accepts_reply_to),
            window_hours=hours,
            files_per_call=files_per_call,
            captions=bool(captions),
        ),
    )


async def reaches(ids: Collection[int]) -> dict[int, Reach]:
    """Return on which channel the contact of each conversation is written to, where none is said.

    It is the one used last, else another one of theirs, else the first on which one can write to
    them first. One statement, where all of them have a channel.
    """
    rows = await sql.records(
        f"SELECT c.id, {REACHED.format(failure=LAST_FAILURE.format(conversation='c.id'))}"
        " FROM conversation c LEFT JOIN contact_channel l"
        " ON l.id = c.last_channel_id AND l.contact_id = c.contact_id"
        " JOIN contact_channel cc ON cc.id = COALESCE("
        f"{CHOSEN.format(among=' AND cc.channel_id = l.channel_id')}, {CHOSEN.format(among='')})"
        f" JOIN channel ch ON ch.id = cc.channel_id WHERE {sql.among('c.id')}",
        sql.group(ids),
    )
    found = {row[0]: reach_of(tuple(row)[1:]) for row in rows}
    missing = set(ids) - found.keys()
    for key, offered in (await offers(missing) if missing else {}).items():
        first = first_of(offered)
        if first is not None:
            found[key] = first.reach
    return found


def first_of(offered: Sequence[Offer], channel_id: int | None = None) -> Offer | None:
    """Return where a contact is written to first who has no channel: a given one, or any."""
    if channel_id is not None:
        return next((one for one in offered if one.channel.id == channel_id), None)
    able = (one for one in offered if one.channel.is_connected and one.address is not None)
    return next(able, None)


async def offers(ids: Collection[int]) -> dict[int, list[Offer]]:
    """Return every channel of each conversation's workspace: with messages, the last first; then
    where one can write first; then the others. Five statements at most."""
    people = await sql.records(
        "SELECT c.id, c.workspace_id, c.contact_id, ct.phone, ct.email, ct.given_phone,"
        " ct.given_email FROM conversation c JOIN contact ct ON ct.id = c.contact_id"
        f" WHERE {sql.among('c.id')}",
        sql.group(ids),
    )
    channels: dict[int, list[Channel]] = defaultdict(list)
    for channel in await Channel.filter(workspace_id__in={row[1] for row in people}).order_by("id"):
        channels[channel.workspace_id].append(channel)
    identities = await _identities({row[2] for row in people})
    histories = await _histories(ids)
    taken = await _taken(channels, people)
    found: dict[int, list[Offer]] = {}
    for key, workspace_id, contact_id, *details in people:
        offered = []
        for channel in channels[workspace_id]:
            identity = identities.get((contact_id, channel.id))
            if identity is not None:
                failure, last_seq = histories.get((key, channel.id), (None, 0))
                reach = reach_by(identity, failure)
                offered.append(Offer(channel, identity, reach, last_seq=last_seq))
            else:
                offered.append(_unknown(channel, details, taken))
        found[key] = sorted(offered, key=_order)
    return found


def _order(offer: Offer) -> tuple[int, int]:
    if offer.identity is not None:
        return (0, -offer.last_seq)
    return (1 if offer.address is not None else 2, offer.channel.id)


def reach_by(identity: ContactChannel, last_failure: str | None = None) -> Reach:
    """Return how a contact is reached by an identity that they have; with its channel."""
    channel = identity.channel
    return Reach(
        channel.id,
        channel.is_connected,
        last_failure,
        last_incoming_at=identity.last_incoming_at,
        capabilities=capabilities_of_channel(channel),
    )


def _unknown(channel: Channel, details: Sequence[Any], taken: set[tuple[int, str]]) -> Offer:
    phone, email, given_phone, given_email = details
    capabilities = capabilities_of_channel(channel)
    by = capabilities.begins_by
    address, given = {
        AddressKind.PHONE: (phone, given_phone),
        AddressKind.EMAIL: (email, given_email),
        None: (None, None),
    }[by]
    if (channel.id, address) in taken:
        address = None
    claimed = by if given is not None else None
    reach = Reach(channel.id, channel.is_connected, claimed=claimed, capabilities=capabilities)
    return Offer(channel, None, reach, address)


async def _identities(contacts: Collection[int]) -> dict[tuple[int, int], ContactChannel]:
    """Return by which identity each contact is written to on each channel where they have one."""
    rows = await ContactChannel.filter(contact_id__in=contacts).select_related("channel")
    rows.sort(key=lambda row: (row.last_incoming_at or LONG_AGO, row.id))
    return {(row.contact_id, row.channel_id): row for row in rows}


async def _histories(ids: Collection[int]) -> dict[tuple[int, int], tuple[str | None, int]]:
    """Return how the last message failed, and the last one's place, by conversation and channel."""
    rows = await sql.records(
        f"SELECT c.id, cc.channel_id, {LAST_FAILURE.format(conversation='c.id')}, {LAST_SEQ}"
        " FROM conversation c JOIN contact_channel cc ON cc.contact_id = c.contact_id"
        f" WHERE {sql.among('c.id')}",
        sql.group(ids),
    )
    return {(row[0], row[1]): (row[2], row[3] or 0) for row in rows}


async def _taken(
    channels: Mapping[int, Sequence[Channel]], people: Sequence[Sequence[Any]]
) -> set[tuple[int, str]]:
    """Return which numbers and addresses are somebody's on a channel already."""
    addresses = {value for row in people for value in (row[3], row[4]) if value is not None}
    rows = await sql.records(
        "SELECT channel_id, external_id FROM contact_channel"
        f" WHERE {sql.among('channel_id')} AND {sql.among('external_id', 'text')}",
        sql.group([channel.id for some in channels.values() for channel in some]),
        sql.group(addresses),
    )
    return {(row[0], row[1]) for row in rows}
