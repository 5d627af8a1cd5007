"""What migrations need on both databases and the migration writer cannot express."""

from functools import cached_property
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations import operations as ops
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps

Keyed = dict[tuple[str, str], ModelState]


class Executor(MigrationExecutor):
    """Applies migrations in a third of the time that Tortoise takes.

    Before each operation, Tortoise copies all models and makes their classes anew, of which few
    operations look at one; and it prepares each class for queries, but our migrations speak SQL.
    """

    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        state = await super()._project_state(applied, upto=upto)
        apps = _Apps(state.apps._default_connections, state.apps._connections)
        apps.apps = state.apps.apps
        return _State(state.models, apps)


class _Apps(StateApps):
    def _build_initial_querysets(self) -> None:
        for app in self.apps.values():
            for model in app.values():
                if model._meta._inited:
                    model._meta.finalise_fields()
                    model._meta._resolve_index_expressions()


class _State(State):
    def clone(self) -> State:
        return _Before(self.models, self.apps)


class _Before(State):
    """The models before an operation, whose classes are made for those that ask for them."""

    def __init__(self, models: Keyed, apps: StateApps) -> None:
        self.models = {key: _copied(model) for key, model in models.items()}
        self._empty = type(apps)(apps._default_connections, apps._connections)

    @cached_property
    def apps(self) -> StateApps:  # type: ignore[override]
        """The classes of the models."""
        return self._empty.clone({key: model.clone() for key, model in self.models.items()})


def _copied(model: ModelState) -> ModelState:
    """Copy what operations change; they put another field in place of one, and change none."""
    copy = ModelState.__new__(ModelState)
    copy.__dict__ = model.__dict__ | {
        "options": dict(model.options),
        "fields": dict(model.fields),
    }
    return copy


class Redescribe(ops.AlterField):
    """An enum has got another value: the column stays, and SQLite need not remake the table."""

    async def database_forward(self, *_: Any, **__: Any) -> None:
        """Leave the database alone: to remake a table would lose the checks added to it."""


async def add_check(client: BaseDBAsyncClient, table: str, name: str, condition: str) -> None:
    """Have every row of a table meet a condition, in which `{row}` stands before each column.

    SQLite cannot add a check to a table that exists: triggers stand in for it there.
    """
    if client.capabilities.dialect == "postgres":
        check = condition.format(row="")
        await client.execute_query(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check})")
        return
    check = condition.format(row="NEW.")
    for moment in ("INSERT", "UPDATE"):
        await client.execute_query(
            f"CREATE TRIGGER {name}_{moment.lower()} BEFORE {moment} ON {table} WHEN NOT ({check})"
            f" BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {name}'); END"
        )


async def keep_whole(client: BaseDBAsyncClient, table: str, days: int) -> None:
    """Have the database refuse to change rows of a table, and to delete those of the last days."""
    if client.capabilities.dialect == "postgres":
        await client.execute_query(
            f"CREATE FUNCTION {table}_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF TG_OP = 'DELETE' THEN"
            f" IF OLD.created_at < clock_timestamp() - interval '{days} days' THEN RETURN OLD;"
            " END IF; END IF;"
            f" RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation';"
            " END $$"
        )
        for moment in ("UPDATE OR DELETE", "TRUNCATE"):
            each = "STATEMENT" if moment == "TRUNCATE" else "ROW"
            await client.execute_query(
                f"CREATE TRIGGER {table}_is_whole_{each.lower()} BEFORE {moment} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION {table}_is_whole()"
            )
        return
    edge = f"strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', '-{days} days')"
    for moment, when in (("UPDATE", ""), ("DELETE", f" WHEN OLD.created_at >= {edge}")):
        await client.execute_query(
            f"CREATE TRIGGER {table}_is_whole_{moment.lower()} BEFORE {moment} ON {table}{when}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
