"""What a crowd mentions to each other, and what becomes of the notifications."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from models.conversation import Conversation
from models.member import Visibility
from models.notification import Notification
from resolvers.comment import add_comment
from schema.ids import encode_id
from tests.world import Person, World

Lead = Callable[[str, dict[str, Any]], Awaitable[None]]


class Notices:
    """Comments that mention everybody, and notifications that are archived."""

    def __init__(
        self, world: World, people: list[Person], source: random.Random, lead: Lead
    ) -> None:
        self._world, self._people, self._random, self._lead = world, people, source, lead

    async def archive(self) -> None:
        """The first person is mentioned, and archives; everybody is mentioned once more."""
        await self._mention()
        rows = await Notification.filter(member_id=self._people[0].member.id).order_by("-id")
        given = {"notificationId": encode_id("Notification", rows[0].id)}
        await self._lead("archiveNotification", given)
        if self._random.random() < 0.5:
            await self._mention()
        await self._lead("unarchiveNotification", given)
        await self._lead("archiveAllNotifications", {"workspaceId": self._world.id})
        await self._mention()
        given = {"notificationId": encode_id("Notification", self._random.choice(rows).id)}
        await self._lead("unarchiveNotification", given)

    async def _mention(self) -> None:
        """Have somebody who sees all but the blocked mention everybody."""
        row = self._random.choice(await Conversation.filter(blocked_at=None).order_by("id"))
        ids = [person.member.id for person in self._people]
        others = (one for one in self._people[1:] if one.member.visibility is Visibility.ALL)
        viewer = await next(others).viewer()
        await add_comment(viewer, row.id, text="Look", mentioned_member_ids=ids)
