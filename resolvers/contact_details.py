"""The details of a contact: what a person may say about one, cleaned, and what is told by them."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import phonenumbers

from models.contact import Contact
from models.folding import folded
from models.refusal import Code, Refused
from resolvers.masking import name_text

NAME_LENGTH = 100
EMAIL_LENGTH = 254
LANGUAGE_LENGTH = 16
FOLDED_LENGTH = 250
"""Only names of odd letters come to more when folded; an index takes no text of any length."""
FOLDED = ("search_text", "folded_name", "name_text")
"""What is looked for, and by what lists are ordered."""
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
    lifecycle_stage_id: int | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a contact came with that another one has."""

    phone: str | None = None
    email: str | None = None


NO_CLAIMS = Claims()


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


def in_stage(details: Details, stage_id: int | None) -> Details:
    """Return the details with a lifecycle stage, or with none, that is to be changed, too."""
    given = details.given | {"lifecycle_stage_id"}
    return replace(details, given=given, lifecycle_stage_id=stage_id)


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
    if not is_email(email):
        raise Refused(Code.INVALID, "This is no email address.", field=("email",))
    return email


def is_email(text: str) -> bool:
    """Tell whether a text can be an email address."""
    name, _, domain = text.rpartition("@")
    return bool(name) and "." in domain and len(text) <= EMAIL_LENGTH and " " not in text


def country_of(phone: str | None) -> str | None:
    """Return the country of a phone number in E.164, as ISO 3166-1 alpha-2."""
    if phone is None:
        return None
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone, None))
    return region if region and region.isalpha() else None  # 001 is that of no country


def search_text(
    contact: Contact | Details,
    *,
    given_phone: str | None = None,
    given_email: str | None = None,
) -> str:
    """Return what the contact search looks through."""
    name = f"{contact.first_name} {contact.last_name}".strip()
    parts = (name, contact.phone or given_phone or "", contact.email or given_email or "")
    return " ".join(folded(part) for part in parts if part)


def folded_name(contact: Contact | Details) -> str:
    """Return by what a contact stands in lists by name."""
    return folded(f"{contact.first_name} {contact.last_name}".strip())[:FOLDED_LENGTH]


def fold_details(contact: Contact) -> None:
    """Write down a contact's details as searches and lists by name look at them: FOLDED."""
    contact.search_text = search_text(
        contact, given_phone=contact.given_phone, given_email=contact.given_email
    )
    contact.folded_name = folded_name(contact)
    contact.name_text = name_text(contact.first_name, contact.last_name)
