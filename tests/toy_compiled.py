"""A small schema of every shape, over rows that may be wrong, executed both ways."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import SimpleNamespace
from typing import Annotated, Any

import strawberry

from schema.context import Context
from schema.execution import BoundedSchema
from schema.payload import Payload, mutation, result
from schema.relation import relation
from schema.scalars import SCALARS
from settings import Settings
from tests.twins import ROOMY, as_json


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class ThingRow:
    id: int = 1
    name: Any = "one"
    size: Any = 1
    colour: Any = Colour.RED
    made_at: Any = datetime(2026, 11, 22, tzinfo=UTC)
    is_new: Any = True
    tags: Any = field(default_factory=lambda: ["a", None])
    parent_id: Any = None
    fails: bool = False


@dataclass
class StoneRow:
    name: str = "stone"
    weight: int = 3


PARENTS = {1: ThingRow(id=1, name="parent"), 2: StoneRow()}


async def parents(keys: Any) -> dict[Any, Any]:
    if 13 in keys:
        raise RuntimeError("the batch broke")
    return {key: PARENTS[key] for key in keys if key in PARENTS}


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Thing(Named):
    id: strawberry.ID
    size: int | None
    colour: Colour
    made_at: datetime | None
    is_new: bool
    tags: list[str | None]

    @strawberry.field
    def scaled(self, factor: int = 2, extra: int | None = None) -> str:
        return f"{self.size} x {factor} + {extra}"

    @strawberry.field
    def checked(self) -> str | None:
        if self.fails:  # type: ignore[attr-defined]  # a row
            raise ValueError("this row fails")
        return self.name

    @strawberry.field
    async def awaited(self) -> str:
        if self.fails:  # type: ignore[attr-defined]  # a row
            raise ValueError("this row fails, too")
        return self.name

    @strawberry.field
    async def waited(self) -> str:
        return await self.named()  # type: ignore[attr-defined,no-any-return]  # a row

    @relation(Annotated["Thing", strawberry.lazy("tests.toy_compiled")] | None, parents)
    def parent(root: strawberry.Parent[ThingRow]) -> int | None:  # noqa: N805
        return root.parent_id  # type: ignore[no-any-return]  # as wrong as a test makes it

    @relation(Annotated["Thing", strawberry.lazy("tests.toy_compiled")], parents)
    def needed_parent(root: strawberry.Parent[ThingRow]) -> int | None:  # noqa: N805
        return root.parent_id  # type: ignore[no-any-return]  # as wrong as a test makes it

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, ThingRow)


@strawberry.type
class Stone(Named):
    weight: int

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, StoneRow)


Anything = Annotated[Thing | Stone, strawberry.union("Anything")]


@strawberry.type
class Query:
    thing: Thing | None
    things: list[Thing]
    maybe_things: list[Thing | None]
    maybe_list: list[Thing] | None
    grid: list[list[Thing]]
    numbers: list[list[int | None] | None]
    anything: list[Anything | None]
    named: list[Named]
    letters: list[str]


@strawberry.input
class ActInput:
    name: str


@strawberry.type
class ActPayload(Payload):
    thing: Any = result(Thing)


@strawberry.type
class SurePayload(Payload):
    thing: Any = strawberry.field(graphql_type=Thing, default=None)


@strawberry.type
class Mutation:
    @mutation
    async def act(self, info: strawberry.Info, given: ActInput) -> ActPayload:  # noqa: ARG002
        return ActPayload(thing=await self.deed(given.name))  # type: ignore[attr-defined]  # root

    @mutation
    async def surely(self, info: strawberry.Info, given: ActInput) -> SurePayload:  # noqa: ARG002
        return SurePayload(thing=await self.deed(given.name))  # type: ignore[attr-defined]  # root


@cache
def toy_schema(*, compiled: bool) -> BoundedSchema:
    """Return the toy's schema, executed one way or the other."""
    return BoundedSchema(
        query=Query,
        mutation=Mutation,
        types=(Thing, Stone),
        config=strawberry.schema.config.StrawberryConfig(scalar_map=SCALARS),
        settings=Settings(compiled_execution=compiled, **ROOMY),
    )


async def run_toy(
    root: Callable[[], Any], document: str, *, compiled: bool, name: str | None = None, **given: Any
) -> bytes:
    """Execute a document on a fresh root; return the answer as JSON."""
    answer = await toy_schema(compiled=compiled).execute(
        document,
        variable_values=given,
        root_value=root(),
        context_value=Context(None, None, None, "en"),  # type: ignore[arg-type]  # no hub
        operation_name=name,
    )
    return as_json(answer)


async def compare_toy(
    root: Callable[[], Any], document: str, *, name: str | None = None, **given: Any
) -> bytes:
    """Show that both ways answer the same; return the answer."""
    compiled = await run_toy(root, document, compiled=True, name=name, **given)
    core = await run_toy(root, document, compiled=False, name=name, **given)
    assert compiled == core, f"{document}\n{compiled!r}\n{core!r}"
    return compiled


def rows(**wrong: Any) -> Callable[[], Any]:
    """Return a root whose lists have one row that is not as it should be."""

    def make() -> Any:
        things = [ThingRow(id=1), ThingRow(id=2, **wrong), ThingRow(id=3, name="three")]
        stones = [StoneRow(), things[1], StoneRow(name="last")]
        return SimpleNamespace(
            thing=things[1],
            things=things,
            maybe_things=[None, *things],
            maybe_list=things,
            grid=[[things[0]], [], things[1:]],
            numbers=[[1, None], None, []],
            anything=[None, *stones],
            named=stones,
            letters=["a", "b"],
        )

    return make


def root_of(**values: Callable[[], Any]) -> Callable[[], Any]:
    """Return a root with fields that are made anew for each execution."""
    return lambda: SimpleNamespace(**{name: make() for name, make in values.items()})
