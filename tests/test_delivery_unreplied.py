"""Unreplied and unread: any sequence of deeds leaves waiting what a small model leaves waiting."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from models.conversation import Conversation
from models.engine import sql
from models.message import Direction, Message, MessageSource
from models.read_mark import ReadMark
from models.workspace import Workspace
from realtime.events import UnrepliedCleared
from resolvers.authentication import authenticate
from resolvers.message import send_message
from resolvers.viewer import Viewer
from tests.acting import api_key, succeed
from tests.properties import hold
from tests.test_inbox import nodes
from tests.world import Api, World, run_jobs, webhook

NAMES = {
    "close": "closeConversation",
    "open": "openConversation",
    "snooze": "snoozeConversation",
    "unsnooze": "unsnoozeConversation",
    "mark read": "markConversationRead",
    "mark unread": "markConversationUnread",
}
PROGRESS = ("PENDING", "SENT", "DELIVERED", "READ")
REPORTS = (*PROGRESS[1:], "FAILED")
OFTEN = {"hear": 4, "say": 5, "program": 2, "echo": 1}
OFTEN |= {"last SENT": 2, "last FAILED": 2, "mark read": 2, "mark unread": 2}
ACTIONS = (*NAMES, *(f"{which} {report}" for which in ("first", "last") for report in REPORTS))
ACTIONS += tuple(action for action, times in OFTEN.items() for _ in range(times))
"""Replies and their failures come often, or too few of them would meet each other."""


@dataclass
class Reply:
    """An outgoing message: how many messages of the contact it came after, and how far it is."""

    after: int
    status: str


@dataclass
class Model:
    """What waits for a reply and what is unread, said as simply as possible."""

    heard: int = 1
    waiting: int | None = 1
    """Which message of the contact waits longest; None: none does."""
    read: int = 0
    replies: list[Reply] = field(default_factory=list)
    cleared: int = 0

    def arrive(self, reply: Reply) -> None:
        """Note that a reply is with the vendor: it answers what came before it."""
        if self.waiting is not None and reply.after == self.heard:
            self.waiting = None
            self.cleared += 1

    def report(self, reply: Reply, reported: str) -> None:
        """Note what is told of a reply: only what is news and no failure counts."""
        if reply.status == "FAILED":
            news = reported in ("DELIVERED", "READ")
        elif reported == "FAILED":
            news = reply.status in ("PENDING", "SENT")
        else:
            news = PROGRESS.index(reported) > PROGRESS.index(reply.status)
        if news:
            reply.status = reported
            if reported != "FAILED":
                self.arrive(reply)

    def act(self, action: str) -> None:
        """Apply an action by the rules of the manual."""
        match action.split():
            case ["hear"]:
                self.heard += 1
                self.waiting = self.waiting or self.heard
            case ["say" | "program"]:
                self.replies.append(Reply(self.heard, "PENDING"))
            case ["echo"]:
                self.replies.append(Reply(self.heard, "SENT"))
                self.arrive(self.replies[-1])
            case ["first" | "last" as which, reported] if self.replies:
                self.report(self.replies[0 if which == "first" else -1], reported)
            case ["close"]:
                self.waiting = None
            case ["mark", "read"]:
                self.read = self.heard
            case ["mark", "unread"]:
                self.read = min(self.read, self.heard - 1)


@dataclass
class Stage:
    """The real thing: one conversation, and who acts on it."""

    api: Api
    world: World
    program: Viewer
    row: Message
    sender: str
    sent: list[str] = field(default_factory=list)
    """The vendor's ids of what was sent, oldest first."""

    async def perform(self, action: str) -> None:
        """Do an action for real."""
        match action.split():
            case ["hear"]:
                await self.world.hear("Again", sender=self.sender)
            case ["say" | "program"]:
                viewer = self.program if action == "program" else await self.world.owner.viewer()
                await self._send(viewer)
            case ["echo"]:
                text = {"type": "text", "text": "From my phone"}
                await self._webhook("message_echo", self._next_id(), message=text)
            case ["first" | "last" as which, reported] if self.sent:
                value: dict[str, object] = {"value": reported.lower()}
                if reported == "FAILED":
                    value["message"] = "No such number"
                key = self.sent[0 if which == "first" else -1]
                await self._webhook("message_status", key, status=value)
            case ["snooze"]:
                until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
                await succeed(self.api, self.world.owner, NAMES[action], self.row, until=until)
            case _ if action in NAMES:
                await succeed(self.api, self.world.owner, NAMES[action], self.row)

    def _next_id(self) -> str:
        self.sent.append(f"{self.sender}-{len(self.sent)}")
        return self.sent[-1]

    async def _send(self, viewer: Viewer) -> None:
        """Send a message whose fate only reports decide: the vendor has it, and says nothing."""
        message = await send_message(viewer, self.row.conversation_id, text="Yes?")
        await sql.affected("DELETE FROM job WHERE kind = 'deliver_message'")
        await Message.filter(id=message.id).update(external_id=self._next_id())

    async def _webhook(self, kind: str, key: str, **values: object) -> None:
        channel = self.world.channels[0]
        event = {"type": kind, "mId": key, "timestamp": 1_700_000_000_000, **values}
        await webhook(channel, self.sender, event)
        await run_jobs()

    async def check(self, model: Model) -> None:
        """Compare what is stored with the model."""
        key = self.row.conversation_id
        conversation = await Conversation.get(id=key)
        assert (conversation.unreplied_since is not None) is (model.waiting is not None)
        if conversation.unreplied_since is not None:
            heard = await Message.filter(conversation_id=key, direction=Direction.INCOMING)
            moments = {message.incoming_count: message.created_at for message in heard}
            before = moments.get((model.waiting or 0) - 1)
            assert conversation.unreplied_since <= moments[model.waiting or 0]
            assert before is None or before < conversation.unreplied_since
        outgoing = Message.filter(conversation_id=key, direction=Direction.OUTGOING)
        statuses = [message.status.value for message in await outgoing.order_by("seq")]
        assert statuses == [reply.status for reply in model.replies]
        mark = await ReadMark.get_or_none(conversation_id=key)
        assert (mark.incoming_read if mark else 0) == model.read
        assert conversation.incoming_count == model.heard


