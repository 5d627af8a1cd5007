"""Drafts: one for each member and conversation, for their own devices alone."""

import asyncio
from typing import Any

from models.draft import Draft
from models.engine import sql
from models.member import Visibility
from realtime.draft_events import DraftChanged
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from resolvers.draft import Written, save_draft
from resolvers.message import send_message
from schema.ids import encode_id
from tests.acting import api_key, conversation_id
from tests.world import Api, World, make_world, run_jobs, snapshot

SHOWN = "text surface version channel { id } replyTo { text authorName }"
SAVE = f"""
mutation ($input: SaveDraftInput!) {{
  saveDraft(input: $input) {{ draft {{ {SHOWN} }} userErrors {{ code field }} }}
}}
"""
DISCARD = """
mutation ($input: DiscardDraftInput!) {
  discardDraft(input: $input) {
    draft { version } conversation { id draft { text } } userErrors { code field }
  }
}
"""
READ = f"query ($id: ID!) {{ conversation(id: $id) {{ draft {{ {SHOWN} }} }} }}"
EVENTS = """
query ($id: ID!, $after: String!) { events(workspaceId: $id, after: $after) { nodes {
  ... on ConversationChanged { change conversation { draft { text } } }
} } }
"""
CURSOR = "query ($id: ID!) { workspace(id: $id) { eventCursor } }"


async def save(api: Api, who: Any, row: Any, text: str, **more: Any) -> Any:
    """Save a draft; return the payload."""
    given = {"conversationId": conversation_id(row), "text": text, **more}
    return (await api.ask(who, SAVE, input=given))["saveDraft"]


async def discard(api: Api, who: Any, row: Any, **more: Any) -> Any:
    """Discard a draft; return the payload."""
    given = {"conversationId": conversation_id(row), **more}
    return (await api.ask(who, DISCARD, input=given))["discardDraft"]


async def draft_of(api: Api, who: Any, row: Any) -> Any:
    """Return what is shown of the draft of somebody."""
    return (await api.ask(who, READ, id=conversation_id(row)))["conversation"]["draft"]


async def test_a_draft_is_its_members_own(api: Api, world: World) -> None:
    heard, ada, program = await world.hear(), await world.add("Ada"), await api_key(world)
    after = (await api.ask(ada, CURSOR, id=world.id))["workspace"]["eventCursor"]
    plain = {"channel": None, "replyTo": None, "surface": "MESSAGE"}
    saved = await save(api, ada, heard, "Dear")
    assert saved == {"draft": plain | {"text": "Dear", "version": 1}, "userErrors": []}
    named = {
        "channelId": encode_id("Channel", world.channels[0].id),
        "replyToMessageId": encode_id("Message", heard.id),
    }
    second = await save(api, ada, heard, "Dear C", surface="COMMENT", expectedVersion=1, **named)
    expected = {
        "text": "Dear C",
        "surface": "COMMENT",
        "version": 2,
        "channel": {"id": named["channelId"]},
        "replyTo": {"text": "Hello", "authorName": "Carla"},
    }
    assert second == {"draft": expected, "userErrors": []}
    again = await save(api, ada, heard, "Dear C", surface="COMMENT", expectedVersion=1, **named)
    assert again == second
    await send_message(await world.owner.viewer(), heard.conversation_id, text="Hi")
    await send_message(await ada.viewer(), heard.conversation_id, text="Hi")
    assert await draft_of(api, ada, heard) == expected
    for who in (world.owner, program):
        assert await draft_of(api, who, heard) is None
    told = [fact for fact in await world.facts() if isinstance(fact, DraftChanged)]
    assert told == [DraftChanged(world.workspace.id, heard.conversation_id, ada.member.id)] * 2

    async def events(who: Any) -> list[Any]:
        nodes = (await api.ask(who, EVENTS, id=world.id, after=after))["events"]["nodes"]
        return [node for node in nodes if node.get("change") == "DRAFT"]

    event = {"change": "DRAFT", "conversation": {"draft": {"text": "Dear C"}}}
    assert await events(ada) == [event] * 2
    assert await events(world.owner) == await events(program) == []


