"""Compiled execution: a validated operation becomes Python functions over whole levels of rows.

graphql-core completes value by value; here each level of a selection is one list of rows: plain
fields are read by one generated comprehension, relations by one batch for all parents. What the
plan does not know, and whatever fails, is left to graphql-core, so that errors, paths and null
propagation are its own; a mutation's effect is kept and never happens twice.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

from graphql import ExecutionResult, GraphQLError, OperationType

from schema.compiled.plan import Planner, condition_names
from schema.compiled.run import Run
from schema.compiled.selection import Selection, Unsupported

MAX_OPERATIONS = 1000
"""How many operations are remembered, the one used longest ago forgotten first."""
MAX_PLANS = 32
"""How many plans an operation has for the values that its conditions have had."""
CoreExecution = Callable[[], Any]


@dataclass(slots=True)
class KnownOperation:
    """The plans of an operation, which live as long as it does."""

    operation: "ref[Any]"
    conditions: tuple[str, ...]
    """The variables on which it depends what is in the answer."""
    plans: dict[tuple[Any, ...], Selection | None] = field(default_factory=dict)


class CompiledExecution:
    """The compiled operations of one schema."""

    def __init__(self) -> None:
        self._operations: OrderedDict[int, KnownOperation] = OrderedDict()
        self._planner: Planner | None = None

    def plan(self, executor: Any) -> Selection | None:
        """Return the plan of an executor's operation, None where graphql-core must do it."""
        known = self._known(executor)
        variables = executor.variable_values.coerced
        conditions = tuple([variables.get(name) for name in known.conditions])
        if conditions not in known.plans:
            if len(known.plans) >= MAX_PLANS:
                known.plans.clear()
            known.plans[conditions] = self._compile(executor, known.conditions)
        return known.plans[conditions]

    def _known(self, executor: Any) -> KnownOperation:
        operation = executor.operation
        key = id(operation)
        known = self._operations.get(key)
        if known is not None:
            self._operations.move_to_end(key)
            return known
        names = condition_names(operation, executor.fragment_definitions)
        # who forgets the document frees its plans, before another operation can get its identity
        forgotten = ref(operation, lambda _: self._operations.pop(key, None))
        known = self._operations[key] = KnownOperation(forgotten, names)
        if len(self._operations) > MAX_OPERATIONS:
            self._operations.popitem(last=False)
        return known

    def _compile(self, executor: Any, conditions: tuple[str, ...]) -> Selection | None:
        if self._planner is None:
            self._planner = Planner(executor.schema)
        try:
            return self._planner.plan(executor, conditions)
        except (Unsupported, GraphQLError):
            return None

    def execute(self, executor: Any, core: CoreExecution) -> Any:
        """Execute an operation or one event; `core` executes it with graphql-core."""
        is_mutation = executor.operation.operation is OperationType.MUTATION
        if is_mutation and getattr(executor.context_value, "done", None):
            return core()  # a plan has failed on it before
        plan = self.plan(executor)
        if plan is None:
            return core()
        return self._execute(executor, plan, core)

    async def _execute(self, executor: Any, plan: Selection, core: CoreExecution) -> Any:
        run = Run(executor)
        kind = executor.operation.operation
        try:
            if kind is OperationType.MUTATION:
                data = await run.mutate(plan)
            elif kind is OperationType.SUBSCRIPTION:
                data = await run.tell(plan)
            else:
                [data] = await run.select(plan, [executor.root_value])
            return ExecutionResult(data, None)
        except Exception:  # noqa: S110 - graphql-core meets it again, and tells or logs it
            pass
        if run.done:
            executor.context_value.done = run.done
        result = core()
        return await result if isinstance(result, Awaitable) else result
