"""Comments: written, edited and taken back by their author, seen by members alone."""

from typing import Any

import pytest

from models.comment import CommentRevision
from models.conversation import Conversation
from models.engine import sql
from models.job import Job
from models.refusal import Code, Refused
from realtime.comment_events import CommentAdded, CommentChanged, CommentDeleted
from resolvers.comment import TEXT_LENGTH, add_comment, check_comment
from tests.acting import NOT_FOUND_SENTENCE, conversation_id
from tests.world import Api, World, snapshot

COMMENT = """comment {
  id source text seq version editedAt deletedAt viewerCanEdit author { name }
  mentions { name } history { version text } conversation { id }
}"""
TABLES = ("comment", "comment_mention", "comment_revision", "conversation", "event", "job")
FACTS = (CommentAdded, CommentChanged, CommentDeleted)


def document(name: str) -> str:
    """Return the operation of a mutation on comments."""
    extra = "" if name == "deleteComment" else "mentionedWithoutAccess { name }"
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input)"
        f" {{ {COMMENT} {extra} userErrors {{ code message field }} }} }}"
    )


async def act(api: Api, who: Any, name: str, **values: Any) -> Any:
    """Use a mutation on comments; return its payload."""
    return (await api.ask(who, document(name), input=values))[name]


async def add(api: Api, who: Any, row: Any, text: str = "Look", **values: Any) -> Any:
    """Write a comment that must not be refused; return it."""
    payload = await act(
        api, who, "addComment", conversationId=conversation_id(row), text=text, **values
    )
    assert payload["userErrors"] == []
    return payload["comment"]


async def told(world: World) -> list[str]:
    """Return the names of the facts about comments."""
    return [type(fact).__name__ for fact in await world.facts() if isinstance(fact, FACTS)]


def refused(code: str, message: str, *field: str) -> list[dict[str, Any]]:
    """Return the errors of a refusal."""
    return [{"code": code, "message": message, "field": list(field)}]


NOT_FOUND = refused("NOT_FOUND", NOT_FOUND_SENTENCE, "commentId")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("x", "x"),
        (" two\nlines ", " two\nlines "),
        ("é" * TEXT_LENGTH, "é" * TEXT_LENGTH),
        ("é" * (TEXT_LENGTH + 1), Code.TOO_LONG),
        ("", Code.BLANK),
        (" \n\t", Code.BLANK),
        (None, Code.BLANK),
    ],
)
def test_the_rule_of_texts(text: str | None, outcome: str | Code) -> None:
    try:
        assert check_comment(text) == outcome
    except Refused as refusal:
        assert (refusal.code, refusal.field) == (outcome, ("text",))


