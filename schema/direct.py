"""Direct execution: a known operation with a plan is answered without the library's lifecycle.

Documents, limits, plans, time and context are the same as there; what has no plan, and whatever
fails, is left to it: its answer is then the one that counts.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from schema.compiled import CompiledExecution
from schema.compiled.run import Run
from schema.compiled.selection import Selection
from schema.documents import Documents
from schema.errors import ErrorCode, refusal


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
        known = self.documents.get(text)
        operation = known.operation(name) if known is not None else None
        if known is None or operation is None:
            return None
        given = dict(variables or {})
        if operation.operation is OperationType.SUBSCRIPTION or known.validation is None:
            return None
        if self.documents.errors(known, name, given):
            return None
        values = get_variable_values(
            self.documents.schema, operation.variable_definitions or (), given
        )
        if not isinstance(values, VariableValues):
            return None
        ready = Operation(self.documents.schema, operation, known.fragments, values)
        plan = self.compiled.plan(ready)
        seconds = self.documents.settings.operation_timeout_seconds
        return Prepared(ready, plan, seconds) if plan is not None else None
