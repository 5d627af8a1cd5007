"""Inputs: what a variable and an argument become, by functions that are made once for each type.

They know plain values of plain types; `GiveUp` leaves all else to graphql-core and Strawberry,
which find the right words for what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    get_argument_values,
    get_variable_values,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.relay.types import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

from schema.compiled.leaves import INT_LIMIT, TEXTS, GiveUp
from schema.compiled.selection import Unsupported

if TYPE_CHECKING:
    from schema.compiled.selection import Field

Change = Callable[[Any], Any]
Convert = Callable[[dict[str, Any]], dict[str, Any]]


def coercion(kind: Any, within: tuple[Any, ...] = ()) -> Change:
    """Return what does to a value of a GraphQL type what graphql-core would do; else it gives up.

    Raises Unsupported for types that are not known here, such as inputs `within` themselves.
    """
    if isinstance(kind, GraphQLNonNull):
        return _present(kind.of_type, within)
    coerce = _present(kind, within)
    return lambda value: None if value is None else coerce(value)


def _present(kind: Any, within: tuple[Any, ...]) -> Change:
    """Return the coercion of values that are not null: `coerce` of None gives up."""
    if isinstance(kind, GraphQLList):
        item = coercion(kind.of_type, within)
        return lambda value: [item(one) for one in _expect(value, list)]
    if isinstance(kind, GraphQLInputObjectType):
        return _fields_of(kind, within)
    if isinstance(kind, GraphQLEnumType):
        members = {name: kind.coerce_input_value(name) for name in kind.values}
        return lambda value: (value.__class__ is str and members.get(value)) or _give_up()
    if kind.name in TEXTS:
        return lambda value: _expect(value, str)
    if kind is GraphQLBoolean:
        return lambda value: _expect(value, bool)
    if kind is GraphQLInt:
        return lambda value: value if -INT_LIMIT <= _expect(value, int) < INT_LIMIT else _give_up()
    return _scalar(kind)


def _give_up() -> Any:
    raise GiveUp


def _expect(value: Any, kind: type) -> Any:
    if value.__class__ is not kind:
        raise GiveUp
    return value


def _scalar(kind: GraphQLScalarType) -> Change:
    def coerce(value: Any) -> Any:
        try:
            found = Undefined if value is None else kind.coerce_input_value(value)
        except Exception:
            raise GiveUp from None
        return _give_up() if found is Undefined else found

    return coerce


def _fields_of(kind: GraphQLInputObjectType, within: tuple[Any, ...]) -> Change:
    if kind.is_one_of or kind in within:
        raise Unsupported
    fields = [
        (
            name,
            one.out_name or name,
            coercion(one.type, (*within, kind)),
            is_required_input_field(one),
            coerce_default_value(one),
        )
        for name, one in kind.fields.items()
    ]

    def coerce(value: Any) -> Any:
        given = _expect(value, dict)
        found, seen = {}, 0
        for name, out_name, change, is_required, default in fields:
            one = given.get(name, Undefined)
            if one is not Undefined:
                seen += 1
                found[out_name] = change(one)
            elif is_required:
                raise GiveUp
            elif default is not Undefined:
                found[out_name] = default
        return kind.out_type(found) if seen == len(given) else _give_up()

    return coerce


class Variables:
    """The variables of one operation: each plain one is coerced by what its type is known to do."""

    def __init__(self, schema: GraphQLSchema, nodes: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        self._known: list[tuple[GraphQLVariableSignature, Change, bool]] | None = []
        try:
            for node in nodes:
                signature = get_variable_signature(schema, node)
                if isinstance(signature, GraphQLError):
                    raise Unsupported
                is_needed = isinstance(signature.type, GraphQLNonNull) or bool(node.default_value)
                self._known.append((signature, coercion(signature.type), is_needed))
        except Unsupported:
            self._known = None

    def values(self, given: dict[str, Any]) -> VariableValues | None:
        """Return the variables' values; None where they are not what was declared."""
        if self._known is not None:
            try:
                return _plain(self._known, given)
            except GiveUp:
                pass  # graphql-core says what is wrong, if anything is
        found = get_variable_values(self._schema, self._nodes, given)
        return found if isinstance(found, VariableValues) else None


