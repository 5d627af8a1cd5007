"""What closing, waking and settings tell over real sockets, to whom, and only once."""

from typing import Any

from models.member import Visibility
from resolvers.assignment import assign_conversation
from resolvers.closing import close_conversation, reopen_conversation
from resolvers.message import send_message
from resolvers.snooze import SnoozePreset, snooze_conversation, unsnooze_conversation
from resolvers.workspace import update_workspace_settings
from tests import streaming
from tests.streaming import CHANGES, Server, cursor_of, last_seq
from tests.test_automatic_closing import turn_on
from tests.world import Person, World, let_time_pass, run_jobs

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

EVENTS = """
subscription($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId cursor
    ... on ConversationChanged { change now: conversation {
      status episodes(first: 1) { closedSource note { categoryName summary } }
    } }
    ... on WorkspaceSettingsChanged { workspace { settings { snooze { wakeOnReply } } } }
  }
}"""


async def told(server: Server, world: World, who: Person, document: str, after: str) -> list[Any]:
    """Return what a stream tells after a cursor, up to the end of the log."""
    async with server.client(who) as client:
        await client.subscribe(document, workspaceId=world.id, after=after)
        return await client.until(await last_seq(world))


async def test_each_action_is_told_with_the_conversation(server: Server, world: World) -> None:
    viewer, message = await world.owner.viewer(), await world.hear("Hello")
    key, cursor = message.conversation_id, await cursor_of(world)

    await close_conversation(viewer, key)
    await reopen_conversation(viewer, key)
    await snooze_conversation(viewer, key, preset=SnoozePreset.NEXT_WEEK)
    await snooze_conversation(viewer, key, preset=SnoozePreset.NEXT_MONTH)
    await unsnooze_conversation(viewer, key)

    events = await told(server, world, world.owner, CHANGES, cursor)
    assert [event["change"] for event in events] == [
        "CLOSED",
        "OPENED",
        "SNOOZED",
        "SNOOZED",
        "UNSNOOZED",
    ]


async def test_an_automatic_closing_is_one_event(server: Server, world: World) -> None:
    await turn_on(world)
    message = await world.hear("Hello")
    await send_message(await world.owner.viewer(), message.conversation_id, text="Bye")
    await run_jobs()
    cursor = await cursor_of(world)
    await let_time_pass(3600)
    await run_jobs()

    events = await told(server, world, world.owner, EVENTS, cursor)

    changes = [event for event in events if event["__typename"] == "ConversationChanged"]
    [event] = changes
    assert (event["change"], event["now"]) == (
        "CLOSED",
        {"status": "CLOSED", "episodes": [{"closedSource": "AUTO_CLOSE", "note": None}]},
    )


async def test_settings_are_told_to_all_and_closings_to_who_sees_them(
    server: Server, world: World
) -> None:
    blind = await world.add("Own", visibility=Visibility.OWN)
    seeing = await world.add("Ada")
    viewer, message = await world.owner.viewer(), await world.hear("Hello")
    await assign_conversation(viewer, message.conversation_id, assignee_id=seeing.member.id)
    cursor = await cursor_of(world)

    await close_conversation(viewer, message.conversation_id, summary="Sent anew")
    await update_workspace_settings(viewer, world.workspace.id, {"wake_on_reply": False})

    heard = {
        who.user.name: [
            {key: value for key, value in event.items() if key not in ("eventId", "cursor")}
            for event in await told(server, world, who, EVENTS, cursor)
        ]
        for who in (blind, seeing)
    }
    settings = {
        "__typename": "WorkspaceSettingsChanged",
        "workspace": {"settings": {"snooze": {"wakeOnReply": False}}},
    }
    note = {"categoryName": None, "summary": "Sent anew"}
    closed = {
        "__typename": "ConversationChanged",
        "change": "CLOSED",
        "now": {"status": "CLOSED", "episodes": [{"closedSource": "USER", "note": note}]},
    }
    assert heard == {"Own": [settings], "Ada": [closed, settings]}


async def test_settings_are_heard_live_by_an_agent_who_sees_little(
    server: Server, world: World
) -> None:
    blind = await world.add("Own", visibility=Visibility.OWN)
    viewer = await world.owner.viewer()
    async with server.client(blind) as client:
        await client.subscribe(EVENTS, workspaceId=world.id, after=await cursor_of(world))
        for wakes in (False, True):
            await update_workspace_settings(viewer, world.workspace.id, {"wake_on_reply": wakes})
            event = await client.hear()
            assert event["workspace"] == {"settings": {"snooze": {"wakeOnReply": wakes}}}
