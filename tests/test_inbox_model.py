"""Any sequence of actions keeps a conversation's state coherent, compared with a small model."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.activity import Activity
from models.ai_agent import AiAgent
from models.contact_channel import ContactChannel
from models.conversation import Conversation, ConversationStatus
from models.episode import Episode
from models.message import Message
from models.team import Team
from schema.ids import encode_id
from tests.acting import act, succeed
from tests.properties import hold
from tests.test_inbox import TABS, nodes
from tests.world import Api, Person, World, let_time_pass, run_jobs

ACTIONS = (
    "open",
    "close",
    "snooze",
    "snooze longer",
    "unsnooze",
    "expire",
    "assign",
    "automate",
    "hand to a team",
    "unassign",
    "take over",
    "hear",
    "send",
    "read",
)
NAMES = {
    "open": "openConversation",
    "close": "closeConversation",
    "snooze": "snoozeConversation",
    "snooze longer": "snoozeConversation",
    "unsnooze": "unsnoozeConversation",
    "assign": "assignConversation",
    "automate": "assignConversation",
    "hand to a team": "assignConversation",
    "unassign": "unassignConversation",
    "read": "markConversationRead",
}
SEND = """
mutation ($input: SendMessageInput!) { sendMessage(input: $input) { userErrors { code } } }
"""
HOUR = timedelta(hours=1)


@dataclass
class Model:
    """What a conversation should be, said as simply as possible."""

    status: str = "OPEN"
    before: str | None = None
    handler: str = "nobody"
    has_team: bool = False
    epoch: int = 0
    version: int = 2
    episodes: int = 1
    lines: int = 2
    incoming: int = 1
    ends_in: timedelta = field(default=timedelta(0))

    def change(self, lines: int = 1) -> None:
        """Count one change of state, and its lines in the timeline."""
        self.version += 1
        self.lines += lines

    def move(self, status: str) -> None:
        """Move to Open or Closed; an episode begins where none is hidden by a snooze."""
        if status == "OPEN" and "OPEN" not in (self.status, self.before):
            self.episodes += 1
        self.status, self.before = status, None
        self.change()

    def hand_over(self, handler: str, has_team: bool) -> None:
        """Put it into other hands, unless it is in them."""
        if (self.handler, self.has_team) != (handler, has_team):
            self.epoch += self.handler == "an AI agent"
            self.handler, self.has_team = handler, has_team
            self.change()

    def act(self, action: str) -> None:
        """Apply an action by the rules of the manual."""
        match action:
            case "open" if self.status != "OPEN":
                self.move("OPEN")
            case "close" if self.status != "CLOSED":
                self.move("CLOSED")
            case "snooze" | "snooze longer":
                if self.status != "SNOOZED":
                    self.before = self.status
                self.status = "SNOOZED"
                self.ends_in = HOUR if action == "snooze" else 2 * HOUR
                self.change()
            case "unsnooze" if self.before is not None:
                self.status, self.before = self.before, None
                self.change()
            case "expire" if self.before is not None:
                self.ends_in -= HOUR
                if self.ends_in <= timedelta(0):
                    self.status, self.before = self.before, None
                    self.change()
            case "assign":
                self.hand_over("a member", self.has_team)
            case "automate":
                self.hand_over("an AI agent", self.has_team)
            case "take over" if self.handler == "an AI agent":
                self.hand_over("a member", self.has_team)
            case "hand to a team":
                self.hand_over("nobody", has_team=True)
            case "unassign":
                self.hand_over("nobody", has_team=False)
            case "hear":
                if self.status != "OPEN":
                    self.move("OPEN")
                self.lines += 1
                self.incoming += 1
            case "send" if self.handler != "an AI agent":
                if self.status == "CLOSED":
                    self.move("OPEN")
                self.lines += 1


async def perform(api: Api, world: World, who: Person, row: Message, action: str) -> None:
    """Do an action for real."""
    if action == "hear":
        channel = await ContactChannel.get(id=row.contact_channel_id)
        await world.hear("Again", sender=channel.external_id)
    elif action == "send":
        key = (await succeed(api, who, "markConversationRead", row))["id"]
        data = await api.ask(who, SEND, input={"conversationId": key, "text": "Hi"})
        codes = [error["code"] for error in data["sendMessage"]["userErrors"]]
        is_automated = (await Conversation.get(id=row.conversation_id)).ai_agent_id is not None
        assert codes == (["AI_HANDLING"] if is_automated else [])
    elif action == "expire":
        await let_time_pass(HOUR.total_seconds())
        await run_jobs()
    elif action == "take over":
        await act(api, who, "takeOverConversation", row)
    else:
        values: dict[str, Any] = {}
        if action.startswith("snooze"):
            ahead = HOUR if action == "snooze" else 2 * HOUR
            values["until"] = (datetime.now(UTC) + ahead).isoformat()
        elif action == "assign":
            values["assigneeId"] = who.id
        elif action == "automate":
            values["assigneeId"] = encode_id("AiAgent", (await AiAgent.get()).id)
        elif action == "hand to a team":
            values["teamId"] = encode_id("Team", (await Team.get()).id)
        await succeed(api, who, NAMES[action], row, **values)


async def check(row: Message, model: Model) -> None:
    """Compare what is stored with the model, and every invariant with itself."""
    conversation = await Conversation.get(id=row.conversation_id)
    before = conversation.status_before_snooze
    assert (conversation.status.value, before.value if before else None) == (
        model.status,
        model.before,
    )
    snoozed = conversation.status is ConversationStatus.SNOOZED
    assert (before is not None) is snoozed is (conversation.snoozed_until is not None)
    assert conversation.version == model.version
    assert (conversation.assignee_id is not None) is (model.handler == "a member")
    assert (conversation.ai_agent_id is not None) is (model.handler == "an AI agent")
    assert (conversation.team_id is not None) is model.has_team
    assert conversation.handling_epoch == model.epoch
    assert conversation.incoming_count == model.incoming
    own = {"conversation_id": conversation.id}
    assert await Episode.filter(**own).count() == model.episodes
    running = await Episode.filter(**own, closed_at=None).count()
    assert running == ("OPEN" in (model.status, model.before))
    places: list[int] = []
    for table in (Message, Activity):
        places += [item.seq for item in await table.filter(**own)]
    assert sorted(places) == list(range(1, model.lines + 1))
    assert conversation.last_seq == model.lines


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_any_sequence_of_actions(api: Api, world: World) -> None:
    count = 0
    await world.team()
    await world.ai_agent()

    @settings(max_examples=40, deadline=None, database=None)
    @given(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=10))
    async def sequence(actions: list[str]) -> None:
        nonlocal count
        count += 1
        row = await world.hear("Hello", sender=f"c{count}")
        model = Model()
        for action in actions:
            model.act(action)
            await perform(api, world, world.owner, row, action)
            await check(row, model)
        everything = await Conversation.all().count()
        sizes = [await Conversation.filter(status=ConversationStatus(tab)).count() for tab in TABS]
        assert sum(sizes) == everything

    await hold(sequence)

    everyone = await nodes(api, world.owner, world, "ALL")
    tabs = [await nodes(api, world.owner, world, "ALL", status=tab) for tab in TABS]
    assert sum(len(tab) for tab in tabs) == len(everyone) == min(count, 100)
    unassigned = await nodes(api, world.owner, world, "UNASSIGNED")
    free = await Conversation.filter(assignee_id=None, ai_agent_id=None).count()
    assert len(unassigned) == min(free, 100)
