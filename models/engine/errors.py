"""The one error of both databases that means: nothing is wrong with the request, try it again."""

from tortoise.exceptions import OperationalError


class TransientDatabaseError(OperationalError):
    """A serialization failure, a deadlock, a busy database or a lost connection.

    Where it is raised by the commit itself over a lost connection, the commit may have happened:
    only what carries an idempotency key, or is conditional, may be repeated unseen.
    """
