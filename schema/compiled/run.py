"""One execution of a plan: level by level, with one batch for each relation of a level."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    IntValueNode,
    NullValueNode,
    StringValueNode,
)

from schema.compiled.fused import Fused, Level, present
from schema.compiled.inputs import Inputs
from schema.compiled.leaves import GiveUp, slow
from schema.compiled.plan import BACKREF, Choices
from schema.compiled.selection import Field, Selection, Shape

__all__ = ["GiveUp", "Run"]

CONSTANTS = (BooleanValueNode, EnumValueNode, IntValueNode, NullValueNode, StringValueNode)


def has_constants(node: FieldNode) -> bool:
    """Tell whether a field's arguments are plain values: no variables, nothing to be changed."""
    return all(isinstance(one.value, CONSTANTS) for one in node.arguments or ())


class Run:
    """The execution of one operation, or of one event of a subscription."""

    def __init__(self, executor: Any) -> None:
        self.executor = executor
        self.context = executor.context_value
        self.info = SimpleNamespace(context=self.context)
        self.done: dict[str, tuple[Any, Any]] = {}
        """What the mutations of this operation answered: graphql-core must not repeat them."""

    async def select(self, selection: Selection, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the answers of all rows of one object type."""
        if selection.fused is not None and selection.has_fused(rows):
            return await self._fused(selection.fused, rows)
        answers = selection.build(rows, *map(self._callable, selection.bound))
        for field in selection.deep:
            waits = field.is_async or field.relation is not None
            values = await self._values(field, rows) if waits else self._values_now(field, rows)
            completed = await self._complete(field.shape, values)
            for answer, value in zip(answers, completed, strict=True):
                answer[field.key] = value
        return answers

    async def _fused(self, fused: Fused, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the answers of a layout's rows."""
        answers = fused.build(rows, self.context.sees_details, *map(self._callable, fused.bound))
        if fused.level.has_deep:
            await self._fill(fused.level, rows, answers)
        return answers

    async def _fill(self, level: Level, rows: Sequence[Any], answers: list[Any]) -> None:
        """Find what the rows of a level do not hold, and put it into their answers."""
        held = list(present(level, rows, answers))
        for field in level.deep:
            values = await self._values(field, [level.view(row) for row, _ in held])
            completed = await self._complete(field.shape, values)
            for (_, answer), value in zip(held, completed, strict=True):
                answer[field.key] = value
        for inner in level.inner:
            if inner.has_deep:
                await self._fill(inner, [row for row, _ in held], [one for _, one in held])

    async def mutate(self, plan: Selection) -> dict[str, Any]:
        """Run the mutations one after another, keeping what each has answered."""
        [answer] = plan.build([self.executor.root_value])
        for field in plan.deep:
            try:
                [value] = await self._values(field, [self.executor.root_value])
            except Exception as error:
                self.done[field.key] = (error, self.context.loaders)
                raise
            self.done[field.key] = (value, self.context.loaders)
            [answer[field.key]] = await self._complete(field.shape, [value])
        return answer

    async def tell(self, plan: Selection) -> dict[str, Any]:
        """Return the answer of one event: the root value is the field's."""
        [answer] = plan.build([self.executor.root_value])
        for field in plan.deep:
            [answer[field.key]] = await self._complete(field.shape, [self.executor.root_value])
        return answer

    async def _values(self, field: Field, rows: Sequence[Any]) -> list[Any]:
        """Return a field's values for all parents."""
        if field.relation is not None:
            return await self._related(field, rows)
        if not field.is_async:
            return self._values_now(field, rows)
        call = self._callable(field)
        if len(rows) == 1:
            return [await call(rows[0])]
        values = await asyncio.gather(*(call(row) for row in rows), return_exceptions=True)
        for value in values:  # only now: none may go on when graphql-core begins anew
            if isinstance(value, BaseException):
                raise value
        return values

    def _values_now(self, field: Field, rows: Sequence[Any]) -> list[Any]:
        """Return the values of a field that nobody has to wait for."""
        if field.function is None:
            name = field.attribute
            return [getattr(row, name) for row in rows]
        call = self._callable(field)
        return [call(row) for row in rows]

    async def _related(self, field: Field, rows: Sequence[Any]) -> list[Any]:
        """Return what a relation finds for all parents: its batch is asked once."""
        relation = field.relation
        assert relation is not None  # noqa: S101 - the caller has looked
        given = self._arguments(field)
        if relation.takes_info:
            given["info"] = self._info(field)
        keys = (
            [relation.key(row, **given) for row in rows]
            if given
            else [relation.key(row) for row in rows]
        )
        wanted = {key for key in keys if key is not None}
        found = await self.context.loaders.of(relation.batch).load_all(wanted) if wanted else {}
        then = relation.then
        return [
            relation.absent if key is None else then(row, found.get(key))
            for row, key in zip(rows, keys, strict=True)
        ]

    def _callable(self, field: Field) -> Callable[[Any], Any]:
        """Return a field's resolver with its arguments filled in."""
        function = field.function
        assert function is not None  # noqa: S101 - the caller has looked
        given = self._arguments(field)
        if field.takes_info:
            given["info"] = self._info(field)
        return (lambda row: function(row, **given)) if given else function

    def _info(self, field: Field) -> Any:
        if field.layouts is None:
            return self.info
        return SimpleNamespace(context=self.context, layouts=field.layouts)

    def _arguments(self, field: Field) -> dict[str, Any]:
        if field.constants is not None:
            return dict(field.constants)
        if field.inputs is not None:
            return field.inputs.of(self.executor.variable_values)
        converter = self.executor.schema.extensions[BACKREF].schema_converter
        field.inputs = Inputs(field, converter)
        given = field.inputs.of(self.executor.variable_values)
        if has_constants(field.node):
            field.constants = dict(given)
        return given

    def _complete(self, shape: Shape, values: Sequence[Any]) -> Awaitable[list[Any]]:
        """Complete the values of all parents to their shape; null where the schema allows it."""
        for value in values:
            if value is None:
                if shape.is_non_null:
                    raise GiveUp
                return self._with_nulls(shape, values)
        return self._present(shape, values)

    async def _with_nulls(self, shape: Shape, values: Sequence[Any]) -> list[Any]:
        present = [value for value in values if value is not None]
        completed = iter(await self._present(shape, present)) if present else iter(())
        return [None if value is None else next(completed) for value in values]

    def _present(self, shape: Shape, values: Sequence[Any]) -> Awaitable[list[Any]]:
        if shape.selection is not None:
            shape.selection.expect(values)
            return self.select(shape.selection, values)
        if shape.item is not None:
            return self._lists(shape.item, values)
        if shape.choices is None:
            return self._leaves(shape, values)
        if len(values) == 1:
            return self.select(shape.choices.of(values[0]), values)
        return self._choose(shape.choices, values)

    async def _leaves(self, shape: Shape, values: Sequence[Any]) -> list[Any]:
        complete = slow(shape.leaf, is_non_null=shape.is_non_null)
        return [complete(value) for value in values]

    async def _lists(self, item: Shape, lists: Sequence[Any]) -> list[list[Any]]:
        """Complete the items of all lists at once; what can be read only once is left alone."""
        if any(not isinstance(one, list | tuple) for one in lists):
            raise GiveUp
        if len(lists) == 1:
            return [await self._complete(item, lists[0])]
        flat = [value for one in lists for value in one]
        completed = iter(await self._complete(item, flat))
        return [[next(completed) for _ in one] for one in lists]

    async def _choose(self, choices: Choices, rows: Sequence[Any]) -> list[Any]:
        """Complete rows behind an interface or a union, those of one type together."""
        groups: dict[int, tuple[Selection, list[int]]] = {}
        for place, row in enumerate(rows):
            selection = choices.of(row)
            groups.setdefault(id(selection), (selection, []))[1].append(place)
        completed: list[Any] = [None] * len(rows)
        for selection, places in groups.values():
            answers = await self.select(selection, [rows[place] for place in places])
            for place, answer in zip(places, answers, strict=True):
                completed[place] = answer
        return completed
