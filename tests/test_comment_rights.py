"""Who may write, edit and delete comments, and what comes of doing it at once."""

import asyncio
from typing import Any

from models.comment import Comment, CommentMention, CommentRevision
from models.conversation import Conversation
from models.member import Role
from tests.acting import MISSING, NOT_FOUND_SENTENCE, api_key, conversation_id, make_cast
from tests.test_comment import NOT_FOUND, TABLES, act, add, document, refused, told
from tests.world import Api, World, snapshot


async def test_only_the_author_changes_a_comment(api: Api, world: World) -> None:
    cast = await make_cast(world)
    sentence = "Only who wrote a comment can change it."
    conversation = await world.conversation()
    await Conversation.filter(id=conversation.id).update(assignee_id=cast.assignee.member.id)
    made = [await add(api, who, conversation, kind) for kind, who in cast.seers.items()]
    key = {"commentId": made[0]["id"]}
    before = await snapshot(*TABLES)
    for who in [*list(cast.seers.values())[1:], await api_key(world, Role.OWNER)]:
        for name, values in (("updateComment", {"text": "Mine"}), ("deleteComment", {})):
            payload = await act(api, who, name, **key, **values)
            assert payload["comment"] is None
            assert payload["userErrors"] == refused("FORBIDDEN", sentence)
    for who, ids in [
        *((who, [made[0]["id"]]) for who in cast.blind.values()),
        (world.owner, [key.replace("Conversation", "Comment") for key in MISSING]),
    ]:
        for one in ids:
            for name, values in (("updateComment", {"text": "Mine"}), ("deleteComment", {})):
                payload = await act(api, who, name, commentId=one, **values)
                assert (payload["comment"], payload["userErrors"]) == (None, NOT_FOUND)
    assert await snapshot(*TABLES) == before
    for who, own in zip(cast.seers.values(), made, strict=True):
        payload = await act(api, who, "updateComment", commentId=own["id"], text="Mine")
        assert payload["comment"]["text"] == "Mine"


async def test_who_may_comment(api: Api, world: World) -> None:
    cast = await make_cast(world)
    conversation = await world.conversation()
    await Conversation.filter(id=conversation.id).update(assignee_id=cast.assignee.member.id)
    for kind, who in cast.seers.items():
        made = await add(api, who, conversation)
        by_program = kind == "program"
        assert made["source"] == ("API" if by_program else "USER")
        assert (made["author"] is None) is by_program
    before = await snapshot(*TABLES)
    for who, key in [
        *((who, conversation_id(conversation)) for who in cast.blind.values()),
        *((world.owner, key) for key in MISSING),
    ]:
        payload = await act(api, who, "addComment", conversationId=key, text="Look")
        assert payload["userErrors"] == refused("NOT_FOUND", NOT_FOUND_SENTENCE, "conversationId")
    answer = await api.run(
        None,
        document("addComment"),
        input={"conversationId": made["conversation"]["id"], "text": "x"},
    )
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await snapshot(*TABLES) == before


async def test_the_same_key_writes_one(api: Api, world: World) -> None:
    conversation = await world.conversation()
    values: dict[str, Any] = {"idempotencyKey": "k", "mentionedMemberIds": [world.owner.id]}
    made = await asyncio.gather(*(add(api, world.owner, conversation, **values) for _ in range(4)))
    assert made == [made[0]] * 4
    assert await told(world) == ["CommentAdded"]
    payload = await act(
        api,
        world.owner,
        "addComment",
        **values | {"conversationId": conversation_id(conversation), "text": "Other"},
    )
    sentence = "This idempotency key was used with another input."
    assert payload["userErrors"] == refused("IDEMPOTENCY_KEY_REUSED", sentence, "idempotencyKey")
    assert await Comment.all().count() == await CommentMention.all().count() == 1


async def test_at_once_each_gets_a_place_of_its_own(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    made, _ = await asyncio.gather(
        asyncio.gather(*(add(api, world.owner, message, str(n)) for n in range(5))),
        world.hear("Still there?"),
    )
    row = await Conversation.get(id=message.conversation_id)
    seqs = sorted(one["seq"] for one in made)
    assert len(set(seqs)) == 5
    assert row.last_seq == 8


async def test_of_edits_at_once_with_a_version_one_wins(api: Api, world: World) -> None:
    made = await add(api, world.owner, await world.conversation())
    payloads = await asyncio.gather(
        *(
            act(
                api,
                world.owner,
                "updateComment",
                commentId=made["id"],
                text=f"Text {number}",
                expectedVersion=1,
            )
            for number in range(4)
        )
    )
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in payloads)
    assert codes == ["['CONFLICT']"] * 3 + ["[]"]
    texts = {one["comment"]["text"] for one in payloads}
    assert len(texts) == 1
    assert await told(world) == ["CommentAdded", "CommentChanged"]


async def test_edited_and_deleted_at_once_it_is_gone(api: Api, world: World) -> None:
    made = await add(api, world.owner, await world.conversation())
    key = {"commentId": made["id"]}
    await asyncio.gather(
        act(api, world.owner, "deleteComment", **key),
        *(act(api, world.owner, "updateComment", text=f"N{n}", **key) for n in range(4)),
    )
    row = await Comment.get()
    assert row.text is None
    assert row.deleted_at is not None
    assert await CommentRevision.all().count() == 0
    assert (await told(world))[-1] == "CommentDeleted"
