"""Two schemas over one rich world, one compiled and one of graphql-core alone, to be compared."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import orjson
import pytest

from models.clock import now
from models.engine import sql
from models.member import Restriction, Role, Visibility
from models.message import Message, MessageStatus
from realtime.log import encode_cursor, read_head
from resolvers.block import block_contact
from resolvers.comment import add_comment, delete_comment, update_comment
from resolvers.message import send_message
from resolvers.schedule import Plan, schedule_message
from resolvers.snippet import create_snippet
from resolvers.snooze import snooze_conversation
from resolvers.viewer import Viewer
from schema.compiled import CompiledExecution
from schema.context import ContextMaker
from schema.execution import BoundedSchema
from schema.hub import Hub
from schema.ids import encode_id
from schema.root import build_schema
from settings import Settings
from tests.access_offers import mention_all
from tests.acting import api_key, succeed
from tests.words import describe
from tests.world import NOWHERE_URL, Api, Person, World, make_world, run_jobs, webhook

ROOMY: dict[str, Any] = {
    "max_cost": 10**9,
    "max_depth": 100,
    "max_aliases": 10_000,
    "max_directives": 10_000,
    "max_tokens": 100_000,
    "max_root_fields": 100,
    "operation_timeout_seconds": 60,
}
ERROR_ID = re.compile(rb'"errorId":"[0-9a-f-]{36}"')
KINDS = (
    "User",
    "Workspace",
    "Member",
    "Team",
    "AiAgent",
    "Channel",
    "ContactChannel",
    "Contact",
    "Conversation",
    "Message",
    "Activity",
    "Comment",
    "Notification",
    "Episode",
    "CustomField",
    "LifecycleStage",
    "Snippet",
    "Attachment",
    "ScheduledMessage",
    "Tag",
)
TABLES = {"User": "account", "ContactChannel": "contact_channel", "AiAgent": "ai_agent"}
TABLES |= {"CustomField": "custom_field", "LifecycleStage": "lifecycle_stage"}
TABLES |= {"ScheduledMessage": "scheduled_message"}


@cache
def schema_of(*, compiled: bool) -> BoundedSchema:
    """Return the schema that executes one way or the other, without narrow limits."""
    return build_schema(Settings(compiled_execution=compiled, **ROOMY))


@dataclass(slots=True)
class Executions:
    """How many operations and events the compiled schema was asked, and left to graphql-core."""

    asked: int = 0
    left: int = 0

    @property
    def answered(self) -> int:
        """Return how many a compiled plan has answered."""
        return self.asked - self.left


@contextmanager
def counted_executions(patch: pytest.MonkeyPatch) -> Iterator[Executions]:
    """Count what compiled execution is asked, and what it leaves to graphql-core."""
    counts = Executions()
    execute = CompiledExecution.execute

    def counted(self: CompiledExecution, executor: Any, core: Any) -> Any:
        def counted_core() -> Any:
            counts.left += 1
            return core()

        counts.asked += 1
        return execute(self, executor, counted_core)

    with patch.context() as patched:
        patched.setattr(CompiledExecution, "execute", counted)
        yield counts


Who = Person | str | None
ANSWERS = 10
"""How many answers of graphql-core are looked at where fields race to be the one that failed."""


@dataclass(slots=True)
class Twins:
    """Executes each operation both ways and compares the answers byte for byte."""

    hub: Hub
    compiled: BoundedSchema = field(default_factory=lambda: schema_of(compiled=True))
    core: BoundedSchema = field(default_factory=lambda: schema_of(compiled=False))
    maker: ContextMaker = field(init=False)

    def __post_init__(self) -> None:
        self.maker = ContextMaker(self.hub)

    async def run(
        self,
        schema: BoundedSchema,
        who: Who,
        document: str,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> bytes:
        """Execute an operation and return its answer as JSON, without what is random in it."""
        token = who.token if isinstance(who, Person) else who
        result = await schema.execute(
            document,
            variable_values=dict(variables or {}),
            context_value=await self.maker(token, ""),
            operation_name=name,
        )
        return as_json(result)

    async def compare(
        self,
        who: Who,
        document: str,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Show that both ways answer the same; return the answer.

        Where several fields end the same object, graphql-core tells the one that was first, and
        not always the same one: both are asked again, then, and what they refuse is in the audit
        log already.
        """
        compiled = await self.run(self.compiled, who, document, variables, name)
        core = await self.run(self.core, who, document, variables, name)
        for _ in range(ANSWERS if orjson.loads(core)["errors"] else 0):
            if compiled != core:
                compiled = await self.run(self.compiled, who, document, variables, name)
                core = await self.run(self.core, who, document, variables, name)
        assert compiled == core, f"{document}\n{variables}\n{compiled!r}\n{core!r}"
        direct = await self.direct(who, document, variables, name)
        assert direct in (None, core), f"{document}\n{variables}\n{direct!r}\n{core!r}"
        answer: dict[str, Any] = orjson.loads(compiled)
        return answer

    async def direct(
        self, who: Who, document: str, variables: Mapping[str, Any] | None, name: str | None
    ) -> bytes | None:
        """Return the answer of direct execution, also for who is only remembered; None: none."""
        assert self.compiled.direct is not None
        ready = self.compiled.direct.prepare(document, name, variables)
        if ready is None or not ready.is_query:
            return None
        token = who.token if isinstance(who, Person) else who
        data = await ready.run(await self.maker(token, ""))
        recalled = self.maker.recall(token, "") if token is not None else None
        if recalled is not None:
            proved = await ready.run_proving(recalled)
            assert proved in (None, data), f"{document}\n{variables}\n{proved}\n{data}"
        return None if data is None else orjson.dumps({"data": data, "errors": []})


