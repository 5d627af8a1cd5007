"""Variables: what stands for what, once and never again, and how long it may be."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from resolvers.masking import HIDDEN, MASKED, UNMASKED, Masking
from resolvers.variables import (
    LABELS,
    LONGEST,
    Known,
    contact_values,
    expand,
    longest,
    system_values,
    unresolved,
)

VALUES = {
    "contact.name": "Zoë $contact.phone",
    "contact.phone": "+33612345678",
    "contact.country": None,
    "contact.City": "Paris",
    "contact.city": "Rome",
    "contact.none": "",
    "assignee.name": "$system.current_date",
}


def contact(**given: Any) -> Any:
    """Return a contact of whom all is known, but for what is given."""
    known = {"id": 7, "first_name": "Zoë", "last_name": "Martin", "language": "fr"}
    known |= {"phone": "+33612345678", "email": "zoe@example.com", "country": "FR"}
    return SimpleNamespace(**known | {"given_phone": None, "given_email": None} | given)


@pytest.mark.parametrize(
    ("text", "expanded", "missing"),
    [
        ("Hi $contact.name!", "Hi Zoë $contact.phone!", []),
        ("$contact.phone$contact.phone.", "+33612345678+33612345678.", []),
        ("$Contact.PHONE さん", "+33612345678 さん", []),
        ("$contact.phoneさん", "+33612345678さん", []),
        ("$contact.City $contact.city $contact.CITY", "Paris Rome Rome", []),
        ("$assignee.name", "$system.current_date", []),
        (
            "$contact.country, $contact.country",
            "$contact.country, $contact.country",
            ["$contact.country"],
        ),
        (
            "$contact.none $contact.names",
            "$contact.none $contact.names",
            ["$contact.none", "$contact.names"],
        ),
        ("$contact.phone_x", "$contact.phone_x", ["$contact.phone_x"]),
        ("$9 contact.phone $other.name $contact. {{contact.phone}}", None, []),
        ("$contact.__class__ $system.environ", None, ["$contact.__class__", "$system.environ"]),
        ("$ſystem.current_date", None, []),
    ],
)
def test_each_is_replaced_once_or_stays(
    text: str, expanded: str | None, missing: list[str]
) -> None:
    assert expand(text, VALUES) == (text if expanded is None else expanded)
    assert unresolved(text, VALUES) == missing


def test_every_standard_variable_has_its_value() -> None:
    assignee = SimpleNamespace(id=3, user=SimpleNamespace(name="Olga van Dyk", email="o@x.test"))
    conversation: Any = SimpleNamespace(contact=contact(), assignee=assignee, ai_agent=None)
    moment = datetime(2026, 11, 30, 23, 5, 9, tzinfo=UTC)
    values = Known(conversation, "Europe/Paris", moment, {"name": "no", "city": "Paris"}).values(
        UNMASKED
    )
    assert set(values) == {*LABELS, "contact.city"}
    assert values["contact.name"] == "Zoë Martin"  # a slug never stands for a standard detail
    assert [values[f"assignee.{name}"] for name in ("firstname", "lastname")] == ["Olga", "van Dyk"]
    assert system_values(moment, "Europe/Paris") == {
        "system.current_date": "2026-12-01",
        "system.current_time": "00:05:09",
        "system.current_datetime": "2026-12-01 00:05:09",
    }
    robot: Any = SimpleNamespace(
        contact=contact(), assignee=None, ai_agent=SimpleNamespace(id=1, name="Robo")
    )
    values = Known(robot, None, moment, {}).values(UNMASKED)
    assert expand("$assignee.name $assignee.email $system.current_date", values) == (
        "Robo $assignee.email $system.current_date"
    )


@pytest.mark.parametrize(
    ("masking", "hidden"),
    [
        (UNMASKED, set()),
        (Masking(phones=True), {"contact.phone", "contact.country"}),
        (Masking(emails=True), {"contact.email"}),
        (MASKED, {"contact.phone", "contact.country", "contact.email"}),
    ],
)
def test_what_is_hidden_is_as_long_as_it_can_be(masking: Masking, hidden: set[str]) -> None:
    values = contact_values(contact(), masking)
    assert {name for name, value in values.items() if value == HIDDEN} == hidden
    counted = longest(values)
    for name, value in contact_values(contact(), UNMASKED).items():
        assert len(counted[name] or "") == (LONGEST[name] if name in hidden else len(value or ""))
    other = contact(phone="+4915112345678901"[:16], email=f"{'z' * 242}@example.com", country=None)
    assert (
        longest(contact_values(other, masking)) == counted
        or not masking.is_any
        or (masking.phones is not masking.emails)
    )
    nobody = contact(phone=None, email=None, country=None, first_name="", last_name="")
    told = {name for name, value in contact_values(nobody, masking).items() if value}
    assert told == {"contact.id", "contact.language"} | (hidden & {"contact.country"})
