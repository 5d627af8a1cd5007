"""Who may use each field of the API: one row for every query, mutation and subscription."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models.clock import now
from resolvers.viewer import Right

Ids = Mapping[str, str]


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
    of_owner: bool = False
    """Whether it takes what is the owner's own, and nobody else's."""
    people_only: bool = False
    """Whether programs are refused."""
    only: str | None = None
    """The one caller to whom the object belongs; others see it and may not change it."""


def act(name: str, *ids: str, right: Right | None, **options: Any) -> Row:
    """Declare a mutation with ids, and other values, in its input; `many` are lists of ids."""
    values = options.pop("values", {})
    of_conversation = bool({"conversationId", "messageId", "contactId"} & set(ids))
    many: Mapping[str, str] = options.pop("many", {})
    document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
      {name}(input: $input) {{ userErrors {{ code message field }} }}
    }}"""
    return Row(
        document,
        lambda known: {
            "input": {key: known[key] for key in ids}
            | {key: [known[one]] for key, one in many.items()}
            | values
        },
        right,
        of_conversation=of_conversation,
        **options,
    )


def bulk(name: str, *ids: str, right: Right, **options: Any) -> Row:
    """Declare a mutation of a list of conversations, here of one."""
    values = options.pop("values", {})
    document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
      {name}(input: $input) {{
        userErrors {{ code message field }} results {{ userErrors {{ code message field }} }}
      }}
    }}"""

    def given(known: Ids) -> dict[str, Any]:
        listed = {"conversationIds": [known["conversationId"]]}
        return {"input": listed | {key: known[key] for key in ids} | values}

    return Row(document, given, right, of_conversation=True, **options)


def _open(name: str, **values: str) -> Row:
    """Declare a mutation of those who need not be logged in."""
    return act(name, right=None, is_open=True, values=values)


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
OPEN = {"status": {"operator": "HAS_ANY_OF", "statuses": ["OPEN"]}}
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
    "Mutation.logIn": _open("logIn", email="a@b.c", password="x"),
    "Mutation.logInWithCode": _open("logInWithCode", code="x"),
    "Mutation.refreshSession": _open("refreshSession", refreshToken="x"),
    "Mutation.logOut": act("logOut", right=None, people_only=True),
    "Mutation.logOutEverywhere": act("logOutEverywhere", right=None, people_only=True),
    "Mutation.revokeSession": act(
        "revokeSession", "sessionId", right=None, of_owner=True, people_only=True
    ),
    "Mutation.changePassword": act(
        "changePassword",
        right=None,
        people_only=True,
        values={"currentPassword": "wrong", "newPassword": "another horse"},
    ),
    "Mutation.requestPasswordReset": _open("requestPasswordReset", email="a@b.c"),
    "Mutation.resetPassword": _open("resetPassword", token="x", newPassword="another horse"),
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
    "Mutation.inviteMember": act(
        "inviteMember",
        "workspaceId",
        right=Right.MANAGE_MEMBERS,
        values={"email": "new@example.com"},
    ),
    "Mutation.revokeInvitation": act(
        "revokeInvitation", "invitationId", right=Right.MANAGE_MEMBERS
    ),
    "Mutation.acceptInvitation": act(
        "acceptInvitation", right=None, is_open=True, values={"token": "x"}
    ),
    "Mutation.updateMember": act(
        "updateMember", "memberId", right=Right.MANAGE_MEMBERS, values={"visibility": "OWN"}
    ),
    "Mutation.removeMember": act("removeMember", "memberId", right=Right.MANAGE_MEMBERS),
    "Mutation.leaveWorkspace": act(
        "leaveWorkspace", "workspaceId", right=Right.VIEW, people_only=True
    ),
    "Mutation.createWorkspace": act(
        "createWorkspace", right=None, people_only=True, values={"name": "New"}
    ),
    "Mutation.setPresence": act(
        "setPresence", right=None, people_only=True, values={"state": "ONLINE"}
    ),
    "Mutation.createTeam": act(
        "createTeam", "workspaceId", right=Right.MANAGE_TEAMS, values={"name": "New"}
    ),
    "Mutation.updateTeam": act(
        "updateTeam", "teamId", right=Right.MANAGE_TEAMS, values={"name": "Elder"}
    ),
    "Mutation.deleteTeam": act("deleteTeam", "teamId", right=Right.DELETE_TEAMS),
    "Mutation.createContact": act(
        "createContact", "workspaceId", right=Right.EDIT_CONTACTS, values={"firstName": "New"}
    ),
    "Mutation.updateContact": act(
        "updateContact", "contactId", right=Right.EDIT_CONTACTS, values={"firstName": "Carlo"}
    ),
    "Mutation.createTag": act(
        "createTag", "workspaceId", right=Right.MANAGE_SETTINGS, values={"name": "New"}
    ),
    "Mutation.updateTag": act(
        "updateTag", "tagId", right=Right.MANAGE_SETTINGS, values={"name": "VIP at last"}
    ),
    "Mutation.deleteTag": act("deleteTag", "tagId", right=Right.MANAGE_SETTINGS),
    "Mutation.tagContact": act(
        "tagContact", "contactId", right=Right.EDIT_CONTACTS, many={"tagIds": "tagId"}
    ),
    "Mutation.untagContact": act(
        "untagContact", "contactId", right=Right.EDIT_CONTACTS, many={"tagIds": "tagId"}
    ),
    "Mutation.openConversation": act("openConversation", "conversationId", right=Right.CLOSE),
    "Mutation.closeConversation": act(
        "closeConversation", "conversationId", "categoryId", right=Right.CLOSE
    ),
    "Mutation.reopenConversation": act("reopenConversation", "conversationId", right=Right.CLOSE),
    "Mutation.createClosingNoteCategory": act(
        "createClosingNoteCategory",
        "workspaceId",
        right=Right.MANAGE_SETTINGS,
        values={"name": "New"},
    ),
    "Mutation.updateClosingNoteCategory": act(
        "updateClosingNoteCategory",
        "categoryId",
        right=Right.MANAGE_SETTINGS,
        values={"name": "Solved at last"},
    ),
    "Mutation.deleteClosingNoteCategory": act(
        "deleteClosingNoteCategory", "categoryId", right=Right.MANAGE_SETTINGS
    ),
    "Mutation.createAiAgent": act(
        "createAiAgent", "workspaceId", right=Right.MANAGE_SETTINGS, values={"name": "New"}
    ),
    "Mutation.updateAiAgent": act(
        "updateAiAgent", "aiAgentId", right=Right.MANAGE_SETTINGS, values={"isActive": True}
    ),
    "Mutation.deleteAiAgent": act("deleteAiAgent", "aiAgentId", right=Right.MANAGE_SETTINGS),
    "Mutation.createInbox": act(
        "createInbox",
        "workspaceId",
        right=Right.VIEW,
        people_only=True,
        values={"name": "Open", "filter": OPEN},
    ),
    "Mutation.updateInbox": act(
        "updateInbox", "inboxId", right=Right.VIEW, only="owner", values={"name": "Again"}
    ),
    "Mutation.deleteInbox": act("deleteInbox", "inboxId", right=Right.VIEW, only="owner"),
    "Mutation.snoozeConversation": act(
        "snoozeConversation", "conversationId", right=Right.SNOOZE, values=SOON
    ),
    "Mutation.unsnoozeConversation": act(
        "unsnoozeConversation", "conversationId", right=Right.SNOOZE
    ),
    "Mutation.assignConversation": act(
        "assignConversation", "conversationId", "assigneeId", right=Right.ASSIGN
    ),
    "Mutation.takeOverConversation": act(
        "takeOverConversation", "conversationId", right=Right.ASSIGN, people_only=True
    ),
    "Mutation.unassignConversation": act(
        "unassignConversation", "conversationId", right=Right.ASSIGN
    ),
    "Mutation.sendMessage": act(
        "sendMessage", "conversationId", "channelId", right=Right.REPLY, values={"text": "Hi"}
    ),
    "Mutation.retryMessage": act("retryMessage", "messageId", right=Right.REPLY),
    "Mutation.blockContact": act("blockContact", "contactId", right=Right.BLOCK),
    "Mutation.unblockContact": act("unblockContact", "contactId", right=Right.BLOCK),
    "Mutation.markConversationRead": act(
        "markConversationRead",
        "conversationId",
        "upToMessageId",
        right=Right.VIEW,
        people_only=True,
    ),
    "Mutation.markConversationUnread": act(
        "markConversationUnread",
        "conversationId",
        "fromMessageId",
        right=Right.VIEW,
        people_only=True,
    ),
    "Mutation.openConversations": bulk("openConversations", right=Right.CLOSE),
    "Mutation.assignConversations": bulk("assignConversations", "assigneeId", right=Right.ASSIGN),
    "Mutation.unassignConversations": bulk("unassignConversations", right=Right.ASSIGN),
    "Mutation.closeConversations": bulk("closeConversations", "categoryId", right=Right.CLOSE),
    "Mutation.snoozeConversations": bulk("snoozeConversations", right=Right.SNOOZE, values=SOON),
    "Mutation.unsnoozeConversations": bulk("unsnoozeConversations", right=Right.SNOOZE),
    "Mutation.markConversationsRead": bulk(
        "markConversationsRead", right=Right.VIEW, people_only=True
    ),
    "Mutation.markConversationsUnread": bulk(
        "markConversationsUnread", right=Right.VIEW, people_only=True
    ),
    "Mutation.startTyping": act(
        "startTyping", "conversationId", right=Right.REPLY, people_only=True
    ),
    "Mutation.stopTyping": act("stopTyping", "conversationId", right=Right.REPLY, people_only=True),
    "Subscription.inboxChanged": Row(
        "subscription($id: ID!, $after: String) {"
        " inboxChanged(inboxId: $id, after: $after) { change conversationId } }",
        lambda known: {"id": known["standardInboxId"], "after": known["after"]},
    ),
    "Subscription.workspaceEvents": _stream("workspaceEvents", "eventId"),
    "Subscription.conversationChanged": _stream("conversationChanged", "eventId"),
    "Subscription.messageAdded": _stream("messageAdded", "eventId"),
    "Subscription.snoozeExpired": _stream("snoozeExpired", "eventId"),
    "Subscription.presenceChanged": _stream("presenceChanged", "presence", after=False),
    "Subscription.typingChanged": _stream("typingChanged", "isTyping", after=False),
}
