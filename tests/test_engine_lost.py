"""A PostgreSQL that dies in the midst of a command: the call is to be tried again."""

import asyncpg
import pytest

from models.engine.asyncpg import translated_errors, unbroken
from models.engine.errors import TransientDatabaseError


class Connection:
    """A connection that counts how often it was thrown away."""

    terminated = 0

    def terminate(self) -> None:
        """Throw it away."""
        self.terminated += 1


def test_a_broken_connection_is_thrown_away_and_the_call_tried_again() -> None:
    connection = Connection()
    with pytest.raises(TransientDatabaseError), translated_errors, unbroken(connection):
        raise asyncpg.InternalClientError("another operation (2) is in progress")
    assert connection.terminated == 1


def test_any_other_error_leaves_the_connection_alone() -> None:
    connection = Connection()
    with pytest.raises(TransientDatabaseError), translated_errors, unbroken(connection):
        raise asyncpg.SerializationError("could not serialize access")
    with unbroken(connection):
        pass
    assert connection.terminated == 0
