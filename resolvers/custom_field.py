"""Custom fields: what a workspace keeps of its contacts besides the standard details."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from models.clock import now
from models.custom_field import CustomField, CustomFieldKind
from models.engine import sql
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from realtime.transaction import transaction
from resolvers.access import hold_workspace
from resolvers.idempotency import claim_key
from resolvers.names import check_name
from resolvers.rights import Right
from resolvers.viewer import Viewer
from resolvers.vocabulary import custom_fields_by_id, get_word, hold_word

NAME_LENGTH = 50
SLUG = re.compile(r"[A-Za-z0-9_]{1,50}")
STANDARD_SLUGS = frozenset(
    {"id", "name", "firstname", "lastname", "email", "phone", "country", "language"}
)
"""What names a standard detail in variables, whatever the case."""
MAX_OPTIONS = 100
OPTION_LENGTH = 100
MAX_FIELDS = 200
"""How many custom fields a workspace has: they are one list, never in pages."""


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """What can be changed about a custom field, cleaned."""

    name: str
    slug: str
    options: tuple[str, ...]


def check_field(
    kind: CustomFieldKind, name: str | None, slug: str | None, options: Collection[str] | None
) -> FieldSettings:
    """Return the settings of a field without blanks around them; refuse what does not fit."""
    name, slug = check_name(name, limit=NAME_LENGTH), (slug or "").strip()
    if not SLUG.fullmatch(slug):
        raise Refused(
            Code.INVALID,
            "A slug has 1 to 50 of the letters A to Z, digits and underscores.",
            field=("slug",),
        )
    if slug.casefold() in STANDARD_SLUGS:
        raise Refused(Code.TAKEN, "This slug names a standard detail.", field=("slug",))
    return FieldSettings(name, slug, check_options(kind, options or ()))


def check_options(kind: CustomFieldKind, options: Collection[str]) -> tuple[str, ...]:
    """Return the options of a field without blanks around them; refuse what does not fit."""
    cleaned = tuple(option.strip() for option in options)
    if kind is not CustomFieldKind.LIST:
        if cleaned:
            raise Refused(Code.INVALID, "Only a list has options.", field=("options",))
        return ()
    if not 1 <= len(cleaned) <= MAX_OPTIONS:
        raise Refused(
            Code.INVALID,
            "A list has 1 to {limit} options.",
            field=("options",),
            limit=MAX_OPTIONS,
        )
    for option in cleaned:
        if not 1 <= len(option) <= OPTION_LENGTH:
            raise Refused(
                Code.BLANK if not option else Code.TOO_LONG,
                "An option has 1 to {limit} characters.",
                field=("options",),
                limit=OPTION_LENGTH,
            )
    if len(set(cleaned)) < len(cleaned):
        raise Refused(Code.TAKEN, "Give each option once.", field=("options",))
    return cleaned


def options_of(field: CustomField) -> list[str]:
    """Return what a field of the kind LIST offers."""
    options: list[str] = orjson.loads(field.options)
    return options


async def create_custom_field(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    slug: str,
    kind: CustomFieldKind,
    options: Collection[str] = (),
    idempotency_key: str | None = None,
) -> CustomField:
    """Add a custom field; refuse a slug that is taken, and more than 200 fields."""
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        said = [name, slug, kind.value, list(options)]
        claim = await claim_key(viewer, workspace_id, "createCustomField", idempotency_key, said)
        if claim.first_result is not None:
            return await get_word(viewer, custom_fields_by_id, claim.first_result, "customFieldId")
        settings = check_field(kind, name, slug, options)
        await _check_room(workspace_id, settings.slug)
        field = await CustomField.create(
            workspace_id=workspace_id, kind=kind, created_at=now(), **_columns(settings)
        )
        await claim.remember(field.id)
        announce(WorkspaceSettingsChanged(workspace_id))
    return field


async def update_custom_field(
    viewer: Viewer, custom_field_id: int, changes: Mapping[str, Any]
) -> CustomField:
    """Change the given ones of `name`, `slug` and `options`; what contacts have stays."""
    async with transaction() as announce:
        field = await hold_word(viewer, custom_fields_by_id, custom_field_id, "customFieldId")
        before = FieldSettings(field.name, field.slug, tuple(options_of(field)))
        given = {"name": field.name, "slug": field.slug, "options": before.options} | dict(changes)
        settings = check_field(field.kind, **given)
        if settings != before:
            await _check_room(field.workspace_id, settings.slug, except_id=field.id)
            columns = _columns(settings)
            await field.update_from_dict(columns).save(update_fields=columns)
            announce(WorkspaceSettingsChanged(field.workspace_id))
    return field


async def delete_custom_field(viewer: Viewer, custom_field_id: int) -> int:
    """Delete a field with what every contact has in it, for ever, and return its id."""
    async with transaction() as announce:
        field = await hold_word(
            viewer,
            custom_fields_by_id,
            custom_field_id,
            "customFieldId",
            Right.DELETE_CUSTOM_FIELDS,
        )
        await field.delete()
        announce(WorkspaceSettingsChanged(field.workspace_id))
    return custom_field_id


def _columns(settings: FieldSettings) -> dict[str, Any]:
    return {
        "name": settings.name,
        "slug": settings.slug,
        "options": orjson.dumps(settings.options).decode(),
    }


async def _check_room(workspace_id: int, slug: str, *, except_id: int = 0) -> None:
    """Refuse a slug that another field of a held workspace has, or one field too many."""
    others = await sql.records(
        "SELECT slug FROM custom_field WHERE workspace_id = ? AND id <> ?", workspace_id, except_id
    )
    if slug in [row[0] for row in others]:
        raise Refused(Code.TAKEN, "Another field has this slug.", field=("slug",))
    if len(others) >= MAX_FIELDS:
        raise Refused(
            Code.WRONG_STATE, "A workspace has at most {limit} custom fields.", limit=MAX_FIELDS
        )