def as_json(result: Any) -> bytes:
    """Return a result as JSON with its keys as they are and without what chance decides.

    That is the texts of errorIds, and the order of errors: fields run at the same time.
    """
    errors = sorted((error.formatted for error in result.errors or ()), key=orjson.dumps)
    answer = {"data": result.data, "errors": errors}
    return ERROR_ID.sub(b'"errorId":"(random)"', orjson.dumps(answer))


@dataclass(frozen=True, slots=True)
class Stage:
    """A world of every kind of viewer and row, with the ids by type."""

    world: World
    viewers: Mapping[str, Who]
    ids: Mapping[str, list[str]]
    cursors: list[str]


async def make_stage(api: Api, world: World) -> Stage:
    """Fill a world: people, a program, other people's rows, conversations in every state."""
    sales = await world.team("Sales")
    own = await world.add("Own", visibility=Visibility.OWN, team=sales)
    viewers: dict[str, Who] = {
        "owner": world.owner,
        "manager": await world.add("Manager", Role.MANAGER),
        "agent": await world.add("Ada"),
        "team": await world.add("Team", visibility=Visibility.TEAM, team=sales),
        "alone": await world.add("Alone", visibility=Visibility.TEAM),
        "own": own,
        "kept from blocked": await world.add("Kim", restrictions=[Restriction.BLOCKED_CONTACTS]),
        "program": await api_key(world),
        "stranger": (other := await make_world("Other")).owner,
        "nobody": None,
        "bad token": "nonsense",
    }
    await _fill(api, world, own)
    await other.hear("Not yours", sender="zoe")
    ids: dict[str, list[str]] = {
        kind: [encode_id(kind, row["id"]) for row in await _rows(TABLES.get(kind, kind.lower()))]
        for kind in KINDS
    }
    inboxes = "{ workspaces { eventCursor inboxes { id conversations { edges { cursor } } } } }"
    [workspace] = (await api.ask(world.owner, inboxes))["workspaces"]
    ids["StandardInbox"] = [inbox["id"] for inbox in workspace["inboxes"]]
    edges = workspace["inboxes"][0]["conversations"]["edges"]
    head = await read_head(world.workspace.id)
    ids["cursor of the log"] = [encode_cursor(head.epoch, seq) for seq in (0, 5, head.seq)]
    assert all(ids.values()), ids
    return Stage(world, viewers, ids, [edge["cursor"] for edge in edges])


async def _rows(table: str) -> list[dict[str, Any]]:
    return await sql.rows(f"SELECT id FROM {table} ORDER BY id")


async def _comment(viewer: Viewer, conversation_id: int, name: str, mentioned: Person) -> None:
    members = [mentioned.member.id]
    for text in (f"About {name}", "More", "Never mind"):
        written = await add_comment(
            viewer, conversation_id, text=text, mentioned_member_ids=members
        )
        if text == "More":
            await update_comment(viewer, written.comment.id, {"text": "Much more"})
        if text == "Never mind":
            await delete_comment(viewer, written.comment.id)


async def _fill(api: Api, world: World, own: Person) -> None:
    owner = await world.owner.viewer()
    closed = await world.conversation("Closed", email="closed@parley.test", phone="+33639980105")
    await describe(world, closed.contact_id)
    robo, team = await world.ai_agent(), await world.team("Support")
    for name in ("open", "snoozed", "assigned", "automatic", "blocked"):
        heard = await world.hear(f"I am {name}", sender=name)
        await world.hear("And again", sender=name)
        await _comment(owner, heard.conversation_id, name, own)
        sent = await send_message(owner, heard.conversation_id, text="Hello!")
        if name == "open":
            await Message.filter(id=sent.id).update(
                status=MessageStatus.FAILED, failure_code="REFUSED", failure_text="No."
            )
            plan = Plan("Later", send_at=now() + timedelta(days=1))
            await schedule_message(owner, heard.conversation_id, plan)
        if name == "snoozed":
            until = now() + timedelta(days=1)
            await snooze_conversation(owner, heard.conversation_id, until=until)
        if name == "assigned":
            await succeed(api, world.owner, "assignConversation", heard, assigneeId=own.id)
            await succeed(api, own, "markConversationRead", heard)
            await world.hear("Unread", sender=name)
            for person in (own, world.owner):
                await mention_all(person, heard.conversation_id)
        if name == "blocked":
            await block_contact(owner, heard.conversation.contact_id)
            await world.hear("Buy now", sender=name)
        if name == "automatic":
            for target in (
                {"teamId": encode_id("Team", team.id)},
                {"assigneeId": encode_id("AiAgent", robo.id)},
            ):
                await succeed(api, world.owner, "assignConversation", heard, **target)
    await create_snippet(owner, world.workspace.id, name="Greeting", text="Hi $contact.name")
    image = {"type": "image", "url": "https://parley.test/image.png"}
    file = {"type": "attachment", "attachment": {"type": "image", "url": f"{NOWHERE_URL}/i.png"}}
    for key, said in (("i", image), ("a", file)):
        await webhook(world.channels[0], "open", {"type": "message", "mId": key, "message": said})
    await run_jobs()
