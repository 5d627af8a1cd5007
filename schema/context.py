"""Who is asking: the context of one operation, made from its bearer token and language."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from strawberry.types import Info as StrawberryInfo

from resolvers.access import Viewer
from resolvers.account import TokenProblem, authenticate
from resolvers.sentences import pick_language
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

    @property
    def identity(self) -> Viewer | None:
        """Return who was recognised, as the wire asks for it."""
        return self.viewer


Info = StrawberryInfo[Context, None]


def context_maker(hub: Hub) -> Callable[[str | None, str], Awaitable[Context]]:
    """Return what makes a fresh context for each operation of a process."""

    async def make_context(token: str | None, accept_language: str) -> Context:
        language = pick_language(None, accept_language)
        if token is None:
            return Context(hub, None, None, language)
        found = await authenticate(token)
        if isinstance(found, TokenProblem):
            return Context(hub, None, found.value, language)
        return Context(hub, found, None, pick_language(found.language, accept_language))

    return make_context


def viewer_of(info: Info) -> Viewer:
    """Return who asks; raise UNAUTHENTICATED or TOKEN_EXPIRED where nobody does."""
    context = info.context
    if context.viewer is None:
        raise refusal(ErrorCode(context.problem or ErrorCode.UNAUTHENTICATED))
    return context.viewer
