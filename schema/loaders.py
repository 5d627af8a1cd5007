"""The loaders of one operation: each asks once for all the rows that a list needs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from models.activity import Activity
from models.message import Message
from resolvers import batches
from resolvers.access import Viewer
from resolvers.inbox import InboxCounts, InboxKind, count_inboxes
from resolvers.page import Page, PageRequest

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Asks once for all keys that are wanted at the same moment, and remembers the answers.

    It may be shared by the subscribers of one event: one that goes away disturbs no other.
    """

    def __init__(self, batch: Callable[[Collection[K]], Awaitable[dict[K, V]]]) -> None:
        async def load(keys: list[K]) -> list[V | None]:
            found = await batch(keys)
            return [found.get(key) for key in keys]

        self._loader: DataLoader[K, V | None] = DataLoader(load_fn=load)

    async def load(self, key: K) -> V | None:
        """Return the row of a key, None if there is none."""
        return await asyncio.shield(self._loader.load(key))

    def prime(self, key: K, row: V) -> None:
        """Remember a row that was read already."""
        self._loader.prime(key, row)


async def _timelines(
    keys: Collection[tuple[int, PageRequest]],
) -> dict[tuple[int, PageRequest], Page[Message | Activity]]:
    found = {}
    for request in {request for _, request in keys}:
        ids = [conversation for conversation, other in keys if other == request]
        for conversation, page in (await batches.timeline_pages(ids, request)).items():
            found[conversation, request] = page
    return found


async def _messages(
    keys: Collection[tuple[int, PageRequest]],
) -> dict[tuple[int, PageRequest], Page[Message]]:
    found = {}
    for request in {request for _, request in keys}:
        ids = [conversation for conversation, other in keys if other == request]
        for conversation, page in (await batches.message_pages(ids, request)).items():
            found[conversation, request] = page
    return found


class Loaders:
    """One loader for each relation, named after what it returns."""

    def __init__(self) -> None:
        self.conversation = Loader(batches.conversations_by_id)
        self.conversation_of_contact = Loader(batches.conversations_by_contact)
        self.contact = Loader(batches.contacts_by_id)
        self.message = Loader(batches.messages_by_id)
        self.member = Loader(batches.members_by_id)
        self.team = Loader(batches.teams_by_id)
        self.channel = Loader(batches.channels_by_id)
        self.channels_of_contact = Loader(batches.channels_of_contacts)
        self.read_count = Loader(batches.read_counts)
        self.episodes = Loader(batches.newest_episodes)
        self.timeline = Loader(_timelines)
        self.messages = Loader(_messages)
        self.user = Loader(batches.users_by_id)
        self.memberships_of_user = Loader(batches.memberships_of_users)
        self._inbox_counts: dict[tuple[str, int], asyncio.Task[dict[InboxKind, InboxCounts]]] = {}

    async def inbox_counts(self, viewer: Viewer, workspace_id: int) -> dict[InboxKind, InboxCounts]:
        """Return the counts of all standard inboxes of a workspace, counted once."""
        key = (viewer.credential, workspace_id)
        if key not in self._inbox_counts:
            self._inbox_counts[key] = asyncio.create_task(count_inboxes(viewer, workspace_id))
        return await asyncio.shield(self._inbox_counts[key])
