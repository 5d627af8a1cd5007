"""Descriptions: whoever explores the API in GraphiQL finds nothing unexplained."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLSchema

from schema.connection import Connection
from schema.descriptions import attribute_docs, one_paragraph
from schema.root import build_schema


def _undescribed(schema: GraphQLSchema) -> Iterator[str]:
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (
                f"{name}.{key}" for key, item in kind.values.items() if not item.description
            )
        for key, field in getattr(kind, "fields", {}).items():
            if not field.description:
                yield f"{name}.{key}"
            arguments = getattr(field, "args", {}).items()
            yield from (f"{name}.{key}({arg})" for arg, item in arguments if not item.description)


def test_everything_is_described() -> None:
    assert list(_undescribed(build_schema()._schema)) == []


def test_a_generic_type_keeps_the_description_of_its_base() -> None:
    kinds = build_schema()._schema.type_map
    for name in ("ContactConnection", "WorkspaceEventConnection", "TimelineItemConnection"):
        assert kinds[name].description == Connection.__doc__ == "One page of a list."


def test_docstrings_under_attributes_are_found_with_those_of_the_bases() -> None:
    class Base:
        first: int
        """From the base,
        over two lines."""

    class Child(Base):
        second: int
        """From the child."""
        third: int

    assert attribute_docs(Child) == {
        "first": "From the base, over two lines.",
        "second": "From the child.",
    }


def test_paragraphs_stay_and_lines_join() -> None:
    assert one_paragraph("One\n    line.\n\n    Another\n    one.\n") == "One line.\n\nAnother one."
