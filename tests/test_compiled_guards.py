"""The comparison sees every guard of compiled execution: without any one of them it turns red."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from schema.compiled import CompiledExecution, leaves, plan, run
from schema.compiled.plan import Planner
from schema.compiled.run import Run
from schema.compiled.selection import Selection
from tests.test_compiled_mutations import Deeds, act
from tests.test_compiled_plans import CONDITIONAL
from tests.test_compiled_shapes import GOOD, ODD, RIGHT, WRONG
from tests.toy_compiled import compare_toy, root_of, run_toy, toy_schema


@pytest.fixture(autouse=True)
def fresh_plans() -> Iterator[None]:
    """Let no plan be made with a guard, or without one, for another test."""
    toy_schema.cache_clear()
    yield
    toy_schema.cache_clear()


async def reds() -> set[str]:
    """Return what is answered otherwise than by graphql-core."""
    red = set()

    async def check(name: str, root: Callable[[], Any], document: str, **given: Any) -> None:
        try:
            await compare_toy(root, document, **given)
        except AssertionError:
            red.add(name)

    for name, document in RIGHT.items():
        await check(name, GOOD, document)
    for name, (root, field) in WRONG.items():
        declared = "query ($missing: Int = 1)" if "$" in field else ""
        given = {"missing": None} if declared else {}
        await check(name, root, f"{declared} {{ maybeThings {{ id {field} }} }}", **given)
    for name, make in ODD.items():
        await check(name, root_of(maybe_list=make), "{ maybeList { id } }")
    for yes in (True, False):
        await check("conditions", GOOD, CONDITIONAL, yes=yes, no=False)
    for factor in (2, 7):
        document = "query ($factor: Int!) { thing { scaled(factor: $factor) } }"
        await check("variables", GOOD, document, factor=factor)
    return red | await twice_done()


async def twice_done() -> set[str]:
    """Return the deeds that were done another number of times than by graphql-core."""
    red = set()
    for last in ("incomplete", "raises", "two"):
        compiled, core = Deeds(), Deeds()
        await run_toy(compiled.root, act("one", last), compiled=True)
        await run_toy(core.root, act("one", last), compiled=False)
        if compiled.done != core.done:
            red.add(f"deed that {last}")
    return red


async def test_with_all_guards_nothing_is_red() -> None:
    assert await reds() == set()


def slow_without_null(kind: Any, *, is_non_null: bool) -> Callable[[Any], Any]:
    del is_non_null
    return lambda value: None if value is None else kind.serialize(value)


async def complete_without_null(self: Run, shape: Any, values: Sequence[Any]) -> list[Any]:
    present = [value for value in values if value is not None]
    completed = iter(await self._present(shape, present))
    return [None if value is None else next(completed) for value in values]


async def lists_of_anything(self: Run, item: Any, lists: Sequence[Any]) -> list[Any]:
    completed = iter(await self._complete(item, [value for one in lists for value in one]))
    return [[next(completed) for _ in one] for one in lists]


async def mutate_forgetting(self: Run, selection: Selection) -> Any:
    try:
        return await MUTATE(self, selection)
    finally:
        self.done.clear()


def select_the_first(self: Planner, scope: Any, parent: Any, nodes: list[Any]) -> Any:
    return SELECT(self, scope, parent, nodes[:1])


def first_type(self: Planner, _row: Any, abstract: Any) -> Any:
    return self.schema.get_possible_types(abstract)[0]


def any_plan(self: CompiledExecution, executor: Any) -> Any:
    plans = self._known(executor).plans
    return next(iter(plans.values())) if plans else PLAN(self, executor)


PLAN = CompiledExecution.plan
MUTATE, SELECT = Run.mutate, Planner.select
ANY = "v.__class__ is not type"
INT = "v.__class__ is int"

GUARDS: dict[str, tuple[Any, str, Any, set[str]]] = {
    "null of a leaf": (leaves, "slow", slow_without_null, {"null leaf", "null enum"}),
    "null of a row": (Run, "_complete", complete_without_null, {"needed row is missing"}),
    "type of a text": (leaves.FAST, "String", ANY, {"list as text"}),
    "type of an id": (leaves.FAST, "ID", ANY, {"leaves", "object"}),
    "type of a number": (leaves.FAST, "Int", ANY, {"text as number"}),
    "type of a boolean": (leaves.FAST, "Boolean", ANY, {"null boolean"}),
    "range of a number": (leaves.FAST, "Int", INT, {"number too large", "number too small"}),
    "type of a row": (Selection, "expect", lambda *_: None, {"batch finds another type"}),
    "lists": (Run, "_lists", lists_of_anything, {"text as list", "mapping as list", "generator"}),
    "skip and include": (plan, "_is_included", lambda *_: True, {"skipped", "conditions"}),
    "conditions of fragments": (Planner, "_applies", lambda *_: True, {"known to every member"}),
    "merging": (Planner, "select", select_the_first, {"merged", "merged fragments"}),
    "types behind a union": (Planner, "type_of", first_type, {"names of types"}),
    "key of a plan": (CompiledExecution, "plan", any_plan, {"conditions"}),
    "arguments": (Run, "_arguments", lambda *_: {}, {"arguments", "variables"}),
    "memory of deeds": (Run, "mutate", mutate_forgetting, {"deed that incomplete"}),
}


@pytest.mark.parametrize("guard", GUARDS)
async def test_without_a_guard_the_comparison_is_red(
    guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, name, weaker, expected = GUARDS[guard]
    if isinstance(place, dict):
        monkeypatch.setitem(place, name, weaker)
    else:
        monkeypatch.setattr(place, name, weaker)
    if weaker is slow_without_null:
        monkeypatch.setattr(run, "slow", slow_without_null)
    assert expected - await reds() == set()
