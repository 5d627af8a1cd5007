"""Remembered viewers: one statement less, and never a right that is no longer there."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.engine import sql
from models.member import Member, Role, Visibility
from models.session import Session
from models.user import User
from realtime.log import decode_cursor, read_head
from resolvers.api_key import revoke_api_key
from resolvers.assignment import assign_conversation
from resolvers.proof import MAX_REMEMBERED, ViewerMemory
from resolvers.session import log_out
from schema.ids import encode_id
from tests import streaming
from tests.acting import api_key
from tests.streaming import Server
from tests.world import Person, World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

PAGE = "query ($id: ID!) { inbox(id: $id) { conversations { nodes { contact { name } } } } }"
THREAD = "query ($id: ID!) { conversation(id: $id) { messages { nodes { text } } } }"
CONTACTS = "query ($id: ID!) { contacts(workspaceId: $id) { nodes { name } } }"
CURSOR = """query ($id: ID!, $inbox: ID!) {
  workspace(id: $id) { eventCursor } inbox(id: $inbox) { conversations { nodes { id } } }
}"""


async def inbox_of(server: Server, who: Any) -> str:
    data = await server.ask(who, "{ workspaces { inboxes { id kind } } }")
    found: str = data["workspaces"][0]["inboxes"][0]["id"]
    return found


async def names(server: Server, who: Any, inbox: str) -> list[str]:
    page = await server.ask(who, PAGE, id=inbox)
    return [node["contact"]["name"] for node in page["inbox"]["conversations"]["nodes"]]


async def test_the_second_time_the_rows_prove_who_asks(server: Server, world: World) -> None:
    message = await world.hear()
    inbox, one = await inbox_of(server, world.owner), world.id
    thread = encode_id("Conversation", message.conversation_id)
    for document, asked, first, later in (
        (PAGE, inbox, 2, 1),
        (THREAD, thread, 3, 2),
        (CONTACTS, one, 2, 1),
    ):
        counted = []
        answers = []
        for _ in range(4):
            with sql.count_statements(everywhere=True) as counter:
                answers.append(await server.ask(world.owner, document, id=asked))
            own = [text for text in counter.statements if "event" not in text and "job" not in text]
            counted.append(len(own))
        assert answers == [answers[0]] * 4
        # the first time the document is not known, the second time it has no plan yet
        assert counted[-2:] == [later, later], (document, counted)
        assert max(counted) <= first + 1


async def restrict(person: Person) -> None:
    await Member.filter(id=person.member.id).update(visibility=Visibility.OWN)


async def let_go(person: Person) -> None:
    await Member.filter(id=person.member.id).update(is_active=False)


async def end_session(person: Person) -> None:
    await log_out(await person.viewer())


async def expire(person: Person) -> None:
    past = now() - timedelta(seconds=1)
    await Session.filter(user_id=person.user.id).update(expires_at=past)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (restrict, None),
        (let_go, "NOT_FOUND"),
        (end_session, "UNAUTHENTICATED"),
        (expire, "TOKEN_EXPIRED"),
    ],
)
async def test_a_change_of_rights_counts_at_once(
    server: Server,
    world: World,
    change: Callable[[Person], Awaitable[None]],
    code: str | None,
) -> None:
    message = await world.hear()
    ada = await world.add("Ada")
    inbox = await inbox_of(server, ada)
    thread = encode_id("Conversation", message.conversation_id)
    for _ in range(3):
        assert await names(server, ada, inbox) == ["Carla"]
        await server.ask(ada, THREAD, id=thread)
    await change(ada)  # as another process would
    page = await server.post(ada, PAGE, id=inbox)
    conversation = await server.post(ada, THREAD, id=thread)
    if code is None:
        assert page["data"]["inbox"]["conversations"]["nodes"] == []
        assert conversation["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    else:
        for answer in (page, conversation):
            assert answer["errors"][0]["extensions"] == {"code": code}


async def test_what_was_hidden_is_seen_at_once(server: Server, world: World) -> None:
    message = await world.hear()
    ada = await world.add("Ada", visibility=Visibility.OWN)
    inbox = await inbox_of(server, ada)
    for _ in range(3):
        assert await names(server, ada, inbox) == []
    await assign_conversation(
        await world.owner.viewer(), message.conversation_id, assignee_id=ada.member.id
    )
    assert await names(server, ada, inbox) == ["Carla"]
    await Member.filter(id=ada.member.id).update(role=Role.MANAGER)
    await world.hear(sender="bob")
    assert len(await names(server, ada, inbox)) == 2


async def test_a_revoked_key_is_worth_nothing(server: Server, world: World) -> None:
    await world.hear()
    token = await api_key(world)
    program = type("Program", (), {"token": token})()
    inbox = await inbox_of(server, program)
    for _ in range(3):
        assert await names(server, program, inbox) == ["Carla"]
    [row] = await sql.rows("SELECT id FROM api_key")
    await revoke_api_key(await world.owner.viewer(), row["id"])
    answer = await server.post(program, PAGE, id=inbox)
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_another_language_is_spoken_at_once(server: Server, world: World) -> None:
    await world.hear()
    document = "query ($id: ID!) { inbox(id: $id) { name conversations { nodes { id } } } }"
    inbox = await inbox_of(server, world.owner)
    told = []
    for language in ("en", "en", "en", "fr"):
        await User.filter(id=world.owner.user.id).update(language=language)
        told.append((await server.ask(world.owner, document, id=inbox))["inbox"]["name"])
    assert told == ["All", "All", "All", "Toutes"]


async def test_the_cursor_is_that_of_now(server: Server, world: World) -> None:
    inbox = await inbox_of(server, world.owner)
    for number in range(4):
        await world.hear(f"message {number}")
        head = await read_head(world.workspace.id)
        data = await server.ask(world.owner, CURSOR, id=world.id, inbox=inbox)
        assert decode_cursor(data["workspace"]["eventCursor"], head) == head.seq


async def test_few_are_remembered_and_those_of_many_workspaces_are_not(world: World) -> None:
    viewer = await world.owner.viewer()
    memory = ViewerMemory()
    for number in range(MAX_REMEMBERED + 5):
        memory.remember(str(number), viewer)
    assert memory.recall("4") is None
    recalled = memory.recall("5")
    assert recalled is not None
    assert recalled.proof is not None
    assert {one.head for one in recalled.memberships.values()} == {None}
