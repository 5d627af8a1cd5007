"""The limits on one operation: exact at their edge, linear in time, one verdict per text."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse, validate
from strawberry.schema import schema as strawberry_schema

from schema import rules
from schema.documents import CACHED_DOCUMENTS, Documents
from schema.errors import ErrorCode
from schema.execution import BoundedSchema
from schema.limits import Measures, measure
from settings import Settings
from tests.toy import Mutation, Query, Subscription

SCHEMA = BoundedSchema(Query, Mutation, Subscription, settings=Settings())


def measured(text: str, **variables: object) -> Measures:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return measure(SCHEMA._schema, document, operation, variables)


def nested(depth: int) -> str:
    return "{" + "item{" + "next{" * (depth - 2) + "name" + "}" * (depth - 1) + "}"


def bomb(levels: int) -> str:
    fragments = ["fragment f0 on Item{name}"]
    for level in range(1, levels):
        below = f"...f{level - 1}"
        fragments.append(f"fragment f{level} on Item{{next{{{below} {below}}} next{{{below}}}}}")
    return f"{{item{{...f{levels - 1}}}}} " + " ".join(fragments)


@pytest.mark.parametrize(
    ("text", "variables", "wanted"),
    [
        ("{hello}", {}, Measures(1, 0, 0, 1, 1)),
        ("{a:hello b:hello}", {}, Measures(1, 2, 0, 2, 2)),
        ("{item{name next{name}}}", {}, Measures(3, 0, 0, 1, 4)),
        ("{hello @skip(if:false)}", {}, Measures(1, 0, 1, 1, 1)),
        ("{items{name}}", {}, Measures(2, 0, 0, 1, 26)),
        ("{items(first:3){name next{name}}}", {}, Measures(3, 0, 0, 1, 10)),
        ("{items(first:9999999){name}}", {}, Measures(2, 0, 0, 1, 101)),
        ("{items(first:-5){name}}", {}, Measures(2, 0, 0, 1, 1)),
        ("{items(first:2){items(last:4){name}}}", {}, Measures(3, 0, 0, 1, 11)),
        ("query($n:Int){items(first:$n){name}}", {"n": 7}, Measures(2, 0, 0, 1, 8)),
        ("query($n:Int){items(first:$n){name}}", {"n": None}, Measures(2, 0, 0, 1, 26)),
        ("query($n:Int=4){items(first:$n){name}}", {}, Measures(2, 0, 0, 1, 5)),
        ("{...F ...F} fragment F on Query{hello x:who}", {}, Measures(1, 1, 0, 2, 4)),
        ("{... on Query{item{...I}}} fragment I on Item{name}", {}, Measures(2, 0, 0, 1, 2)),
        ("{item{...A}} fragment A on Item{next{...A}}", {}, Measures(2, 0, 0, 1, 2)),
        ("{item{...Absent unknown{name}}}", {}, Measures(3, 0, 0, 1, 3)),
    ],
)
def test_an_operation_is_measured(text: str, variables: dict[str, Any], wanted: Measures) -> None:
    assert measured(text, **variables) == wanted


def test_a_field_with_ids_costs_once_per_id() -> None:
    schema = BoundedSchema(Query, settings=Settings())._schema
    del schema.query_type.fields["items"].args["first"]  # type: ignore[union-attr]
    costs = []
    for text, variables in (
        ("{items(ids:[1,2,3]){name}}", {}),
        ("query($ids:[Int!]){items(ids:$ids){name}}", {"ids": [1, 2, 3, 4]}),
        ("query($ids:[Int!]){items(ids:$ids){name}}", {}),
    ):
        document = parse(text)
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        costs.append(measure(schema, document, operation, variables).cost)
    assert costs == [4, 5, 2]


@pytest.mark.parametrize(
    ("limit", "inside", "beyond"),
    [
        ("depth", nested(10), nested(11)),
        (
            "aliases",
            "{item{" + " ".join(f"a{n}:name" for n in range(15)) + "}}",
            "{item{" + " ".join(f"a{n}:name" for n in range(16)) + "}}",
        ),
        (
            "directives",
            "{hello" + " ...@skip(if:false){hello}" * 50 + "}",
            "{hello" + " ...@skip(if:false){hello}" * 51 + "}",
        ),
        (
            "cost",
            "{items(first:100){" + "name " * 49 + "}}",
            "{items(first:100){" + "name " * 50 + "}}",
        ),
    ],
)
async def test_each_limit_is_exact(limit: str, inside: str, beyond: str) -> None:
    assert (await SCHEMA.execute(inside)).errors is None
    refused = await SCHEMA.execute(beyond)
    assert refused.data is None
    assert [error.extensions for error in refused.errors or []] == [
        {
            "code": ErrorCode.QUERY_TOO_COMPLEX,
            "limit": limit,
            "maximum": getattr(Settings(), f"max_{limit}"),
        }
    ]


async def test_root_fields_are_counted_through_fragments() -> None:
    settings = Settings(max_root_fields=2)
    schema = BoundedSchema(Query, settings=settings)
    two = "{...F ...F} fragment F on Query{hello item{name}}"
    three = "{missing ...F} fragment F on Query{hello item{name}}"
    assert (await schema.execute(two)).errors is None
    errors = (await schema.execute(three)).errors or []
    assert [error.extensions["limit"] for error in errors if error.extensions] == ["root fields"]


async def test_tokens_are_bounded_while_parsing() -> None:
    errors = (await SCHEMA.execute("{" + "hello " * 2001 + "}")).errors or []
    assert [error.extensions for error in errors] == [{"code": "QUERY_TOO_COMPLEX"}]
    deep = (await SCHEMA.execute(nested(300))).errors or []
    assert [error.extensions for error in deep] == [{"code": "QUERY_TOO_COMPLEX"}]


async def test_a_page_that_comes_as_a_variable_is_counted_each_time() -> None:
    text = "query($n:Int){items(first:$n){" + "name " * 60 + "}}"
    codes = []
    for size in (10, 100, 10):
        errors = (await SCHEMA.execute(text, variable_values={"n": size})).errors or []
        codes.append([error.extensions["limit"] for error in errors if error.extensions])
    assert codes == [[], ["cost"], []]


def test_a_fragment_bomb_is_measured_in_linear_time() -> None:
    def seconds(levels: int) -> float:
        document = parse(bomb(levels))
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        started = time.process_time()
        for _ in range(20):
            measure(SCHEMA._schema, document, operation, {})
        return time.process_time() - started

    assert measured(bomb(40)).cost > 2**39
    assert seconds(64) < 8 * seconds(16) + 0.05


async def test_a_fragment_bomb_is_refused_and_a_cycle_is_explained() -> None:
    refused = (await SCHEMA.execute(bomb(11))).errors or []
    assert [error.extensions["code"] for error in refused if error.extensions] == [
        "QUERY_TOO_COMPLEX"
    ]
    cycle = "{item{...A}} fragment A on Item{next{...B}} fragment B on Item{next{...A}}"
    errors = (await SCHEMA.execute(cycle)).errors or []
    assert [error.message for error in errors] == [
        "Cannot spread fragment 'A' within itself via 'B'."
    ]
    assert errors[0].extensions == {"code": "BAD_USER_INPUT"}


async def test_comparing_fields_is_given_up_early() -> None:
    started = time.process_time()
    errors = (await SCHEMA.execute("{" + "item{name} " * 490 + "}")).errors or []
    assert [error.extensions for error in errors] == [{"code": "QUERY_TOO_COMPLEX"}]
    assert time.process_time() - started < 0.5


def test_a_chain_of_fragments_longer_than_the_stack_is_refused() -> None:
    chain = "{item{...f0}} " + " ".join(
        f"fragment f{n} on Item{{...f{n + 1}}}" for n in range(3000)
    )
    document = parse(chain)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    with pytest.raises(RecursionError):
        measure(SCHEMA._schema, document, operation, {})


async def test_introspection_passes_and_can_be_switched_off() -> None:
    text = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    assert (await SCHEMA.execute(text)).errors is None
    closed = BoundedSchema(Query, settings=Settings(introspection=False))
    refused = (await closed.execute("{__schema{queryType{name}}}")).errors or []
    assert {error.extensions["code"] for error in refused if error.extensions} == {"BAD_USER_INPUT"}
    assert len(refused) == 2
    unknown = (await closed.execute("{hallo}")).errors or []
    assert [error.message for error in unknown] == ["Cannot query field 'hallo' on type 'Query'."]


async def test_a_text_is_parsed_and_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **options: Any) -> Any:
            calls.append(name)
            return function(*values, **options)

        return call

    monkeypatch.setattr(strawberry_schema, "parse", counted("parse", parse))
    monkeypatch.setattr(rules, "validate", counted("validate", validate))
    schema = BoundedSchema(Query, settings=Settings())
    for text in ("{hello}", "{hello}", "{hallo}", "{hallo}", "{hello}"):
        await schema.execute(text)
    assert calls == ["parse", "validate", "parse", "validate"]


def test_the_cache_is_bounded_and_forgets_what_was_not_used() -> None:
    cache = Documents(BoundedSchema(Query)._schema, Settings())
    document = parse("{hello}")
    for number in range(CACHED_DOCUMENTS):
        cache.put(f"{number}", document)
    assert cache.get("0") is not None
    cache.put("new", document)
    assert len(cache.known) == CACHED_DOCUMENTS
    assert cache.get("0") is not None
    assert cache.get("1") is None
    cache.put("x" * 50_000, document)
    assert cache.get("x" * 50_000) is None
