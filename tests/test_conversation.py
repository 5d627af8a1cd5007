"""Opening conversations: an episode begins, once, and hidden conversations do not exist."""

import asyncio

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource, Episode
from realtime.events import ConversationOpened
from tests.acting import (
    MISSING,
    act,
    api_key,
    assigned_to,
    check_conflict,
    check_rights,
    conversation_id,
    make_cast,
    nothing_changes,
    succeed,
)
from tests.test_snooze import snooze
from tests.world import Api, World

CONVERSATION = """
query ($id: ID!) {
  conversation(id: $id) {
    id status version unreadCount unrepliedSince openedAt closedAt createdAt lastMessageAt
    contact { firstName } assignee { ... on Member { name } } team { name } snooze { until }
    lastMessage { text } episodes { openedSource closedAt }
    viewerCanReply viewerCanAssign viewerCanClose viewerCanSnooze
  }
}
"""


async def test_opening_begins_an_episode(api: Api, world: World) -> None:
    conversation = await world.conversation()

    opened = await succeed(api, world.owner, "openConversation", conversation)

    row = await Conversation.get(id=conversation.id)
    assert row.opened_at is not None
    assert (opened["status"], opened["version"]) == ("OPEN", 2)
    assert (opened["openedAt"], opened["closedAt"]) == (row.opened_at.isoformat(), None)
    assert opened["unrepliedSince"] is None
    [episode] = await Episode.all()
    assert (episode.opened_at, episode.opened_source) == (row.opened_at, ChangeSource.USER)
    assert (episode.opened_by_id, episode.closed_at) == (world.owner.member.id, None)
    [activity] = await Activity.all()
    assert (activity.seq, activity.kind) == (1, ActivityKind.OPENED)
    assert (await world.facts())[-1] == ConversationOpened(world.workspace.id, row.id)


async def test_opening_twice_changes_nothing(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    async with nothing_changes():
        same = await succeed(api, world.owner, "openConversation", message)
    assert (same["status"], same["version"]) == ("OPEN", 2)


@pytest.mark.parametrize(("origin", "episodes"), [("OPEN", 1), ("CLOSED", 2)])
async def test_opening_a_snoozed_conversation_ends_the_snooze(
    api: Api, world: World, origin: str, episodes: int
) -> None:
    message = await world.hear("Hello")
    if origin == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    await snooze(api, world, message, hours=1)

    opened = await succeed(api, world.owner, "openConversation", message)

    assert (opened["status"], opened["snooze"], opened["closedAt"]) == ("OPEN", None, None)
    row = await Conversation.get(id=message.conversation_id)
    assert row.status_before_snooze is None
    assert await Episode.all().count() == episodes
    assert await Episode.filter(closed_at=None).count() == 1


async def test_a_message_opens_a_closed_conversation_once(api: Api, world: World) -> None:
    first = await world.hear("Hello")
    await world.hear("Are you there?")

    row = await Conversation.get(id=first.conversation_id)
    assert (row.status, row.version, row.last_seq) == (ConversationStatus.OPEN, 2, 3)
    [episode] = await Episode.all()
    assert (episode.opened_source, episode.opened_by_id) == (ChangeSource.CONTACT, None)
    opened = [fact for fact in await world.facts() if isinstance(fact, ConversationOpened)]
    assert opened == [ConversationOpened(world.workspace.id, row.id)]


async def test_each_opening_is_an_episode_of_its_own(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await succeed(api, world.owner, "closeConversation", message)
    await succeed(api, await api_key(world), "openConversation", message)

    answer = await api.ask(world.owner, CONVERSATION, id=conversation_id(message))

    first = await Episode.all().order_by("id").first()
    assert first is not None and first.closed_at is not None
    assert answer["conversation"]["episodes"] == [
        {"openedSource": "API", "closedAt": None},
        {"openedSource": "CONTACT", "closedAt": first.closed_at.isoformat()},
    ]


async def test_opening_at_once_begins_one_episode(api: Api, world: World) -> None:
    conversation = await world.conversation()
    people = [world.owner, *[await world.add(f"Ada{number}") for number in range(4)]]

    payloads = await asyncio.gather(
        *(act(api, person, "openConversation", conversation) for person in people)
    )

    assert [payload["userErrors"] for payload in payloads] == [[]] * 5
    assert {payload["conversation"]["version"] for payload in payloads} == {2}
    assert await Episode.all().count() == 1
    assert [type(fact).__name__ for fact in await world.facts()].count("ConversationOpened") == 1


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    await check_conflict(api, world, "openConversation", await world.conversation())


async def test_who_may_open(api: Api, world: World) -> None:
    await check_rights(api, world, "openConversation")


async def test_reading_one_conversation(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await succeed(api, world.owner, "assignConversation", message, assigneeId=world.owner.id)

    answer = await api.ask(world.owner, CONVERSATION, id=conversation_id(message))

    row = await Conversation.get(id=message.conversation_id)
    assert row.unreplied_since is not None and row.opened_at is not None
    assert answer["conversation"] == {
        "id": conversation_id(message),
        "status": "OPEN",
        "version": 3,
        "unreadCount": 1,
        "unrepliedSince": row.unreplied_since.isoformat(),
        "openedAt": row.opened_at.isoformat(),
        "closedAt": None,
        "createdAt": row.created_at.isoformat(),
        "lastMessageAt": message.created_at.isoformat(),
        "contact": {"firstName": "Carla"},
        "assignee": {"name": "Olga"},
        "team": None,
        "snooze": None,
        "lastMessage": {"text": "Hello"},
        "episodes": [{"openedSource": "CONTACT", "closedAt": None}],
        "viewerCanReply": True,
        "viewerCanAssign": True,
        "viewerCanClose": True,
        "viewerCanSnooze": True,
    }


async def test_a_conversation_without_messages(api: Api, world: World) -> None:
    conversation = await world.conversation()

    found = (await api.ask(world.owner, CONVERSATION, id=conversation_id(conversation)))[
        "conversation"
    ]

    assert (found["status"], found["version"], found["unreadCount"]) == ("CLOSED", 1, 0)
    assert (found["lastMessage"], found["lastMessageAt"]) == (None, None)
    assert (found["episodes"], found["viewerCanClose"]) == ([], False)


async def test_a_hidden_conversation_never_existed(api: Api, world: World) -> None:
    cast = await make_cast(world)
    conversation = await assigned_to(world, cast.assignee)
    for who in cast.seers.values():
        found = await api.ask(who, CONVERSATION, id=conversation_id(conversation))
        assert found["conversation"]["status"] == "CLOSED"
    missing = await api.run(world.owner, CONVERSATION, id=MISSING[0])
    assert missing["data"] == {"conversation": None}
    assert [error["extensions"]["code"] for error in missing["errors"]] == ["NOT_FOUND"]
    for who in cast.blind.values():
        hidden = await api.run(who, CONVERSATION, id=conversation_id(conversation))
        assert hidden == missing
    for key in MISSING:
        assert await api.run(world.owner, CONVERSATION, id=key) == missing
