"""A user: a person who logs in."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.records import UserRow
from resolvers.batches import shared_workspaces
from resolvers.session import sessions_by_viewer
from resolvers.viewer import Viewer
from schema.context import Info, viewer_of
from schema.objects.node import Node, global_id
from schema.objects.session import Session
from schema.relation import relation

if TYPE_CHECKING:
    from schema.objects.workspace import Workspace


@strawberry.type
class User(Node):
    """A person who logs in, a member of any number of workspaces."""

    id: strawberry.ID = global_id("User")
    name: str
    """The person's full name."""
    email: str
    """The address they log in with."""
    language: str | None
    """The language of sentences for them, as BCP 47; null: that of each request."""

    @relation(
        list[Annotated["Workspace", strawberry.lazy("schema.objects.workspace")]],
        shared_workspaces,
        then=lambda _, found: found or [],
        needs=("id",),
    )
    def workspaces(root: strawberry.Parent[UserRow], info: Info) -> tuple[Viewer, int]:
        """The workspaces that they share with the viewer, by name."""
        return (viewer_of(info), root.id)

    @relation(list[Session], sessions_by_viewer, absent=(), needs=("id",))
    def sessions(root: strawberry.Parent[UserRow], info: Info) -> Viewer | None:
        """The viewer's own sessions, at most 100, the newest first; none of other people."""
        viewer = viewer_of(info)
        return viewer if viewer.user_id == root.id else None

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, UserRow)
