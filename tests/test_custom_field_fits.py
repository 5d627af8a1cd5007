"""What fits a custom field of each kind, and what is kept of it: the rule at its edges."""

from datetime import date, time
from typing import Any

import orjson
import pytest

from models.custom_field import CustomField, CustomFieldKind
from models.refusal import Code, Refused
from resolvers.custom_field_value import GivenValue, clean_value

K = CustomFieldKind


def field_of(kind: CustomFieldKind) -> CustomField:
    """Return a field called F that is in no database."""
    options = orjson.dumps(["S", "M"]).decode()
    return CustomField(id=1, name="F", slug="f", kind=kind, options=options)


FITTING: list[tuple[CustomFieldKind, dict[str, Any], Any]] = [
    (K.TEXT, {"text": " Paris "}, ("Paris", None)),
    (K.TEXT, {"text": "x" * 1000}, ("x" * 1000, None)),
    (K.TEXT, {"text": " "}, None),
    (K.LIST, {"text": "M"}, ("M", None)),
    (K.LIST, {"text": ""}, None),
    (K.CHECKBOX, {"checked": True}, (None, 1.0)),
    (K.CHECKBOX, {"checked": False}, (None, 0.0)),
    (K.EMAIL, {"text": " Zoe@Example.COM "}, ("zoe@example.com", None)),
    (K.NUMBER, {"number": 0}, (None, 0.0)),
    (K.NUMBER, {"number": -1.5}, (None, -1.5)),
    (K.URL, {"text": "https://a.example/x?y#z"}, ("https://a.example/x?y#z", None)),
    (K.URL, {"text": "HTTP://[::1]:80"}, ("HTTP://[::1]:80", None)),
    (K.DATE, {"date": date(2026, 11, 25)}, ("2026-11-25", None)),
    (K.DATE, {"date": date(1, 2, 3)}, ("0001-02-03", None)),
    (K.TIME, {"time": time(9, 30)}, ("09:30", None)),
    (K.TIME, {"time": time(0, 0)}, ("00:00", None)),
]
FITTING += [(kind, {}, None) for kind in K]


@pytest.mark.parametrize(("kind", "said", "kept"), FITTING)
def test_what_is_kept_of_each_kind(kind: CustomFieldKind, said: Any, kept: Any) -> None:
    assert clean_value(field_of(kind), GivenValue(1, **said)) == kept


WEB = "“F” takes a web address with http:// or https://."
MISFITS: list[tuple[CustomFieldKind, dict[str, Any], tuple[Code, str, str]]] = [
    (K.TEXT, {"text": "x" * 1001}, (Code.TOO_LONG, "“F” takes at most 1000 characters.", "text")),
    (K.LIST, {"text": "s"}, (Code.INVALID, "“F” takes one of its options.", "text")),
    (K.EMAIL, {"text": "zoe"}, (Code.INVALID, "“F” takes an email address.", "text")),
    (K.NUMBER, {"number": float("inf")}, (Code.INVALID, "“F” takes a number.", "number")),
]
MISFITS += [
    (K.URL, {"text": text}, (Code.INVALID, WEB, "text"))
    for text in ("a.example", "ftp://a.example", "https://", "https://a b", "http://[", "x:y")
]
RIGHT = {"text": "x", "number": 1.0, "checked": True, "date": date(2026, 1, 1), "time": time(1)}
TAKES = dict.fromkeys(K, "text") | {
    K.CHECKBOX: "checked",
    K.NUMBER: "number",
    K.DATE: "date",
    K.TIME: "time",
}
MISFITS += [
    (
        kind,
        {name: value},
        (Code.INVALID, f"“F” takes its value as `{TAKES[kind]}`.", name),
    )
    for kind in K
    for name, value in RIGHT.items()
    if name != TAKES[kind]
]
MISFITS.append(
    (
        K.NUMBER,
        {"text": "", "number": 1},
        (Code.INVALID, "“F” takes its value as `number`.", "text"),
    )
)


@pytest.mark.parametrize(("kind", "said", "why"), MISFITS)
def test_what_does_not_fit_is_refused(kind: CustomFieldKind, said: Any, why: Any) -> None:
    with pytest.raises(Refused) as refused:
        clean_value(field_of(kind), GivenValue(1, **said), ("customFields", "7"))
    code, message, argument = why
    refusal = refused.value
    assert (refusal.code, str(refusal)) == (code, message)
    assert refusal.field == ("customFields", "7", argument)
