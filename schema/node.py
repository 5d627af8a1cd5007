"""Nodes: anything by its id."""

from typing import Any

import strawberry

from models.refusal import Code, Refused
from resolvers.node import find_nodes
from resolvers.page import MAX_PAGE
from resolvers.viewer import hidden
from schema.context import Info, viewer_of
from schema.ids import split_id
from schema.objects.node import Node


@strawberry.type
class Query:
    """Anything by its id."""

    @strawberry.field(graphql_type=Node | None)
    async def node(self, info: Info, id: strawberry.ID) -> Any:
        """One object; NOT_FOUND where the viewer sees none under this id."""
        key = split_id(id)
        found = await find_nodes(viewer_of(info), [key])
        if key not in found:
            raise hidden()
        return found[key]

    @strawberry.field(graphql_type=list[Node | None])
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Any]:
        """Up to 100 objects, in the order of their ids; null where the viewer sees none."""
        if len(ids) > MAX_PAGE:
            raise Refused(Code.INVALID, "At most {limit} ids.", field=("ids",), limit=MAX_PAGE)
        keys = [split_id(id) for id in ids]
        found = await find_nodes(viewer_of(info), keys)
        return [found.get(key) for key in keys]
