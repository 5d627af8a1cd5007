"""Who asks for each field of the access matrix, about what, and what they are answered."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from models.ai_agent import AiAgent
from models.attachment import Attachment, AttachmentState
from models.clock import now
from models.closing_note_category import ClosingNoteCategory
from models.comment import Comment
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.custom_field import CustomField, CustomFieldKind
from models.custom_inbox import CustomInbox, InboxSharing
from models.engine import sql
from models.lifecycle_stage import LifecycleStage
from models.member import Member, Restriction, Role, Visibility
from models.merged_contact import MergedContact
from models.message import Message, MessageStatus
from models.notification import Notification
from models.queries import insert_of
from models.session import Session
from models.snippet import Snippet
from models.tag import Tag
from models.team import Team
from models.transfer import Transfer, TransferState
from realtime.log import encode_cursor, read_head
from resolvers.api_key import create_api_key
from resolvers.assignment import assign_conversation
from resolvers.comment import add_comment
from resolvers.contact_import import import_contacts
from resolvers.inbox import create_inbox
from resolvers.inbox_filter import Choice, ChoiceCondition, ChoiceOperator
from resolvers.inbox_kinds import Sharing
from resolvers.invitation import invite_member
from resolvers.message import send_message
from resolvers.rights import RESTRICTABLE
from resolvers.schedule import Plan, schedule_message
from resolvers.session import open_session
from resolvers.snippet import check_content
from resolvers.snooze import snooze_conversation
from schema.ids import decode_id, encode_id
from tests.access_offers import mention_all, offers
from tests.access_row import Ids, Row
from tests.world import Api, Person, World, let_time_pass, make_world, run_jobs

ALLOWED = "ALLOWED"
SAVED = check_content("Hours", None, "9 to 5").columns()
REFUSALS = {"UNAUTHENTICATED", "TOKEN_EXPIRED", "NOT_FOUND", "FORBIDDEN"}


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
    restrictions: frozenset[Restriction] = frozenset()


@dataclass
class Stage:
    """A workspace with a conversation that only some see, and everybody who may ask."""

    world: World
    ids: dict[str, str]
    inbox: CustomInbox
    callers: list[Caller] = field(default_factory=list)
    typists: list[tuple[Person, int]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)

    async def restore_sessions(self) -> None:
        """Let all sessions be there."""
        living = {row["id"] for row in await sql.rows("SELECT id FROM session")}
        for row in self.sessions:
            if row["id"] not in living:
                query, given = insert_of("session", row)
                await sql.affected(query, *given)

    async def restore(self) -> None:
        """Give the conversation back to who looked after it, open and free; let every retry fail,
        and all sessions, members and what the workspace offers be there."""
        await self.restore_sessions()
        holder, conversation_id = self.typists[0]
        both = [decode_id(self.ids[name], "Contact") for name in ("contactId", "mergedContactId")]
        for table, which in ((Contact, {"id__in": both}), (Conversation, {"contact_id__in": both})):
            await table.filter(**which).update(workspace_id=self.world.workspace.id)
        await MergedContact.all().delete()
        await Conversation.filter(id=conversation_id).update(
            assignee_id=holder.member.id,
            ai_agent_id=None,
            status=ConversationStatus.OPEN,
            status_before_snooze=None,
            snoozed_at=None,
            snoozed_until=None,
            closed_at=None,
            blocked_at=None,
            blocked_by_id=None,
        )
        await Message.filter(retry_of_id__not_isnull=True).update(status=MessageStatus.FAILED)
        await Member.filter(workspace_id=self.world.workspace.id).update(is_active=True)
        await Comment.filter(id=decode_id(self.ids["commentId"], "Comment")).update(
            text="Note", deleted_at=None
        )
        waiting = {"state": AttachmentState.WAITING, "loose_since": now()}
        await Attachment.all().update(**waiting)
        own = ("workspace_id", "creator_id", "name", "conditions", "sharing", "created_at")
        await CustomInbox.get_or_create(
            id=self.inbox.id, defaults={name: getattr(self.inbox, name) for name in own}
        )
        await Transfer.all().update(state=TransferState.DONE, finished_at=now())
        await self.restore_offers()

    async def restore_offers(self) -> None:
        """Let what the workspace offers to choose from be there."""
        tables: dict[str, tuple[Any, dict[str, Any]]] = {
            "categoryId": (ClosingNoteCategory, {"name": "Solved"}),
            "customFieldId": (
                CustomField,
                {"name": "City", "slug": "city", "kind": CustomFieldKind.TEXT},
            ),
            "lifecycleStageId": (LifecycleStage, {"name": "Customer", "position": 0}),
            "snippetId": (Snippet, SAVED | {"updated_at": now()}),
            "tagId": (Tag, {"name": "VIP", "folded_name": "vip"}),
            "aiAgentId": (AiAgent, {"name": "Robo"}),
        }
        made = {"workspace_id": self.world.workspace.id, "created_at": now()}
        for name, (table, values) in tables.items():
            key = decode_id(self.ids[name], table.__name__)
            await table.get_or_create(id=key, defaults=made | values)
        await Team.get_or_create(
            id=decode_id(self.ids["teamId"], "Team"),
            defaults={"workspace_id": self.world.workspace.id, "name": "Old"},
        )


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


async def make_inbox(creator: Person, mode: InboxSharing = InboxSharing.WORKSPACE) -> CustomInbox:
    """Make a custom inbox of all that is open."""
    inbox = await create_inbox(
        await creator.viewer(),
        creator.member.workspace_id,
        name="Open",
        conditions=ChoiceCondition(Choice.STATUS, ChoiceOperator.HAS_ANY_OF, ("OPEN",)),
        sharing=Sharing(mode),
    )
    return await CustomInbox.get(id=inbox.id)


async def written(world: World, message: Message, assignee: Person) -> dict[str, str]:
    """Write comments, one with a mention, and a message for later; return their ids."""
    viewer, key = await world.owner.viewer(), message.conversation_id
    said = await add_comment(viewer, key, text="Note")
    await mention_all(assignee, key)
    notified = await Notification.get(member_id=world.owner.member.id)
    planned = await schedule_message(viewer, key, Plan("Later", now() + timedelta(days=9)))
    return {
        "commentId": encode_id("Comment", said.comment.id),
        "notificationId": encode_id("Notification", notified.id),
        "scheduledMessageId": encode_id("ScheduledMessage", planned.id),
    }


async def ids_of(
    world: World, message: Message, assignee: Person, inbox: CustomInbox
) -> dict[str, str]:
    """Return the global ids by which the rows ask."""
    viewer = await world.owner.viewer()
    key, _ = await create_api_key(viewer, world.workspace.id, name="Old", role=Role.AGENT)
    failed = await send_message(viewer, message.conversation_id, text="Lost")
    await Message.filter(id=failed.id).update(status=MessageStatus.FAILED)
    invitation, _ = await invite_member(
        viewer, world.workspace.id, email="old@example.com", role=Role.AGENT
    )
    started = await import_contacts(
        viewer, world.workspace.id, file_name="people.csv", csv="Phone\n1\n"
    )
    head = await read_head(world.workspace.id)
    return {
        "importId": encode_id("ContactImport", started.id),
        "workspaceId": world.id,
        "inboxId": encode_id("CustomInbox", inbox.id),
        "standardInboxId": encode_id("StandardInbox", f"{world.workspace.id}.ALL"),
        "conversationId": encode_id("Conversation", message.conversation_id),
        "contactId": encode_id("Contact", message.conversation.contact_id),
        "mergedContactId": encode_id("Contact", (await world.contact("Karla")).id),
        "messageId": encode_id("Message", failed.id),
        "upToMessageId": encode_id("Message", message.id),
        "replyToMessageId": encode_id("Message", message.id),
        "fromMessageId": encode_id("Message", message.id),
        **await written(world, message, assignee),
        "channelId": encode_id("Channel", message.channel_id),
        "assigneeId": assignee.id,
        **await offers(world),
        "aiAgentId": encode_id("AiAgent", (await world.ai_agent()).id),
        "teamId": encode_id("Team", (await world.team("Old")).id),
        "sessionId": encode_id("Session", (await open_session(world.owner.user.id)).session.id),
        "memberId": (await world.add("Removable")).id,
        "invitationId": encode_id("Invitation", invitation.id),
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
    await world.connect(accepts_reply_to=True)
    message = await snooze_over(world, holder, "carla")
    inbox = await make_inbox(world.owner)
    stage = Stage(world, await ids_of(world, message, holder, inbox), inbox)
    stage.typists.append((holder, message.conversation_id))
    for name in ("agent of another team", "agent with their own"):
        other = await snooze_over(world, people[name], name.replace(" ", "="))
        stage.typists.append((world.owner, other.conversation_id))
    blind = {"agent of another team", "agent with their own"}
    stage.callers = [
        Caller(name, person.token, role=person.member.role, sees=name not in blind)
        for name, person in {"owner": world.owner, **people}.items()
    ]
    stage.callers += [await restricted(world, role) for role in (Role.MANAGER, Role.AGENT)]
    stage.callers += await outsiders(world)
    for person, key in stage.typists:
        await mention_all(person, key)
    stage.sessions = await sql.rows("SELECT * FROM session")
    return stage


async def restricted(world: World, role: Role) -> Caller:
    """Return a member who has every restriction of their role but one, which hides rows."""
    from_them = RESTRICTABLE[role] - {Restriction.BLOCKED_CONTACTS}
    person = await world.add(f"Restricted {role.value}", role, restrictions=from_them)
    return Caller(
        person.user.name, person.token, role=role, sees=True, restrictions=frozenset(from_them)
    )


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
            for answered in (payload, *payload.get("results", [])):
                codes += [error["code"] for error in answered.get("userErrors", [])]
    assert "INTERNAL" not in codes, answer
    assert "INVALID" not in codes, answer
    return next((code for code in codes if code in REFUSALS), ALLOWED)


async def ask(api: Api, caller: Caller, row: Row, ids: Ids) -> str:
    """Ask for a field as a caller; return the outcome."""
    return outcome_of(await api.run(caller.token, row.document, **row.values(ids)))
