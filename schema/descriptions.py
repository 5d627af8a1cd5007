"""Docstrings as descriptions: what stands in the code is what GraphiQL shows."""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import strawberry
from graphql import Undefined
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.utils.str_converters import to_camel_case

ARGUMENTS = {
    "after": "Only what follows this cursor.",
    "before": "Only what precedes this cursor.",
    "conversation_id": "Only this conversation.",
    "filter": "Only what is like this.",
    "first": "How many items from the start: 1 to 100, by default 25.",
    "id": "The object's global id.",
    "ids": "The objects' global ids.",
    "inbox_id": "This inbox.",
    "export_id": "This export.",
    "import_id": "This import.",
    "input": "What to do.",
    "is_archived": "Only what is archived, or only what is not.",
    "kinds": "Only these kinds; omitted: all of them.",
    "last": "How many items from the end: 1 to 100.",
    "prefix": "How a name begins.",
    "search": "Words that must all occur.",
    "sort": "The order.",
    "status": "Only this tab; omitted: all of them.",
    "text": "Words that must all occur: 1 to 200 characters.",
    "topic": "Only what is of this topic.",
    "trigger": "What was typed.",
    "unreplied": "Only conversations that wait for an answer.",
    "workspace_id": "The workspace.",
}


def attribute_docs(kind: type[object]) -> dict[str, str]:
    """Return the docstrings under the attributes of a class, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= _docs_in_module(base.__module__).get(base.__qualname__, {})
    return found


@cache
def _docs_in_module(name: str) -> dict[str, dict[str, str]]:
    """Return the docstrings under the attributes of a module's classes, by qualified name."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):  # it has no source
        return {}
    return {path: _docs_in(node) for path, node in _classes_in(tree)}


def _classes_in(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.ClassDef():
                yield prefix + node.name, node
                yield from _classes_in(node, f"{prefix}{node.name}.")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _classes_in(node, f"{prefix}{node.name}.<locals>.")
            case ast.stmt():
                yield from _classes_in(node, prefix)


def _docs_in(node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for statement, following in pairwise(node.body):
        target: ast.expr | None = None
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if isinstance(target, ast.Name) and is_text:
            found[target.id] = one_paragraph(str(following.value.value))  # type: ignore[attr-defined]  # just checked
    return found


def one_paragraph(text: str) -> str:
    """Return a docstring with its line breaks within paragraphs taken out."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)


def describe(schema: strawberry.Schema) -> None:
    """Give everything in a schema that has none the description that its code has.

    A default of null is left unsaid: omitted means the same.
    """
    for concrete in list(schema.schema_converter.type_map.values()):
        definition: Any = concrete.definition
        if isinstance(definition, StrawberryEnumDefinition):
            _describe_enum(definition, concrete.implementation)
        elif hasattr(definition, "fields"):
            _describe_type(definition, concrete.implementation)


def _describe_enum(definition: StrawberryEnumDefinition, built: Any) -> None:
    kind: type[object] = definition.wrapped_cls
    built.description = one_paragraph(kind.__doc__ or "")
    docs = attribute_docs(kind)
    for name, value in built.values.items():
        value.description = value.description or docs.get(name)


def _describe_type(definition: Any, built: Any) -> None:
    # Of a generic type strawberry makes a class for each use: only its base has the docstring.
    if not built.description:
        built.description = one_paragraph(inspect.getdoc(definition.origin) or "")
    docs = attribute_docs(definition.origin)
    for field in definition.fields:
        shown = built.fields.get(_graphql_name(field))
        if shown is None:
            continue
        resolver = field.base_resolver
        written = resolver.wrapped_func.__doc__ if resolver is not None else None
        if not shown.description:
            shown.description = docs.get(field.python_name) or one_paragraph(written or "")
        if getattr(shown, "default_value", Undefined) is None:
            shown.default_value = Undefined
        for argument in field.arguments:
            built_argument = shown.args[_graphql_name(argument)]
            if built_argument.default_value is None:
                built_argument.default_value = Undefined
            if not built_argument.description:
                built_argument.description = ARGUMENTS.get(argument.python_name)


def _graphql_name(named: Any) -> str:
    return str(named.graphql_name or to_camel_case(named.python_name))
