"""What a crowd does to contacts who are then no more."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from models.conversation import Conversation
from schema.ids import encode_id
from tests.world import Person, World, run_jobs

Lead = Callable[[str, dict[str, Any]], Awaitable[None]]


class Farewells:
    """Contacts who come, are given to somebody, and go."""

    def __init__(
        self, world: World, people: list[Person], source: random.Random, lead: Lead
    ) -> None:
        self._world, self._people, self._random, self._lead = world, people, source, lead

    async def delete(self) -> None:
        """A contact writes, is given to somebody, perhaps blocked, and deleted."""
        row = await self._given_to_somebody()
        contact = {"contactId": encode_id("Contact", row.contact_id)}
        if self._random.random() < 0.3:
            await self._lead("blockContact", contact)
        await self._lead("deleteContact", contact)
        await run_jobs()

    async def merge(self) -> None:
        """A contact writes, is given to somebody, and turns out to be another one."""
        gone = await self._given_to_somebody()
        kept = self._random.choice(await Conversation.exclude(id=gone.id).order_by("id"))
        pair = {"contactId": kept.contact_id, "mergedContactId": gone.contact_id}
        await self._lead(
            "mergeContacts", {name: encode_id("Contact", key) for name, key in pair.items()}
        )
        await run_jobs()

    async def _given_to_somebody(self) -> Conversation:
        """Let a contact write, perhaps a new one, and give them to somebody who sees little."""
        sender = self._random.choice(["contact0", f"guest{self._random.randrange(10**6)}"])
        message = await self._world.hear("Hello", sender=sender)
        row = await Conversation.get(id=message.conversation_id)
        given = {
            "conversationId": encode_id("Conversation", row.id),
            "assigneeId": self._random.choice(self._people).id,
        }
        await self._lead("assignConversation", given)
        return row
