"""What a search finds: a contact, a message or a comment, and where it has what was looked for."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.records import CommentRecord, CommentRow, ContactRow, ConversationRow, MessageRow
from resolvers.masking import Masking, email_of, message_text, phone_of, shown_name
from resolvers.page import Page
from resolvers.search import Found
from resolvers.search_text import Span, contact_spans, spans
from schema.connection import connect
from schema.objects.comment import Comment
from schema.objects.contact import Contact
from schema.objects.message import Message

if TYPE_CHECKING:
    from schema.objects.conversation import Conversation

Thread = Annotated["Conversation", strawberry.lazy("schema.objects.conversation")]


class HighlightField(Enum):
    """A field in which a search has found something."""

    TEXT = "TEXT"
    """The `text` of a message or a comment."""
    FIRST_NAME = "FIRST_NAME"
    """The `firstName` of a contact."""
    LAST_NAME = "LAST_NAME"
    """The `lastName` of a contact."""
    PHONE = "PHONE"
    """The `phone.value` of a contact."""
    EMAIL = "EMAIL"
    """The `email` of a contact."""


@strawberry.type
class Highlight:
    """A stretch of a field that has what was looked for. It is counted in Unicode code points, as
    every length here: in JavaScript, `Array.from(text).slice(start, start + length)`."""

    field: HighlightField
    """The field."""
    start: int
    """How many code points precede it."""
    length: int
    """How many code points it has."""


@strawberry.interface
class SearchResult:
    """What a search finds: a contact, or a message or a comment of their conversation."""

    contact: ContactRow = strawberry.field(graphql_type=Contact)
    """The contact."""
    conversation: ConversationRow = strawberry.field(graphql_type=Thread)
    """Their conversation."""
    highlights: list[Highlight]
    """Where it has what was looked for; at most 20 places of each field."""
    place: strawberry.Private[str]


@strawberry.type
class ContactResult(SearchResult):
    """A contact who was found."""


@strawberry.type
class MessageResult(SearchResult):
    """A message that was found."""

    message: MessageRow = strawberry.field(graphql_type=Message)
    """The message."""


@strawberry.type
class CommentResult(SearchResult):
    """A comment that was found."""

    comment: CommentRow = strawberry.field(graphql_type=Comment)
    """The comment."""


def connect_finds(page: Page[Found], masking: Masking) -> Any:
    """Return a page of finds as a connection; what is hidden from the viewer is not marked."""
    results = [_result(found, page.cursor(found), masking) for found in page.rows]
    places = (page.has_next, page.has_previous, page.end)
    return connect(Page(results, lambda result: result.place, *places))


def _result(found: Found, place: str, masking: Masking) -> SearchResult:
    conversation, item = found.conversation, found.item
    contact = conversation.contact
    known: dict[str, Any] = {"contact": contact, "conversation": conversation, "place": place}
    if item is None:
        marks = _contact_highlights(found, contact, masking)
        return ContactResult(highlights=marks, **known)
    text = item.text if isinstance(item, CommentRecord) else message_text(item, masking)
    marks = _highlights(HighlightField.TEXT, spans(found.sought, text or ""))
    if isinstance(item, CommentRecord):
        return CommentResult(comment=item, highlights=marks, **known)
    return MessageResult(message=item, highlights=marks, **known)


def _contact_highlights(found: Found, contact: ContactRow, masking: Masking) -> list[Highlight]:
    search = found.sought.of_contacts(is_masked=masking.is_any)
    shown = {
        HighlightField.FIRST_NAME: shown_name(contact.first_name, masking),
        HighlightField.LAST_NAME: shown_name(contact.last_name, masking),
    }
    if not masking.is_any:
        shown |= {
            HighlightField.PHONE: phone_of(contact) or "",
            HighlightField.EMAIL: email_of(contact) or "",
        }
    return [
        mark
        for field, text in shown.items()
        for mark in _highlights(field, contact_spans(search, text))
    ]


def _highlights(field: HighlightField, found: list[Span]) -> list[Highlight]:
    return [Highlight(field=field, start=start, length=end - start) for start, end in found]
