"""A custom field, and what a contact has in it."""

import datetime
from typing import Any

import strawberry

from models.custom_field import CustomField as CustomFieldRow
from models.custom_field import CustomFieldKind
from resolvers import custom_field as custom_fields
from resolvers.custom_field_value import GIVEN_AS
from resolvers.vocabulary import FieldValue
from schema.objects.node import Node, global_id


@strawberry.type
class CustomField(Node):
    """Something that a workspace keeps of its contacts besides the standard details."""

    id: strawberry.ID = global_id("CustomField")
    name: str
    """Its name, to be shown."""
    slug: str
    """What names it in variables, unique in the workspace."""
    kind: CustomFieldKind
    """What it holds; fixed."""

    @strawberry.field
    def options(root: strawberry.Parent[CustomFieldRow]) -> list[str]:
        """What a LIST offers, in order; empty for all other kinds."""
        return custom_fields.options_of(root)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, CustomFieldRow)


@strawberry.type
class CustomFieldValue:
    """What a contact has in a custom field: the kind says in which of the others it is."""

    @strawberry.field(graphql_type=CustomField)
    def field(root: strawberry.Parent[FieldValue]) -> CustomFieldRow:
        """The custom field."""
        return root.field

    @strawberry.field
    def text(root: strawberry.Parent[FieldValue]) -> str | None:
        """The value of a TEXT, LIST, EMAIL or URL; else null."""
        return root.text if GIVEN_AS[root.field.kind] == "text" else None

    @strawberry.field
    def number(root: strawberry.Parent[FieldValue]) -> float | None:
        """The value of a NUMBER; else null."""
        return root.number if root.field.kind is CustomFieldKind.NUMBER else None

    @strawberry.field
    def checked(root: strawberry.Parent[FieldValue]) -> bool | None:
        """The value of a CHECKBOX; else null."""
        return bool(root.number) if root.field.kind is CustomFieldKind.CHECKBOX else None

    @strawberry.field
    def date(root: strawberry.Parent[FieldValue]) -> datetime.date | None:
        """The value of a DATE; else null."""
        is_date = root.field.kind is CustomFieldKind.DATE
        return datetime.date.fromisoformat(root.text) if is_date and root.text is not None else None

    @strawberry.field
    def time(root: strawberry.Parent[FieldValue]) -> datetime.time | None:
        """The value of a TIME; else null."""
        is_time = root.field.kind is CustomFieldKind.TIME
        return datetime.time.fromisoformat(root.text) if is_time and root.text is not None else None

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, FieldValue)
