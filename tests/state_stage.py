"""A conversation in each state of the table, and everybody who may do something about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.ai_agent import AiAgent
from models.clock import now
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.member import Restriction, Role, Visibility
from models.message import Message, MessageStatus
from models.team import Team
from realtime.transaction import transaction
from resolvers.assignment import assign_conversation
from resolvers.block import block_contact
from resolvers.closing import close_conversation
from resolvers.idle_clock import CLOSE_IDLE
from resolvers.message import send_message
from resolvers.snooze import EXPIRE_SNOOZE, snooze_conversation
from schema.ids import encode_id
from tests.acting import Who, api_key
from tests.test_automatic_closing import turn_on
from tests.world import Api, Person, World, make_world, run_jobs, webhook

PHONE = "+31612345678"
HOURS = 3600.0
TABLES = (
    "contact",
    "conversation",
    "contact_channel",
    "message",
    "activity",
    "comment",
    "episode",
    "read_mark",
    "event",
    "job",
    "inbound_event",
    "idempotency_key",
)
"""What may change; a row refers only to those of tables before its own."""
EVENTS = ("the contact writes", "the snooze expires", "nobody writes any more")


@dataclass
class Stage:
    """A conversation in one state, and everybody who may do something about it."""

    api: Api
    world: World
    people: dict[str, Who]
    names: dict[int, str]
    conversation_id: int
    targets: dict[str, Any]
    until: datetime
    heard: Message | None = None
    failed: Message | None = None

    async def row(self) -> Conversation:
        """Return the conversation as it is now."""
        return await Conversation.get(id=self.conversation_id)

    def holder(self, row: Conversation) -> str:
        """Return who has the conversation, as the table names them."""
        who = "Robo" if row.ai_agent_id is not None else self.names.get(row.assignee_id or 0)
        if row.team_id is None:
            return who or "nobody"
        return f"{who} of Sales" if who else "Sales"

    def state(self, row: Conversation) -> str:
        """Return the state of the conversation, as the table names it."""
        status = row.status_before_snooze or row.status
        name = (
            "NEW" if status is not ConversationStatus.OPEN and not row.opened_at else status.value
        )
        snooze = (row.status_before_snooze, row.snoozed_at, row.snoozed_until)
        if row.status is ConversationStatus.SNOOZED:
            assert None not in snooze
            name = f"SNOOZED({name})"
        else:
            assert {*snooze, row.snoozed_by_id} == {None}
        assert row.blocked_at is not None or row.blocked_by_id is None
        if row.blocked_at is not None:
            name = f"BLOCKED({name})"
        return f"{name} {self.holder(row)}"

    def values(self, action: str) -> dict[str, Any]:
        """Return the input of an action."""
        name, _, target = action.partition(" to ")
        if name in ("blockContact", "unblockContact"):
            return {"contactId": self.targets["contact"]}
        if name == "retryMessage":
            return {"messageId": encode_id("Message", self.failed.id if self.failed else 1)}
        values: dict[str, Any] = {"conversationId": encode_id("Conversation", self.conversation_id)}
        if name in ("sendMessage", "addComment"):
            values["text"] = "Hi"
        elif name == "snoozeConversation":
            values["until"] = self.until.isoformat()
        elif name == "markConversationUnread" and self.heard is not None:
            values["fromMessageId"] = encode_id("Message", self.heard.id)
        elif target:
            field = "teamId" if target == "Sales" else "assigneeId"
            values[field] = self.targets[target]
        return values

    async def act(self, who: Who, action: str) -> str | None:
        """Do something as somebody; return the code of the refusal."""
        name = action.partition(" ")[0]
        kind = name[0].upper() + name[1:]
        answer = await self.api.run(
            who,
            f"mutation ($input: {kind}Input!)"
            f" {{ {name}(input: $input) {{ userErrors {{ code }} }} }}",
            input=self.values(action),
        )
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        if not codes:
            codes = [error["code"] for error in answer["data"][name]["userErrors"]]
        assert len(codes) <= 1
        return codes[0] if codes else None

    async def happen(self, event: str) -> None:
        """Let something happen that nobody of the workspace does."""
        if event == "the contact writes":
            said = {"type": "message", "mId": "m3", "message": {"type": "text", "text": "Well?"}}
            await webhook(self.world.channels[0], PHONE, said)
        else:
            kind = EXPIRE_SNOOZE if event == "the snooze expires" else CLOSE_IDLE
            async with transaction() as announce:
                announce.job(kind, {"conversation_id": self.conversation_id})
        await run_jobs()


async def make_people(world: World, sales: Team, support: Team) -> dict[str, Who]:
    """Add somebody of every kind, as the table of sight names them."""
    add, own, team = world.add, Visibility.OWN, Visibility.TEAM
    return {
        "owner": world.owner,
        "manager": await add("Mia", Role.MANAGER, visibility=own),
        "all": await add("Al"),
        "team": await add("Tia", visibility=team, team=sales),
        "other team": await add("Sue", visibility=team, team=support),
        "holder": await add("Ada", visibility=own, team=sales),
        "not holder": await add("Bea", visibility=own, team=sales),
        "restricted": await add("Uma", restrictions=[Restriction.BLOCKED_CONTACTS]),
        "program": await api_key(world),
        "stranger": (await make_world("Elsewhere")).owner,
        "nobody": None,
    }


async def make_stage(api: Api, world: World, state: str) -> Stage:
    """Bring a conversation into a state, as people do it; no job waits then."""
    await turn_on(world)
    await world.connect()
    sales, robo = await world.team("Sales"), await world.ai_agent("Robo")
    people = await make_people(world, sales, await world.team("Support"))
    row = await world.conversation("Carla", phone=PHONE)
    members = {
        person.member.id: person.user.name
        for person in people.values()
        if isinstance(person, Person)
    }
    ids = {name: encode_id("Member", key) for key, name in members.items()}
    targets = {
        **ids,
        "Robo": encode_id("AiAgent", robo.id),
        "Sales": encode_id("Team", sales.id),
        "contact": encode_id("Contact", row.contact_id),
    }
    stage = Stage(api, world, people, members, row.id, targets, now() + timedelta(hours=2))
    if not state.startswith("NEW"):
        await talk(stage)
    await bring(stage, state, sales, robo)
    await sql.affected("DELETE FROM job")
    assert stage.state(await stage.row()) == state
    return stage


async def talk(stage: Stage) -> None:
    """Let the contact write twice, and an answer fail; everybody has read the first message."""
    stage.heard = await stage.world.hear("Hello", sender=PHONE)
    await stage.world.hear("Anybody?", sender=PHONE)
    owner = await stage.world.owner.viewer()
    sent = await send_message(owner, stage.conversation_id, text="Here I am")
    await Message.filter(id=sent.id).update(status=MessageStatus.FAILED)
    stage.failed = await Message.get(id=sent.id)
    for person in stage.people.values():
        if isinstance(person, Person):
            await sql.affected(
                "INSERT INTO read_mark (member_id, conversation_id, incoming_read)"
                " VALUES (?, ?, 1)",
                person.member.id,
                stage.conversation_id,
            )


async def bring(stage: Stage, state: str, sales: Team, robo: AiAgent) -> None:
    """Do what leads from an open conversation, or a new one, to a state."""
    owner, key = await stage.world.owner.viewer(), stage.conversation_id
    status, holder = state.split()
    if holder != "nobody":
        [ada] = [key for key, name in stage.names.items() if name == "Ada"]
        given = {
            "Ada": {"assignee_id": ada},
            "Robo": {"ai_agent_id": robo.id},
            "Sales": {"team_id": sales.id},
        }
        await assign_conversation(owner, key, **given[holder])
    if "CLOSED" in status:
        await close_conversation(owner, key)
    if status.startswith("SNOOZED"):
        await snooze_conversation(owner, key, until=now() + timedelta(hours=1))
    if status.startswith("BLOCKED"):
        await block_contact(owner, (await stage.row()).contact_id)
