"""Variables: what `$contact.name` and the like stand for, put in once when a message is sent.

What is put in is never looked at again, so that a contact called `$contact.phone` is just that.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from models.clock import now
from models.custom_field import CustomField
from models.engine import sql
from models.records import ContactRow, ConversationRow
from models.refusal import Code, Refused, sentence
from resolvers.export_line import cell_of
from resolvers.masking import (
    HIDDEN,
    MASKED,
    UNMASKED,
    Masking,
    display_name,
    email_of,
    phone_of,
    shown_name,
)
from resolvers.names import global_id
from resolvers.sentences import say
from resolvers.vocabulary import field_values_of_contacts

TEXT_LENGTH = 7000
VARIABLE = re.compile(r"\$(contact|assignee|system)\.([A-Za-z0-9_]+)", re.ASCII | re.IGNORECASE)
"""What is looked for: of these, only what has a value is replaced."""
LABELS: Mapping[str, str] = {
    "contact.name": sentence("Name of the contact"),
    "contact.firstname": sentence("First name of the contact"),
    "contact.lastname": sentence("Last name of the contact"),
    "contact.email": sentence("Email address of the contact"),
    "contact.phone": sentence("Phone number of the contact"),
    "contact.country": sentence("Country of the contact"),
    "contact.language": sentence("Language of the contact"),
    "contact.id": sentence("Id of the contact"),
    "assignee.name": sentence("Name of the assignee"),
    "assignee.firstname": sentence("First name of the assignee"),
    "assignee.lastname": sentence("Last name of the assignee"),
    "assignee.email": sentence("Email address of the assignee"),
    "assignee.id": sentence("Id of the assignee"),
    "system.current_date": sentence("Date"),
    "system.current_time": sentence("Time"),
    "system.current_datetime": sentence("Date and time"),
}
"""The variables that every workspace has, and what they are called; custom fields come besides."""
LONGEST: Mapping[str, int] = {
    "contact.name": 254,
    "contact.firstname": 100,
    "contact.lastname": 100,
    "contact.email": 254,
    "contact.phone": 16,
    "contact.country": len("$contact.country"),
}
"""How long at most each is of what may be hidden, or the variable itself where it has no value."""
Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a workspace has."""

    key: str
    """Its name without the dollar sign."""
    label: str
    """What it is called: a sentence, or the custom field's name."""
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in."""

    text: str
    """As everybody in the workspace may read it."""
    full_text: str | None = None
    """As the contact gets it; None: alike."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was read to fill in the variables of a text."""

    conversation: ConversationRow
    time_zone: str | None
    moment: datetime
    fields: Mapping[str, str]
    """What the contact has in custom fields, by slug."""

    def values(self, masking: Masking) -> dict[str, str | None]:
        """Return the value of each variable as somebody sees it; None: there is none."""
        return {
            **{f"contact.{slug}": value or None for slug, value in self.fields.items()},
            **contact_values(self.conversation.contact, masking),
            **assignee_values(self.conversation),
            **system_values(self.moment, self.time_zone),
        }


def contact_values(contact: ContactRow, masking: Masking) -> dict[str, str | None]:
    """Return what is said of a contact, as somebody sees it from whom something may be hidden.

    Whether a country is known is hidden along with phone numbers.
    """
    phone, email = phone_of(contact), email_of(contact)
    return {
        "contact.name": display_name(contact, masking) or None,
        "contact.firstname": shown_name(contact.first_name, masking) or None,
        "contact.lastname": shown_name(contact.last_name, masking) or None,
        "contact.email": HIDDEN if email and masking.emails else email,
        "contact.phone": HIDDEN if phone and masking.phones else phone,
        "contact.country": HIDDEN if masking.phones else contact.country,
        "contact.language": contact.language,
        "contact.id": global_id("Contact", contact.id),
    }


def assignee_values(conversation: ConversationRow) -> dict[str, str | None]:
    """Return what is said of who looks after a conversation; an AI agent has only a name."""
    member, agent = conversation.assignee, conversation.ai_agent
    if member is not None:
        first, _, last = member.user.name.partition(" ")
        return {
            "assignee.name": member.user.name,
            "assignee.firstname": first,
            "assignee.lastname": last.strip() or None,
            "assignee.email": member.user.email,
            "assignee.id": global_id("Member", member.id),
        }
    if agent is not None:
        return {"assignee.name": agent.name, "assignee.id": global_id("AiAgent", agent.id)}
    return {}


