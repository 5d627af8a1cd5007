"""Denials of reading: what a query or a subscription is refused is kept, as a mutation's is."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from functools import partial, wraps
from typing import Any, TypeVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from models.refusal import Refused
from resolvers.deed import Target, doing
from resolvers.viewer import number_in
from schema.ids import split_id

T = TypeVar("T")


def keep_denials(schema: GraphQLSchema) -> None:
    """Make the root fields of a schema keep what they refuse to read or to follow.

    Compiled execution leaves what fails to graphql-core, which comes by here.
    """
    for name, field in _fields(schema.query_type):
        field.resolve = _reading(name, field.resolve)
    for name, field in _fields(schema.subscription_type):
        field.subscribe = _following(name, field.subscribe)


def target_of(given: Mapping[str, Any]) -> Target | None:
    """Return what the first id among arguments names."""
    for name, value in given.items():
        if isinstance(value, str) and (name == "id" or name.endswith("Id")):
            kind, key = split_id(value)
            number = number_in(key)
            return None if number is None else Target(kind, number, name)
    return None


def _fields(root: GraphQLObjectType | None) -> list[tuple[str, GraphQLField]]:
    return list(root.fields.items()) if root is not None else []


def _reading(name: str, resolve: Any) -> Callable[..., Awaitable[Any]]:
    @wraps(resolve)
    async def read(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        return await _keeping(name, info, given, resolve(source, info, **given))

    return read


def _following(name: str, subscribe: Any) -> Callable[..., Awaitable[AsyncIterator[Any]]]:
    @wraps(subscribe)
    async def follow(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> "_Followed":
        stream = await subscribe(source, info, **given)
        return _Followed(stream, partial(_keeping, name, info, given))

    return follow


async def _keeping(
    name: str, info: GraphQLResolveInfo[Any], given: Mapping[str, Any], answer: Awaitable[T]
) -> T:
    """Return an answer; where it is refused, keep that."""
    with doing(name, info.context.viewer, info.context, partial(target_of, given)) as deed:
        try:
            return await answer
        except Refused as refused:
            await deed.refuse(refused)
            raise


class _Followed:
    """A stream whose beginning may be refused."""

    def __init__(
        self, stream: AsyncGenerator[Any], keeping: Callable[[Awaitable[Any]], Awaitable[Any]]
    ) -> None:
        self._stream = stream
        self._keeping: Callable[[Awaitable[Any]], Awaitable[Any]] | None = keeping
        self.aclose = stream.aclose

    def __aiter__(self) -> "_Followed":
        return self

    def __anext__(self) -> Awaitable[Any]:
        following, keeping, self._keeping = anext(self._stream), self._keeping, None
        return following if keeping is None else keeping(following)
