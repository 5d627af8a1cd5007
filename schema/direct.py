"""Direct execution: a known operation with a plan is answered without the library's lifecycle.

Documents, limits, plans, time and context are the same as there; what has no plan, and whatever
fails, is left to it: its answer is then the one that counts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_nullable_type,
    get_variable_values,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource

from schema.compiled import CompiledExecution
from schema.compiled.leaves import TEXTS
from schema.compiled.run import Run
from schema.compiled.selection import Selection
from schema.documents import Documents, KnownDocument
from schema.errors import ErrorCode, refusal


@dataclass(frozen=True, slots=True)
class Known:
    """What is the same of an operation each time."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    texts: Sequence[GraphQLVariableSignature] | None
    """Its variables, where all are texts and ids."""

    @classmethod
    def of(cls, document: KnownDocument, name: str | None, schema: GraphQLSchema) -> "Known | None":
        """Return what is known of the operation that a document has by a name."""
        operation = document.operation(name)
        if operation is None:
            return None
        nodes = operation.variable_definitions or ()
        signatures = [get_variable_signature(schema, node) for node in nodes]
        texts = [
            one
            for one in signatures
            if not isinstance(one, GraphQLError) and str(get_nullable_type(one.type)) in TEXTS
        ]
        is_plain = len(texts) == len(nodes)
        return cls(operation, document.fragments, texts if is_plain else None)

    def values(self, schema: GraphQLSchema, given: dict[str, Any]) -> VariableValues | None:
        """Return its variables' values; None where they are not what was declared."""
        if self.texts is not None:
            sources = {
                one.name: VariableValueSource(one, given.get(one.name)) for one in self.texts
            }
            if all(one.value.__class__ is str for one in sources.values()):
                return VariableValues(sources, {name: one.value for name, one in sources.items()})
        found = get_variable_values(schema, self.operation.variable_definitions or (), given)
        return found if isinstance(found, VariableValues) else None


@dataclass(slots=True)
class Operation:
    """What compiled execution wants to know of an operation."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragment_definitions: Mapping[str, FragmentDefinitionNode]
    variable_values: VariableValues
    context_value: Any = None
    root_value: None = None


@dataclass(slots=True)
class Prepared:
    """An operation that may be executed, and its plan."""

    operation: Operation
    plan: Selection
    seconds: float

    @property
    def is_query(self) -> bool:
        """Tell whether it changes nothing."""
        return self.operation.operation.operation is OperationType.QUERY

    @property
    def is_provable(self) -> bool:
        """Tell whether it may run for a viewer who is only remembered."""
        return self.is_query and not self.plan.is_unprovable

    async def run_proving(self, context: Any) -> dict[str, Any] | None:
        """Return its data if its own statements have proved the viewer, else None.

        Where no statement was asked to, none will be: then it is not tried again.
        """
        data = await self.run(context)
        proof = context.viewer.proof
        if data is not None and not proof.was_asked:
            self.plan.is_unprovable = True
        return data if proof.holds else None

    async def run(self, context: Any) -> dict[str, Any] | None:
        """Return its data; None where the library must say what is wrong.

        Raises TRY_AGAIN when its time is over.
        What a mutation has done by then is noted in the context, and never done again.
        """
        self.operation.context_value = context
        run = Run(self.operation)
        limit = asyncio.timeout(self.seconds)
        try:
            async with limit:
                if self.operation.operation.operation is OperationType.MUTATION:
                    return await run.mutate(self.plan)
                [data] = await run.select(self.plan, [None])
                return data
        except Exception:
            if limit.expired():
                raise refusal(ErrorCode.TRY_AGAIN) from None
            if run.done:
                context.done = run.done
            return None


class DirectExecution:
    """The way past the library for one schema."""

    def __init__(self, documents: Documents, compiled: CompiledExecution) -> None:
        self.documents = documents
        self.compiled = compiled

    def prepare(
        self, text: str, name: str | None, variables: Mapping[str, Any] | None
    ) -> Prepared | None:
        """Return a query or mutation ready to run; None where the library must see it first."""
        document = self.documents.get(text)
        if document is None or document.validation is None:
            return None
        given = dict(variables or {})
        if self.documents.errors(document, name, given):
            return None
        known = self._known(document, name)
        if known is None or known.operation.operation is OperationType.SUBSCRIPTION:
            return None
        values = known.values(self.documents.schema, given)
        if values is None:
            return None
        ready = Operation(self.documents.schema, known.operation, known.fragments, values)
        plan = self.compiled.plan(ready)
        seconds = self.documents.settings.operation_timeout_seconds
        return Prepared(ready, plan, seconds) if plan is not None else None

    def _known(self, document: KnownDocument, name: str | None) -> Known | None:
        known: Known | None = document.executed.get(name)
        if known is None:
            known = Known.of(document, name, self.documents.schema)
            if known is not None:
                document.executed[name] = known
        return known
