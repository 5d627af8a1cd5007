"""Custom fields: adding, changing and deleting those of a workspace, and saying what they hold."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from models.custom_field import CustomField as CustomFieldRow
from models.custom_field import CustomFieldKind
from resolvers import custom_field as custom_fields
from resolvers.custom_field_value import ARGUMENTS, GivenValue
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.custom_field import CustomField
from schema.payload import Payload, mutation, result


@strawberry.input
class CustomFieldValueInput:
    """What a contact is to have in a custom field, in the one of the arguments that its kind says;
    all of them null or omitted: nothing."""

    field_id: strawberry.ID
    """The custom field."""
    text: str | None = None
    """For TEXT, LIST (one of its options), EMAIL and URL (http or https): at most 1,000
    characters; blank is as null."""
    number: float | None = None
    """For NUMBER."""
    checked: bool | None = None
    """For CHECKBOX."""
    date: datetime.date | None = None
    """For DATE."""
    time: datetime.time | None = None
    """For TIME."""


@strawberry.input
class CreateCustomFieldInput:
    """A custom field that is to be added."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 50 characters."""
    slug: str
    """1 to 50 of the letters A to Z, digits and underscores, unique in the workspace; it names the
    field in variables."""
    kind: CustomFieldKind
    """What it holds; fixed from then on."""
    options: list[str] = strawberry.field(default_factory=list)
    """What a LIST offers: 1 to 100 texts of at most 100 characters, each once; no other kind has
    options."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateCustomFieldPayload(Payload):
    """The new custom field."""

    custom_field: CustomFieldRow | None = result(CustomField)
    """The custom field."""


@strawberry.input
class UpdateCustomFieldInput:
    """What is to be changed; omitted fields stay."""

    custom_field_id: strawberry.ID
    """The custom field."""
    name: str | None = UNSET
    """1 to 50 characters."""
    slug: str | None = UNSET
    """1 to 50 of the letters A to Z, digits and underscores, unique in the workspace."""
    options: list[str] | None = UNSET
    """What a LIST offers from now on; contacts keep what they have."""


@strawberry.type
class UpdateCustomFieldPayload(Payload):
    """The custom field as it is now."""

    custom_field: CustomFieldRow | None = result(CustomField)
    """The changed custom field."""


@strawberry.input
class DeleteCustomFieldInput:
    """Which custom field is to be deleted."""

    custom_field_id: strawberry.ID
    """The custom field."""


@strawberry.type
class DeleteCustomFieldPayload(Payload):
    """What was deleted."""

    deleted_custom_field_id: strawberry.ID | None = None
    """The id of the custom field that is gone; null where it was refused."""


def given_values(values: Sequence[CustomFieldValueInput] | None) -> list[GivenValue]:
    """Return what is said about custom fields; NOT_FOUND names the place of what is no field."""
    return [
        GivenValue(
            decode_id(one.field_id, "CustomField", "customFields", str(place), "fieldId"),
            **{name: getattr(one, name) for name in ARGUMENTS},
        )
        for place, one in enumerate(values or ())
    ]


def _changes(input: UpdateCustomFieldInput) -> Mapping[str, Any]:
    given = {"name": input.name, "slug": input.slug, "options": input.options}
    return {name: value for name, value in given.items() if value is not UNSET}


@strawberry.type
class Mutation:
    """The custom fields of a workspace; `updateContact` says what is in them."""

    @mutation
    async def create_custom_field(
        self, info: Info, input: CreateCustomFieldInput
    ) -> CreateCustomFieldPayload:
        """Add a custom field, of at most 200; for owners and managers."""
        field = await custom_fields.create_custom_field(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            slug=input.slug,
            kind=input.kind,
            options=input.options,
            idempotency_key=input.idempotency_key,
        )
        return CreateCustomFieldPayload(custom_field=field)

    @mutation
    async def update_custom_field(
        self, info: Info, input: UpdateCustomFieldInput
    ) -> UpdateCustomFieldPayload:
        """Change a custom field; contacts keep what they have. For owners and managers."""
        field = await custom_fields.update_custom_field(
            viewer_of(info),
            decode_id(input.custom_field_id, "CustomField", "customFieldId"),
            _changes(input),
        )
        return UpdateCustomFieldPayload(custom_field=field)

    @mutation
    async def delete_custom_field(
        self, info: Info, input: DeleteCustomFieldInput
    ) -> DeleteCustomFieldPayload:
        """Delete a custom field with what every contact has in it, for ever; for owners."""
        deleted = await custom_fields.delete_custom_field(
            viewer_of(info), decode_id(input.custom_field_id, "CustomField", "customFieldId")
        )
        return DeleteCustomFieldPayload(deleted_custom_field_id=encode_id("CustomField", deleted))
