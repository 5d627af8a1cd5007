"""Who is asking: the context of one operation, made from its bearer token and language."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope
from strawberry.types import Info as StrawberryInfo

from resolvers.authentication import TokenProblem, authenticate, reload_viewer
from resolvers.client import UNKNOWN_CLIENT, Client, request_id_in
from resolvers.masking import MASKED, Masking
from resolvers.proof import ViewerMemory
from resolvers.rights import Right
from resolvers.sentences import pick_language
from resolvers.tokens import hash_token
from resolvers.viewer import Viewer, may
from schema.errors import ErrorCode, refusal
from schema.hub import Hub
from schema.loaders import Loaders


@dataclass(slots=True)
class Context:
    """What one operation knows: never shared, not even between operations of one socket."""

    hub: Hub
    viewer: Viewer | None
    problem: str | None
    language: str
    loaders: Loaders = field(default_factory=Loaders)
    done: dict[str, tuple[Any, Loaders]] = field(default_factory=dict)
    """What mutations of this operation have answered already, and what was loaded for each."""

    frames: Callable[[bytes], int] | None = None
    """Writes a ready frame to the operation's socket, where that can be done."""
    place: int | None = None
    """The number of the event behind which a subscription goes on, whatever its `after` says."""
    live: Any = None
    """A subscription that asks to be handed over, as `schema/live.py` does it."""
    scope: Scope | None = None
    """The ASGI scope of the request or socket; None where there is no network."""

    @property
    def client(self) -> Client:
        """Return from where the operation came."""
        if self.scope is None:
            return UNKNOWN_CLIENT
        host, _ = self.scope.get("client") or (None, 0)
        headers = Headers(scope=self.scope)
        request_id = request_id_in(headers.get("x-request-id"))
        return Client(host, headers.get("user-agent", ""), request_id)

    def may(self, workspace_id: int, right: Right) -> bool:
        """Tell whether the viewer has a right in a workspace: the same for all of a class."""
        if self.viewer is None:
            raise refusal(ErrorCode(self.problem or ErrorCode.UNAUTHENTICATED))
        return may(self.viewer, workspace_id, right)

    def is_member(self, workspace_id: int) -> bool:
        """Tell whether the viewer is a member, and no program: the same for all of a class."""
        return self.viewer is not None and self.viewer.member_id(workspace_id) is not None

    def masking(self, workspace_id: int) -> Masking:
        """Return what of contacts is hidden from the viewer: the same for all of a class."""
        membership = self.viewer.memberships.get(workspace_id) if self.viewer else None
        return membership.masking if membership is not None else MASKED

    @property
    def sees_details(self) -> bool:
        """Tell whether nothing of contacts is hidden from the viewer, in no workspace of theirs.

        It only saves time: who is of a class gets the same, found by it or not.
        """
        memberships = self.viewer.memberships.values() if self.viewer else ()
        return not any(one.masking.is_any for one in memberships)

    async def renew(self) -> None:
        """Read the viewer's rights anew, once an action of theirs has given them more."""
        found = await reload_viewer(self.viewer) if self.viewer is not None else None
        if isinstance(found, Viewer):
            self.viewer = found

    def class_in(self, workspace_id: int) -> object:
        """Return what of the viewer decides on results that are not personal."""
        membership = self.viewer.memberships.get(workspace_id) if self.viewer else None
        if membership is None:
            return self.language
        is_member = membership.member_id is not None
        rights = membership.role, membership.restrictions, membership.scopes, membership.masking
        return *rights, is_member, self.language

    @property
    def identity(self) -> Viewer | None:
        """Return who was recognised, as the wire asks for it."""
        return self.viewer


Info = StrawberryInfo[Context, None]


class ContextMaker:
    """Makes a fresh context for each operation of a process."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.memory = ViewerMemory()

    async def __call__(self, token: str | None, accept_language: str) -> Context:
        """Return a context with who the token stands for now; one statement."""
        language = pick_language(None, accept_language)
        if token is None:
            return Context(self.hub, None, None, language)
        found = await authenticate(token)
        if isinstance(found, TokenProblem):
            return Context(self.hub, None, found.value, language)
        self.memory.remember(hash_token(token), found)
        return Context(self.hub, found, None, pick_language(found.language, accept_language))

    def recall(self, token: str, accept_language: str) -> Context | None:
        """Return a context with who the token stood for: a statement has yet to prove it."""
        viewer = self.memory.recall(hash_token(token))
        if viewer is None:
            return None
        return Context(self.hub, viewer, None, pick_language(viewer.language, accept_language))


def viewer_of(info: Info) -> Viewer:
    """Return who asks; raise UNAUTHENTICATED or TOKEN_EXPIRED where nobody does."""
    context = info.context
    if context.viewer is None:
        raise refusal(ErrorCode(context.problem or ErrorCode.UNAUTHENTICATED))
    return context.viewer
