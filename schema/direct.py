"""Direct execution: a known operation with a plan is answered without the library's lifecycle.

Documents, limits, plans, time and context are the same as there; what has no plan, and whatever
fails, is left to it: its answer is then the one that counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.values import VariableValues

from schema.compiled import CompiledExecution
from schema.compiled.inputs import Variables
from schema.compiled.run import Run
from schema.compiled.selection import Selection
from schema.deadlines import Deadlines
from schema.documents import Documents, KnownDocument
from schema.errors import ErrorCode, refusal
from schema.proof import CURSOR, proves, questioning


@dataclass(frozen=True, slots=True)
class Known:
    """What is the same of an operation each time."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    shows_cursor: bool
    """Whether it shows where the log stood, or may do."""

    @classmethod
    def of(
        cls, document: KnownDocument, name: str | None, schema: GraphQLSchema, text: str
    ) -> "Known | None":
        """Return what is known of the operation that a document has by a name."""
        operation = document.operation(name)
        if operation is None:
            return None
        variables = Variables(schema, operation.variable_definitions or ())
        return cls(operation, document.fragments, variables, CURSOR in text)


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
    deadlines: Deadlines
    is_proving: bool = False
    """Whether it is a mutation that proves who asks."""
    done: dict[str, Any] | None = None
    """What it has done for a viewer who was proved, where its answer has failed then."""

    @property
    def is_query(self) -> bool:
        """Tell whether it changes nothing."""
        return self.operation.operation.operation is OperationType.QUERY

    @property
    def is_provable(self) -> bool:
        """Tell whether it may run for a viewer who is only remembered."""
        return (self.is_query or self.is_proving) and not self.plan.is_unprovable

    async def run_proving(self, context: Any) -> dict[str, Any] | None:
        """Return its data if its own statements have proved the viewer, else None.

        Where no statement was asked to, none will be: then it is not tried again. A mutation can
        commit nothing before; what it has done for who was proved, `run` takes for done.
        """
        proof = context.viewer.proof
        if self.is_query:
            data = await self.run(context)
        else:
            with questioning(proof):
                data = await self.run(context)
        if proof.holds and context.done:
            self.done = context.done
        if data is not None and not proof.was_asked:
            self.plan.is_unprovable = True
        return data if proof.holds else None

    async def run(self, context: Any) -> dict[str, Any] | None:
        """Return its data; None where the library must say what is wrong.

        Raises TRY_AGAIN when its time is over.
        What a mutation has done by then is noted in the context, and never done again.
        """
        if self.done is not None:
            context.done = self.done
            return None
        self.operation.context_value = context
        run = Run(self.operation)
        limit = self.deadlines.limit()
        try:
            with limit:
                if self.operation.operation.operation is OperationType.MUTATION:
                    return await run.mutate(self.plan)
                [data] = await run.select(self.plan, [None])
                return data
        except Exception:
            if limit.is_over:
                raise refusal(ErrorCode.TRY_AGAIN) from None
            if run.done:
                context.done = run.done
            return None


class DirectExecution:
    """The way past the library for one schema."""

    def __init__(
        self, documents: Documents, compiled: CompiledExecution, deadlines: Deadlines
    ) -> None:
        self.documents = documents
        self.compiled = compiled
        self.deadlines = deadlines

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
        known = self._known(document, name, text)
        if known is None or known.operation.operation is OperationType.SUBSCRIPTION:
            return None
        values = known.variables.values(given)
        if values is None:
            return None
        ready = Operation(self.documents.schema, known.operation, known.fragments, values)
        plan = self.compiled.plan(ready)
        if plan is None:
            return None
        is_mutation = known.operation.operation is OperationType.MUTATION
        is_proving = is_mutation and not known.shows_cursor and proves(plan.deep)
        return Prepared(ready, plan, self.deadlines, is_proving)

    def _known(self, document: KnownDocument, name: str | None, text: str) -> Known | None:
        known: Known | None = document.executed.get(name)
        if known is None:
            known = Known.of(document, name, self.documents.schema, text)
            if known is not None:
                document.executed[name] = known
        return known
