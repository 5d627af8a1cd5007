"""What it costs to hash a password: little in tests, unless they are about that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from unittest.mock import patch

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from resolvers import password


class Hashing(NamedTuple):
    """How passwords are hashed, and the hash that stands for an account that does not exist."""

    hasher: PasswordHash
    nobody: str


REAL = Hashing(password._passwords, password._NOBODY)
"""As the server has it."""
_cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
CHEAP = Hashing(_cheap, _cheap.hash("a password that nobody has"))


@contextmanager
def passwords_of(hashing: Hashing) -> Iterator[None]:
    """Let the server hash passwords so within the block."""
    with (
        patch.object(password, "_passwords", hashing.hasher),
        patch.object(password, "_NOBODY", hashing.nobody),
    ):
        yield
