"""Masking: what a viewer sees of a contact from whom phone numbers or email addresses are hidden.

Nothing here that a masked viewer gets depends on what is hidden but by whether there is anything:
neither its digits or letters, nor how many there are.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from models.folding import folded
from models.records import ContactRow, MessageRow
from resolvers.file_types import TYPES
from resolvers.inbox_filter import Choice, ChoiceCondition, Condition, Filter, conditions_in

HIDDEN = "••••••"
"""What stands in the place of a phone number, an email address, or anything that may be one."""
LEAST_DIGITS = 5
"""How many digits in a row, but for what people write between them, may be a phone number."""
_ADDRESS = re.compile(r"\S*@\S*")
_NUMBER = re.compile(r"\+?\d(?:[\s().,/+–-]*\d)*")
_NUMBER_IN_FILE_NAME = re.compile(r"\+?\d(?:[\s().,/+–_-]*\d)*")
"""Names of files have underscores for blanks."""


@dataclass(frozen=True, slots=True)
class Masking:
    """What is hidden."""

    phones: bool = False
    emails: bool = False

    @property
    def is_any(self) -> bool:
        """Tell whether anything is."""
        return self.phones or self.emails


UNMASKED = Masking()
MASKED = Masking(phones=True, emails=True)


def phone_of(contact: ContactRow) -> str | None:
    """Return a contact's phone number, also one that another contact has, too."""
    return contact.phone or contact.given_phone


def email_of(contact: ContactRow) -> str | None:
    """Return a contact's email address, also one that another contact has, too."""
    return contact.email or contact.given_email


def is_echo(value: str | None) -> bool:
    """Tell whether a value is what was shown in the place of a hidden one."""
    return value is not None and value.strip() == HIDDEN


def without_details(
    text: str, *, least_digits: int = LEAST_DIGITS, number: re.Pattern[str] = _NUMBER
) -> str:
    """Return a text without what may be a phone number or an email address."""

    def shown(found: re.Match[str]) -> str:
        digits = sum(letter.isdigit() for letter in found.group())
        return HIDDEN if digits >= least_digits else found.group()

    return number.sub(shown, _ADDRESS.sub(HIDDEN, text))


def without_addresses(text: str) -> str:
    """Return a text without what may be an email address."""
    return _ADDRESS.sub(HIDDEN, text)


def cut(text: str, length: int) -> str:
    """Return the beginning of a text, at most so long, with no number or address cut in two."""
    if len(text) <= length:
        return text
    text, end = text[: 2 * length], length - 1
    for pattern in (_ADDRESS, _NUMBER):
        for found in pattern.finditer(text):
            if found.start() < end < found.end():
                end = found.start()
    return f"{text[:end]}…"


def shown_name(name: str, masking: Masking) -> str:
    """Return a name: channels have given numbers and addresses for names, too."""
    return without_details(name) if masking.is_any else name


def shown_file_name(name: str, content_type: str, masking: Masking) -> str:
    """Return the name of a file: channels call files after who sent them.

    Its extension stays where it tells only what the file is: an address ends with one, too.
    """
    if not masking.is_any:
        return name
    stem, dot, extension = name.rpartition(".")
    known = TYPES.get(extension.lower())
    if known is None or known.content_type != content_type:
        stem, dot, extension = name, "", ""
    return f"{without_details(stem, number=_NUMBER_IN_FILE_NAME)}{dot}{extension}"


def full_name(first_name: str, last_name: str) -> str:
    """Return a contact's whole name; empty if nobody knows it."""
    return f"{first_name} {last_name}".strip()


def display_name(contact: ContactRow, masking: Masking) -> str:
    """Return the name to show: without a name, the email address or the phone number."""
    name = full_name(contact.first_name, contact.last_name)
    if name:
        return shown_name(name, masking)
    email, phone = email_of(contact), phone_of(contact)
    if email is not None:
        return HIDDEN if masking.emails else email
    return HIDDEN if masking.phones and phone else phone or ""


def message_text(message: MessageRow, masking: Masking) -> str | None:
    """Return a message's text: who sees all that may be hidden reads it as the contact does."""
    if message.full_text is not None and not masking.is_any:
        return message.full_text
    return message.text


def name_text(first_name: str, last_name: str) -> str:
    """Return what a masked viewer finds a contact by: the names as they are shown to them."""
    return folded(without_details(full_name(first_name, last_name)))


def looks_at_hidden(conditions: Filter, masking: Masking) -> bool:
    """Tell whether a filter would show what is hidden by what it holds.

    The country comes from the phone number; a name may be compared with what may be a number.
    """
    return any(_is_hidden(condition, masking) for condition in conditions_in(conditions))


def _is_hidden(condition: Condition, masking: Masking) -> bool:
    if not masking.is_any or not isinstance(condition, ChoiceCondition):
        return False
    match condition.what:
        case Choice.PHONE | Choice.COUNTRY:
            return masking.phones
        case Choice.EMAIL:
            return masking.emails
        case Choice.FIRST_NAME | Choice.LAST_NAME:
            return any(without_details(str(value)) != value for value in condition.values)
    return False


def blind_columns(
    given: Collection[str], values: Any, masking: Masking, taken: Collection[str]
) -> dict[str, str | None]:
    """Return which columns the given ones of `phone` and `email` are written to.

    What a masked member gives may be what they must not learn that another contact has: it is
    kept as a claim, and becomes the contact's own besides where it is free.
    """
    columns: dict[str, str | None] = {}
    for name, is_masked in (("phone", masking.phones), ("email", masking.emails)):
        if name in given:
            value = getattr(values, name)
            columns[name] = None if is_masked and name in taken else value
            columns[f"given_{name}"] = value if is_masked else None
            columns[f"claimed_{name}"] = value if is_masked and name in taken else None
    return columns
