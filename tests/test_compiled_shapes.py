"""Compiled execution on every shape of value, right and wrong: as graphql-core answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.toy_compiled import StoneRow, ThingRow, compare_toy, root_of, rows, run_toy
from tests.twins import counted_executions

ALL = "id name size colour madeAt isNew tags checked awaited scaled __typename"
RIGHT = {
    "leaves": f"{{ things {{ {ALL} }} }}",
    "object": f"{{ thing {{ {ALL} }} }}",
    "list with null": "{ maybeThings { id } }",
    "list of lists": f"{{ grid {{ {ALL} }} }}",
    "list of lists of leaves": "{ numbers letters }",
    "union": "{ anything { __typename ... on Thing { id } ... on Stone { weight name } } }",
    "interface": "{ named { name ... on Thing { id } ... on Named { n: name } __typename } }",
    "unknown to a member": "{ anything { ... on Stone { weight } } }",
    "known to every member": "{ anything { ... on Stone { name } } "
    "named { ... on Thing { name } } }",
    "names of types": "{ anything { __typename } named { __typename name } }",
    "relation": "{ things { parent { name parent { name } } } }",
    "merged": "{ things { id } ... { things { name parent { id } } } things { parent { name } } }",
    "merged fragments": """{ thing { ...A ...B } } fragment A on Thing { parent { id ...C } id }
      fragment B on Named { name ... on Thing { parent { name ...C } } }
      fragment C on Thing { size }""",
    "order": "{ thing { size id ...A name } letters } fragment A on Thing { colour size isNew }",
    "arguments": "{ things { a: scaled b: scaled(factor: 3) c: scaled(extra: null, factor: 1) } }",
    "aliases": "{ a: thing { b: id c: id } d: thing { e: __typename } __typename f: __typename }",
    "skipped": "{ thing { id @skip(if: true) name @include(if: false) } letters @skip(if: false) }",
    "skipped fragments": """{ thing { ...A @skip(if: true) ... @include(if: false) { name }
      ... on Thing @include(if: true) { size } id } } fragment A on Thing { colour }""",
}
GOOD = rows(parent_id=1)
DEADLINE = 10.0


@pytest.mark.parametrize("document", RIGHT.values(), ids=RIGHT)
async def test_right_values_are_answered_by_a_plan(
    document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted_executions(monkeypatch) as counts:
        answer = orjson.loads(await compare_toy(GOOD, document))
    assert answer["errors"] == []
    assert (counts.answered, counts.left) == (1, 0)


async def test_a_page_of_rows_is_told_exactly() -> None:
    document = "{ grid { id parent { name } } numbers anything { ... on Stone { weight } } }"
    assert orjson.loads(await compare_toy(GOOD, document))["data"] == {
        "grid": [
            [{"id": "1", "parent": None}],
            [],
            [{"id": "2", "parent": {"name": "parent"}}, {"id": "3", "parent": None}],
        ],
        "numbers": [[1, None], None, []],
        "anything": [None, {"weight": 3}, {}, {"weight": 3}],
    }


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "null leaf": (rows(name=None), "name"),
    "null enum": (rows(colour=None), "colour"),
    "null boolean": (rows(is_new=None), "isNew"),
    "null list": (rows(tags=None), "tags"),
    "text as number": (rows(size="many"), "size"),
    "number too large": (rows(size=2**31), "size"),
    "number too small": (rows(size=-(2**31) - 1), "size"),
    "infinite number": (rows(size=float("inf")), "size"),
    "no member of the enum": (rows(colour="green"), "colour"),
    "unhashable enum": (rows(colour=[]), "colour"),
    "text as moment": (rows(made_at="yesterday"), "madeAt"),
    "list as text": (rows(name=["a"]), "name"),
    "text as list": (rows(tags="ab"), "tags"),
    "mapping as list": (rows(tags={"a": 1}), "tags"),
    "number as list": (rows(tags=7), "tags"),
    "resolver raises": (rows(fails=True), "checked"),
    "coroutine raises": (rows(fails=True), "awaited"),
    "batch raises": (rows(parent_id=13), "parent { name }"),
    "batch finds another type": (rows(parent_id=2), "parent { name }"),
    "key is unhashable": (rows(parent_id=[]), "parent { name }"),
    "needed row is missing": (rows(parent_id=99), "needed: neededParent { name }"),
    "needed row has no key": (rows(), "needed: neededParent { name }"),
    "argument without value": (rows(), "scaled(factor: $missing)"),
}


@pytest.mark.parametrize("field", ["thing", "things", "maybeThings", "maybeList", "grid"])
@pytest.mark.parametrize(("root", "wrong"), WRONG.values(), ids=WRONG)
async def test_a_wrong_value_is_left_to_graphql_core_once(
    root: Callable[[], Any], wrong: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = "query ($missing: Int = 1)" if "$" in wrong else ""
    given = {"missing": None} if declared else {}
    with counted_executions(monkeypatch) as counts:
        document = f"{declared} {{ {field} {{ id {wrong} }} letters }}"
        answer = orjson.loads(await compare_toy(root, document, **given))
    assert len(answer["errors"]) >= 1
    assert (counts.asked, counts.left) == (1, 1)


@pytest.mark.parametrize("field", ["anything", "named"])
@pytest.mark.parametrize(
    "row",
    [object(), ThingRow(name=None), StoneRow(weight=2**40), 7],
    ids=["unknown", "null", "large", "number"],
)
async def test_a_wrong_row_behind_an_abstract_type(field: str, row: Any) -> None:
    root = root_of(**{field: lambda: [StoneRow(), row]})
    document = f"{{ {field} {{ ... on Named {{ name }} ... on Stone {{ weight }} }} }}"
    assert orjson.loads(await compare_toy(root, document))["errors"]


ODD: dict[str, Callable[[], Any]] = {
    "generator": lambda: (row for row in [ThingRow(), ThingRow(id=2)]),
    "tuple": lambda: (ThingRow(), ThingRow(id=2)),
    "keys": lambda: {"a": 1}.keys(),
    "text": lambda: "ab",
    "null": lambda: None,
    "wrong type": lambda: [StoneRow(), ThingRow()],
    "null inside": lambda: [ThingRow(), None],
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
async def test_what_is_no_list_of_things_is_as_graphql_core_takes_it(
    make: Callable[[], Any],
) -> None:
    for field in ("things", "maybeThings"):
        key = "things" if field == "things" else "maybe_things"
        await compare_toy(root_of(**{key: make}), f"{{ {field} {{ id name }} }}")
    await compare_toy(root_of(maybe_list=make), "{ maybeList { name } }")


async def test_strings_as_rows_are_no_rows() -> None:
    await compare_toy(root_of(thing=lambda: StoneRow()), "{ thing { name } }")


async def test_an_attribute_that_is_missing_is_a_bug_in_its_field() -> None:
    answer = await compare_toy(root_of(letters=lambda: ["a"]), "{ letters thing { id } }")
    [error] = orjson.loads(answer)["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["thing"], "INTERNAL")


async def test_no_row_is_waited_for_when_graphql_core_begins() -> None:
    begun: list[int] = []
    ended: list[int] = []
    failed = asyncio.Event()

    class Slow(ThingRow):
        async def named(self) -> str:
            assert begun == ended  # a second execution, but not before the first has ended
            begun.append(self.id)
            await asyncio.wait_for(failed.wait(), DEADLINE)
            await asyncio.sleep(0)
            ended.append(self.id)
            return "slow"

    class Failing(ThingRow):
        async def named(self) -> str:
            failed.set()
            raise ValueError("this row fails")

    root = root_of(maybe_things=lambda: [Slow(), Failing()])
    answer = await run_toy(root, "{ maybeThings { waited } }", compiled=True)
    assert orjson.loads(answer)["data"] == {"maybeThings": [{"waited": "slow"}, None]}
    assert begun == ended == [1, 1]
