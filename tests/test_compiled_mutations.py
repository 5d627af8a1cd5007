"""Mutations by plans: what was done is never done twice, and documents run in their order."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from models.conversation import Conversation
from models.message import Message
from models.read_mark import ReadMark
from models.refusal import Code, Refused
from resolvers import message as messages
from schema.ids import encode_id
from tests.acting import api_key
from tests.toy_compiled import ThingRow, run_toy
from tests.twins import Twins, counted_executions
from tests.world import Api, World, snapshot

ACT = "thing { id name } userErrors { code message field }"


class Deeds:
    """A root whose deeds are written down; names decide how each ends."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def root(self) -> Any:
        """Return the root value of one execution."""

        async def deed(name: str) -> ThingRow:
            self.done.append(name)
            if name == "refused":
                raise Refused(Code.WRONG_STATE, "Not now.", field=("name",))
            if name == "raises":
                raise RuntimeError("broken")
            return ThingRow(id=len(self.done), name=None if name == "incomplete" else name)

        return SimpleNamespace(deed=deed)


def act(*names: str, field: str = "act") -> str:
    """Return a document with one mutation for each name, in their order."""
    fields = (
        f'm{n}: {field}(given: {{name: "{name}"}}) {{ {ACT} }}' for n, name in enumerate(names)
    )
    return f"mutation {{ __typename {' '.join(fields)} t: __typename }}"


@pytest.mark.parametrize("field", ["act", "surely"])
@pytest.mark.parametrize(
    ("names", "left"),
    [
        (("one",), 0),
        (("one", "two", "three"), 0),
        (("one", "refused", "three"), 0),
        (("incomplete",), 1),
        (("one", "incomplete", "three"), 1),
        (("one", "raises", "three"), 1),
        (("raises", "two"), 1),
        (("incomplete", "refused", "raises", "incomplete"), 1),
    ],
)
async def test_each_deed_is_done_once_and_in_order(
    names: tuple[str, ...], left: int, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, core = Deeds(), Deeds()
    with counted_executions(monkeypatch) as counts:
        answer = await run_toy(compiled.root, act(*names, field=field), compiled=True)
    assert answer == await run_toy(core.root, act(*names, field=field), compiled=False)
    assert compiled.done == core.done == list(names[: len(core.done)])
    if field == "act":
        assert counts.left == left


async def test_the_answer_of_a_deed_that_cannot_be_told_is_kept() -> None:
    deeds = Deeds()
    answer = orjson.loads(await run_toy(deeds.root, act("one", "incomplete"), compiled=True))
    assert answer["data"]["m0"]["thing"] == {"id": "1", "name": "one"}
    assert answer["data"]["m1"] == {"thing": None, "userErrors": []}
    assert [error["path"] for error in answer["errors"]] == [["m1", "thing", "name"]]
    assert deeds.done == ["one", "incomplete"]


CREATE = """mutation ($w: ID!) {
  a: createContact(input: {workspaceId: $w, firstName: "Ann"}) { contact { name } }
  b: createContact(input: {workspaceId: $w, firstName: ""}) { contact { id } userErrors { code } }
  c: createContact(input: {workspaceId: $w, firstName: "Cem"}) { contact { phone { value } } }
}"""


async def test_several_mutations_of_one_document(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = Twins(api.hub)
    for who in (world.owner, await world.add("Ada"), await api_key(world), None):
        with counted_executions(monkeypatch) as counts:
            await twins.compare(who, CREATE, {"w": world.id})
        assert counts.left == (1 if who is None else 0)
    assert await Conversation.all().count() == 2 * 2 * 3


SEND = """mutation ($id: ID!) { sendMessage(input: {conversationId: $id, text: "Hi"}) {
  message { text status conversation { viewerCanReply lastMessage { text } } } userErrors { code }
} }"""


def break_sending(patch: pytest.MonkeyPatch) -> list[int]:
    """Let messages be sent whose status cannot be told; return the list of them."""
    send = messages.send_message
    sent: list[int] = []

    async def broken(*given: Any, **named: Any) -> Any:
        row = await send(*given, **named)
        sent.append(row.id)
        row.status = "NO STATUS"  # type: ignore[assignment]  # what cannot be told
        return row

    patch.setattr(messages, "send_message", broken)
    return sent


async def test_a_message_whose_payload_fails_is_sent_once(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await world.hear("Hello")
    calls = break_sending(monkeypatch)
    key = {"id": encode_id("Conversation", heard.conversation_id)}
    before = len((await snapshot("job"))["job"])
    with counted_executions(monkeypatch) as counts:
        answer = await Twins(api.hub).compare(world.owner, SEND, key)
    assert [error["path"] for error in answer["errors"]] == [["sendMessage", "message", "status"]]
    assert answer["data"]["sendMessage"] == {"message": None, "userErrors": []}
    assert (counts.asked, counts.left) == (1, 1)
    assert len(calls) == 2  # one for each of the twins
    assert await Message.filter(text="Hi").count() == 2
    assert len((await snapshot("job"))["job"]) == before + 2


READ = """mutation ($id: ID!) {
  close: closeConversation(input: {conversationId: $id}) { conversation { unreadCount status } }
  read: markConversationRead(input: {conversationId: $id}) { conversation { unreadCount } }
  open: openConversation(input: {conversationId: $id}) { conversation { unreadCount status } }
  sendMessage(input: {conversationId: $id, text: "Hi"}) { message { status } }
}"""


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("way", ["compiled", "core"])
async def test_each_payload_is_as_things_are_after_its_own_mutation(
    api: Api, world: World, way: str, *, breaks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await world.hear("Hello")
    if breaks:
        break_sending(monkeypatch)
    twins = Twins(api.hub)
    schema = twins.compiled if way == "compiled" else twins.core
    key = {"id": encode_id("Conversation", heard.conversation_id)}
    answer = orjson.loads(await twins.run(schema, world.owner, READ, key))
    assert answer["data"] == {
        "close": {"conversation": {"unreadCount": 1, "status": "CLOSED"}},
        "read": {"conversation": {"unreadCount": 0}},
        "open": {"conversation": {"unreadCount": 0, "status": "OPEN"}},
        "sendMessage": {"message": None if breaks else {"status": "PENDING"}},
    }
    assert len(answer["errors"]) == breaks
    assert (await ReadMark.all().count(), await Message.filter(text="Hi").count()) == (1, 1)


REFUSALS: dict[str, Callable[[str], str]] = {
    "never existed": lambda _: encode_id("Conversation", 999_999),
    "malformed": lambda _: "no id",
    "of another type": lambda _: encode_id("Contact", 1),
}


@pytest.mark.parametrize("make", REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_answered_by_a_plan(
    api: Api, world: World, make: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.hear("Hello")
    before = await snapshot()
    with counted_executions(monkeypatch) as counts:
        answer = await Twins(api.hub).compare(world.owner, SEND, {"id": make("")})
    assert answer["data"]["sendMessage"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert (counts.answered, counts.left) == (1, 0)
    assert await snapshot() == before


async def test_an_argument_that_does_not_fit_is_no_deed() -> None:
    document = 'mutation ($n: String = "x") { a: act(given: {name: $n}) { thing { name } } '
    document += 'b: act(given: {name: "b"}) { thing { name } } }'
    for given, done in (({"n": None}, []), ({}, ["x", "b"]), ({"n": "c"}, ["c", "b"])):
        compiled, core = Deeds(), Deeds()
        answer = await run_toy(compiled.root, document, compiled=True, **given)
        assert answer == await run_toy(core.root, document, compiled=False, **given)
        assert compiled.done == core.done == done
