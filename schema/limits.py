"""What one operation may ask for: depth, aliases, directives, root fields and cost.

Cost: a field counts 1; a field that takes `first` or `last` counts its children once per item of
the page asked for (25 when it asks for none, at most 100), a field that takes `ids` once per id,
a bulk mutation once per item (at most 100), and 10 more for each item: it is a transaction.
Depth counts levels of fields, the leaf included; introspection fields have no depth, graphql-core
bounds them. A fragment is measured once, however often it is spread, so that the walk is linear.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from schema.errors import ApiError, ErrorCode
from settings import Settings

DEFAULT_PAGE = 25
MAX_PAGE = 100
PAGE_ARGUMENTS = ("first", "last")
ITEMS = ("conversationIds", "contactIds")
"""The fields of inputs that list what a bulk mutation does something to."""
ITEM_COST = 10


class Measures(NamedTuple):
    """What an operation asks for, in the units of the limits."""

    depth: int
    aliases: int
    directives: int
    root_fields: int
    cost: int


class Size(NamedTuple):
    """The depth and the cost of one selection set."""

    depth: int
    cost: int


NOTHING = Size(0, 0)


@dataclass(slots=True)
class Ruler:
    """Measures the selections of one document, each fragment once."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]
    measured: dict[str, Size] = field(default_factory=dict)

    def selections(self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None) -> Size:
        """Return the size of a selection set on a type; unknown fields count as leaves."""
        depth = cost = 0
        for selection in selection_set.selections:
            size = self.selection(selection, parent)
            depth = max(depth, size.depth)
            cost += size.cost
        return Size(depth, cost)

    def selection(self, selection: SelectionNode, parent: GraphQLNamedType | None) -> Size:
        """Return the size of one selection."""
        if isinstance(selection, FieldNode):
            return self.field(selection, parent)
        if isinstance(selection, FragmentSpreadNode):
            return self.fragment(selection.name.value)
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            narrowed = self.schema.get_type(condition.name.value) if condition else parent
            return self.selections(selection.selection_set, narrowed)
        return NOTHING

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Size:
        """Return the size of a field with everything below it."""
        if node.selection_set is None:
            return Size(1, 1)
        definition = self.definition(node, parent)
        of_type = get_named_type(definition.type) if definition else None
        below = self.selections(node.selection_set, of_type)
        depth = 0 if of_type is not None and of_type.name.startswith("__") else below.depth
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if items := self.items(given.get("input")):
            return Size(1 + depth, 1 + items * (ITEM_COST + below.cost))
        return Size(1 + depth, 1 + self.repeats(given, definition) * below.cost)

    def fragment(self, name: str) -> Size:
        """Return the size of a fragment; a cycle counts nothing, validation reports it."""
        if name not in self.measured:
            self.measured[name] = NOTHING
            if fragment := self.fragments.get(name):
                on_type = self.schema.get_type(fragment.type_condition.name.value)
                self.measured[name] = self.selections(fragment.selection_set, on_type)
        return self.measured[name]

    def definition(self, node: FieldNode, parent: GraphQLNamedType | None) -> GraphQLField | None:
        """Return the definition of a field, also of `__schema` and `__type`."""
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return self.schema.get_field(parent, node.name.value)
        return None

    def repeats(self, given: Mapping[str, ValueNode], definition: GraphQLField | None) -> int:
        """Return how many items the children of a field with these arguments are asked for."""
        for name in PAGE_ARGUMENTS:
            if name in given and not isinstance(given[name], NullValueNode):
                return self.page(given[name])
        if definition and "first" in definition.args:
            return DEFAULT_PAGE
        if definition and "before" in definition.args:  # so many on either side of one
            sides = (given.get(name) for name in ("before", "after"))
            return 1 + sum(self.page(one) if one else DEFAULT_PAGE for one in sides)
        return self.length(given["ids"]) if "ids" in given else 1

    def page(self, value: ValueNode) -> int:
        """Return the page size of an argument; the field itself refuses one out of range."""
        size: object = None
        if isinstance(value, IntValueNode):
            size = int(value.value[:4])
        elif isinstance(value, VariableNode):
            size = self.variables.get(value.name.value)
        return max(0, min(size, MAX_PAGE)) if isinstance(size, int) else DEFAULT_PAGE

    def items(self, value: ValueNode | None) -> int:
        """Return how many items an input lists; the field itself refuses too many of them."""
        listed = 0
        if isinstance(value, ObjectValueNode):
            given = {field.name.value: field.value for field in value.fields}
            listed = max((self.length(given[name]) for name in ITEMS if name in given), default=0)
        elif isinstance(value, VariableNode):
            listed = items_in(self.variables.get(value.name.value))
        return min(listed, MAX_PAGE)

    def length(self, value: ValueNode) -> int:
        """Return how many ids an argument lists, at least one."""
        if isinstance(value, ListValueNode):
            return max(1, len(value.values))
        if isinstance(value, VariableNode):
            given = self.variables.get(value.name.value)
            return max(1, len(given)) if isinstance(given, list) else 1
        return 1


