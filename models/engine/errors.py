"""Errors of both databases: nothing is wrong with the request; or it has taken too long."""

from tortoise.exceptions import OperationalError


class TransientDatabaseError(OperationalError):
    """A serialization failure, a deadlock, a busy database or a lost connection.

    Where it is raised by the commit itself over a lost connection, the commit may have happened:
    only what carries an idempotency key, or is conditional, may be repeated unseen.
    """


class TooSlowError(Exception):
    """A statement has taken as long as it may, and was stopped."""
