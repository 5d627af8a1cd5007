"""Plans: what the database says of how it runs the statements that were sent."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.engine import sql

Sent = tuple[str, Sequence[Any]]
"""A statement as it was sent, and its values."""


class Listening:
    """Keeps the reading statements that are sent from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[Sent] = []
        client = sql.client()
        self._fetch = client.fetch

        async def noting(query: str, values: Sequence[Any]) -> Any:
            self.sent.append((query, values))
            return await self._fetch(query, values)

        monkeypatch.setattr(client, "fetch", noting)

    async def plan(self, one: Sent) -> str:
        """Return the database's plan of a statement."""
        query, values = one
        explain = "EXPLAIN QUERY PLAN" if sql.dialect() == "sqlite" else "EXPLAIN"
        rows = await self._fetch(f"{explain} {query}", values)
        return "\n".join(str(row[-1]) for row in rows)
