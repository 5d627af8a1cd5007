"""Documents: the texts of operations, parsed, validated and measured once while they are known."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.errors import request_error
from schema.limits import check_limits
from settings import Settings

CACHED_DOCUMENTS = 1000
CACHED_DOCUMENT_CHARACTERS = 20_000
CACHED_VERDICTS_PER_DOCUMENT = 50

# graphql-core compares fields for most of a second before it gives up; no honest query needs that.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000

Verdict = tuple[GraphQLError, ...]
Variables = Mapping[str, Any]


@dataclass(slots=True)
class KnownDocument:
    """A parsed text with what validation said, and the limits by operation and page sizes."""

    document: DocumentNode
    validation: Verdict | None = None
    limits: dict[object, Verdict] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation of a name, or the only one; None where that is not clear."""
        found = [
            one
            for one in self.document.definitions
            if isinstance(one, OperationDefinitionNode)
            and (name is None or (one.name and one.name.value == name))
        ]
        return found[0] if len(found) == 1 else None

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        """Return the fragments by name."""
        return {
            one.name.value: one
            for one in self.document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }


class Documents:
    """The texts seen last, at most `CACHED_DOCUMENTS` of them; long texts are not kept."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.known: OrderedDict[str, KnownDocument] = OrderedDict()

    def get(self, text: str) -> KnownDocument | None:
        """Return what is known of a text."""
        if text in self.known:
            self.known.move_to_end(text)
        return self.known.get(text)

    def put(self, text: str, document: DocumentNode) -> KnownDocument:
        """Remember a parsed text, forgetting the one that was not used for longest."""
        entry = KnownDocument(document)
        if len(text) <= CACHED_DOCUMENT_CHARACTERS:
            self.known[text] = entry
            if len(self.known) > CACHED_DOCUMENTS:
                self.known.popitem(last=False)
        return entry

    def errors(self, entry: KnownDocument, name: str | None, variables: Variables) -> Verdict:
        """Return why an operation may not be executed: first the limits, which are cheap."""
        return self.limits(entry, name, variables) or self.validation(entry)

    def limits(self, entry: KnownDocument, name: str | None, variables: Variables) -> Verdict:
        """Return the limit that an operation breaks with these variables."""
        sizes = tuple(
            (key, len(value) if isinstance(value, list) else value)
            for key, value in variables.items()
            if isinstance(value, int | list)
        )
        key = (name, sizes)
        if key not in entry.limits:
            if len(entry.limits) >= CACHED_VERDICTS_PER_DOCUMENT:
                entry.limits.clear()
            entry.limits[key] = self._measure(entry.document, name, variables)
        return entry.limits[key]

    def _measure(self, document: DocumentNode, name: str | None, variables: Variables) -> Verdict:
        for operation in document.definitions:
            if not isinstance(operation, OperationDefinitionNode):
                continue
            if name is None or (operation.name and operation.name.value == name):
                error = check_limits(self.schema, document, operation, variables, self.settings)
                return (error,) if error else ()
        return ()

    def validation(self, entry: KnownDocument) -> Verdict:
        """Return what the rules of the specification say of a document."""
        if entry.validation is None:
            rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
            if not self.settings.introspection:
                rules.append(NoSchemaIntrospectionCustomRule)
            hidden = not self.settings.introspection
            errors = validate(self.schema, entry.document, rules, hide_suggestions=hidden)
            entry.validation = tuple(request_error(error) for error in errors)
        return entry.validation


class Checks(SchemaExtension):
    """Parses and validates each text once, and holds each operation to the limits."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.entry: KnownDocument | None = None

    def on_operation(self) -> Iterator[None]:
        """Bound the tokens that the parser reads."""
        self.execution_context.parse_options["max_tokens"] = self.documents.settings.max_tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache, or leave it there when strawberry has parsed it."""
        context = self.execution_context
        text = context.query or ""
        self.entry = self.documents.get(text)
        if self.entry:
            context.graphql_document = self.entry.document
        yield
        if self.entry is None and context.graphql_document is not None:
            self.entry = self.documents.put(text, context.graphql_document)

    def on_validate(self) -> Iterator[None]:
        """Answer validation from the cache."""
        if self.entry is not None:
            context = self.execution_context
            errors = self.documents.errors(
                self.entry, context.operation_name, context.variables or {}
            )
            context.pre_execution_errors = list(errors)
        yield
