"""Contacts: the customers of a workspace, each born with a closed conversation."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import phonenumbers
from tortoise.exceptions import IntegrityError

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.layout import Layout
from models.queries import Records, Where, read_contacts
from models.records import ContactRecord, ContactRow
from models.refusal import Code, Refused, sentence
from realtime.events import ContactCreated, ContactUpdated
from realtime.transaction import Announce, transaction
from resolvers.access import get_contact, hold_contact, visible_conversations
from resolvers.idempotency import claim_key
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.proof import proved, proving
from resolvers.viewer import Right, Viewer, require

NAME_LENGTH = 100
EMAIL_LENGTH = 254
LANGUAGE_LENGTH = 16
SEARCH_LENGTH = 100
DETAILS = ("first_name", "last_name", "phone", "email", "language")


@dataclass(frozen=True, slots=True)
class Details:
    """What a person says about a contact, cleaned; only `given` fields are to be changed."""

    given: frozenset[str]
    first_name: str = ""
    last_name: str = ""
    phone: str | None = None
    email: str | None = None
    language: str | None = None


def clean_details(**values: str | None) -> Details:
    """Return the given details cleaned: names trimmed, phone in E.164, email in lower case.

    Refuses a blank first name, and a phone, an email or a text that cannot be one.
    """
    clean: dict[str, Any] = {}
    if "first_name" in values:
        clean["first_name"] = _name(values["first_name"], "firstName")
        if not clean["first_name"]:
            raise Refused(Code.BLANK, "A contact needs a first name.", field=("firstName",))
    if "last_name" in values:
        clean["last_name"] = _name(values["last_name"], "lastName")
    if "phone" in values:
        clean["phone"] = clean_phone(values["phone"])
    if "email" in values:
        clean["email"] = clean_email(values["email"])
    if "language" in values:
        clean["language"] = clean_language(values["language"])
    return Details(frozenset(clean), **clean)


def _name(value: str | None, field: str) -> str:
    name = (value or "").strip()
    if len(name) > NAME_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=(field,), limit=NAME_LENGTH
        )
    return name


def clean_language(value: str | None) -> str | None:
    """Return a language tag; refuse one that is too long to be one."""
    language = (value or "").strip()
    if len(language) > LANGUAGE_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=("language",), limit=LANGUAGE_LENGTH
        )
    return language or None


def clean_phone(value: str | None) -> str | None:
    """Return a phone number in E.164; refuse what cannot be one."""
    if not (value or "").strip():
        return None
    number = None
    with suppress(phonenumbers.NumberParseException):
        number = phonenumbers.parse(value or "", None)
    if number is None or not phonenumbers.is_possible_number(number):
        raise Refused(
            Code.INVALID,
            "This is no phone number in international form, such as +33612345678.",
            field=("phone",),
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_email(value: str | None) -> str | None:
    """Return an email address in lower case; refuse what cannot be one."""
    email = (value or "").strip().lower()
    if not email:
        return None
    name, _, domain = email.rpartition("@")
    if not name or "." not in domain or len(email) > EMAIL_LENGTH or " " in email:
        raise Refused(Code.INVALID, "This is no email address.", field=("email",))
    return email


def country_of(phone: str | None) -> str | None:
    """Return the country of a phone number in E.164, as ISO 3166-1 alpha-2."""
    if phone is None:
        return None
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))


def search_text(contact: Contact) -> str:
    """Return what the contact search looks through."""
    parts = (contact.first_name, contact.last_name, contact.phone or "", contact.email or "")
    return " ".join(part for part in parts if part).casefold()


def display_name(contact: ContactRow) -> str:
    """Return the name to show: without a name, the email address or the phone number."""
    name = f"{contact.first_name} {contact.last_name}".strip()
    return name or contact.email or contact.phone or ""


async def create_contact(
    viewer: Viewer, workspace_id: int, details: Details, *, idempotency_key: str | None = None
) -> ContactRow:
    """Add a contact, with a conversation in Closed; refuse a phone or email that is taken."""
    require(viewer, workspace_id, Right.EDIT_CONTACTS)
    async with transaction() as announce:
        values = [str(getattr(details, name)) for name in DETAILS]
        claim = await claim_key(viewer, workspace_id, "createContact", idempotency_key, values)
        if claim.first_result is not None:
            return await get_contact(viewer, claim.first_result)
        await _check_free(workspace_id, details)
        contact = await add_contact(workspace_id, details, announce)
        await claim.remember(contact.id)
    return contact


async def add_contact(
    workspace_id: int,
    details: Details,
    announce: Announce,
    *,
    country: str | None = None,
    picture_url: str | None = None,
) -> Contact:
    """Write a new contact and its conversation, and announce it."""
    moment = now()
    contact = Contact(
        workspace_id=workspace_id,
        **{name: getattr(details, name) for name in DETAILS},
        country=country_of(details.phone) or country,
        picture_url=picture_url,
        created_at=moment,
    )
    contact.search_text = search_text(contact)
    try:
        await contact.save(force_create=True)
    except IntegrityError as error:
        raise _taken("phone" if details.phone else "email") from error
    conversation = await Conversation.create(
        workspace_id=workspace_id,
        contact_id=contact.id,
        status=ConversationStatus.CLOSED,
        last_message_at=moment,
        status_since=moment,
        created_at=moment,
    )
    announce(ContactCreated(workspace_id, contact.id, conversation.id))
    return contact


async def update_contact(
    viewer: Viewer, contact_id: int, details: Details, *, expected_version: int | None = None
) -> Contact:
    """Change the given details of a contact; raise Conflict if somebody changed it meanwhile."""
    async with transaction() as announce:
        contact = await hold_contact(
            viewer, contact_id, Right.EDIT_CONTACTS, expected_version=expected_version
        )
        changed = {
            name for name in details.given if getattr(contact, name) != getattr(details, name)
        }
        if not changed:
            return contact
        await _check_free(contact.workspace_id, details, except_id=contact.id)
        for name in changed:
            setattr(contact, name, getattr(details, name))
        if "phone" in changed:
            contact.country = country_of(contact.phone) or contact.country
        contact.search_text = search_text(contact)
        try:
            await save_update(contact, announce, *changed, "country", "search_text")
        except IntegrityError as error:
            raise _taken("phone" if "phone" in changed else "email") from error
    return contact


async def save_update(contact: Contact, announce: Announce, *changed: str) -> None:
    """Write the changed columns of a held contact with its next version, and announce it."""
    contact.version += 1
    await contact.save(update_fields=[*changed, "version"])
    announce(ContactUpdated(contact.workspace_id, contact.id, contact.conversation.id))


async def _check_free(workspace_id: int, details: Details, *, except_id: int = 0) -> None:
    """Refuse a phone or email of another contact: one statement."""
    rows = await sql.rows(
        "SELECT phone FROM contact WHERE workspace_id = ? AND id <> ?"
        " AND (phone = ? OR email = ?) LIMIT 1",
        workspace_id,
        except_id,
        details.phone,
        details.email,
    )
    if rows:
        raise _taken("phone" if details.phone and rows[0]["phone"] == details.phone else "email")


def _taken(field: str) -> Refused:
    sentences = {
        "phone": sentence("Another contact has this phone number."),
        "email": sentence("Another contact has this email address."),
    }
    return Refused(Code.TAKEN, sentences[field], field=(field,))


async def list_contacts(
    viewer: Viewer,
    workspace_id: int,
    request: PageRequest,
    *,
    search: str | None = None,
    layout: Layout | None = None,
) -> Page[ContactRecord]:
    """Return visible contacts, newest first; `search` finds every word in name, phone or email.

    With a layout its rows have only what that asks for.
    """
    where = proving(viewer, visible_conversations(viewer, workspace_id))
    found_in = "strpos" if sql.dialect() == "postgres" else "instr"
    for word in (search or "")[:SEARCH_LENGTH].casefold().split():
        where &= Where(f"{found_in}(ct.search_text, ?) > 0", (word,))
    page = await keyset_page(
        layout or Records(read_contacts),
        where,
        request,
        alias="ct",
        key="created_at",
        descending=True,
    )
    proved(viewer, page.rows)
    return page
