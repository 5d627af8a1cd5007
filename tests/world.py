"""A small world for tests: a workspace with people, a channel and contacts."""

import json
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import strawberry

from app import job_handlers
from connectors.http import GuardedClient
from connectors.mail import Mailer
from models.ai_agent import AiAgent
from models.channel import Channel
from models.clock import now
from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.member import Member, Restriction, Role, Visibility
from models.message import Message
from models.team import Team
from models.user import User
from models.workspace import Workspace
from realtime.broker import Broker
from realtime.events import Fact
from realtime.jobs import JobRunner, claim
from realtime.log import read_page
from realtime.presence import signal_with
from realtime.transaction import ring_with
from resolvers.authentication import authenticate
from resolvers.channel import accept_webhook, connect_channel
from resolvers.contact import create_contact
from resolvers.contact_details import clean_details
from resolvers.session import open_session
from resolvers.viewer import Viewer
from resolvers.workspace import add_member, add_workspace
from schema.context import Context, ContextMaker
from schema.hub import Hub
from schema.ids import encode_id
from schema.root import build_schema
from settings import get_settings
from tests.passwords import CHEAP
from tests.waiting import until

PASSWORD = "correct horse battery staple"
NOWHERE_URL = "http://127.0.0.1:9"
"""A channel's address where nobody listens."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member who is logged in; their token works over HTTP and WebSocket."""

    user: User
    member: Member
    token: str

    async def viewer(self) -> Viewer:
        """Return this person with the rights of this moment."""
        found = await authenticate(self.token)
        assert isinstance(found, Viewer), found
        return found

    @property
    def id(self) -> strawberry.ID:
        """Return the member's global id."""
        return encode_id("Member", self.member.id)


@dataclass(slots=True)
class World:
    """One workspace with an owner, and a channel once `connect` was called."""

    workspace: Workspace
    owner: Person
    channels: list[Channel] = field(default_factory=list)

    @property
    def id(self) -> strawberry.ID:
        """Return the workspace's global id."""
        return encode_id("Workspace", self.workspace.id)

    async def add(
        self,
        name: str = "Ada",
        role: Role = Role.AGENT,
        *,
        visibility: Visibility = Visibility.ALL,
        restrictions: Collection[Restriction] = (),
        team: Team | None = None,
        language: str | None = None,
    ) -> Person:
        """Add a member and log them in."""
        return await _person(
            self.workspace,
            name,
            role,
            visibility=visibility,
            restrictions=restrictions,
            team_id=team.id if team else None,
            language=language,
        )

    async def team(self, name: str = "Sales") -> Team:
        """Add a team."""
        return await Team.create(workspace_id=self.workspace.id, name=name)

    async def ai_agent(self, name: str = "Robo") -> AiAgent:
        """Add an AI agent."""
        return await AiAgent.create(workspace_id=self.workspace.id, name=name, created_at=now())

    async def connect(self, base_url: str = NOWHERE_URL, **options: Any) -> Channel:
        """Connect a custom channel."""
        viewer = await self.owner.viewer()
        channel = await connect_channel(
            viewer, self.workspace.id, name="Shop", base_url=base_url, **options
        )
        self.channels.append(channel)
        return channel

    async def contact(self, first_name: str = "Carla", **details: str | None) -> Contact:
        """Add a contact by hand: their conversation is closed."""
        cleaned = clean_details(first_name=first_name, **details)
        contact = await create_contact(await self.owner.viewer(), self.workspace.id, cleaned)
        return await Contact.get(id=contact.id)

    async def conversation(self, first_name: str = "Carla", **details: str | None) -> Conversation:
        """Add a contact by hand and return their closed conversation."""
        contact = await self.contact(first_name, **details)
        return await Conversation.get(contact_id=contact.id)

    async def hear(
        self, text: str = "Hello", *, sender: str = "carla", message_id: str | None = None
    ) -> Message:
        """Let a contact write on the (first) channel, and process it; return the message."""
        if not self.channels:
            await self.connect()
        message_id = message_id or secrets.token_hex(8)
        await webhook(
            self.channels[0],
            sender,
            {"type": "message", "mId": message_id, "message": {"type": "text", "text": text}},
        )
        await run_jobs()
        written = Message.filter(channel_id=self.channels[0].id, external_id=message_id)
        await until(written.exists)  # where a server runs too, its worker may have taken the job
        return await written.get().select_related("conversation")

    async def facts(self) -> list[Fact]:
        """Return every event of the workspace, in the order of the log."""
        return [logged.fact for logged in await read_page(self.workspace.id, 0, 10_000)]


