"""A front-end that keeps an inbox true by what it is told alone."""

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from schema.context import ContextMaker
from tests.world import Api, Person

CHANGED = """
subscription ($id: ID!, $after: String) {
  inboxChanged(inboxId: $id, after: $after) {
    eventId cursor change conversationId
    conversation { id status contact { firstName } }
    counts { open unread unreplied }
  }
}
"""
LISTED = """
query ($id: ID!, $workspaceId: ID!) {
  workspace(id: $workspaceId) { eventCursor }
  inbox(id: $id) {
    openCount unreadCount unrepliedCount
    conversations(first: 100) { nodes { id status } }
  }
}
"""


async def changes(api: Api, who: Person | str, key: str, after: str | None = None) -> Any:
    """Return the results of following an inbox."""
    token = who if isinstance(who, str) else who.token
    context = await ContextMaker(api.hub)(token, "")
    variables = {"id": key, "after": after}
    return await api.schema.subscribe(CHANGED, variable_values=variables, context_value=context)


@dataclass
class Watcher:
    """A front-end that keeps an inbox true by events alone."""

    api: Api
    person: Person
    key: str
    workspace: str
    rows: dict[str, str] = field(default_factory=dict)
    counts: tuple[int, int, int] = (0, 0, 0)
    cursor: str = ""
    reconnects: int = 0

    async def read(self) -> tuple[dict[str, str], tuple[int, int, int]]:
        """Return what the inbox is now, read anew."""
        variables = {"id": self.key, "workspaceId": self.workspace}
        data = await self.api.ask(self.person, LISTED, **variables)
        inbox = data["inbox"]
        self.cursor = data["workspace"]["eventCursor"]
        rows = {row["id"]: row["status"] for row in inbox["conversations"]["nodes"]}
        return rows, (inbox["openCount"], inbox["unreadCount"], inbox["unrepliedCount"])

    async def begin(self) -> "Watcher":
        """Read the inbox for the first time, or after the stream has ended."""
        self.rows, self.counts = await self.read()
        return self

    async def follow(self) -> None:
        """Apply what is told, and read anew where the stream ends."""
        while True:
            results = await changes(self.api, self.person, self.key, self.cursor)
            async with aclosing(results):
                async for result in results:
                    if result.errors:
                        break
                    self.apply(result.data["inboxChanged"])
            self.reconnects += 1
            await self.begin()

    def apply(self, event: dict[str, Any]) -> None:
        """Take one event in."""
        if event["change"] == "LEFT":
            self.rows.pop(event["conversationId"], None)
        else:
            self.rows[event["conversationId"]] = event["conversation"]["status"]
        self.counts = tuple(event["counts"][name] for name in ("open", "unread", "unreplied"))

    async def is_true(self) -> bool:
        """Tell whether what is known is what is read anew."""
        cursor = self.cursor
        fresh = await self.read()
        self.cursor = cursor
        return fresh == (self.rows, self.counts)
