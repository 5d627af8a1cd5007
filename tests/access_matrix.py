"""Who may use each field of the API: one row for every query, mutation and subscription."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from models.clock import now
from models.conversation import Conversation, ConversationStatus
from models.member import Role, Visibility
from models.message import Message, MessageStatus
from models.session import Session
from realtime.log import encode_cursor, read_head
from resolvers.access import Right
from resolvers.account import create_api_key, open_session
from resolvers.assignment import assign_conversation
from resolvers.message import send_message
from resolvers.snooze import snooze_conversation
from schema.ids import encode_id
from tests.world import Api, Person, World, let_time_pass, make_world, run_jobs

Ids = Mapping[str, str]
ALLOWED = "ALLOWED"
REFUSALS = {"UNAUTHENTICATED", "TOKEN_EXPIRED", "NOT_FOUND", "FORBIDDEN"}


@dataclass(frozen=True)
class Row:
    """How a field is asked for, and what it takes to get an answer."""

    document: str
    values: Callable[[Ids], dict[str, Any]]
    right: Right | None = Right.VIEW
    """The right in the workspace; None where who asks needs none there."""
    is_open: bool = False
    """Whether nobody needs to be logged in."""
    of_conversation: bool = False
    """Whether it takes a conversation that the viewer sees."""
    people_only: bool = False
    """Whether programs are refused."""


def act(name: str, *ids: str, right: Right | None, **options: Any) -> Row:
    """Declare a mutation with ids, and other values, in its input."""
    values = options.pop("values", {})
    of_conversation = bool({"conversationId", "messageId", "contactId"} & set(ids))
    document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
      {name}(input: $input) {{ userErrors {{ code message field }} }}
    }}"""
    return Row(
        document,
        lambda known: {"input": {key: known[key] for key in ids} | values},
        right,
        of_conversation=of_conversation,
        **options,
    )


def _by_id(field_name: str, key: str, **options: Any) -> Row:
    document = f"query($id: ID!) {{ {field_name}(id: $id) {{ __typename id }} }}"
    return Row(document, lambda known: {"id": known[key]}, **options)


def _stream(field_name: str, selection: str, after: bool = True) -> Row:
    given = "$workspaceId: ID!, $after: String" if after else "$workspaceId: ID!"
    passed = "workspaceId: $workspaceId, after: $after" if after else "workspaceId: $workspaceId"
    keys = ("workspaceId", "after") if after else ("workspaceId",)
    return Row(
        f"subscription({given}) {{ {field_name}({passed}) {{ {selection} }} }}",
        lambda known: {key: known[key] for key in keys},
    )


SOON = {"until": (now() + timedelta(days=3)).isoformat()}
NEW = {"name": "New", "baseUrl": "https://shop.example"}

