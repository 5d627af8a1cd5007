"""Mutations of remembered viewers: proved by their first statement, and else nothing happens."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from models.clock import now
from models.engine import sql
from models.engine.doubt import UnprovenError
from models.member import Visibility
from models.message import Message
from models.queries import Where
from models.session import Session
from models.workspace import Workspace
from realtime.events import ConversationOpened
from realtime.transaction import transaction
from resolvers import access, proof
from resolvers.proof import Proof
from schema.compiled.leaves import GiveUp
from schema.compiled.run import Run
from schema.ids import encode_id
from schema.proof import questioning
from tests import streaming
from tests.acting import api_key
from tests.streaming import Server
from tests.test_proof import end_session, expire, let_go, restrict
from tests.world import Person, World, make_world

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

SEND = """mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { text seq } userErrors { code field } }
}"""


class Sending:
    """A conversation, and the messages that were sent to it."""

    def __init__(self, server: Server, conversation_id: int) -> None:
        self.server = server
        self.id = encode_id("Conversation", conversation_id)
        self.looked_up = 0
        """How often the viewer was looked up for the last message."""

    async def __call__(self, who: Any, document: str = SEND, **given: Any) -> Any:
        given = {"conversationId": self.id, "text": "hi", **given}
        with sql.count_statements(everywhere=True) as counter:
            answer = await self.server.post(who, document, input=given)
        own = [one for one in counter.statements if "COALESCE(s.last_used_at" in one]
        keys = [one for one in counter.statements if "k.id AS key_id" in one]
        self.looked_up = len(own) + len(keys)
        return answer

    async def warm(self, who: Any) -> None:
        """Have the document known, its plan made and the viewer remembered."""
        for _ in range(3):
            answer = await self(who)
            assert answer["data"]["sendMessage"]["userErrors"] == []


async def kept() -> tuple[int, int, int, int]:
    """Count what there is of messages, events, jobs and refusals."""
    tables = ("message", "event", "job", "audit_entry")
    counts = [(await sql.rows(f"SELECT COUNT(*) AS n FROM {one}"))[0]["n"] for one in tables]
    return counts[0], counts[1], counts[2], counts[3]


async def test_the_lock_proves_who_sends(server: Server, world: World) -> None:
    send = Sending(server, (await world.hear()).conversation_id)
    await send.warm(world.owner)
    before = await Message.all().count()
    answer = await send(world.owner, text="proved", idempotencyKey="one")
    assert send.looked_up == 0
    again = await send(world.owner, text="proved", idempotencyKey="one")
    assert again == answer
    assert await Message.all().count() == before + 1
    program = type("Program", (), {"token": await api_key(world)})()
    await send.warm(program)
    await send(program)
    assert send.looked_up == 0
    # a refusal is told, and one for want of a right is kept, only once it is known who asks
    for given, code in (({"text": " "}, "BLANK"), ({"conversationId": "x"}, "NOT_FOUND")):
        answer = await send(world.owner, **given)
        assert [one["code"] for one in answer["data"]["sendMessage"]["userErrors"]] == [code]
        assert send.looked_up == 1
    shown = SEND.replace("sendMessage(", "eventCursor: sendMessage(")
    for _ in range(3):
        await send(world.owner, shown)
        assert send.looked_up == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (restrict, "NOT_FOUND"),
        (let_go, "NOT_FOUND"),
        (end_session, "UNAUTHENTICATED"),
        (expire, "TOKEN_EXPIRED"),
    ],
)
async def test_who_has_lost_a_right_sends_nothing_more(
    server: Server, world: World, change: Callable[[Person], Awaitable[None]], code: str
) -> None:
    send = Sending(server, (await world.hear()).conversation_id)
    ada = await world.add("Ada")
    await send.warm(ada)
    await change(ada)  # as another process would
    messages, events, jobs, refusals = await kept()
    answer = await send(ada)
    assert send.looked_up == 1
    if code == "NOT_FOUND":
        assert answer["data"]["sendMessage"]["userErrors"] == [
            {"code": code, "field": ["conversationId"]}
        ]
        refusals += change is restrict  # once: not also while it was not known who asks
    else:
        assert answer["errors"][0]["extensions"] == {"code": code}
    assert await kept() == (messages, events, jobs, refusals)


async def test_what_is_refused_to_who_is_proved_is_kept_once(server: Server, world: World) -> None:
    seen = await world.hear()
    ada = await world.add("Ada", visibility=Visibility.OWN)
    other = Sending(server, (await world.hear(sender="bob")).conversation_id)
    send = Sending(server, seen.conversation_id)
    await sql.affected(
        "UPDATE conversation SET assignee_id = ? WHERE id = ?", ada.member.id, seen.conversation_id
    )
    await send.warm(ada)
    before = await kept()
    answer = await other(ada)
    assert other.looked_up == 0
    assert answer["data"]["sendMessage"]["userErrors"][0]["code"] == "NOT_FOUND"
    assert await kept() == (*before[:3], before[3] + 1)
    [entry] = await sql.rows(
        "SELECT action, actor, outcome FROM audit_entry ORDER BY id DESC LIMIT 1"
    )
    assert entry == {
        "action": "sendMessage",
        "actor": f"member:{ada.member.id}",
        "outcome": "DENIED",
    }


async def test_a_deed_that_forgets_to_prove_is_done_for_who_was_looked_up(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the first try is there, as its transaction does not end with a COMMIT."""
    send = Sending(server, (await world.hear()).conversation_id)
    await send.warm(world.owner)
    before = await kept()
    monkeypatch.setattr(access, "must_prove", lambda _viewer, _row: None)
    answer = await send(world.owner, text="once")
    assert send.looked_up == 1
    assert answer["data"]["sendMessage"]["message"]["text"] == "once"
    after = await kept()
    assert [after[place] - before[place] for place in range(4)] == [1, 1, 1, 0]
    assert await Message.filter(text="once").count() == 1


