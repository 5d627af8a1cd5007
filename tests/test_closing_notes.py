"""Closing notes: what each mode takes from whom, and that notes outlive their categories."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.closing_note_category import ClosingNoteCategory
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.refusal import Code, Refused
from models.workspace import ClosingNoteMode, Workspace
from realtime.events import ConversationClosed
from resolvers.closing import (
    ClosingNote,
    check_note,
    create_closing_note_category,
    delete_closing_note_category,
    update_closing_note_category,
)
from schema.ids import encode_id
from tests.acting import act, api_key, conversation_id, nothing_changes, refused, succeed
from tests.world import Api, World, make_world

OFF, OPTIONAL = ClosingNoteMode.OFF, ClosingNoteMode.OPTIONAL
CATEGORY = ClosingNoteMode.CATEGORY_REQUIRED
BOTH = ClosingNoteMode.CATEGORY_AND_SUMMARY_REQUIRED
NOTES = {
    "nothing": ClosingNote(),
    "category": ClosingNote("Solved", "All is well"),
    "summary": ClosingNote(summary="Sent anew"),
    "both": ClosingNote("Solved", "All is well", "Sent anew"),
}
REFUSED: dict[tuple[ClosingNoteMode, str], tuple[Code, str]] = {
    (OFF, "category"): (Code.NOTE_NOT_ACCEPTED, "categoryId"),
    (OFF, "summary"): (Code.NOTE_NOT_ACCEPTED, "summary"),
    (OFF, "both"): (Code.NOTE_NOT_ACCEPTED, "categoryId"),
    (CATEGORY, "nothing"): (Code.NOTE_REQUIRED, "categoryId"),
    (CATEGORY, "summary"): (Code.NOTE_REQUIRED, "categoryId"),
    (BOTH, "nothing"): (Code.NOTE_REQUIRED, "categoryId"),
    (BOTH, "summary"): (Code.NOTE_REQUIRED, "categoryId"),
    (BOTH, "category"): (Code.NOTE_REQUIRED, "summary"),
}
"""What is refused from a member; all else is taken."""
EPISODES = """
query ($id: ID!) { conversation(id: $id) { episodes {
  openedSource closedSource openedBy { name } closedBy { name }
  note { categoryName categoryDescription summary } firstResponseSeconds resolutionSeconds
} } }
"""


@pytest.mark.parametrize("mode", list(ClosingNoteMode))
@pytest.mark.parametrize("given", list(NOTES))
@pytest.mark.parametrize("source", list(ChangeSource))
def test_the_rule_for_every_mode_note_and_source(
    mode: ClosingNoteMode, given: str, source: ChangeSource
) -> None:
    outcome = None
    try:
        check_note(mode, source, NOTES[given])
    except Refused as refusal:
        outcome = (refusal.code, *refusal.field)
    expected = REFUSED.get((mode, given)) if source is ChangeSource.USER else None
    assert outcome == expected


@pytest.mark.parametrize("source", list(ChangeSource))
def test_a_summary_has_at_most_2000_characters(source: ChangeSource) -> None:
    check_note(OPTIONAL, source, ClosingNote(summary="x" * 2000))
    with pytest.raises(Refused) as refusal:
        check_note(OPTIONAL, source, ClosingNote(summary="x" * 2001))
    assert (refusal.value.code, refusal.value.field) == (Code.TOO_LONG, ("summary",))


async def set_mode(world: World, mode: ClosingNoteMode) -> None:
    """Set how the workspace wants its closing notes."""
    await Workspace.filter(id=world.workspace.id).update(closing_note_mode=mode)


async def solved(world: World) -> ClosingNoteCategory:
    """Add a category."""
    return await create_closing_note_category(
        await world.owner.viewer(), world.workspace.id, name="Solved", description="All is well"
    )


def key_of(category: ClosingNoteCategory) -> str:
    """Return the global id of a category."""
    return str(encode_id("ClosingNoteCategory", category.id))


async def episodes(api: Api, world: World, row: Any) -> Any:
    """Return the episodes of a conversation, newest first."""
    data = await api.ask(world.owner, EPISODES, id=conversation_id(row))
    return data["conversation"]["episodes"]


@pytest.mark.parametrize("mode", list(ClosingNoteMode))
@pytest.mark.parametrize("given", list(NOTES))
@pytest.mark.parametrize("who", ["member", "program"])
async def test_every_mode_with_every_note(
    api: Api, world: World, mode: ClosingNoteMode, given: str, who: str
) -> None:
    category = await solved(world)
    await set_mode(world, mode)
    message = await world.hear("Hello")
    note = NOTES[given]
    values = {"categoryId": key_of(category)} if note.category else {}
    values |= {"summary": f"  {note.summary} "} if note.summary else {}
    person = world.owner if who == "member" else await api_key(world)
    refusal = REFUSED.get((mode, given)) if who == "member" else None
    if refusal is not None:
        async with nothing_changes():
            payload = await act(api, person, "closeConversation", message, **values)
        [error] = payload["userErrors"]
        assert (error["code"], error["field"]) == (refusal[0].value, [refusal[1]])
        return

    await succeed(api, person, "closeConversation", message, **values)

    [episode] = await episodes(api, world, message)
    written = {
        "categoryName": note.category,
        "categoryDescription": note.description,
        "summary": note.summary,
    }
    assert episode["note"] == (None if given == "nothing" else written)
    assert episode["closedSource"] == ("USER" if who == "member" else "API")
    assert episode["closedBy"] == ({"name": "Olga"} if who == "member" else None)
    assert (episode["openedSource"], episode["openedBy"]) == ("CONTACT", None)


async def test_a_blank_summary_is_none(api: Api, world: World) -> None:
    await set_mode(world, BOTH)
    message = await world.hear("Hello")
    category = key_of(await solved(world))
    sentence = "Write a summary for the closing note."
    async with nothing_changes():
        payload = await act(
            api, world.owner, "closeConversation", message, categoryId=category, summary=" \n "
        )
    assert payload == refused("NOTE_REQUIRED", sentence, "summary")
    await set_mode(world, OFF)
    await succeed(api, world.owner, "closeConversation", message, summary=" ")


async def test_a_closed_conversation_keeps_its_first_note(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await succeed(api, world.owner, "closeConversation", message, summary="First")
    await set_mode(world, BOTH)
    async with nothing_changes():
        for values in ({}, {"summary": "Second"}):
            await succeed(api, world.owner, "closeConversation", message, **values)
    [episode] = await episodes(api, world, message)
    assert episode["note"]["summary"] == "First"
    closed = [fact for fact in await world.facts() if isinstance(fact, ConversationClosed)]
    assert len(closed) == 1


async def test_where_no_episode_ends_the_note_is_of_the_newest(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    until = (now() + timedelta(hours=1)).isoformat()
    await succeed(api, world.owner, "closeConversation", message, summary="First")
    await set_mode(world, BOTH)
    notes = []
    for values in ({}, {"summary": "Second"}):
        await succeed(api, world.owner, "snoozeConversation", message, until=until)
        await succeed(api, world.owner, "closeConversation", message, **values)
        [episode] = await episodes(api, world, message)
        notes.append(episode["note"]["summary"])
    assert notes == ["First", "Second"]
    await set_mode(world, OFF)
    await succeed(api, world.owner, "snoozeConversation", message, until=until)
    async with nothing_changes():
        payload = await act(api, world.owner, "closeConversation", message, summary="Third")
    assert [error["code"] for error in payload["userErrors"]] == ["NOTE_NOT_ACCEPTED"]


async def test_what_was_never_open_has_no_note(api: Api, world: World) -> None:
    row = await world.conversation()
    await set_mode(world, BOTH)
    until = (now() + timedelta(hours=1)).isoformat()
    await succeed(api, world.owner, "snoozeConversation", row, until=until)
    async with nothing_changes():
        payload = await act(api, world.owner, "closeConversation", row, summary="X")
    assert payload == refused(
        "NOTE_NOT_ACCEPTED", "It has never been open: there is nothing to note.", "summary"
    )
    closed = await succeed(api, world.owner, "closeConversation", row)
    assert closed["status"] == "CLOSED"


@pytest.mark.parametrize("change", ["rename", "delete"])
async def test_a_note_outlives_its_category(api: Api, world: World, change: str) -> None:
    category, viewer = await solved(world), await world.owner.viewer()
    message = await world.hear("Hello")
    await succeed(
        api, world.owner, "closeConversation", message, categoryId=key_of(category), summary="Ok"
    )
    before = await episodes(api, world, message)
    if change == "rename":
        await update_closing_note_category(viewer, category.id, {"name": "X", "description": None})
    else:
        assert await delete_closing_note_category(viewer, category.id) == category.id
    assert await episodes(api, world, message) == before
    assert before[0]["note"] == {
        "categoryName": "Solved",
        "categoryDescription": "All is well",
        "summary": "Ok",
    }


async def test_a_category_of_another_workspace_or_gone_is_none(api: Api, world: World) -> None:
    foreign = await solved(await make_world("Other"))
    gone = await solved(world)
    await delete_closing_note_category(await world.owner.viewer(), gone.id)
    message = await world.hear("Hello")
    sentence = "Nothing was found under this id."
    async with nothing_changes():
        for key in (key_of(foreign), key_of(gone), encode_id("Contact", 1), "x"):
            for who in (world.owner, await api_key(world)):
                payload = await act(api, who, "closeConversation", message, categoryId=key)
                assert payload == refused("NOT_FOUND", sentence, "categoryId")


async def test_the_times_of_an_episode(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    [open_one] = await episodes(api, world, message)
    assert (open_one["firstResponseSeconds"], open_one["resolutionSeconds"]) == (None, None)
    await succeed(api, world.owner, "closeConversation", message)
    row = await Episode.get(conversation_id=message.conversation_id)
    for first, resolution, expected in [(90.9, 3600.0, (90, 3600)), (-2.0, -0.5, (0, 0))]:
        await Episode.filter(id=row.id).update(
            first_response_at=row.opened_at + timedelta(seconds=first),
            closed_at=row.opened_at + timedelta(seconds=resolution),
        )
        [one] = await episodes(api, world, message)
        assert (one["firstResponseSeconds"], one["resolutionSeconds"]) == expected


async def test_episodes_of_many_conversations_cost_a_constant_number_of_statements(
    api: Api, world: World
) -> None:
    document = """query ($id: ID!) { inbox(id: $id) { conversations { nodes { episodes {
      openedBy { name } closedBy { name } note { summary } } } } } }"""
    inbox = encode_id("StandardInbox", f"{world.workspace.id}.ALL")
    costs = []
    for number in range(4):
        message = await world.hear(sender=f"c{number}")
        await succeed(api, world.owner, "closeConversation", message, summary="Ok")
        with sql.count_statements() as counter:
            await api.ask(world.owner, document, id=inbox)
        costs.append(counter.total)
    assert len(set(costs)) == 1
    rows = await Conversation.filter(status=ConversationStatus.CLOSED).count()
    assert rows == 4
