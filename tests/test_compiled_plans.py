"""Plans: kept by operation and conditions, few of them, no longer than their documents."""

import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from graphql import FieldNode, parse

import schema.compiled as compiled_module
from schema.compiled import CompiledExecution
from schema.compiled.plan import Planner
from tests.toy_compiled import compare_toy, rows, run_toy
from tests.twins import counted_executions

CONDITIONAL = """query ($yes: Boolean! = true, $no: Boolean! = false, $factor: Int = 2) {
  thing { id @include(if: $yes) ...A @skip(if: $no) scaled(factor: $factor) }
}
fragment A on Thing { name @include(if: $yes) isNew }"""
GOOD = rows(parent_id=1)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Give the list of what was planned."""
    plan = Planner.plan
    made: list[Any] = []

    def noted(self: Planner, executor: Any, conditions: Any) -> Any:
        made.append(conditions)
        return plan(self, executor, conditions)

    with monkeypatch.context() as patched:
        patched.setattr(Planner, "plan", noted)
        yield made


async def test_the_same_text_is_planned_once_for_each_condition(planned: list[Any]) -> None:
    answers = {}
    for yes in (True, False, True):
        for no in (True, False):
            answer = await compare_toy(GOOD, CONDITIONAL, yes=yes, no=no)
            answers[yes, no] = orjson.loads(answer)["data"]["thing"]
    assert planned == [("no", "yes")] * 4
    assert {key: list(answer) for key, answer in answers.items()} == {
        (True, True): ["id", "scaled"],
        (True, False): ["id", "name", "isNew", "scaled"],
        (False, True): ["scaled"],
        (False, False): ["isNew", "scaled"],
    }


async def test_other_arguments_need_no_other_plan(planned: list[Any]) -> None:
    document = "query ($factor: Int = 3) { thing { scaled(factor: $factor) } }"
    scaled = []
    for given in ({}, {"factor": 5}, {"factor": None}):
        answer = orjson.loads(await compare_toy(GOOD, document, **given))
        scaled.append(answer["data"]["thing"] and answer["data"]["thing"]["scaled"])
    assert scaled[:2] == ["1 x 3 + None", "1 x 5 + None"]
    assert planned == [()]


async def test_operations_of_one_document_have_their_own_plans(planned: list[Any]) -> None:
    document = "query One { thing { id } } query Two { letters }"
    for _ in range(2):
        one = orjson.loads(await compare_toy(GOOD, document, name="One"))["data"]
        two = orjson.loads(await compare_toy(GOOD, document, name="Two"))["data"]
        assert (one, two) == ({"thing": {"id": "2"}}, {"letters": ["a", "b"]})
    assert planned == [(), ()]


async def test_a_condition_that_is_null_is_an_error_of_graphql_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = "query ($x: Boolean = true) { letters thing { id @include(if: $x) } }"
    root = "query ($x: Boolean = true) { letters @skip(if: $x) }"
    inside = "query ($x: Boolean = true) { anything { ... on Thing { id @include(if: $x) } } }"
    for text in (document, root, inside):
        with counted_executions(monkeypatch) as counts:
            answer = orjson.loads(await compare_toy(GOOD, text, x=None))
        assert len(answer["errors"]) >= 1
        assert (counts.asked, counts.left) == (1, 1)
        assert orjson.loads(await compare_toy(GOOD, text))["errors"] == []


def executor_of(document: str, **given: Any) -> Any:
    """Return what an executor is to a cache of plans."""
    [operation] = parse(document).definitions
    values = SimpleNamespace(coerced=given, sources=dict.fromkeys(given))
    return SimpleNamespace(operation=operation, fragment_definitions={}, variable_values=values)


class Cache(CompiledExecution):
    """A cache whose plans are the conditions that they are for."""

    def _compile(self, executor: Any, conditions: tuple[str, ...]) -> Any:
        return {name: executor.variable_values.coerced[name] for name in conditions}


def test_few_operations_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_module, "MAX_OPERATIONS", 3)
    cache = Cache()
    living = [executor_of("{ a }") for _ in range(5)]
    for executor in [*living[:3], living[0], *living[3:]]:
        plan: Any = cache.plan(executor)
        assert plan == {}
    assert list(cache._operations) == [id(living[n].operation) for n in (0, 3, 4)]


def test_plans_end_with_their_document() -> None:
    cache = Cache()
    kept = executor_of("{ a }")
    for executor in (kept, executor_of("{ b }")):
        cache.plan(executor)
    del executor
    gc.collect()
    assert list(cache._operations) == [id(kept.operation)]


def test_an_operation_has_few_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_module, "MAX_PLANS", 4)
    cache = Cache()
    executor = executor_of("query ($n: Int) { a @include(if: $n) }")
    for number in [*range(9), 3]:
        executor.variable_values = SimpleNamespace(coerced={"n": number})
        plan: Any = cache.plan(executor)
        assert plan == {"n": number}
        assert len(cache._known(executor).plans) <= 4


async def test_fragments_of_merged_fields_are_visited_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    depth = 12
    twice = "".join(
        f"fragment F{n} on Thing {{ parent {{ ...F{n + 1} }} parent {{ ...F{n + 1} }} }} "
        for n in range(depth)
    )
    document = f"{{ thing {{ ...F0 }} }} {twice} fragment F{depth} on Thing {{ id }}"
    select = Planner.select
    widest = 0

    def measured(self: Planner, scope: Any, parent: Any, nodes: list[FieldNode]) -> Any:
        nonlocal widest
        widest = max(widest, len(nodes))
        return select(self, scope, parent, nodes)

    monkeypatch.setattr(Planner, "select", measured)
    answer = await run_toy(GOOD, document, compiled=True)
    assert answer == await run_toy(GOOD, document, compiled=False)
    assert widest == 2
