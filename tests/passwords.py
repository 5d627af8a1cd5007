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


def _hashing(memory_kib: int) -> Hashing:
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=memory_kib, parallelism=1),))
    return Hashing(hasher, hasher.hash("a password that nobody has"))


CHEAP = _hashing(64)
SEEN = _hashing(16_384)
"""Cheaper than real, but most of what it takes to log in: one hash more or less is seen at once."""


@contextmanager
def passwords_of(hashing: Hashing) -> Iterator[None]:
    """Let the server hash passwords so within the block."""
    with (
        patch.object(password, "_passwords", hashing.hasher),
        patch.object(password, "_NOBODY", hashing.nobody),
    ):
        yield
