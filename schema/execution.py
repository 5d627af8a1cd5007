"""How an operation runs: its text parsed and validated once, its time bounded, its bugs masked."""

import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext

from resolvers.sentences import ENGLISH
from schema.compiled import CompiledExecution
from schema.deadlines import Deadlines
from schema.direct import DirectExecution
from schema.documents import Checks, Documents
from schema.errors import ErrorCode, public_error, refusal, request_error
from settings import Settings, get_settings

HIDDEN_TEXT_CHARACTERS = 4
LITERAL = re.compile(r'"([^"\n]{4,})"')

# graphql-core compares fields for most of a second before it gives up; no honest query needs that.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000

Extensions = list[type[SchemaExtension] | Callable[[], SchemaExtension]]


def bounded_executor(
    deadlines: Deadlines, compiled: CompiledExecution | None
) -> type[StrawberryGraphQLCoreExecutionContext]:
    """Return an executor that gives each operation, and each event, its time and no more."""

    class BoundedExecutor(StrawberryGraphQLCoreExecutionContext):
        @classmethod
        def build(cls, *args: Any, **kwargs: Any) -> Any:
            """Build the executor, or return the errors of the variables with their code."""
            built = super().build(*args, **kwargs)
            return [request_error(error) for error in built] if isinstance(built, list) else built

        def execute_operation(self, serially: bool | None = None) -> Any:
            """Execute the operation or one event; past its time it is cancelled: TRY_AGAIN."""
            core = partial(super().execute_operation, serially)
            result = compiled.execute(self, core) if compiled is not None else core()
            return bounded(result) if self.is_awaitable(result) else result

    async def bounded(result: Awaitable[Any]) -> Any:
        try:
            with deadlines.limit() as limit:
                return await result
        except TimeoutError:
            if not limit.is_over:
                raise
            return ExecutionResult(None, [refusal(ErrorCode.TRY_AGAIN)])

    return BoundedExecutor


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
        self.deadlines = Deadlines(chosen.operation_timeout_seconds)
        self.compiled = CompiledExecution() if chosen.compiled_execution else None
        extensions: Extensions = [lambda: Checks(self.documents)]
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=types,
            config=config or StrawberryConfig(),
            extensions=extensions,
            execution_context_class=bounded_executor(self.deadlines, self.compiled),
            **others,
        )
        self.documents = Documents(self._schema, chosen)
        self.direct = (
            DirectExecution(self.documents, self.compiled, self.deadlines)
            if self.compiled
            else None
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
