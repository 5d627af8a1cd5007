"""A PostgreSQL that dies in the midst of a command: the call is to be tried again."""

import logging
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from models.engine.asyncpg import TransactionClient
from models.engine.errors import TransientDatabaseError


class Connection:
    """A connection that fails, or not, and counts how often it was thrown away."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error
        self.terminated = 0

    async def execute(self, _statement: str) -> str:
        """Answer a command."""
        if self._error is not None:
            raise self._error
        return "BEGIN"

    def terminate(self) -> None:
        """Throw it away."""
        self.terminated += 1


async def begin(connection: Connection) -> None:
    """Open a transaction on a connection."""
    parent: Any = SimpleNamespace(
        connection_name="default", fetch_inserted=True, log=logging.getLogger()
    )
    client = TransactionClient(parent)
    client._connection = connection
    await client.begin()


async def test_a_broken_connection_is_thrown_away_and_the_call_tried_again() -> None:
    connection = Connection(asyncpg.InternalClientError("another operation (2) is in progress"))
    with pytest.raises(TransientDatabaseError):
        await begin(connection)
    assert connection.terminated == 1


async def test_any_other_error_leaves_the_connection_alone() -> None:
    connection = Connection(asyncpg.SerializationError("could not serialize access"))
    with pytest.raises(TransientDatabaseError):
        await begin(connection)
    assert connection.terminated == 0
    whole = Connection(None)
    await begin(whole)
    assert whole.terminated == 0
