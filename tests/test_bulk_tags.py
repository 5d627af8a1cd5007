"""Tagging the contacts of many conversations at once."""

from models.tag import ContactTag, Tag
from realtime.events import ContactUpdated
from resolvers.tag import create_tag
from schema.ids import encode_id
from tests.acting import conversation_id, nothing_changes
from tests.test_bulk import act, missing
from tests.world import Api, World, make_world


async def make_tag(world: World, name: str) -> Tag:
    """Make a tag."""
    return await create_tag(await world.owner.viewer(), world.workspace.id, name=name)


async def test_many_are_tagged_and_untagged(api: Api, world: World) -> None:
    vip, new = await make_tag(world, "VIP"), await make_tag(world, "New")
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(3)]
    ids = [encode_id("Tag", tag.id) for tag in (vip, new)]
    told = len(await world.facts())

    payload = await act(api, world.owner, "tagConversations", rows[:2], tagIds=ids)

    assert payload["userErrors"] == []
    assert [one["conversationId"] for one in payload["results"]] == [
        conversation_id(row) for row in rows[:2]
    ]
    assert [one["userErrors"] for one in payload["results"]] == [[], []]
    assert await ContactTag.all().count() == 4
    facts = (await world.facts())[told:]
    assert [(type(fact), getattr(fact, "conversation_id", 0)) for fact in facts] == [
        (ContactUpdated, row.conversation_id) for row in rows[:2]
    ]
    async with nothing_changes():
        await act(api, world.owner, "tagConversations", rows[:2], tagIds=ids)
        await act(api, world.owner, "untagConversations", rows[2:], tagIds=ids)
    await act(api, world.owner, "untagConversations", rows, tagIds=ids[:1])
    assert {row.tag_id for row in await ContactTag.all()} == {new.id}


async def test_a_refusal_is_of_that_one_alone(api: Api, world: World) -> None:
    tag, row = await make_tag(world, "VIP"), await world.hear("Hello")
    other = await make_world("Other")
    theirs, hidden = await make_tag(other, "VIP"), await other.conversation()
    never, foreign = encode_id("Conversation", 999_999), conversation_id(hidden)
    ids = [encode_id("Tag", tag.id)]
    given = {"tagIds": ids}
    payload = await act(api, world.owner, "tagConversations", [never, row, foreign], **given)
    assert [one["userErrors"] == [] for one in payload["results"]] == [False, True, False]
    assert payload["results"][0] == missing(never, 0)
    assert payload["results"][2] == missing(foreign, 2)
    async with nothing_changes():
        payload = await act(
            api, world.owner, "tagConversations", [row], tagIds=[encode_id("Tag", theirs.id)]
        )
        [error] = payload["results"][0]["userErrors"]
        assert error["code"] == "NOT_FOUND"
