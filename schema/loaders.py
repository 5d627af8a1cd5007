"""The loaders of one operation: each batch is asked once for all the rows that a list needs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Any, Generic, TypeVar

from strawberry.dataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Batch = Callable[[Collection[K]], Awaitable[dict[K, V]]]


class Loader(Generic[K, V]):
    """Asks a batch once for all keys wanted at the same moment, and remembers the answers.

    It may be shared by the subscribers of one event: one that goes away disturbs no other.
    """

    def __init__(self, batch: Batch[K, V]) -> None:
        self._batch = batch
        self._loader: DataLoader[K, V | None] | None = None
        """What collects keys; made for who asks for one after another."""
        self._known: dict[K, V | None] = {}
        self._asking = asyncio.Lock()

    async def load(self, key: K) -> V | None:
        """Return the row of one key, None if there is none."""
        if key in self._known:
            return self._known[key]
        if self._loader is None:
            self._loader = DataLoader(load_fn=self._load)
        return await asyncio.shield(self._loader.load(key))

    async def _load(self, keys: list[K]) -> list[V | None]:
        found = await self._batch(keys)
        return [found.get(key) for key in keys]

    async def load_all(self, keys: Collection[K]) -> dict[K, V | None]:
        """Return the rows of many keys, asking once for those that are not known."""
        async with self._asking:
            missing = {key for key in keys if key not in self._known}
            if missing:
                found = await self._batch(missing)
                for key in missing:
                    self._known[key] = found.get(key)
        return self._known

    def prime(self, key: K, row: V) -> None:
        """Remember a row that was read already."""
        self._known[key] = row


class Loaders:
    """One loader for each batch that the operation needs."""

    def __init__(self) -> None:
        self._loaders: dict[Batch[Any, Any], Loader[Any, Any]] = {}

    def of(self, batch: Batch[K, V]) -> Loader[K, V]:
        """Return the loader of a batch."""
        loader = self._loaders.get(batch)
        if loader is None:
            loader = self._loaders[batch] = Loader(batch)
        return loader