def _plain(
    known: list[tuple[GraphQLVariableSignature, Change, bool]], given: Mapping[str, Any]
) -> VariableValues:
    """Return the values of variables, as graphql-core does for those it does not give up."""
    sources, coerced = {}, {}
    for signature, coerce, is_needed in known:
        name = signature.name
        value = given.get(name, Undefined)
        sources[name] = VariableValueSource(signature, value)
        if value is not Undefined:
            coerced[name] = coerce(value)
        elif is_needed:
            raise GiveUp
    return VariableValues(sources, coerced)


class Inputs:
    """The arguments of one field of an operation, whatever its variables are."""

    def __init__(self, field: "Field", converter: Any) -> None:
        self._definition = field.definition
        self._node = field.node
        self._variables = _variables_of(field)
        self._convert = conversion(field.declared, converter)

    def of(self, variables: VariableValues) -> dict[str, Any]:
        """Return the arguments of the resolver, by Python's names."""
        values = self._looked_up(variables.coerced) if self._variables is not None else None
        if values is None:
            values = get_argument_values(self._definition, self._node, variables)
        return self._convert(values)

    def _looked_up(self, coerced: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the arguments that are there; None where one is not that must be."""
        found = {}
        for name, variable, is_needed in self._variables or ():
            value = coerced.get(variable, Undefined)
            if is_needed and (value is Undefined or value is None):
                return None
            if value is not Undefined:
                found[name] = value
        return found


def _variables_of(field: "Field") -> list[tuple[str, str, bool]] | None:
    """Return a field's arguments by name and variable, and whether null is none of their values;
    None where some are no variables."""
    nodes = {one.name.value: one.value for one in field.node.arguments or ()}
    found = []
    for name, argument in field.definition.args.items():
        node = nodes.get(name)
        has_default = coerce_default_value(argument) is not Undefined
        if isinstance(node, VariableNode):
            is_needed = has_default or isinstance(argument.type, GraphQLNonNull)
            found.append((argument.out_name or name, node.name.value, is_needed))
        elif node is not None or has_default:
            return None
    return found


def conversion(declared: Any, converter: Any) -> Convert:
    """Return what makes of a field's coerced arguments those of its resolver."""
    registry, config = converter.scalar_registry, converter.config
    name_of = config.name_converter.from_argument
    try:
        changes = [
            (name_of(one), one.python_name, _change(one.type, registry, config))
            for one in declared.arguments
        ]
    except Unsupported:
        return lambda values: convert_arguments(
            values, declared.arguments, scalar_registry=registry, config=config
        )
    return lambda values: _changed(values, changes)


def _changed(
    values: Mapping[str, Any], changes: list[tuple[str, str, Change | None]]
) -> dict[str, Any]:
    """Return the values that are there, by Python's names."""
    found = {}
    for name, python_name, change in changes:
        if name in values:
            one = values[name]
            if change is not None and one is not None and one is not UNSET:
                one = change(one)
            found[python_name] = one
    return found


def _change(kind: Any, registry: Any, config: Any, within: tuple[Any, ...] = ()) -> Change | None:
    """Return what makes of a coerced value that is there what Strawberry would; None: nothing."""
    if isinstance(kind, StrawberryMaybe) or kind is GlobalID or kind in within:
        raise Unsupported
    if isinstance(kind, StrawberryOptional):
        return _change(kind.of_type, registry, config, within)
    if isinstance(kind, LazyType):
        return _change(kind.resolve_type(), registry, config, within)
    if isinstance(kind, StrawberryList):
        item = _change(kind.of_type, registry, config, within)
        if item is None:
            return list  # a copy: graphql-core gives the same default to all
        return lambda values: [None if one is None else item(one) for one in values]
    if isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind):
        return None
    if is_scalar(kind, registry):
        return None
    if has_object_definition(kind):
        return _instance(kind, registry, config, within)
    raise Unsupported


def _instance(kind: Any, registry: Any, config: Any, within: tuple[Any, ...]) -> Change:
    """Return what makes an instance of an input type."""
    definition = kind.__strawberry_definition__
    if definition.from_input is not None or not definition.is_input:
        raise Unsupported
    changes = [
        (
            config.name_converter.from_field(one),
            one.python_name,
            _change(
                one.resolve_type(type_definition=definition), registry, config, (*within, kind)
            ),
        )
        for one in definition.fields
    ]
    empty = {
        one.python_name: None
        for one in definition.fields
        if one.default_value is MISSING and one.default_factory is MISSING
    }
    return lambda values: kind(**(empty | _changed(values, changes)))
