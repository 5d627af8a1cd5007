"""Proofs of mutations: one whose first statement proves a viewer who is only remembered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from models.engine.doubt import question
from resolvers.proof import Proof

PROVES = "proves"
"""The metadata of a mutation that asks for the proof with its first statement."""
CURSOR = "eventCursor"
"""What shows where the log stood, which is not remembered."""


def proves(fields: list[Any]) -> bool:
    """Tell whether each of an operation's mutations asks for the proof."""
    return bool(fields) and all(field.declared.metadata.get(PROVES) for field in fields)


@contextmanager
def questioning(proof: Proof) -> Iterator[None]:
    """Let nothing be committed inside before the proof holds."""
    token = question.set(proof)
    try:
        yield
    finally:
        question.reset(token)