async def test_a_deed_is_done_once_also_where_its_answer_or_its_commit_fails(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Sending(server, (await world.hear()).conversation_id)
    await send.warm(world.owner)
    complete, failures = Run._complete, [GiveUp()]

    async def complete_later(self: Run, shape: Any, values: Any) -> Any:
        if failures:
            raise failures.pop()
        return await complete(self, shape, values)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_complete", complete_later)
        answer = await send(world.owner, text="once")
    assert answer["data"]["sendMessage"]["message"]["text"] == "once"
    assert await Message.filter(text="once").count() == 1

    def fail(*_given: object) -> None:
        fail_count.append(1)
        raise LookupError("after the proof")

    fail_count: list[int] = []
    monkeypatch.setattr("resolvers.message.keep_mail", fail)
    answer = await send(world.owner, text="never")
    assert "errorId" in answer["errors"][0]["extensions"]
    assert len(fail_count) == 1  # told as it was, and not tried again
    assert await Message.filter(text="never").count() == 0


async def test_nothing_is_committed_in_doubt(database: object) -> None:
    world = await make_world()
    conversation_id = (await world.hear()).conversation_id
    before = await kept()
    proof = Proof(Where("1 = 1"))
    fact = ConversationOpened(world.workspace.id, conversation_id)
    rename = "UPDATE workspace SET name = ? WHERE id = ?"

    async def by_a_transaction() -> None:
        async with transaction() as announce:
            await sql.affected(rename, "in doubt", world.workspace.id)
            announce(fact)

    async def by_one_inside() -> None:
        async with transaction(), transaction() as announce:
            announce(fact)

    async def by_the_library() -> None:
        async with in_transaction():
            await sql.affected(rename, "in doubt", world.workspace.id)

    async def by_itself() -> None:
        await sql.affected(rename, "in doubt", world.workspace.id)

    async def by_a_model() -> None:
        await Workspace.filter(id=world.workspace.id).update(name="in doubt")

    deeds = (by_a_transaction, by_one_inside, by_the_library, by_itself, by_a_model)
    with questioning(proof):
        for deed in deeds:
            with pytest.raises(UnprovenError):
                await deed()
        assert (await Workspace.get(id=world.workspace.id)).name != "in doubt"
        assert await kept() == before
        proof.holds = True
        for deed in deeds:
            await deed()
    assert (await Workspace.get(id=world.workspace.id)).name == "in doubt"
    assert (await kept())[1] == before[1] + 2


async def test_a_session_in_use_is_noted_within_the_hour(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Sending(server, (await world.hear()).conversation_id)
    await send.warm(world.owner)
    await send(world.owner)
    assert send.looked_up == 0
    long_ago = now() - timedelta(hours=2)
    await Session.filter(user_id=world.owner.user.id).update(last_used_at=long_ago)
    monkeypatch.setattr(proof, "REMEMBERED_FOR", timedelta(0))
    await send(world.owner)
    assert send.looked_up == 1
    [session] = await Session.filter(user_id=world.owner.user.id)
    assert session.last_used_at is not None
    assert session.last_used_at > long_ago