def items_in(value: object) -> int:
    """Return how many items the value of an `input` lists; 0 where it lists none."""
    if not isinstance(value, dict):
        return 0
    listed = (value[name] for name in ITEMS if name in value)
    return max((len(one) if isinstance(one, list) else 1 for one in listed), default=0)


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
) -> Measures:
    """Measure one operation in time linear in the length of its document."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    known = {**_defaults(operation), **variables}
    ruler = Ruler(schema, fragments, known)
    size = ruler.selections(operation.selection_set, schema.get_root_type(operation.operation))
    aliases, directives = _written(operation, fragments)
    return Measures(size.depth, aliases, directives, _root_fields(operation, fragments), size.cost)


def check_limits(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
    settings: Settings,
) -> ApiError | None:
    """Return the refusal of an operation that asks for too much, naming the limit, or nothing."""
    try:
        measures = measure(schema, document, operation, variables)
    except RecursionError:
        return too_complex("depth", settings.max_depth)
    limits = {
        "depth": (measures.depth, settings.max_depth),
        "aliases": (measures.aliases, settings.max_aliases),
        "directives": (measures.directives, settings.max_directives),
        "root fields": (measures.root_fields, settings.max_root_fields),
        "cost": (measures.cost, settings.max_cost),
    }
    for name, (asked, maximum) in limits.items():
        if asked > maximum:
            return too_complex(name, maximum)
    return None


def too_complex(limit: str, maximum: int) -> ApiError:
    """Return the refusal of an operation beyond one limit."""
    message = f"The operation is too complex: its {limit} may be at most {maximum}."
    return ApiError(ErrorCode.QUERY_TOO_COMPLEX, message, limit=limit, maximum=maximum)


def _defaults(operation: OperationDefinitionNode) -> dict[str, object]:
    return {
        definition.variable.name.value: _plain(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }


def _plain(value: ValueNode) -> object:
    """Return what is measured of a constant: its number or its length, also within an input."""
    if isinstance(value, IntValueNode):
        return int(value.value[:4])
    if isinstance(value, ListValueNode):
        return list(value.values)
    if isinstance(value, ObjectValueNode):
        return {field.name.value: _plain(field.value) for field in value.fields}
    return None


def _written(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[int, int]:
    """Count aliases and directives as written, in the operation and the fragments it uses."""
    aliases, directives = 0, len(operation.directives or ())
    for variable in operation.variable_definitions or ():
        directives += len(variable.directives or ())
    used: set[str] = set()
    pending: list[Iterable[SelectionNode]] = [operation.selection_set.selections]
    while pending:
        for selection in pending.pop():
            directives += len(selection.directives or ())
            if isinstance(selection, FragmentSpreadNode):
                fragment = fragments.get(selection.name.value)
                if fragment and selection.name.value not in used:
                    used.add(selection.name.value)
                    directives += len(fragment.directives or ())
                    pending.append(fragment.selection_set.selections)
                continue
            aliases += isinstance(selection, FieldNode) and selection.alias is not None
            nested: SelectionSetNode | None = getattr(selection, "selection_set", None)
            if nested:
                pending.append(nested.selections)
    return aliases, directives


def _root_fields(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> int:
    """Count the distinct response keys of the root, through all fragments."""
    keys: set[str] = set()
    used: set[str] = set()
    pending: list[Iterable[SelectionNode]] = [operation.selection_set.selections]
    while pending:
        for selection in pending.pop():
            if isinstance(selection, FieldNode):
                keys.add((selection.alias or selection.name).value)
            elif isinstance(selection, InlineFragmentNode):
                pending.append(selection.selection_set.selections)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in used:
                used.add(selection.name.value)
                if fragment := fragments.get(selection.name.value):
                    pending.append(fragment.selection_set.selections)
    return len(keys)
