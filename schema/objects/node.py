"""Node: everything a client can keep by its id."""

from typing import Any

import strawberry

from schema.ids import encode_id


@strawberry.interface
class Node:
    """Something with a lasting global id, to be fetched again with `node(id:)`."""

    id: strawberry.ID
    """The object's opaque global id."""


def global_id(kind: str) -> Any:
    """Return the `id` field of a GraphQL type whose rows have a numeric key."""

    def resolve(root: Any) -> strawberry.ID:
        return encode_id(kind, root.id)

    return strawberry.field(resolver=resolve, description="The object's opaque global id.")
