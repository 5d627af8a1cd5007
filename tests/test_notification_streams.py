"""A mention over HTTP and WebSocket: to the devices of one member, once, and again by cursor."""

from dataclasses import dataclass
from typing import Any

import pytest

from models.contact import Contact
from models.member import Restriction
from resolvers.masking import HIDDEN
from tests import streaming
from tests.acting import api_key, conversation_id
from tests.streaming import Ended, Server, cursor_of, last_seq
from tests.test_comment import document as comment_document
from tests.test_notification import document
from tests.world import Person, World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

ADDED = """
subscription ($workspaceId: ID!, $after: String) {
  notificationAdded(workspaceId: $workspaceId, after: $after) {
    eventId cursor notification {
      id isArchived actor { name } contact { name phone { display } } comment { text }
    }
  }
}"""
ALL = """
subscription ($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId cursor
    ... on NotificationAdded { notification { id } }
    ... on NotificationChanged { notification { id isArchived } }
  }
}"""
LIST = """
query ($id: ID!) {
  notifications(workspaceId: $id) { nodes { id contact { name } } }
  workspace(id: $id) { unarchivedNotificationCount }
}"""
ADD = comment_document("addComment")
PHONE = "+33612345678"


@dataclass(frozen=True)
class Program:
    """Who has a key."""

    token: str


async def act(server: Server, who: Person, operation: str, **given: Any) -> None:
    """Use a mutation that must not be refused."""
    [payload] = (await server.ask(who, operation, input=given)).values()
    assert payload["userErrors"] == []


async def mention(server: Server, who: Person, row: Any, text: str, *people: Person) -> None:
    """Mention people in a comment."""
    ids = {"mentionedMemberIds": [one.id for one in people], "text": text}
    await act(server, who, ADD, conversationId=conversation_id(row), **ids)


async def test_a_mention_reaches_its_member_alone(server: Server, world: World) -> None:
    row, place = await world.conversation(), {"workspaceId": str(world.id)}
    ada, bob = await world.add("Ada"), await world.add("Bob")
    place["after"] = await cursor_of(world)
    async with (
        server.client(bob) as phone,
        server.client(bob) as laptop,
        server.client(ada) as others,
    ):
        for client, operation in ((phone, ADDED), (laptop, ALL), (others, ALL)):
            await client.subscribe(operation, **place)
        await mention(server, ada, row, "Bob, please", bob, ada)
        heard = await phone.hear()
        given = {"notificationId": heard["notification"]["id"]}
        await act(server, bob, document("archiveNotification"), **given)
        await act(server, bob, document("unarchiveNotification"), **given)
        await act(server, bob, document("archiveAllNotifications"), workspaceId=world.id)
        told = await laptop.until(await last_seq(world))
        seen = [one for one in told if "Notification" in one["__typename"]]
        assert [one["__typename"] for one in seen] == [
            "NotificationAdded",
            "NotificationChanged",
            "NotificationChanged",
            "NotificationsArchived",
        ]
        assert seen[0]["eventId"] == heard["eventId"]
        await world.contact("Last")
        told = await others.until(await last_seq(world))
        assert {one["__typename"] for one in told} == {"CommentAdded", "ContactChanged"}
        assert phone.left() == []


async def test_it_comes_again_by_cursor_and_masked(server: Server, world: World) -> None:
    row, place = await world.conversation("Carla", phone=PHONE), {"workspaceId": world.id}
    await Contact.filter(id=row.contact_id).update(first_name="")
    bob = await world.add("Bob", restrictions=[Restriction.PHONE_NUMBERS])
    after = await cursor_of(world)
    await mention(server, world.owner, row, "Bob, please", bob)
    async with server.client(bob) as client:
        heard = await client.hear(await client.subscribe(ADDED, **place, after=after))
        shown = heard["notification"]["contact"]
        assert shown["phone"] == {"display": HIDDEN}
        assert not any(letter.isdigit() for letter in shown["name"])
        listed = await server.ask(bob, LIST, id=world.id)
        [one] = listed["notifications"]["nodes"]
        assert one == {"id": heard["notification"]["id"], "contact": {"name": shown["name"]}}
        assert listed["workspace"] == {"unarchivedNotificationCount": 1}
    given = {"notificationId": one["id"]}
    await act(server, bob, document("archiveNotification"), **given)
    async with server.client(bob) as client:  # the same event, as it is now, and what is behind it
        again = await client.hear(await client.subscribe(ADDED, **place, after=after))
        assert again == heard | {"notification": heard["notification"] | {"isArchived": True}}
        later = await client.subscribe(ADDED, **place, after=again["cursor"])
        await mention(server, world.owner, row, "And this", bob)
        assert (await client.hear(later))["notification"]["comment"] == {"text": "And this"}
    async with server.client(Program(await api_key(world))) as client:  # whom nobody mentions
        await client.subscribe(ADDED, **place)
        with pytest.raises(Ended) as ended:
            await client.hear()
        assert ended.value.codes == ["FORBIDDEN"]
