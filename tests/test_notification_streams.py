"""A mention over HTTP and WebSocket: to the devices of one member, once, and again by cursor."""

from dataclasses import dataclass
from typing import Any

import pytest

from models.contact import Contact
from models.member import Restriction
from resolvers.masking import HIDDEN
from tests import streaming
from tests.acting import api_key, conversation_id
from tests.streaming import Ended, Server, cursor_of, last_seq, seq_of
from tests.test_comment import document as comment_document
from tests.test_notification import document
from tests.world import World

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
PHONE = "+33612345678"


@dataclass(frozen=True)
class Program:
    """Who has a key."""

    token: str


async def test_a_mention_reaches_its_member_alone(server: Server, world: World) -> None:
    row = await world.conversation("Carla", phone=PHONE)
    await Contact.filter(id=row.contact_id).update(first_name="")
    ada = await world.add("Ada")
    bob = await world.add("Bob", restrictions=[Restriction.PHONE_NUMBERS])
    cursor, place = await cursor_of(world), {"workspaceId": world.id}

    async def act(who: Any, operation: str, name: str, **given: Any) -> Any:
        payload = (await server.ask(who, operation, input=given))[name]
        assert payload["userErrors"] == []
        return payload

    async with (
        server.client(bob) as phone,
        server.client(bob) as laptop,
        server.client(ada) as others,
    ):
        added = await phone.subscribe(ADDED, **place, after=cursor)
        await laptop.subscribe(ALL, **place, after=cursor)
        await others.subscribe(ALL, **place, after=cursor)
        operation, where = comment_document("addComment"), {"conversationId": conversation_id(row)}
        mentioned = {"mentionedMemberIds": [bob.id, ada.id]}
        await act(ada, operation, "addComment", text="Bob, please", **where, **mentioned)
        heard = await phone.hear(added)
        key = heard["notification"]["id"]
        shown = heard["notification"]["contact"]
        assert heard["notification"] == {
            "id": key,
            "isArchived": False,
            "actor": {"name": "Ada"},
            "contact": shown,
            "comment": {"text": "Bob, please"},
        }
        assert shown["phone"] == {"display": HIDDEN}
        assert not any(letter.isdigit() for letter in shown["name"])
        listed = await server.ask(bob, LIST, id=world.id)
        assert listed["notifications"]["nodes"] == [{"id": key, "contact": {"name": shown["name"]}}]
        assert listed["workspace"] == {"unarchivedNotificationCount": 1}
        for name in ("archiveNotification", "unarchiveNotification"):
            await act(bob, document(name), name, notificationId=key)
        name = "archiveAllNotifications"
        await act(bob, document(name), name, workspaceId=world.id)
        last = await last_seq(world)
        seen = [one for one in await laptop.until(last) if "Notification" in one["__typename"]]
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
        assert phone.left(added) == []
    async with server.client(bob) as phone:  # again by cursor: the same event, as it is now
        again = await phone.hear(await phone.subscribe(ADDED, **place, after=cursor))
        archived = heard["notification"] | {"isArchived": True}
        assert again == heard | {"notification": archived}
        later = await phone.subscribe(ADDED, **place, after=again["cursor"])
        await act(ada, operation, "addComment", text="And this", **where, **mentioned)
        new = await phone.hear(later)
        assert new["notification"]["comment"] == {"text": "And this"}
        assert seq_of(new) > last
    program = Program(await api_key(world))
    async with server.client(program) as client:  # whom nobody mentions
        name = await client.subscribe(ADDED, **place)
        with pytest.raises(Ended) as ended:
            await client.hear(name)
        assert ended.value.codes == ["FORBIDDEN"]
