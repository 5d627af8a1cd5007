"""Read operations at random: generated from the SDL, on real rows, garnished with all syntax."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    ast_from_value,
    get_named_type,
    parse,
    parse_type,
    print_ast,
    type_from_ast,
)
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

MALFORMED = ["", "x", "Q29udmVyc2F0aW9uOjk5OTk5", "Q29udmVyc2F0aW9uOng", "💥"]
ROOT_FIELDS = 3
"""At most so many fields of the root, so that one bad id spoils few others."""
OWNERS = {"conversation": "Conversation", "message": "Message", "contact": "Contact"}
OWNERS |= {"inbox": "StandardInbox", "workspace": "Workspace"}
NAMED = {"workspaceId": "Workspace", "conversationId": "Conversation", "itemId": "Message"}


@dataclass(frozen=True, slots=True)
class Operation:
    """A document with what is sent along."""

    document: str
    variables: dict[str, Any]
    name: str | None
    viewer: str


@dataclass(slots=True)
class Garnish:
    """Turns a plain document into one with every kind of syntax; a seed decides."""

    schema: GraphQLSchema
    ids: Mapping[str, list[str]]
    cursors: list[str]
    dice: random.Random
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)

    def rolls(self, chance: float) -> bool:
        """Tell whether something of that chance happens."""
        return self.dice.random() < chance

    def document(self, plain: DocumentNode) -> tuple[str, str | None]:
        """Return the garnished text and the name of the operation to execute."""
        [operation] = plain.definitions
        assert isinstance(operation, OperationDefinitionNode)
        roots = list(operation.selection_set.selections)
        chosen = self.dice.sample(roots, min(len(roots), self.dice.randint(1, ROOT_FIELDS)))
        query = self.schema.query_type
        assert query is not None
        body = self.selections(chosen, query)
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        name = "Main" if self.declared or self.rolls(0.5) else ""
        parts = [f"query {name}{declared} {body}", *self.fragments]
        if name and self.rolls(0.2):
            return "\n".join(["query Other { __typename }", *parts]), name
        return "\n".join(parts), None

    def selections(self, selected: Sequence[Any], parent: GraphQLNamedType) -> str:
        """Return the text of a selection set."""
        parts: list[str] = []
        for node in selected:
            text = self.selection(node, parent)
            parts.append(text)
            if self.rolls(0.06):  # the same response key twice: both are merged
                parts.append(text)
            if self.rolls(0.06):
                parts.append(f"... on {parent.name} {self.directive()} {{ {text} }}")
            elif self.rolls(0.04):
                parts.append(f"... {self.directive()} {{ {text} }}")
            if self.rolls(0.08):
                name = f"F{len(self.fragments)}"
                self.fragments.append(f"fragment {name} on {parent.name} {{ {text} }}")
                parts += [f"...{name} {self.directive()}"] * self.dice.randint(1, 2)
        if self.rolls(0.2):
            alias = self.dice.choice(["", "kind_: "])
            parts.insert(self.dice.randint(0, len(parts)), f"{alias}__typename")
        if self.rolls(0.3):
            self.dice.shuffle(parts)
        return f"{{ {' '.join(parts)} }}"

    def selection(self, node: Any, parent: GraphQLNamedType) -> str:
        """Return the text of one field or inline fragment."""
        if isinstance(node, InlineFragmentNode):
            assert node.type_condition is not None
            kind = self.schema.get_type(node.type_condition.name.value)
            assert kind is not None
            inner = self.selections(node.selection_set.selections, kind)
            return f"... on {kind.name} {self.directive()} {inner}"
        assert isinstance(node, FieldNode)
        definition = parent.fields[node.name.value]  # type: ignore[attr-defined]  # has fields
        arguments = self.arguments(node, definition)
        alias = f"{node.alias.value}: " if node.alias else ""
        if not alias and (arguments or self.rolls(0.05)):
            alias = f"a{self.dice.randrange(10**9)}: "  # other arguments, another key
        inner = ""
        if node.selection_set is not None:
            kind = get_named_type(definition.type)
            inner = self.selections(node.selection_set.selections, kind)
        return f"{alias}{node.name.value}{arguments} {self.directive()} {inner}"

    def directive(self) -> str:
        """Return a condition now and then, literal or of a variable."""
        if not self.rolls(0.06):
            return ""
        value = self.rolls(0.7)
        given = self.variable("Boolean!", value) if self.rolls(0.6) else str(value).lower()
        if self.rolls(0.1):
            return f"@include(if: {given}) @skip(if: false)"
        return f"@include(if: {given})" if self.rolls(0.8) else f"@skip(if: {given})"

    def variable(self, kind: str, value: Any) -> str:
        """Declare a variable and return its name; some have a default, and get it."""
        name = f"$v{len(self.declared)}"
        default = ""
        if self.rolls(0.3) and value is not None:
            default = f" = {self.literal(value, type_from_ast(self.schema, parse_type(kind)))}"
        if not default or self.rolls(0.5):
            self.variables[name[1:]] = value
        self.declared.append(f"{name}: {kind}{default}")
        return name

    def literal(self, value: Any, kind: Any) -> str:
        """Return a value as it is written in a document."""
        written = ast_from_value(value, kind)
        assert written is not None
        return print_ast(written)

    def arguments(self, node: FieldNode, definition: GraphQLField) -> str:
        """Return the arguments of a field, most of them as literals and on real rows."""
        parts = []
        unused = self.dice.choice(["last", "first"]) if self.rolls(0.95) else ""
        for argument in node.arguments or ():
            if argument.name.value == unused and "last" in definition.args:
                continue
            kind = definition.args[argument.name.value].type
            value, literal = self.value(node, argument)
            if literal is None:
                if self.rolls(0.1) and not str(kind).endswith("!"):
                    continue
                literal = self.literal(value, kind)
                if self.rolls(0.4):
                    literal = self.variable(str(kind), value)
            parts.append(f"{argument.name.value}: {literal}")
        return f"({', '.join(parts)})" if parts else ""

    def value(self, node: FieldNode, argument: ArgumentNode) -> tuple[Any, str | None]:
        """Return an argument's value, or its literal where it stays as it was generated."""
        name = argument.name.value
        if name in ("id", *NAMED):
            return self.id(NAMED.get(name) or OWNERS.get(node.name.value)), None
        if name == "text":
            return self.dice.choice(["open", "Hello", "con", "Hi $contact.name"]), None
        if name == "ids":
            return [self.id(None) for _ in range(self.dice.randint(0, 4))], None
        if name in ("first", "last"):
            odd = self.rolls(0.02)
            return self.dice.choice([0, -1, 101] if odd else [1, 2, 3, 50]), None
        if node.name.value == "events" and name == "after":
            return self.dice.choice(self.ids["cursor of the log"]), None
        if name in ("after", "before") and node.name.value != "timelineAround":  # there: how many
            if self.rolls(0.8):
                return None, None
            return self.dice.choice([*self.cursors, "x"] if self.rolls(0.1) else self.cursors), None
        if name == "search":
            return self.dice.choice(["open", "s", "Closed 98", "", "%"]), None
        return None, print_ast(argument.value)

    def id(self, kind: str | None) -> str:
        """Return the id of a real row, most of the time of the right kind."""
        if self.rolls(0.015):
            return self.dice.choice(MALFORMED)
        if kind is None or self.rolls(0.015):
            kind = self.dice.choice(list(self.ids))  # also what is no id at all
        return self.dice.choice(self.ids[kind][:4] if kind == "Workspace" else self.ids[kind])


def plain_documents(sdl: str) -> st.SearchStrategy[str]:
    """Return the strategy of valid queries in plain syntax."""
    moments = st.just("2026-11-22T20:07:00+01:00").map(nodes.String)
    return queries(sdl, custom_scalars={"DateTime": moments})


def garnished(
    schema: GraphQLSchema,
    plain: str,
    seed: int,
    ids: Mapping[str, list[str]],
    cursors: list[str],
    viewers: list[str],
) -> Operation:
    """Return an operation made of a plain document."""
    garnish = Garnish(schema, ids, cursors, random.Random(seed))
    document, name = garnish.document(parse(plain, no_location=True))
    return Operation(document, garnish.variables, name, garnish.dice.choice(viewers))
