"""Workspaces: one by its id."""

import strawberry

from models.workspace import Workspace as WorkspaceRow
from resolvers import workspace as workspaces
from resolvers.access import get_workspace
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.workspace import Workspace


@strawberry.type
class Query:
    """Reading workspaces."""

    @strawberry.field(graphql_type=Workspace | None)
    async def workspace(self, info: Info, id: strawberry.ID) -> WorkspaceRow:
        """One workspace of the viewer; NOT_FOUND where they have none under this id."""
        return await get_workspace(viewer_of(info), decode_id(id, "Workspace"))

    @strawberry.field(graphql_type=list[Workspace])
    async def workspaces(self, info: Info) -> list[WorkspaceRow]:
        """The workspaces of the viewer, by name."""
        return await workspaces.workspaces(viewer_of(info).memberships)
