"""The book of a portion: the contacts that its lines may be about, and what becomes of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from models.refusal import Code, Refused
from models.transfer import ImportMode
from resolvers.contact import taken
from resolvers.contact_details import DETAILS, Details, clean_details
from resolvers.custom_field_value import Kept
from resolvers.import_line import Line
from resolvers.tag import check_number

KEYS = {"phone": "p:", "email": "e:"}
"""What a contact is known by, and how its keys begin."""
DETAIL_NAMES = (*DETAILS, "lifecycle_stage_id")


class Fate(Enum):
    """What becomes of a line."""

    CREATED = "created_count"
    UPDATED = "updated_count"
    SKIPPED = "skipped_count"


@dataclass(slots=True, eq=False)
class Entry:
    """A contact as it is by now, with what the lines before have changed."""

    identity: int
    """The contact's id; negative: the line that adds it."""
    details: dict[str, Any]
    values: dict[int, Kept] = field(default_factory=dict)
    tag_ids: set[int] = field(default_factory=set)
    is_visible: bool = True
    row: Any = None
    """The record that was read; None for a new one."""
    is_changed: bool = False
    new_values: dict[int, Kept] = field(default_factory=dict)
    new_tag_ids: set[int] = field(default_factory=set)

    def keys(self) -> Iterator[str]:
        """Yield the keys that the contact is known by."""
        for name, prefix in KEYS.items():
            if self.details[name] is not None:
                yield prefix + self.details[name]


class Book:
    """Contacts by their keys; each line changes it as if the lines before were committed."""

    def __init__(self, mode: ImportMode, entries: Sequence[Entry] = ()) -> None:
        self.mode = mode
        self.entries: list[Entry] = []
        """In the order in which they came."""
        self.freed: set[str] = set()
        """Keys that nobody has any more."""
        self._by_key: dict[str, Entry] = {}
        for entry in entries:
            self._put(entry)

    def _put(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._by_key |= dict.fromkeys(entry.keys(), entry)

    def apply(self, line: Line) -> Fate:
        """Do what a line says; refuse what createContact and updateContact would refuse."""
        keys = keys_of(line.details)
        known = {key: self._by_key[key] for key in keys if key in self._by_key}
        if not known:
            return self._add(line)
        first, *others = known.values()
        hidden = [key for key, entry in known.items() if not entry.is_visible]
        if hidden:
            raise taken("phone" if hidden[0].startswith(KEYS["phone"]) else "email")
        if any(other is not first for other in others):
            raise Refused(
                Code.TAKEN,
                "One contact has this phone number, and another one this email address.",
            )
        return self._update(first, line)

    def _add(self, line: Line) -> Fate:
        if self.mode is ImportMode.UPDATE:
            return Fate.SKIPPED
        details = line.details
        if not details.first_name:
            clean_details(first_name="")  # which refuses it
        entry = Entry(-line.number, {name: getattr(details, name) for name in DETAIL_NAMES})
        entry.new_values, entry.new_tag_ids = dict(line.values), set(line.tag_ids)
        entry.values, entry.tag_ids = dict(line.values), set(line.tag_ids)
        entry.is_changed = True
        self._put(entry)
        return Fate.CREATED

    def _update(self, entry: Entry, line: Line) -> Fate:
        if self.mode is ImportMode.ADD:
            return Fate.SKIPPED
        details = {
            name: getattr(line.details, name)
            for name in line.details.given
            if getattr(line.details, name) != entry.details[name]
        }
        values = {key: kept for key, kept in line.values.items() if entry.values.get(key) != kept}
        tag_ids = line.tag_ids - entry.tag_ids
        if not (details or values or tag_ids):
            return Fate.SKIPPED
        check_number(tag_ids, of_contact=len(entry.tag_ids))
        before = set(entry.keys())
        entry.details |= details
        for store, new in ((entry.values, values), (entry.new_values, values)):
            store |= new
        entry.tag_ids |= tag_ids
        entry.new_tag_ids |= tag_ids
        entry.is_changed = True
        self._rename(entry, before)
        return Fate.UPDATED

    def _rename(self, entry: Entry, before: set[str]) -> None:
        after = set(entry.keys())
        for key in before - after:
            del self._by_key[key]
        self.freed = (self.freed | before) - after
        self._by_key |= dict.fromkeys(after, entry)

    @property
    def changed(self) -> list[Entry]:
        """Return the contacts that are to be written."""
        return [entry for entry in self.entries if entry.is_changed]


def keys_of(details: Details) -> list[str]:
    """Return the keys by which a line finds a contact."""
    said = {prefix: getattr(details, name) for name, prefix in KEYS.items()}
    return [f"{prefix}{value}" for prefix, value in said.items() if value is not None]


def details_of(entry: Entry) -> Details:
    """Return the details of an entry, as rules take them."""
    return replace(Details(frozenset()), **entry.details)


def as_kept(entry: Entry) -> Mapping[str, Any]:
    """Return an entry in the form in which a dry run remembers it."""
    return {
        "details": entry.details,
        "values": list(entry.values.items()),
        "tags": sorted(entry.tag_ids),
    }


def from_kept(identity: int, kept: Mapping[str, Any]) -> Entry:
    """Return the entry that `as_kept` was given."""
    values = {key: (text, number) for key, (text, number) in kept["values"]}
    return Entry(identity, dict(kept["details"]), values, set(kept["tags"]))