async def test_versions_go_on_when_a_draft_was_discarded(api: Api, world: World) -> None:
    heard, who = await world.hear(), world.owner
    conflict = [{"code": "CONFLICT", "field": ["expectedVersion"]}]
    refused = await save(api, who, heard, "a", expectedVersion=1)
    assert refused == {"draft": None, "userErrors": conflict}
    assert (await save(api, who, heard, "a", expectedVersion=0))["userErrors"] == []
    refused = await save(api, who, heard, "b", expectedVersion=0)
    assert (refused["draft"]["text"], refused["userErrors"]) == ("a", conflict)
    assert (await discard(api, who, heard, expectedVersion=2))["draft"] == {"version": 1}
    for _ in range(2):
        gone = await discard(api, who, heard, expectedVersion=1)
        same = {"id": conversation_id(heard), "draft": None}
        assert gone == {"draft": None, "conversation": same, "userErrors": []}
    refused = await save(api, who, heard, "b", expectedVersion=1)
    assert refused == {"draft": None, "userErrors": conflict}
    assert (await save(api, who, heard, "", expectedVersion=0))["draft"]["version"] == 3


async def test_of_devices_that_save_at_once_one_does(api: Api, world: World) -> None:
    heard, who = await world.hear(), world.owner
    conflict = [{"code": "CONFLICT", "field": ["expectedVersion"]}]
    for version in range(3):  # at first there is none, and the unique index lets one through
        texts = [f"{version} of device {device}" for device in range(4)]
        calls = [save(api, who, heard, text, expectedVersion=version) for text in texts]
        answers = await asyncio.gather(*calls)
        [winner] = [one["draft"] for one in answers if one["userErrors"] == []]
        assert winner["text"] in texts
        assert winner["version"] == version + 1
        late = [one for one in answers if one["userErrors"]]
        assert late == [{"draft": winner, "userErrors": conflict}] * 3
        assert await draft_of(api, who, heard) == winner
    told = [fact for fact in await world.facts() if isinstance(fact, DraftChanged)]
    assert len(told) == 3


async def test_what_is_refused_changes_nothing(api: Api, world: World) -> None:
    heard, other = await world.hear(), await world.hear(sender="kim")
    foreign = await (elsewhere := await make_world("Elsewhere")).hear()
    blind = await world.add("Ian", visibility=Visibility.OWN)
    await save(api, world.owner, heard, "Mine")
    before = await snapshot("draft", "event")
    for who, row, given, code, field in (
        (world.owner, heard, {"text": "x" * 7001}, "TOO_LONG", "text"),
        (world.owner, heard, reply(other), "NOT_FOUND", "replyToMessageId"),
        (world.owner, heard, reply(foreign), "NOT_FOUND", "replyToMessageId"),
        (world.owner, heard, channel(elsewhere), "NOT_FOUND", "channelId"),
        (world.owner, foreign, {}, "NOT_FOUND", "conversationId"),
        (blind, heard, {}, "NOT_FOUND", "conversationId"),
        (await api_key(world), heard, {}, "FORBIDDEN", None),
    ):
        payload = await save(api, who, row, given.pop("text", "New"), **given)
        fields = [field] if field else []
        assert payload == {"draft": None, "userErrors": [{"code": code, "field": fields}]}
    assert await snapshot("draft", "event") == before


def reply(message: Any) -> dict[str, Any]:
    """Return the input of what a draft answers."""
    return {"replyToMessageId": encode_id("Message", message.id)}


def channel(world: World) -> dict[str, Any]:
    """Return the input of a channel of a workspace."""
    return {"channelId": encode_id("Channel", world.channels[0].id)}


async def test_a_merge_keeps_the_newer_and_a_deletion_none(api: Api, world: World) -> None:
    first, second = await world.hear(), await world.hear(sender="karla")
    owner, ada = await world.owner.viewer(), await (await world.add("Ada")).viewer()
    for viewer, row, text in (
        (owner, first, "old"),
        (owner, second, "new"),
        (ada, second, "only"),
    ):
        await save_draft(viewer, row.conversation_id, Written(text))
    with sql.count_statements() as counter:
        assert (await draft_of(api, world.owner, first))["text"] == "old"
    assert counter.total <= 3
    await merge_contacts(owner, first.conversation.contact_id, second.conversation.contact_id)
    rows = await Draft.all().order_by("member_id")
    assert [(row.text, row.conversation_id, row.version) for row in rows] == [
        ("new", first.conversation_id, 3),
        ("only", first.conversation_id, 2),
    ]
    await delete_contact(owner, first.conversation.contact_id)
    await run_jobs()
    assert await Draft.all().count() == 0