ROWS: dict[str, Row] = {
    "Query.viewer": Row("{ viewer { id } }", lambda _: {}, None),
    "Query.workspaces": Row("{ workspaces { id } }", lambda _: {}, None),
    "Query.nodes": Row(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        lambda known: {"ids": [known["conversationId"]]},
        None,
    ),
    "Query.workspace": _by_id("workspace", "workspaceId"),
    "Query.inbox": _by_id("inbox", "inboxId"),
    "Query.node": _by_id("node", "conversationId", of_conversation=True),
    "Query.conversation": _by_id("conversation", "conversationId", of_conversation=True),
    "Query.message": _by_id("message", "messageId", of_conversation=True),
    "Query.contact": _by_id("contact", "contactId", of_conversation=True),
    "Query.contacts": Row(
        "query($workspaceId: ID!) { contacts(workspaceId: $workspaceId) { nodes { id } } }",
        lambda known: {"workspaceId": known["workspaceId"]},
    ),
    "Query.events": Row(
        "query($workspaceId: ID!, $after: String!) {"
        " events(workspaceId: $workspaceId, after: $after) { nodes { eventId } } }",
        lambda known: {"workspaceId": known["workspaceId"], "after": known["after"]},
    ),
    "Mutation.logIn": act(
        "logIn", right=None, is_open=True, values={"email": "a@b.c", "password": "x"}
    ),
    "Mutation.refreshSession": act(
        "refreshSession", right=None, is_open=True, values={"refreshToken": "x"}
    ),
    "Mutation.logOut": act("logOut", right=None, people_only=True),
    "Mutation.createApiKey": act(
        "createApiKey", "workspaceId", right=Right.MANAGE_API_KEYS, values={"name": "New"}
    ),
    "Mutation.revokeApiKey": act("revokeApiKey", "apiKeyId", right=Right.MANAGE_API_KEYS),
    "Mutation.connectChannel": act(
        "connectChannel", "workspaceId", right=Right.MANAGE_CHANNELS, values=NEW
    ),
    "Mutation.updateWorkspaceSettings": act(
        "updateWorkspaceSettings",
        "workspaceId",
        right=Right.MANAGE_SETTINGS,
        values={"snooze": {"wakeOnReply": True}},
    ),
    "Mutation.createContact": act(
        "createContact", "workspaceId", right=Right.EDIT_CONTACTS, values={"firstName": "New"}
    ),
    "Mutation.updateContact": act(
        "updateContact", "contactId", right=Right.EDIT_CONTACTS, values={"firstName": "Carlo"}
    ),
    "Mutation.openConversation": act("openConversation", "conversationId", right=Right.CLOSE),
    "Mutation.closeConversation": act("closeConversation", "conversationId", right=Right.CLOSE),
    "Mutation.snoozeConversation": act(
        "snoozeConversation", "conversationId", right=Right.SNOOZE, values=SOON
    ),
    "Mutation.unsnoozeConversation": act(
        "unsnoozeConversation", "conversationId", right=Right.SNOOZE
    ),
    "Mutation.assignConversation": act(
        "assignConversation", "conversationId", "assigneeId", right=Right.ASSIGN
    ),
    "Mutation.unassignConversation": act(
        "unassignConversation", "conversationId", right=Right.ASSIGN
    ),
    "Mutation.sendMessage": act(
        "sendMessage", "conversationId", "channelId", right=Right.REPLY, values={"text": "Hi"}
    ),
    "Mutation.retryMessage": act("retryMessage", "messageId", right=Right.REPLY),
    "Mutation.markConversationRead": act(
        "markConversationRead",
        "conversationId",
        "upToMessageId",
        right=Right.VIEW,
        people_only=True,
    ),
    "Mutation.startTyping": act(
        "startTyping", "conversationId", right=Right.REPLY, people_only=True
    ),
    "Mutation.stopTyping": act("stopTyping", "conversationId", right=Right.REPLY, people_only=True),
    "Subscription.workspaceEvents": _stream("workspaceEvents", "eventId"),
    "Subscription.conversationChanged": _stream("conversationChanged", "eventId"),
    "Subscription.messageAdded": _stream("messageAdded", "eventId"),
    "Subscription.snoozeExpired": _stream("snoozeExpired", "eventId"),
    "Subscription.typingChanged": _stream("typingChanged", "isTyping", after=False),
}


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, and what is to be expected of their rights."""

    name: str
    token: str | None
    problem: str | None = None
    """Why their token is no good."""
    role: Role | None = None
    """Their role; None for a stranger."""
    sees: bool = False
    """Whether they see the conversation of `Stage.ids`."""
    is_program: bool = False


@dataclass
class Stage:
    """A workspace with a conversation that only some see, and everybody who may ask."""

    world: World
    ids: dict[str, str]
    callers: list[Caller] = field(default_factory=list)
    typists: list[tuple[Person, int]] = field(default_factory=list)

    async def restore(self) -> None:
        """Give the conversation back to who looked after it, open; let every retry have failed."""
        holder, conversation_id = self.typists[0]
        await Conversation.filter(id=conversation_id).update(
            assignee_id=holder.member.id,
            status=ConversationStatus.OPEN,
            status_before_snooze=None,
            snoozed_at=None,
            snoozed_until=None,
            closed_at=None,
        )
        await Message.filter(retry_of_id__not_isnull=True).update(status=MessageStatus.FAILED)


async def snooze_over(world: World, holder: Person, sender: str) -> Message:
    """Let a contact write, be assigned and snoozed until it ends; return the message."""
    viewer = await world.owner.viewer()
    message = await world.hear(sender=sender)
    key = message.conversation_id
    await assign_conversation(viewer, key, assignee_id=holder.member.id)
    await snooze_conversation(viewer, key, until=now() + timedelta(seconds=60))
    await let_time_pass(90)
    await run_jobs()
    return message


async def ids_of(world: World, message: Message, assignee: Person) -> dict[str, str]:
    """Return the global ids by which the rows ask."""
    viewer = await world.owner.viewer()
    key, _ = await create_api_key(viewer, world.workspace.id, name="Old", role=Role.AGENT)
    failed = await send_message(viewer, message.conversation_id, text="Lost")
    await Message.filter(id=failed.id).update(status=MessageStatus.FAILED)
    head = await read_head(world.workspace.id)
    return {
        "workspaceId": world.id,
        "inboxId": encode_id("StandardInbox", f"{world.workspace.id}.ALL"),
        "conversationId": encode_id("Conversation", message.conversation_id),
        "contactId": encode_id("Contact", message.conversation.contact_id),
        "messageId": encode_id("Message", failed.id),
        "upToMessageId": encode_id("Message", message.id),
        "channelId": encode_id("Channel", message.channel_id),
        "assigneeId": assignee.id,
        "apiKeyId": encode_id("ApiKey", key.id),
        "after": encode_cursor(head.epoch, 0),
    }


async def make_stage() -> Stage:
    """Make a workspace whose conversation the team Sales sees, and people of every kind."""
    world = await make_world()
    sales, support = await world.team("Sales"), await world.team("Support")
    people = {
        "manager": await world.add("Mia", Role.MANAGER, visibility=Visibility.OWN),
        "agent": await world.add("Ada"),
        "agent of the team": await world.add("Tia", visibility=Visibility.TEAM, team=sales),
        "agent of another team": await world.add("Sue", visibility=Visibility.TEAM, team=support),
        "agent with their own": await world.add("Ian", visibility=Visibility.OWN),
    }
    holder = await world.add("Tim", visibility=Visibility.TEAM, team=sales)
    message = await snooze_over(world, holder, "carla")
    stage = Stage(world, await ids_of(world, message, holder))
    stage.typists.append((holder, message.conversation_id))
    for name in ("agent of another team", "agent with their own"):
        other = await snooze_over(world, people[name], name.replace(" ", "="))
        stage.typists.append((world.owner, other.conversation_id))
    blind = {"agent of another team", "agent with their own"}
    stage.callers = [
        Caller(name, person.token, role=person.member.role, sees=name not in blind)
        for name, person in {"owner": world.owner, **people}.items()
    ]
    stage.callers += await outsiders(world)
    return stage


async def outsiders(world: World) -> list[Caller]:
    """Return a program of the workspace, and those who have nothing to say in it."""
    viewer = await world.owner.viewer()
    _, secret = await create_api_key(viewer, world.workspace.id, name="Bot", role=Role.AGENT)
    stranger = (await make_world("Elsewhere")).owner
    late = await open_session(world.owner.user.id)
    await Session.filter(id=late.session.id).update(expires_at=now() - timedelta(seconds=1))
    return [
        Caller("program", secret, role=Role.AGENT, sees=True, is_program=True),
        Caller("stranger", stranger.token),
        Caller("nobody", None, problem="UNAUTHENTICATED"),
        Caller("somebody with a wrong token", "ps_wrong", problem="UNAUTHENTICATED"),
        Caller("somebody too late", late.access_token, problem="TOKEN_EXPIRED"),
    ]


def outcome_of(answer: dict[str, Any]) -> str:
    """Return why an answer refuses, or ALLOWED."""
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            codes += [error["code"] for error in payload.get("userErrors", [])]
    assert "INTERNAL" not in codes, answer
    assert "INVALID" not in codes, answer
    return next((code for code in codes if code in REFUSALS), ALLOWED)


async def ask(api: Api, caller: Caller, row: Row, ids: Ids) -> str:
    """Ask for a field as a caller; return the outcome."""
    return outcome_of(await api.run(caller.token, row.document, **row.values(ids)))
