"""What two contacts who are merged become: details, state, read marks, and how they are reached."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation, ConversationStatus
from models.custom_field import CustomFieldKind
from models.engine import sql
from models.episode import Episode
from models.message import Message
from models.queries import read_conversations
from realtime.contact_events import ContactMerged
from realtime.events import ContactUpdated, ConversationAssigned, ConversationOpened
from resolvers.assignment import assign_conversation
from resolvers.block import block_contact
from resolvers.closing import close_conversation
from resolvers.contact import update_contact
from resolvers.contact_deletion import delete_contact
from resolvers.contact_details import clean_details
from resolvers.contact_merge import merge_contacts
from resolvers.custom_field import create_custom_field
from resolvers.custom_field_value import GivenValue
from resolvers.merged_state import MergedDetail, join_states
from resolvers.merged_timeline import read_after
from resolvers.message import send_message
from resolvers.read_mark import mark_conversation_read
from resolvers.snooze import snooze_conversation
from resolvers.tag import create_tag, tag_contact
from tests.test_contact_merge import contacts_of, merge, two
from tests.world import Api, World, let_time_pass, run_jobs


async def test_what_the_kept_one_has_wins_or_what_is_taken(api: Api, world: World) -> None:
    async def pair() -> tuple[int, int]:
        first = await world.contact("Carla", last_name="B", email="c@parley.test")
        second = await world.contact(
            "Karla", phone="+31612345678", email="k@parley.test", language="nl"
        )
        return first.id, second.id

    kept_id, merged_id = await pair()
    await merge(api, world.owner, kept_id, merged_id)
    row = await Contact.get(id=kept_id)
    assert (row.first_name, row.last_name, row.email) == ("Carla", "B", "c@parley.test")
    assert (row.phone, row.country, row.language) == ("+31612345678", "NL", "nl")
    assert "612345678" in row.search_text
    await delete_contact(await world.owner.viewer(), kept_id)

    kept_id, merged_id = await pair()
    await merge(api, world.owner, kept_id, merged_id, take=["NAME", "EMAIL", "PICTURE"])
    row = await Contact.get(id=kept_id)
    assert (row.first_name, row.last_name, row.email) == ("Karla", "", "k@parley.test")
    assert row.search_text == "karla +31612345678 k@parley.test"
    assert row.name_text == "karla"
    await delete_contact(await world.owner.viewer(), kept_id)

    kept_id, merged_id = await pair()  # what a masked member gave goes where a number would go
    await Contact.filter(id=merged_id).update(phone=None, given_phone="+31687654321")
    await merge(api, world.owner, kept_id, merged_id)
    row = await Contact.get(id=kept_id)
    assert (row.phone, row.given_phone) == (None, "+31687654321")
    assert "687654321" in row.search_text


async def test_tags_and_custom_fields_come_together(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.contact_merge.MAX_TAGS_OF_CONTACT", 2)
    owner, key = await world.owner.viewer(), world.workspace.id
    first, second = await world.contact(), await world.contact("Karla")
    tags = [(await create_tag(owner, key, name=name)).id for name in ("A", "B", "C")]
    await tag_contact(owner, first.id, tags[:1])
    await tag_contact(owner, second.id, tags)
    fields = [
        await create_custom_field(owner, key, name=name, slug=name, kind=CustomFieldKind.TEXT)
        for name in ("x", "y")
    ]
    nothing = clean_details()
    said = [GivenValue(fields[0].id, text="first")]
    await update_contact(owner, first.id, nothing, values=said)
    said = [GivenValue(field.id, text="second") for field in fields]
    await update_contact(owner, second.id, nothing, values=said)

    await merge(api, world.owner, first.id, second.id)

    rows = await sql.rows("SELECT contact_id, tag_id FROM contact_tag ORDER BY tag_id")
    assert [(row["contact_id"], row["tag_id"]) for row in rows] == [
        (first.id, tags[0]),
        (first.id, tags[1]),
    ]
    rows = await sql.rows("SELECT contact_id, text FROM custom_field_value ORDER BY field_id")
    assert [(row["contact_id"], row["text"]) for row in rows] == [
        (first.id, "first"),
        (first.id, "second"),
    ]


async def bring(world: World, status: str, name: str) -> Conversation:
    """Make a conversation in a state."""
    owner, row = await world.owner.viewer(), await world.conversation(name)
    if "OPEN" in status:
        message = await world.hear("Hello", sender=name)
        row = await Conversation.get(id=message.conversation_id)
    if status.startswith("SNOOZED"):
        await snooze_conversation(owner, row.id, until=now() + timedelta(hours=2))
    return await Conversation.get(id=row.id)


STATES = ("CLOSED", "OPEN", "SNOOZED(CLOSED)", "SNOOZED(OPEN)")


@pytest.mark.parametrize("of_kept", STATES)
@pytest.mark.parametrize("of_merged", STATES)
async def test_the_livelier_state_is_that_of_both(
    api: Api, world: World, of_kept: str, of_merged: str
) -> None:
    first, second = await bring(world, of_kept, "carla"), await bring(world, of_merged, "karla")
    before = len(await world.facts())
    await merge(api, world.owner, first.contact_id, second.contact_id)

    row = await Conversation.get(id=first.id)
    statuses, runs = (of_kept, of_merged), "OPEN" in of_kept + of_merged
    if "OPEN" in statuses:
        expected: tuple[str, str | None] = ("OPEN", None)
    elif any("SNOOZED" in status for status in statuses):
        expected = ("SNOOZED", "OPEN" if runs else "CLOSED")
    else:
        expected = ("CLOSED", None)
    was = row.status_before_snooze
    assert (row.status.value, was.value if was else None) == expected
    assert await Episode.filter(conversation_id=row.id, closed_at=None).count() == runs
    moments = [one.opened_at for one in (first, second) if one.opened_at]
    assert row.opened_at == min(moments, default=None)
    facts = (await world.facts())[before:]
    opened = expected[0] == "OPEN" and of_kept != "OPEN"
    assert any(isinstance(fact, ConversationOpened) for fact in facts) is opened
    assert isinstance(facts[-1], ContactUpdated)
    await let_time_pass(10_000)
    await run_jobs()
    row = await Conversation.get(id=first.id)
    ended = expected[1] or expected[0]
    assert row.status is ConversationStatus(ended)


async def test_who_looks_after_it_stays_or_is_the_others(api: Api, world: World) -> None:
    owner, ada = await world.owner.viewer(), await world.add("Ada")
    first, second, third = [await world.conversation(f"C{number}") for number in range(3)]
    await assign_conversation(owner, second.id, assignee_id=ada.member.id)
    robo = await world.ai_agent()
    await assign_conversation(owner, third.id, ai_agent_id=robo.id)

    await merge(api, world.owner, first.contact_id, second.contact_id)
    await merge(api, world.owner, first.contact_id, third.contact_id)

    row = await Conversation.get(id=first.id)
    assert (row.assignee_id, row.ai_agent_id, row.handling_epoch) == (ada.member.id, None, 2)
    facts = await world.facts()
    given = [fact for fact in facts if isinstance(fact, ConversationAssigned)]
    assert [fact.conversation_id for fact in given] == [second.id, third.id, first.id]
    ends = [fact for fact in facts if isinstance(fact, ContactMerged)]
    assert [(end.conversation_id, end.assignee_id) for end in ends] == [
        (second.id, ada.member.id),
        (third.id, None),
    ]
    assert {end.kept_conversation_id for end in ends} == {first.id}


@pytest.mark.parametrize(
    ("kept", "moved", "incoming", "expected"),
    [
        (0, 0, "", 0),
        (2, 0, "kk", 2),
        (2, 1, "kmk", 3),
        (2, 0, "kmk", 1),
        (1, 2, "kmkm", 2),
        (2, 1, "kmkm", 3),
        (0, 2, "mmk", 2),
    ],
)
def test_nothing_is_read_that_was_not(kept: int, moved: int, incoming: str, expected: int) -> None:
    assert read_after(kept, moved, [letter == "m" for letter in incoming]) == expected


async def test_what_was_not_read_is_unread_for_each_member(api: Api, world: World) -> None:
    ada, bea = await world.add("Ada"), await world.add("Bea")
    first, second = await two(world)
    await mark_conversation_read(await ada.viewer(), first.conversation_id)
    await mark_conversation_read(await ada.viewer(), second.conversation_id)
    await mark_conversation_read(await bea.viewer(), second.conversation_id)

    await merge(api, world.owner, *contacts_of(first, second))
    await run_jobs()

    marks = await sql.rows("SELECT member_id, incoming_read FROM read_mark ORDER BY member_id")
    assert [tuple(mark.values()) for mark in marks] == [(ada.member.id, 2), (bea.member.id, 0)]


async def test_a_reply_goes_where_the_contact_wrote_from(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    first, second = await two(world)
    await merge(api, world.owner, *contacts_of(first, second))
    key = first.conversation_id
    identity = {row.external_id: row.id for row in await ContactChannel.all()}

    async def reached(**more: Any) -> int:
        message = await send_message(owner, key, text="Hi", **more)
        return (await Message.get(id=message.id)).contact_channel_id

    for sender in ("karla", "carla", "karla"):
        await world.hear("It is me", sender=sender)
        assert await reached() == identity[sender]
        assert await reached(channel_id=world.channels[0].id) == identity[sender]
    rows = await read_conversations("WHERE c.id = ?", key)
    assert [row.contact_id for row in rows] == [first.conversation.contact_id]


async def test_what_waits_to_be_sent_is_sent_in_its_order(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    first, second = await two(world)
    sent = [
        await send_message(owner, row.conversation_id, text=text)
        for row, text in ((second, "1"), (first, "2"), (second, "3"))
    ]
    await merge(api, world.owner, *contacts_of(first, second))
    jobs = await sql.rows("SELECT payload, ordering_key FROM job WHERE kind = 'deliver_message'")
    assert {job["ordering_key"] for job in jobs} == {f"conversation:{first.conversation_id}"}
    assert len(jobs) == len(sent)


async def test_two_blocked_contacts_stay_blocked(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    first, second = await two(world)
    for contact_id in contacts_of(first, second):
        await block_contact(owner, contact_id)
    await merge(api, world.owner, *contacts_of(first, second))
    row = await Conversation.get(id=first.conversation_id)
    assert row.blocked_at is not None
    spam = await world.hear("Buy now", sender="karla")
    assert (spam.is_quarantined, spam.conversation_id) == (True, row.id)


async def test_the_clock_of_automatic_closing_stops_for_who_waits(api: Api, world: World) -> None:
    first, second = await two(world)
    rows = await read_conversations("ORDER BY c.id")
    rows[0].idle_since, rows[0].unreplied_since = now(), None
    join_states(rows[0], rows[1])
    assert rows[0].idle_since is None
    rows = await read_conversations("ORDER BY c.id")
    for row in rows:
        row.idle_since, row.unreplied_since = now(), None
    later = rows[1].idle_since
    join_states(rows[0], rows[1])
    assert rows[0].idle_since == later
    assert first.id < second.id


async def test_closed_ones_keep_their_notes(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    first, second = await two(world)
    await close_conversation(owner, second.conversation_id, summary="Solved")
    await merge_contacts(owner, *contacts_of(first, second), taken=[MergedDetail.NAME])
    episodes = await Episode.all().order_by("id")
    assert [row.note_summary for row in episodes] == [None, "Solved"]
    assert {row.conversation_id for row in episodes} == {first.conversation_id}


async def test_merging_costs_the_same_however_much_there_is(api: Api, world: World) -> None:
    counts = []
    for number in (1, 20):
        for _ in range(number):
            first, second = await two(world)
        viewer = await world.owner.viewer()
        with sql.count_statements() as counter:
            await merge_contacts(viewer, *contacts_of(first, second))
        counts.append(counter.total)
        await delete_contact(viewer, first.conversation.contact_id)
        await run_jobs()
    assert counts[0] == counts[1] <= 50
