"""Node: everything a client can keep by its id."""

from typing import Any

import strawberry

from schema.columns import GLOBAL_ID, NEEDS
from schema.ids import ids_of


@strawberry.interface
class Node:
    """Something with a lasting global id, to be fetched again with `node(id:)`."""

    id: strawberry.ID
    """The object's opaque global id."""


def global_id(kind: str) -> Any:
    """Return the `id` field of a GraphQL type whose rows have a numeric key."""

    ids = ids_of(kind)

    def resolve(root: Any) -> strawberry.ID:
        return ids[root.id]

    return strawberry.field(
        resolver=resolve,
        description="The object's opaque global id.",
        metadata={GLOBAL_ID: kind, NEEDS: ("id",)},
    )
