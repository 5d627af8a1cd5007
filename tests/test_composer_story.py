"""A working day in one conversation, over HTTP and WebSocket: all that a composer does."""

import asyncio
from datetime import timedelta
from typing import Any

from models.clock import now
from models.member import Visibility
from schema.ids import encode_id
from tests.day import Day, door, hear_kind
from tests.streaming import Client, Server, stack_bus_url
from tests.uploading import path_of
from tests.vendor import vendor_server
from tests.world import make_world, run_jobs

__all__ = ["door", "stack_bus_url"]

HEARD = """
subscription($id: ID!) { workspaceEvents(workspaceId: $id) {
  __typename ... on MessageAdded { message { text } }
  ... on ConversationChanged { change conversation { draft { text } } }
} }
"""
CHANNELS = """
query($id: ID!) { conversation(id: $id) { composer {
  window { isOpen closesAt } channels { state isDefault restriction }
} } }
"""
CANCELLED = "SCHEDULED_MESSAGE_CANCELLED"
LINK = """
query($url: String!) { resolveLink(url: $url) {
  workspace { id } conversation { id } item { __typename }
} }
"""
AROUND = """
query($id: ID!) { timelineAround(itemId: $id, before: 1, after: 1) { nodes { __typename } } }
"""
SEARCH = """
query($id: ID!, $text: String!) { search(workspaceId: $id, text: $text) { nodes {
  __typename highlights { field start length }
} } }
"""
OFFERED = """
query($id: ID!, $trigger: SuggestionTrigger!, $text: String!) {
  composerSuggestions(conversationId: $id, trigger: $trigger, text: $text) { name }
}
"""
PREVIEW = """
query($id: ID!, $text: String!) {
  previewMessage(conversationId: $id, text: $text) { text unresolvedVariables }
}
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f00050001ff56c72f0d0000000049454e44ae426082"
)


async def test_all_that_a_composer_does(door: Server) -> None:
    async with vendor_server() as vendor:
        world = await make_world()
        await world.connect(vendor.url, accepts_reply_to=True)
        heard = await world.hear("Where is my order?")
        day = Day(door, world, encode_id("Conversation", heard.conversation_id))
        async with (
            door.client(world.owner) as owner,
            door.client(world.owner) as device,
            asyncio.timeout(60),
        ):
            await owner.subscribe(HEARD, id=world.id)
            await device.subscribe(HEARD, id=world.id)
            await _offers_and_preview(day)
            await _drafts(day, device)
            await _answers_with_a_file(day, owner, vendor.received)
            await _comments_and_finds(day)
            await _plans_on_a_channel(day, owner)
        await _links(day)


async def _offers_and_preview(day: Day) -> None:
    owner = day.world.owner
    text = "Hi $contact.firstname, $contact.country sends greetings. $system.nothing"
    given = {"workspaceId": day.world.id, "name": "Greeting", "text": text}
    await day.do(owner, "createSnippet", "snippet { id }", **given)
    assert await day.refusal(owner, "createSnippet", **given) == [
        {"code": "TAKEN", "field": ["name"]}
    ]
    for trigger, typed, name in (
        ("SNIPPET", "gre", "Greeting"),
        ("VARIABLE", "$contact.fi", "$contact.firstname"),
        ("MENTION", "ol", "Olga"),
    ):
        asked = {"id": day.conversation, "trigger": trigger, "text": typed.lstrip("$")}
        found = await day.server.ask(owner, OFFERED, **asked)
        assert name in [one["name"] for one in found["composerSuggestions"]], trigger
    found = await day.server.ask(owner, PREVIEW, id=day.conversation, text=text)
    assert found["previewMessage"] == {
        "text": "Hi Carla, $contact.country sends greetings. $system.nothing",
        "unresolvedVariables": ["$contact.country", "$system.nothing"],
    }


async def _drafts(day: Day, device: Client) -> None:
    given = {"conversationId": day.conversation, "text": "Dear"}
    await day.do(day.world.owner, "saveDraft", "draft { version }", **given)
    told = await hear_kind(device, "ConversationChanged")
    assert told == {
        "__typename": "ConversationChanged",
        "change": "DRAFT",
        "conversation": {"draft": {"text": "Dear"}},
    }
    late = await day.refusal(
        day.world.owner, "saveDraft", **given | {"text": "x"}, expectedVersion=7
    )
    assert late == [{"code": "CONFLICT", "field": ["expectedVersion"]}]


async def _answers_with_a_file(day: Day, socket: Client, received: list[Any]) -> None:
    owner = day.world.owner
    question = await day.last(owner)
    file = await day.bring(owner, "Invoice 7.png", PNG)
    given = {
        "conversationId": day.conversation,
        "text": "Here it is, $contact.firstname",
        "attachmentIds": [file],
        "replyToMessageId": question["id"],
        "idempotencyKey": "once",
    }
    sent = await day.do(owner, "sendMessage", "message { id }", **given)
    assert await day.do(owner, "sendMessage", "message { id }", **given) == sent
    told = await hear_kind(socket, "MessageAdded")
    assert told["message"] == {"text": "Here it is, Carla"}
    await run_jobs()
    [request] = received
    assert request.body["message"]["text"] == "Here it is, Carla"
    assert request.body["message"]["replyTo"]["mId"]
    said = await day.last(owner)
    assert said["replyTo"] == {"authorName": "Carla", "text": "Where is my order?"}
    [attachment] = said["attachments"]
    assert (attachment["fileName"], attachment["byteSize"]) == ("Invoice 7.png", len(PNG))
    path = path_of(attachment["url"])
    async with day.client() as door:
        part = await door.get(path, headers={"range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"PNG")
        assert (await door.get(path + "x")).status_code == 404
    again = {"conversationId": day.conversation, "text": "x", "attachmentIds": [file]}
    assert await day.refusal(owner, "sendMessage", **again) == [
        {"code": "WRONG_STATE", "field": ["attachmentIds", "0"]}
    ]


async def _comments_and_finds(day: Day) -> None:
    owner, ada = day.world.owner, await day.world.add("Ada")
    given = {
        "conversationId": day.conversation,
        "text": "She means order 4711",
        "mentionedMemberIds": [ada.id],
        "attachmentIds": [await day.bring(ada, "screen.txt", b"as seen")],
    }
    assert await day.refusal(owner, "addComment", **given) == [
        {"code": "NOT_FOUND", "field": ["attachmentIds", "0"]}
    ]
    await day.do(ada, "addComment", "comment { attachments { fileName } }", **given)
    found = await day.server.ask(owner, SEARCH, id=day.world.id, text="order")
    assert found["search"]["nodes"] == [
        {
            "__typename": "CommentResult",
            "highlights": [{"field": "TEXT", "start": 10, "length": 5}],
        },
        {
            "__typename": "MessageResult",
            "highlights": [{"field": "TEXT", "start": 12, "length": 5}],
        },
    ]
    own = await day.world.add("Own", visibility=Visibility.OWN)
    found = await day.server.ask(own, SEARCH, id=day.world.id, text="order")
    assert found["search"]["nodes"] == []


async def _plans_on_a_channel(day: Day, socket: Client) -> None:
    owner = day.world.owner
    data = await day.server.ask(owner, CHANNELS, id=day.conversation)
    assert data["conversation"]["composer"] == {
        "window": {"isOpen": True, "closesAt": None},
        "channels": [{"state": "ACTIVE", "isDefault": True, "restriction": None}],
    }
    plan = {"conversationId": day.conversation, "text": "Still fine?", "cancelOnReply": True}
    past = {**plan, "sendAt": "2020-01-01T00:00:00Z"}
    assert await day.refusal(owner, "scheduleMessage", **past) == [
        {"code": "TIME_IN_PAST", "field": ["sendAt"]}
    ]
    later = {**plan, "sendAt": (now() + timedelta(days=1)).isoformat()}
    made = await day.do(owner, "scheduleMessage", "scheduledMessage { state }", **later)
    assert made["scheduledMessage"] == {"state": "SCHEDULED"}
    await day.world.hear("I have it, thanks")
    while (await hear_kind(socket, "ConversationChanged"))["change"] != CANCELLED:
        pass


async def _links(day: Day) -> None:
    owner, own = day.world.owner, await day.world.add("Bea", visibility=Visibility.OWN)
    said = await day.last(owner)
    resolved = (await day.server.ask(owner, LINK, url=said["permalink"]))["resolveLink"]
    assert resolved == {
        "workspace": {"id": day.world.id},
        "conversation": {"id": day.conversation},
        "item": {"__typename": "Message"},
    }
    nodes = (await day.server.ask(owner, AROUND, id=said["id"]))["timelineAround"]["nodes"]
    assert [node["__typename"] for node in nodes][1] == "Message"
    missing = said["permalink"].replace("?m=", "?m=x")
    answers = [
        await day.server.post(own, LINK, url=said["permalink"]),
        await day.server.post(own, LINK, url=missing),
    ]
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
