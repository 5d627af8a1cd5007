"""Any sequence of messages, snoozes, assignments and hours closes what a small model closes."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ai_agent import AiAgent
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.message import Message
from models.refusal import Refused
from resolvers.authentication import authenticate
from resolvers.idle_clock import CLOSE_IDLE
from resolvers.message import send_message
from resolvers.viewer import Viewer
from schema.ids import encode_id
from tests.acting import api_key, succeed
from tests.properties import hold
from tests.test_automatic_closing import turn_on
from tests.world import Api, World, let_time_pass, run_jobs

CLOSES_AFTER = 60
SNOOZES = {"snooze": 40, "snooze longer": 100, "snooze and hold": 40}
WAITS = {"wait": 20, "wait longer": 40, "outage": 500}
"""Minutes: all of them multiples of 20, so that nothing falls between two looks."""
NAMES = {
    "open": "openConversation",
    "reopen": "reopenConversation",
    "close": "closeConversation",
    "unsnooze": "unsnoozeConversation",
    "unassign": "unassignConversation",
}
OFTEN = {"say": 5, "wait": 5, "wait longer": 4, "hear": 2}
ACTIONS = ("outage", "program", "assign", "automate", *SNOOZES, *NAMES)
ACTIONS += tuple(action for action, times in OFTEN.items() for _ in range(times))
"""What moves the clock comes often, or nothing else would meet it while it runs."""


@dataclass
class Model:
    """What automatic closing should do, said as simply as possible; times are in minutes."""

    status: str = "OPEN"
    before: str = ""
    idle: int | None = None
    snooze_left: int = 0
    is_held: bool = False
    is_automated: bool = False
    closed_by_itself: int = 0

    def open(self) -> None:
        """Open; at the end of a snooze the clock starts anew, with an episode it is off."""
        if "OPEN" not in (self.status, self.before):
            self.idle = None
        elif self.status == "SNOOZED" and self.idle is not None:
            self.idle = 0
        self.status, self.before = "OPEN", ""

    def end_snooze(self) -> None:
        """Return to where it was."""
        if self.before == "OPEN":
            self.open()
        else:
            self.status, self.before = "CLOSED", ""

    def wait(self, minutes: int) -> None:
        """Let time pass, and then what is due happen."""
        self.idle = None if self.idle is None else self.idle + minutes
        self.snooze_left -= minutes
        if self.status == "SNOOZED" and self.snooze_left <= 0:
            self.end_snooze()
        else:
            self.look()

    def look(self) -> None:
        """Close what nobody has written in for the time, unless an AI agent has it."""
        is_late = self.idle is not None and self.idle >= CLOSES_AFTER
        if self.status == "OPEN" and is_late and not self.is_automated:
            self.status, self.idle = "CLOSED", None
            self.closed_by_itself += 1

    def act(self, action: str) -> None:
        """Apply an action by the rules of the manual."""
        if action in WAITS:
            self.wait(WAITS[action])
        elif action in SNOOZES:
            self.before = self.before or self.status
            self.status, self.snooze_left = "SNOOZED", SNOOZES[action]
            self.is_held = action == "snooze and hold"
        match action:
            case "say" if self.is_automated:
                pass  # members take over before they write
            case "say" | "program":
                if self.status == "CLOSED":
                    self.open()
                self.idle = 0 if action == "say" else self.idle
            case "hear":
                self.look()  # what is due happens before the message
                if self.status == "SNOOZED" and self.is_held:
                    self.before = "OPEN"
                else:
                    self.open()
                self.idle = None
            case "assign" | "unassign" | "automate":
                self.is_automated = action == "automate"
            case "open" if self.status != "OPEN":
                self.open()
            case "reopen" if self.status == "CLOSED":
                self.open()
            case "close":
                self.status, self.before, self.idle = "CLOSED", "", None
            case "unsnooze" if self.status == "SNOOZED":
                self.end_snooze()


async def perform(api: Api, world: World, row: Message, action: str, program: Viewer) -> None:
    """Do an action for real."""
    owner = world.owner
    if action in WAITS:
        await let_time_pass(WAITS[action] * 60)
        await run_jobs()
    elif action in SNOOZES:
        until = (datetime.now(UTC) + timedelta(minutes=SNOOZES[action])).isoformat()
        wakes = action != "snooze and hold"
        await succeed(api, owner, "snoozeConversation", row, until=until, wakeOnReply=wakes)
    elif action == "hear":
        channel = await ContactChannel.get(id=row.contact_channel_id)
        await world.hear("Again", sender=channel.external_id)
    elif action == "say":
        with suppress(Refused):  # where an AI agent has it
            await send_message(await owner.viewer(), row.conversation_id, text="Anything else?")
    elif action == "program":
        await send_message(program, row.conversation_id, text="Your order has left.")
    elif action in ("assign", "automate"):
        [agent] = await AiAgent.all()
        target = owner.id if action == "assign" else encode_id("AiAgent", agent.id)
        await succeed(api, owner, "assignConversation", row, assigneeId=target)
    else:
        await succeed(api, owner, NAMES[action], row)


async def check(row: Message, model: Model) -> None:
    """Compare what is stored with the model; a clock that runs has a job that watches it."""
    conversation = await Conversation.get(id=row.conversation_id)
    assert conversation.status.value == model.status
    own = Episode.filter(conversation_id=row.conversation_id)
    closed = await own.filter(closed_source=ChangeSource.AUTO_CLOSE).count()
    assert closed == model.closed_by_itself
    if model.status != "CLOSED":
        assert (conversation.idle_since is None) is (model.idle is None)
    if model.status == "OPEN" and model.idle is not None and not model.is_automated:
        [job] = await sql.rows(
            "SELECT run_at FROM job WHERE kind = ? AND payload = ?",
            CLOSE_IDLE,
            f'{{"conversation_id":{row.conversation_id}}}',
        )
        assert conversation.idle_since is not None
        due = conversation.idle_since + timedelta(minutes=CLOSES_AFTER)
        assert sql.moment(job["run_at"]) <= due


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_any_sequence_closes_what_the_model_closes(api: Api, world: World) -> None:
    await turn_on(world, CLOSES_AFTER)
    await world.ai_agent()
    program = await authenticate(await api_key(world))
    assert isinstance(program, Viewer)
    count = 0

    @settings(max_examples=70, deadline=None, database=None)
    @given(st.lists(st.sampled_from(ACTIONS), min_size=6, max_size=14))
    async def sequence(actions: list[str]) -> None:
        nonlocal count
        count += 1
        row = await world.hear("Hello", sender=f"c{count}")
        model = Model()
        for action in ("say", *actions):
            model.act(action)
            await perform(api, world, row, action, program)
            await check(row, model)

    await hold(sequence)
