"""A delivery: one call to the vendor that brings a message, or a part of it."""

from datetime import datetime
from typing import Any

import strawberry

from models.attachment import Attachment as AttachmentRow
from models.message import MessageStatus
from resolvers.attached import attachments_of_messages
from resolvers.masking import HIDDEN, without_details
from resolvers.message_part import Delivery
from schema.context import Info
from schema.objects.attachment import Attachment
from schema.relation import relation


@strawberry.type
class MessageFailure:
    """Why a message was not delivered."""

    code: str
    """A stable code."""
    text: str
    """The vendor's words; without numbers and addresses for who does not see those of contacts."""


def failure_of(row: Any, workspace_id: int, info: Info) -> MessageFailure | None:
    """Return why a message or a part failed, as the viewer may read it."""
    if row.status is not MessageStatus.FAILED or row.failure_code is None:
        return None
    text = row.failure_text or ""
    if info.context.masking(workspace_id).is_any:
        text = without_details(text, least_digits=1)
    return MessageFailure(code=row.failure_code, text=text)


def _own(delivery: Delivery, files: list[AttachmentRow] | None) -> list[AttachmentRow]:
    return (files or [])[delivery.files]


@strawberry.type
class MessageDelivery:
    """What one call to the vendor takes of an outgoing message: all of it, or a part."""

    position: int
    """Its place among the deliveries of the message, from 0: they leave in this order."""
    status: MessageStatus
    """How far it came; it never goes backwards."""
    has_text: bool
    """Whether it carries the text of the message."""
    sent_at: datetime | None
    """When the vendor took it."""
    delivered_at: datetime | None
    """When it reached the contact, as far as the vendor told."""
    read_at: datetime | None
    """When the contact saw it, as far as the vendor told."""

    @strawberry.field
    def external_id(root: strawberry.Parent[Delivery], info: Info) -> str | None:
        """The vendor's id of it; null until there is one, hidden from who does not see phone
        numbers or email addresses: on some channels it has one in it."""
        is_masked = info.context.masking(root.workspace_id).is_any
        return HIDDEN if is_masked and root.external_id is not None else root.external_id

    @strawberry.field
    def failure(root: strawberry.Parent[Delivery], info: Info) -> MessageFailure | None:
        """Why it failed; null unless its status is FAILED. `NOT_SENT`: it was not tried, as one
        before it failed or may not have arrived."""
        return failure_of(root, root.workspace_id, info)

    @relation(list[Attachment], attachments_of_messages, then=_own)
    def attachments(root: strawberry.Parent[Delivery]) -> int:
        """Its files, in their order."""
        return root.message_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a value is of this type."""
        return isinstance(obj, Delivery)