async def make_world(name: str = "Acme") -> World:
    """Make a workspace with an owner."""
    workspace = await add_workspace(name)
    return World(workspace, await _person(workspace, "Olga", Role.OWNER))


@cache
def _password_hash() -> str:
    return CHEAP.hasher.hash(PASSWORD)


async def _person(workspace: Workspace, name: str, role: Role, **options: Any) -> Person:
    language = options.pop("language", None)
    email = f"{name.lower()}.{secrets.token_hex(4)}@parley.test"
    user = await User.create(  # as `add_user` does
        email=email, name=name, password_hash=_password_hash(), language=language, created_at=now()
    )
    member = await add_member(workspace.id, user.id, role, **options)
    return Person(user, member, (await open_session(user.id)).access_token)


async def webhook(
    channel: Channel,
    sender: str,
    *events: Mapping[str, Any],
    contact: Mapping[str, Any] | None = None,
) -> int:
    """Bring events of a contact through the channel's door; return how many were new."""
    body = {
        "channelId": channel.handle,
        "contactId": sender,
        "events": events,
        "contact": contact or {"firstName": sender.title()},
    }
    headers = {"authorization": f"Bearer {channel.token}"}
    return await accept_webhook(json.dumps(body).encode(), headers)


async def run_jobs(client: GuardedClient | None = None) -> int:
    """Run every job that is due, one after another, until none is; return how many ran."""
    own = client or GuardedClient(timeout_seconds=5, private_hosts="127.0.0.1")
    runner = JobRunner(job_handlers(own, Mailer(get_settings())), Broker("memory://"))
    count = 0
    try:
        while jobs := await claim():
            for job in jobs:
                await runner.perform(job)
                count += 1
    finally:
        if client is None:
            await own.aclose()
    return count


async def let_time_pass(seconds: float) -> None:
    """Move everything that is due at some moment that much nearer."""
    shift = timedelta(seconds=seconds)
    moments = (
        ("job", "run_at"),
        ("scheduled_message", "send_at"),
        ("conversation", "snoozed_until"),
        ("conversation", "idle_since"),
    )
    for table, column in moments:
        rows = await sql.rows(f"SELECT id, {column} AS due FROM {table} WHERE {column} IS NOT NULL")
        for row in rows:
            moved = sql.moment(row["due"]) - shift
            await sql.affected(f"UPDATE {table} SET {column} = ? WHERE id = ?", moved, row["id"])


async def snapshot(*tables: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of tables, to show that a refusal changed nothing."""
    names = tables or (
        "conversation",
        "message",
        "activity",
        "comment",
        "episode",
        "contact",
        "event",
        "job",
    )
    return {name: await sql.rows(f"SELECT * FROM {name} ORDER BY 1") for name in names}


class Api:
    """GraphQL without a network: the executed schema, as a person or as nobody."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.schema = _schema()

    async def run(
        self, who: Person | str | None, document: str, *, language: str = "", **variables: Any
    ) -> dict[str, Any]:
        """Execute an operation; return `{"data": …}` and `"errors"` where there are any."""
        token = who.token if isinstance(who, Person) else who
        context: Context = await ContextMaker(self.hub)(token, language)
        result = await self.schema.execute(
            document, variable_values=variables, context_value=context
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return answer

    async def ask(self, who: Person | str | None, document: str, **variables: Any) -> Any:
        """Execute an operation that must have no errors; return its data."""
        answer = await self.run(who, document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@cache
def _schema() -> strawberry.Schema:
    return build_schema()


@asynccontextmanager
async def api_on(bus_url: str) -> AsyncIterator[Api]:
    """Give tests an API whose transactions ring a real bus."""
    broker = Broker(bus_url, channel=f"test-{secrets.token_hex(4)}")
    await broker.start()
    ring_with(broker)
    signal_with(broker)
    hub = Hub(broker, queue_limit=256)
    try:
        yield Api(hub)
    finally:
        await hub.close()
        ring_with(None)
        signal_with(None)
        await broker.stop()
