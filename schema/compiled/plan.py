"""Plans: what is known of an operation before it runs, one selection per object type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter

from models.engine.sql import DRIVER_ROWS
from models.transfer import Transfer
from schema.columns import SOURCED
from schema.compiled.fused import lay_out
from schema.compiled.leaves import builder
from schema.compiled.selection import Field, Selection, Shape, Unsupported
from schema.relation import RELATION

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF
OF_SEVERAL_TYPES = (Transfer,)
"""The classes whose rows are not all of one object type: imports and exports."""


@dataclass(slots=True)
class Choices:
    """The selections of an abstract type, planned for each object type when it is first met."""

    planner: "Planner"
    scope: "Scope"
    abstract: GraphQLAbstractType
    nodes: list[FieldNode]
    by_class: dict[type, Selection] = field(default_factory=dict)
    by_name: dict[str, Selection] = field(default_factory=dict)

    def of(self, row: Any) -> Selection:
        """Return the selection for a row; that of a layout says first what it is."""
        kind = type(row)
        if kind in DRIVER_ROWS:
            return self.named(row[0])
        if kind not in self.by_class:
            concrete = self.planner.type_of(row, self.abstract)
            if kind in OF_SEVERAL_TYPES:
                return self.named(concrete.name)
            self.by_class[kind] = self.planner.select(self.scope, concrete, self.nodes)
        return self.by_class[kind]

    def named(self, name: str) -> Selection:
        """Return the selection for an object type by its name."""
        if name not in self.by_name:
            concrete = self.planner.schema.get_type(name)
            assert isinstance(concrete, GraphQLObjectType)  # noqa: S101 - declarations name them
            self.by_name[name] = self.planner.select(self.scope, concrete, self.nodes)
        return self.by_name[name]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a selection is planned with: the fragments, and the variables that decide on it."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues


def condition_names(
    operation: OperationDefinitionNode, fragments: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the variables that decide what is in the answer: those of `@skip` and `@include`."""
    names: set[str] = set()
    pending: list[SelectionSetNode] = [operation.selection_set]
    pending += [getattr(one, "definition", one).selection_set for one in fragments.values()]
    while pending:
        for node in pending.pop().selections:
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        names.add(argument.value.name.value)
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                pending.append(inner)
    return tuple(sorted(names))


class Planner:
    """Plans the operations of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema

    def plan(self, executor: Any, conditions: Iterable[str]) -> Selection:
        """Return the plan of an operation for the values of some variables.

        Raises Unsupported where graphql-core must do it, and the errors of conditions.
        """
        operation = executor.operation
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            raise Unsupported
        fragments = {
            name: getattr(one, "definition", one)
            for name, one in executor.fragment_definitions.items()
        }
        given: VariableValues = executor.variable_values
        kept = [name for name in conditions if name in given.coerced]
        variables = VariableValues(  # the plan outlives the secrets that came along
            {name: given.sources[name] for name in kept},
            {name: given.coerced[name] for name in kept},
        )
        scope = Scope(fragments, variables)
        is_event = operation.operation is OperationType.SUBSCRIPTION
        return self._selection(scope, root, operation.selection_set, is_event=is_event)

    def select(self, scope: Scope, parent: GraphQLObjectType, nodes: list[FieldNode]) -> Selection:
        """Return the selection that field nodes of one response key make together."""
        grouped: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._collect(scope, parent, node.selection_set, grouped, seen)
        return self._fields(scope, parent, grouped)

    def _selection(
        self,
        scope: Scope,
        parent: GraphQLObjectType,
        selection_set: SelectionSetNode,
        *,
        is_event: bool,
    ) -> Selection:
        grouped: dict[str, list[FieldNode]] = {}
        self._collect(scope, parent, selection_set, grouped, set())
        return self._fields(scope, parent, grouped, is_event=is_event)

    def _collect(
        self,
        scope: Scope,
        parent: GraphQLObjectType,
        selection_set: SelectionSetNode,
        grouped: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        """Gather the fields of a type by response key: the specification's CollectFields."""
        for node in selection_set.selections:
            if not _is_included(scope, node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                grouped.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node, parent):
                    self._collect(scope, parent, node.selection_set, grouped, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = scope.fragments[node.name.value]
                if self._applies(fragment, parent):
                    self._collect(scope, parent, fragment.selection_set, grouped, seen)

    def _applies(
        self, node: InlineFragmentNode | FragmentDefinitionNode, parent: GraphQLObjectType
    ) -> bool:
        if node.type_condition is None:
            return True
        condition = self.schema.get_type(node.type_condition.name.value)
        if condition is parent:
            return True
        return is_abstract_type(condition) and self.schema.is_sub_type(condition, parent)

    def _fields(
        self,
        scope: Scope,
        parent: GraphQLObjectType,
        grouped: Mapping[str, list[FieldNode]],
        *,
        is_event: bool = False,
    ) -> Selection:
        fields = [
            self._field(scope, parent, key, nodes, is_event=is_event)
            for key, nodes in grouped.items()
        ]
        leaves = [one for one in fields if one.is_leaf]
        return Selection(
            parent,
            fields,
            builder(fields, parent.name),
            [one for one in leaves if one.function is not None],
            [one for one in fields if not one.is_leaf and one.attribute != "__typename"],
        )

    def _field(
        self,
        scope: Scope,
        parent: GraphQLObjectType,
        key: str,
        nodes: list[FieldNode],
        *,
        is_event: bool,
    ) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            shape = Shape(is_non_null=True)
            return Field(key, nodes[0], GraphQLField(parent), shape, attribute=name)
        definition = parent.fields.get(name)
        declared = definition.extensions.get(BACKREF) if definition is not None else None
        if definition is None or declared is None or declared.extensions:
            raise Unsupported
        shape = self._shape(scope, definition.type, nodes)
        planned = Field(
            key, nodes[0], definition, shape, attribute=declared.python_name, declared=declared
        )
        planned.relation = declared.metadata.get(RELATION)
        if declared.base_resolver is not None and planned.relation is None and not is_event:
            planned.function = declared.base_resolver.wrapped_func
            planned.is_async = declared.base_resolver.is_async
            planned.takes_info = declared.base_resolver.info_parameter is not None
        if SOURCED in declared.metadata and not is_event:
            planned.layouts = lay_out(planned.shape, declared.metadata[SOURCED])
        return planned

    def _shape(self, scope: Scope, kind: Any, nodes: list[FieldNode]) -> Shape:
        non_null = isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if non_null else kind
        shape = Shape(is_non_null=non_null)
        if isinstance(inner, GraphQLList):
            shape.item = self._shape(scope, inner.of_type, nodes)
        elif isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            shape.leaf = inner
        elif isinstance(inner, GraphQLObjectType):
            shape.selection = self.select(scope, inner, nodes)
        else:
            shape.choices = Choices(self, scope, inner, nodes)
        return shape

    def type_of(self, row: Any, abstract: GraphQLAbstractType) -> GraphQLObjectType:
        """Return the object type of a row behind an interface or a union."""
        for concrete in self.schema.get_possible_types(abstract):
            definition = concrete.extensions[BACKREF]
            if type(row) is definition.origin:
                return concrete
            if definition.is_type_of is not None and definition.is_type_of(row, None):
                return concrete
        raise Unsupported


def _is_included(scope: Scope, node: Any) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, scope.variables)
    if skip is not None and skip["if_" if "if_" in skip else "if"] is True:
        return False
    include = get_directive_values(GraphQLIncludeDirective, node, scope.variables)
    return include is None or include["if_" if "if_" in include else "if"] is not False