async def test_a_comment_from_its_writing_to_its_end(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    ada = await world.add("Ada")
    made = await add(api, ada, message)
    expected: dict[str, Any] = {
        "id": made["id"],
        "source": "USER",
        "text": "Look",
        "seq": 3,
        "version": 1,
        "editedAt": None,
        "deletedAt": None,
        "viewerCanEdit": True,
        "author": {"name": "Ada"},
        "mentions": [],
        "history": [],
        "conversation": {"id": conversation_id(message)},
    }
    assert made == expected
    for version, text in ((1, "Look here"), (2, "Look there")):
        values = {"commentId": made["id"], "text": text, "expectedVersion": version}
        edited = (await act(api, ada, "updateComment", **values))["comment"]
        assert (edited["version"], edited["text"]) == (version + 1, text)
        assert edited["editedAt"] is not None
    assert edited["history"] == [
        {"version": 2, "text": "Look here"},
        {"version": 1, "text": "Look"},
    ]
    gone = (await act(api, ada, "deleteComment", commentId=made["id"]))["comment"]
    left: dict[str, Any] = {"text": None, "version": 4, "history": [], "viewerCanEdit": False}
    moments = {"editedAt": edited["editedAt"], "deletedAt": gone["deletedAt"]}
    assert gone["deletedAt"] is not None
    assert gone == expected | left | moments
    assert await told(world) == [
        "CommentAdded",
        "CommentChanged",
        "CommentChanged",
        "CommentDeleted",
    ]
    assert await CommentRevision.all().count() == 0


async def test_nothing_else_moves(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    [before] = (await snapshot("conversation"))["conversation"]
    jobs = await Job.all().count()
    made = await add(api, world.owner, message)
    await act(api, world.owner, "updateComment", commentId=made["id"], text="Well")
    await act(api, world.owner, "deleteComment", commentId=made["id"])
    [after] = (await snapshot("conversation"))["conversation"]
    assert after == before | {"last_seq": before["last_seq"] + 1}
    assert await Job.all().count() == jobs
    document = "query ($id: ID!) { conversation(id: $id) { unreadCount lastMessage { text } } }"
    asked = await api.ask(await world.add(), document, id=conversation_id(message))
    assert asked["conversation"] == {"unreadCount": 1, "lastMessage": {"text": "Hello"}}


async def test_a_closed_and_a_blocked_contact_can_be_commented_on(api: Api, world: World) -> None:
    conversation = await world.conversation()
    assert (await add(api, world.owner, conversation))["seq"] == 1
    assert (await Conversation.get(id=conversation.id)).status is conversation.status
    await Conversation.filter(id=conversation.id).update(blocked_at=conversation.created_at)
    assert (await add(api, world.owner, conversation))["seq"] == 2


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    ada = await world.add("Ada")
    made = await add(api, ada, conversation, mentionedMemberIds=[world.owner.id])
    before = await snapshot(*TABLES)
    for values in ({}, {"text": "Look"}, {"mentionedMemberIds": [world.owner.id] * 2}):
        payload = await act(api, ada, "updateComment", commentId=made["id"], **values)
        assert (payload["comment"], payload["userErrors"]) == (made, [])
    assert await snapshot(*TABLES) == before
    gone = await act(api, ada, "deleteComment", commentId=made["id"])
    before = await snapshot(*TABLES)
    assert await act(api, ada, "deleteComment", commentId=made["id"]) == gone
    assert await snapshot(*TABLES) == before


async def test_refusals_change_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    made = await add(api, world.owner, conversation)
    gone = await add(api, world.owner, conversation, "Gone")
    await act(api, world.owner, "deleteComment", commentId=gone["id"])
    key, deleted = {"commentId": made["id"]}, {"commentId": gone["id"]}
    place = {"conversationId": conversation_id(conversation)}
    long = "x" * (TEXT_LENGTH + 1)
    blank = refused("BLANK", "Write a comment first.", "text")
    too_long = refused("TOO_LONG", "At most 1000 characters.", "text")
    conflict = refused("CONFLICT", "Somebody changed this in the meantime.", "expectedVersion")
    before = await snapshot(*TABLES)
    for name, values, errors in (
        ("addComment", place | {"text": " "}, blank),
        ("addComment", place | {"text": long}, too_long),
        ("updateComment", key | {"text": None}, blank),
        ("updateComment", key | {"text": long}, too_long),
        ("updateComment", key | {"text": "New", "expectedVersion": 2}, conflict),
        (
            "updateComment",
            deleted | {"text": "New"},
            refused("WRONG_STATE", "This comment was deleted.", "commentId"),
        ),
    ):
        payload = await act(api, world.owner, name, **values)
        assert payload["userErrors"] == errors
        assert payload["comment"] == (made if errors is conflict else None)
        assert payload["mentionedWithoutAccess"] == []
    assert await snapshot(*TABLES) == before


async def test_writing_one_takes_few_statements(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    viewer = await world.owner.viewer()
    with sql.count_statements() as counter:
        await add_comment(viewer, message.conversation_id, text="Look")
    plain = counter.total
    with sql.count_statements() as counter:
        await add_comment(
            viewer,
            message.conversation_id,
            text="Look",
            mentioned_member_ids=[world.owner.member.id],
        )
    assert counter.total <= plain + 2  # the members, and on SQLite one more row
