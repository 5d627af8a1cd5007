"""Closing conversations: the episode ends, nothing waits for a reply, the assignee stays."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource, Episode
from realtime.events import ConversationClosed
from resolvers.closing import can_be_closed
from schema.ids import encode_id
from tests.acting import (
    act,
    api_key,
    check_conflict,
    check_rights,
    nothing_changes,
    succeed,
)
from tests.world import Api, World, snapshot

CLOSE = """
mutation Close($input: CloseConversationInput!) {
  closeConversation(input: $input) {
    conversation { status version closedAt unrepliedSince viewerCanClose }
    userErrors { code message field }
  }
}
"""


@pytest.mark.parametrize("status", list(ConversationStatus))
def test_only_a_closed_conversation_cannot_be_closed(status: ConversationStatus) -> None:
    conversation = Conversation(status=status)
    assert can_be_closed(conversation) is (status is not ConversationStatus.CLOSED)


async def test_closing_ends_the_episode(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    conversation_id = encode_id("Conversation", message.conversation_id)

    answer = await api.ask(world.owner, CLOSE, input={"conversationId": conversation_id})

    row = await Conversation.get(id=message.conversation_id)
    assert row.closed_at is not None
    assert answer["closeConversation"] == {
        "conversation": {
            "status": "CLOSED",
            "version": 3,
            "closedAt": row.closed_at.isoformat(),
            "unrepliedSince": None,
            "viewerCanClose": False,
        },
        "userErrors": [],
    }
    [episode] = await Episode.all()
    assert (episode.closed_at, episode.closed_by_id) == (row.closed_at, world.owner.member.id)
    assert episode.closed_source is ChangeSource.USER
    assert (await world.facts())[-1] == ConversationClosed(world.workspace.id, row.id)


async def test_closing_is_a_line_of_the_timeline(api: Api, world: World) -> None:
    message = await world.hear("Hello")

    await succeed(api, world.owner, "closeConversation", message)

    last = await Activity.all().order_by("-seq").first()
    assert last is not None
    assert (last.seq, last.kind, last.source) == (3, ActivityKind.CLOSED, ChangeSource.USER)
    assert (last.actor_id, last.assignee_id, last.until) == (world.owner.member.id, None, None)


async def test_closing_twice_changes_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    before = await snapshot()

    answer = await api.ask(
        world.owner, CLOSE, input={"conversationId": encode_id("Conversation", conversation.id)}
    )

    assert answer["closeConversation"]["conversation"]["status"] == ConversationStatus.CLOSED.value
    assert answer["closeConversation"]["userErrors"] == []
    assert await snapshot() == before


async def test_the_assignee_stays(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    ada = await world.add("Ada")
    await succeed(api, world.owner, "assignConversation", message, assigneeId=ada.id)

    closed = await succeed(api, ada, "closeConversation", message)

    assert closed["assignee"] == {"id": ada.id}


async def test_closing_a_snoozed_conversation_ends_snooze_and_episode(
    api: Api, world: World
) -> None:
    message = await world.hear("Hello")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await succeed(api, world.owner, "snoozeConversation", message, until=until)

    closed = await succeed(api, world.owner, "closeConversation", message)

    assert (closed["status"], closed["snooze"], closed["version"]) == ("CLOSED", None, 4)
    row = await Conversation.get(id=message.conversation_id)
    assert (row.status_before_snooze, row.snoozed_until, row.snoozed_by_id) == (None, None, None)
    [episode] = await Episode.all()
    assert episode.closed_at == row.closed_at


async def test_a_program_closes_as_a_program(api: Api, world: World) -> None:
    message = await world.hear("Hello")

    await succeed(api, await api_key(world), "closeConversation", message)

    [episode] = await Episode.all()
    assert (episode.closed_source, episode.closed_by_id) == (ChangeSource.API, None)


async def test_closing_at_once_ends_one_episode_once(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    people = [world.owner, *[await world.add(f"Ada{number}") for number in range(4)]]

    payloads = await asyncio.gather(
        *(act(api, person, "closeConversation", message) for person in people)
    )

    assert [payload["userErrors"] for payload in payloads] == [[]] * 5
    assert {payload["conversation"]["version"] for payload in payloads} == {3}
    closed = [fact for fact in await world.facts() if isinstance(fact, ConversationClosed)]
    assert closed == [ConversationClosed(world.workspace.id, message.conversation_id)]
    assert await Activity.filter(kind=ActivityKind.CLOSED).count() == 1


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await check_conflict(api, world, "closeConversation", message.conversation)


async def test_a_conflict_comes_before_the_state(api: Api, world: World) -> None:
    conversation = await world.conversation()
    async with nothing_changes():
        payload = await act(api, world.owner, "closeConversation", conversation, expectedVersion=7)
    assert [error["code"] for error in payload["userErrors"]] == ["CONFLICT"]


async def test_who_may_close(api: Api, world: World) -> None:
    await check_rights(api, world, "closeConversation")