def system_values(moment: datetime, time_zone: str | None) -> dict[str, str | None]:
    """Return what the clock says in a time zone; nothing without one."""
    if time_zone is None:
        return {}
    there = moment.astimezone(ZoneInfo(time_zone))
    date, time = f"{there:%Y-%m-%d}", f"{there:%H:%M:%S}"
    return {
        "system.current_date": date,
        "system.current_time": time,
        "system.current_datetime": f"{date} {time}",
    }


def expand(text: str, values: Values) -> str:
    """Return a text with its variables replaced, in one pass; one without a value stays."""
    return VARIABLE.sub(lambda found: value_of(found, values) or found.group(), text)


def value_of(found: re.Match[str], values: Values) -> str | None:
    """Return the value of a variable: standard names whatever their case, slugs as written."""
    kind, name = found.groups()
    exact = f"{kind.lower()}.{name}"
    return values.get(exact) or values.get(exact.lower())


def unresolved(text: str, values: Values) -> list[str]:
    """Return the variables of a text that would be sent as they stand, each once."""
    found = (one.group() for one in VARIABLE.finditer(text) if not value_of(one, values))
    return list(dict.fromkeys(found))


def longest(values: Values) -> dict[str, str | None]:
    """Return values with what is hidden as long as it can be: its length must tell nothing."""
    return {
        name: "x" * LONGEST[name] if value and HIDDEN in value and name in LONGEST else value
        for name, value in values.items()
    }


def called(variable: Variable, language: str) -> str:
    """Return what a variable is called in a language; custom fields have one name."""
    return variable.label if variable.is_custom else say(variable.label, language)


async def variables_of_workspaces(ids: Collection[int]) -> dict[int, list[Variable]]:
    """Return the variables of workspaces, those of custom fields last and by name."""
    rows = await CustomField.filter(workspace_id__in=set(ids))
    found = {key: [Variable(name, label) for name, label in LABELS.items()] for key in ids}
    for row in sorted(rows, key=lambda row: (row.name.casefold(), row.id)):
        found[row.workspace_id].append(Variable(f"contact.{row.slug}", row.name, is_custom=True))
    return found


def check_length(text: str, limit: int = TEXT_LENGTH) -> None:
    """Refuse a text that is longer than any message, or than a channel takes."""
    if len(text) > limit:
        raise Refused(Code.TOO_LONG, "At most {limit} characters.", field=("text",), limit=limit)


async def fill_in(
    text: str, conversation: ConversationRow, masking: Masking, limit: int = TEXT_LENGTH
) -> Filled:
    """Return what a text says to the contact of a conversation; a variable without a value stays.

    Refuse what becomes too long, as far as who writes may know. No statement without a variable.
    """
    if not VARIABLE.search(text):
        check_length(text, limit)
        return Filled(text)
    known = await read_values(text, conversation)
    whole, shown = expand(text, known.values(UNMASKED)), expand(text, known.values(MASKED))
    counted = expand(text, longest(known.values(masking))) if masking.is_any else whole
    if len(counted) > limit:
        raise Refused(
            Code.TOO_LONG,
            "With its variables filled in, at most {limit} characters.",
            field=("text",),
            limit=limit,
        )
    return Filled(shown, whole if whole != shown else None)


async def read_values(text: str, conversation: ConversationRow) -> Known:
    """Return what is known for the variables of a text; at most three statements."""
    names = {f"{kind}.{name}".lower() for kind, name in VARIABLE.findall(text)}
    zone, fields = None, {}
    if any(name.startswith("system.") for name in names):
        [[zone]] = await sql.records(
            "SELECT time_zone FROM workspace WHERE id = ?", conversation.workspace_id
        )
    if any(name.startswith("contact.") and name not in LABELS for name in names):
        key = conversation.contact_id
        found = (await field_values_of_contacts([key])).get(key, [])
        fields = {value.field.slug: cell_of(value) for value in found}
    return Known(conversation, zone, now(), fields)