async def test_any_sequence_leaves_waiting_what_the_model_does(api: Api, world: World) -> None:
    program = await authenticate(await api_key(world))
    assert isinstance(program, Viewer)
    waiting: dict[str, bool] = {}
    cleared = 0

    @settings(max_examples=30, deadline=None, database=None)
    @given(st.lists(st.sampled_from(ACTIONS), min_size=8, max_size=16))
    async def sequence(actions: list[str]) -> None:
        nonlocal cleared
        sender = f"c{len(waiting)}"
        row = await world.hear("Hello", sender=sender)
        stage, model = Stage(api, world, program, row, sender), Model()
        for action in actions:
            model.act(action)
            await stage.perform(action)
            await stage.check(model)
        waiting[sender] = model.waiting is not None
        cleared += model.cleared

    await hold(sequence)

    listed = await nodes(api, world.owner, world, "ALL", unreplied=True)
    assert len(listed) == min(sum(waiting.values()), 100)
    facts = [fact for fact in await world.facts() if isinstance(fact, UnrepliedCleared)]
    assert len(facts) == cleared


async def test_what_came_before_the_workspace_counts_is_not_unreplied(world: World) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await Workspace.filter(id=world.workspace.id).update(unreplied_since=later)
    first = await world.hear("Hello")
    assert (await Conversation.get(id=first.conversation_id)).unreplied_since is None

    await Workspace.filter(id=world.workspace.id).update(unreplied_since=first.created_at)
    second = await world.hear("Still there?")
    conversation = await Conversation.get(id=first.conversation_id)
    assert conversation.unreplied_since is not None
    assert first.created_at < conversation.unreplied_since <= second.created_at


def test_every_source_of_outgoing_messages_is_a_reply() -> None:
    """Who adds a source, such as broadcasts, decides whether it answers in `reply_arrived`."""
    replies = {MessageSource.USER, MessageSource.API, MessageSource.ECHO}
    assert set(MessageSource) - {MessageSource.CONTACT} == replies
