"""How an operation runs: its text parsed and validated once, its time bounded, its bugs masked."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionContext

from resolvers.sentences import ENGLISH
from schema.compiled import CompiledExecution
from schema.errors import ErrorCode, public_error, refusal, request_error
from schema.limits import check_limits
from settings import Settings, get_settings

CACHED_DOCUMENTS = 1000
CACHED_DOCUMENT_CHARACTERS = 20_000
CACHED_VERDICTS_PER_DOCUMENT = 50
HIDDEN_TEXT_CHARACTERS = 4
LITERAL = re.compile(r'"([^"\n]{4,})"')

# graphql-core compares fields for most of a second before it gives up; no honest query needs that.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000

Verdict = tuple[GraphQLError, ...]
Extensions = list[type[SchemaExtension] | Callable[[], SchemaExtension]]


@runtime_checkable
class Reloading(Protocol):
    """A context that wants to forget what its loaders know before each execution."""

    def begin_execution(self) -> None:
        """Forget loaded rows; called before an operation and before each event."""


@dataclass(slots=True)
class KnownDocument:
    """A parsed text with what validation said, and the limits by operation and page sizes."""

    document: DocumentNode
    validation: Verdict | None = None
    limits: dict[object, Verdict] = field(default_factory=dict)


@dataclass(slots=True)
class DocumentCache:
    """The texts seen last, at most `CACHED_DOCUMENTS` of them; long texts are not kept."""

    known: OrderedDict[str, KnownDocument] = field(default_factory=OrderedDict)

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


class Documents(SchemaExtension):
    """Parses and validates each text once, and holds each operation to the limits."""

    def __init__(self, settings: Settings, cache: DocumentCache) -> None:
        self.settings = settings
        self.cache = cache
        self.entry: KnownDocument | None = None

    def on_operation(self) -> Iterator[None]:
        """Bound the tokens that the parser reads."""
        self.execution_context.parse_options["max_tokens"] = self.settings.max_tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache, or leave it there when strawberry has parsed it."""
        context = self.execution_context
        text = context.query or ""
        self.entry = self.cache.get(text)
        if self.entry:
            context.graphql_document = self.entry.document
        yield
        if self.entry is None and context.graphql_document is not None:
            self.entry = self.cache.put(text, context.graphql_document)

    def on_validate(self) -> Iterator[None]:
        """Answer validation from the cache: first the limits, which are cheap, then the rules."""
        if self.entry is not None:
            errors = self.limits(self.entry) or self.validation(self.entry)
            self.execution_context.pre_execution_errors = list(errors)
        yield

    def limits(self, entry: KnownDocument) -> Verdict:
        """Return the limit that the operation breaks with these variables."""
        context = self.execution_context
        variables = context.variables or {}
        name = context.operation_name
        sizes = tuple(
            (key, len(value) if isinstance(value, list) else value)
            for key, value in variables.items()
            if isinstance(value, int | list)
        )
        key = (name, sizes)
        if key not in entry.limits:
            if len(entry.limits) >= CACHED_VERDICTS_PER_DOCUMENT:
                entry.limits.clear()
            entry.limits[key] = self.measure(entry.document, name, variables)
        return entry.limits[key]

    def measure(
        self, document: DocumentNode, name: str | None, variables: dict[str, Any]
    ) -> Verdict:
        """Hold the operation of that name to the limits."""
        schema = self.execution_context.schema._schema
        for operation in document.definitions:
            if not isinstance(operation, OperationDefinitionNode):
                continue
            if name is None or (operation.name and operation.name.value == name):
                error = check_limits(schema, document, operation, variables, self.settings)
                return (error,) if error else ()
        return ()

    def validation(self, entry: KnownDocument) -> Verdict:
        """Return what the rules of the specification say of the document."""
        if entry.validation is None:
            rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
            if not self.settings.introspection:
                rules.append(NoSchemaIntrospectionCustomRule)
            errors = validate(
                self.execution_context.schema._schema,
                entry.document,
                rules,
                hide_suggestions=not self.settings.introspection,
            )
            entry.validation = tuple(request_error(error) for error in errors)
        return entry.validation


def bounded_executor(settings: Settings) -> type[StrawberryGraphQLCoreExecutionContext]:
    """Return an executor that gives each operation, and each event, its time and no more."""

    compiled = CompiledExecution() if settings.compiled_execution else None

    class BoundedExecutor(StrawberryGraphQLCoreExecutionContext):
        @classmethod
        def build(cls, *args: Any, **kwargs: Any) -> Any:
            """Build the executor, or return the errors of the variables with their code."""
            built = super().build(*args, **kwargs)
            return [request_error(error) for error in built] if isinstance(built, list) else built

        def execute_operation(self, serially: bool | None = None) -> Any:
            """Execute the operation or one event; past its time it is cancelled: TRY_AGAIN."""
            if isinstance(self.context_value, Reloading):
                self.context_value.begin_execution()
            core = partial(super().execute_operation, serially)
            result = compiled.execute(self, core) if compiled is not None else core()
            return bounded(result) if self.is_awaitable(result) else result

    async def bounded(result: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(settings.operation_timeout_seconds) as limit:
                return await result
        except TimeoutError:
            if not limit.expired():
                raise
            return ExecutionResult(None, [refusal(ErrorCode.TRY_AGAIN)])

    return BoundedExecutor


def extensions(settings: Settings | None = None) -> Extensions:
    """Return the extensions of one schema, with their own cache of documents."""
    chosen = settings or get_settings()
    cache = DocumentCache()
    return [lambda: Documents(chosen, cache)]


class BoundedSchema(strawberry.Schema):
    """The schema with our limits, time bound and masking; the class that `root.py` builds."""

    def __init__(
        self,
        query: type,
        mutation: type | None = None,
        subscription: type | None = None,
        *,
        types: Iterable[Any] = (),
        config: StrawberryConfig | None = None,
        settings: Settings | None = None,
        **others: Any,
    ) -> None:
        chosen = settings or get_settings()
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=types,
            config=config or StrawberryConfig(),
            extensions=extensions(chosen),
            execution_context_class=bounded_executor(chosen),
            **others,
        )
        self.config.disable_field_suggestions = not chosen.introspection

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: ExecutionContext | None = None,
    ) -> None:
        """Replace each error by what the client may read; called once per result."""
        hidden = sent_texts(execution_context) if errors and execution_context else set()
        context = execution_context.context if execution_context else None
        language = getattr(context, "language", ENGLISH)
        errors[:] = [public_error(error, hidden, language) for error in errors]


def sent_texts(context: ExecutionContext) -> set[str]:
    """Return the texts in the variables and literals of an operation: they may be secrets."""
    texts: set[str] = set()
    pending: list[object] = [context.variables]
    while pending:
        value = pending.pop()
        if isinstance(value, str) and len(value) >= HIDDEN_TEXT_CHARACTERS:
            texts.add(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    for literal in LITERAL.findall(context.query or ""):
        texts.add(literal)
    return texts
