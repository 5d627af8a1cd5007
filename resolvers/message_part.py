"""Message parts: what the calls to a vendor take of a message, and what becomes of the whole."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.channels import Capabilities
from models.attachment import Attachment
from models.clock import now
from models.message import Message, MessageKind, MessageStatus
from models.message_part import MessagePart
from models.records import MessageRow
from realtime.events import MessageStatusChanged
from realtime.transaction import Announce
from resolvers.attaching import MAX_FILES
from resolvers.delivery import MOMENT_FIELDS, RANK, next_status, reply_arrived
from resolvers.masking import cut
from resolvers.thread import hold_message

NOT_SENT = "NOT_SENT"
"""The failure of a part that was not tried, as one before it stopped them."""
NOT_GONE = (MessageStatus.FAILED, MessageStatus.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Part:
    """What one call takes: a range of the message's files, its text or both."""

    has_text: bool
    first_file: int = 0
    file_count: int = 0

    @property
    def files(self) -> slice:
        """Return which files of the message are its own."""
        return slice(self.first_file, self.first_file + self.file_count)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call to the vendor for a message, as it is shown."""

    message_id: int
    workspace_id: int
    position: int
    has_text: bool
    files: slice
    """Which files of the message are its own."""
    status: MessageStatus
    external_id: str | None
    failure_code: str | None
    failure_text: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


PartsKey = tuple[int, bool]
"""A message, and whether to look for its parts."""


def parts_of(text: str, file_count: int, capabilities: Capabilities) -> Sequence[Part]:
    """Divide a message into calls, in their order; the text goes with the first files or alone."""
    at_once = capabilities.files_per_call or max(file_count, 1)
    is_caption = bool(text) and file_count > 0 and capabilities.captions
    alone = [Part(has_text=True)] if not is_caption and (text or not file_count) else []
    return alone + [
        Part(is_caption and first == 0, first, min(at_once, file_count - first))
        for first in range(0, file_count, at_once)
    ]


def status_of(parts: Collection[MessageStatus]) -> MessageStatus:
    """Return the status of a whole: the worst of its parts; they are never none."""
    for worst in (MessageStatus.FAILED, MessageStatus.UNCERTAIN):
        if worst in parts:
            return worst
    return min(parts, key=RANK.__getitem__)


def next_whole(current: MessageStatus, whole: MessageStatus) -> MessageStatus:
    """Return a message's status once its parts have this one; it never goes backwards (G5).

    FAILED is left only where no part is FAILED any more and every one has gone.
    """
    if current is MessageStatus.FAILED:
        return whole if RANK.get(whole, 0) >= RANK[MessageStatus.SENT] else current
    if whole is MessageStatus.UNCERTAIN:
        return whole if current is MessageStatus.PENDING else current
    return next_status(current, whole)


def divide(
    message: MessageRow, file_count: int, capabilities: Capabilities, announce: Announce
) -> bool:
    """Have the parts of a new message written where it takes several calls; tell if it does."""
    parts = parts_of(message.text or "", file_count, capabilities)
    if len(parts) == 1:
        return False
    for position, part in enumerate(parts):
        announce.insert(
            "message_part",
            message_id=message.id,
            channel_id=message.channel_id,
            position=position,
            has_text=part.has_text,
            first_file=part.first_file,
            file_count=part.file_count,
            status=MessageStatus.PENDING,
        )
    return True


def may_have_parts(message: MessageRow) -> bool:
    """Tell whether to look for parts of a message: only what has files is divided."""
    return message.kind is MessageKind.ATTACHMENT


async def parts_of_message(message_id: int) -> list[MessagePart]:
    """Return the parts of a message, in their order; none for one that goes in one call."""
    return await MessagePart.filter(message_id=message_id).order_by("position")


async def parts_by_message(keys: Collection[PartsKey]) -> dict[PartsKey, list[MessagePart]]:
    """Return the parts of messages that have some, in their order; at most one statement."""
    found: dict[PartsKey, list[MessagePart]] = {}
    ids = {key[0] for key in keys if key[1]}
    if ids:
        for part in await MessagePart.filter(message_id__in=ids).order_by("position"):
            found.setdefault((part.message_id, True), []).append(part)
    return found


def deliveries_of(message: MessageRow, parts: Sequence[MessagePart] | None) -> list[Delivery]:
    """Return the deliveries of an outgoing message: its parts or, without any, itself."""
    whole = Part(bool(message.text), 0, MAX_FILES)
    if not parts:
        return [_delivery(message, message, whole, 0)]
    return [_delivery(message, part, taken_by(part), part.position) for part in parts]


def taken_by(part: MessagePart) -> Part:
    """Return what a part takes of its message."""
    return Part(part.has_text, part.first_file, part.file_count)


def _delivery(
    message: MessageRow, row: MessageRow | MessagePart, taken: Part, position: int
) -> Delivery:
    return Delivery(
        message_id=message.id,
        workspace_id=message.workspace_id,
        position=position,
        has_text=taken.has_text,
        files=taken.files,
        status=row.status,
        external_id=row.external_id,
        failure_code=row.failure_code,
        failure_text=row.failure_text,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        read_at=row.read_at,
    )


async def part_named(channel_id: int, external_id: str) -> MessagePart | None:
    """Return the part that a vendor knows by an id, with its message."""
    named = MessagePart.filter(channel_id=channel_id, external_id=external_id)
    return await named.select_related("message").first()


async def what_did_not_go(
    message: MessageRow, files: Sequence[Attachment]
) -> tuple[bool, Sequence[Attachment]] | None:
    """Return what to send again of a message that failed: whether its text, and which files.

    None where all of it went, or one of its parts is still on its way.
    """
    parts = await parts_of_message(message.id) if may_have_parts(message) else []
    if not parts:
        return True, files
    left = [part for part in parts if part.status in NOT_GONE]
    if not left or any(part.status is MessageStatus.PENDING for part in parts):
        return None
    again = [files[taken_by(part).files] for part in left]
    return any(part.has_text for part in left), [file for some in again for file in some]


async def note(
    part: MessagePart,
    reported: MessageStatus,
    *,
    at: datetime | None = None,
    failure: tuple[str, str] | None = None,
) -> bool:
    """Write a report into a part of a locked conversation; tell if it says anything new."""
    status = next_status(part.status, reported)
    if reported is MessageStatus.UNCERTAIN and part.status is MessageStatus.PENDING:
        status = reported
    moment_field = MOMENT_FIELDS.get(reported)
    changed = status is not part.status
    part.status = status
    if moment_field is not None and getattr(part, moment_field) is None:
        setattr(part, moment_field, at or now())
        changed = True
    if status is reported is MessageStatus.FAILED and failure and part.failure_code is None:
        part.failure_code, part.failure_text = failure[0][:64], cut(failure[1], 500)
    await part.save()
    return changed


async def note_whole(
    message: Message,
    parts: Sequence[MessagePart],
    announce: Announce,
    *,
    at: datetime | None = None,
) -> None:
    """Write and tell what the parts of a message of a locked conversation make of it.

    It is told also where only a part went on: clients show how many have.
    """
    status = next_whole(message.status, status_of([part.status for part in parts]))
    changed = status is not message.status
    message.status = status
    moment_field = MOMENT_FIELDS.get(status)
    if changed and moment_field is not None and getattr(message, moment_field) is None:
        setattr(message, moment_field, at or now())
    if changed and status is MessageStatus.FAILED:
        failed = [part for part in parts if part.status is MessageStatus.FAILED]
        first = min(failed, key=lambda part: (part.failure_code == NOT_SENT, part.position))
        message.failure_code, message.failure_text = first.failure_code, first.failure_text
    fields = {"status", "external_id", "failure_code", "failure_text", *MOMENT_FIELDS.values()}
    await message.save(update_fields=fields)
    where = (message.workspace_id, message.conversation_id, message.id)
    announce(MessageStatusChanged(*where, status.value))
    if changed and RANK.get(status, 0) >= RANK[MessageStatus.SENT]:
        await reply_arrived(message, announce)


async def report_part(
    named: MessagePart,
    reported: MessageStatus,
    announce: Announce,
    *,
    at: datetime | None,
    failure: tuple[str, str],
) -> None:
    """Apply what a vendor reports about a part."""
    message = await hold_message(named.message)
    if message is None:
        return
    parts = await parts_of_message(message.id)
    for part in parts:
        if part.id == named.id and await note(part, reported, at=at, failure=failure):
            await note_whole(message, parts, announce, at=at)
