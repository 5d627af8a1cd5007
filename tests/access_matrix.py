"""Who may use each field of the API: one row for every query, mutation and subscription."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.clock import now
from resolvers.rights import Right
from tests.access_composer import COMPOSER_ROWS
from tests.access_row import Row, act, bulk, by_id, listed, opened, stream

SOON = {"until": (now() + timedelta(days=3)).isoformat()}
OPEN = {"status": {"operator": "HAS_ANY_OF", "statuses": ["OPEN"]}}
NEW = {"name": "New", "baseUrl": "https://shop.example"}

TWO_CONTACTS = ("contactId", "mergedContactId")
VIEWING: Any = {"right": Right.VIEW, "people_only": True}

ROWS: dict[str, Row] = {
    "Query.viewer": Row("{ viewer { id } }", lambda _: {}, None),
    "Query.workspaces": Row("{ workspaces { id } }", lambda _: {}, None),
    "Query.nodes": Row(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        lambda known: {"ids": [known["conversationId"]]},
        None,
    ),
    "Query.workspace": by_id("workspace", "workspaceId"),
    "Query.inbox": by_id("inbox", "inboxId"),
    "Query.node": by_id("node", "conversationId", of_conversation=True),
    "Query.conversation": by_id("conversation", "conversationId", of_conversation=True),
    "Query.contact": by_id("contact", "contactId", of_conversation=True),
    "Query.contacts": listed("contacts"),
    "Query.search": Row(
        'query($workspaceId: ID!) { search(workspaceId: $workspaceId, text: "x") {'
        " nodes { __typename } } }",
        lambda known: {"workspaceId": known["workspaceId"]},
    ),
    "Query.contactImports": listed("contactImports", Right.IMPORT_CONTACTS),
    "Query.contactExports": listed("contactExports", Right.EXPORT_DATA),
    "Query.importReport": Row(
        "query($importId: ID!) { importReport(importId: $importId) { nodes { line } } }",
        lambda known: {"importId": known["importId"]},
        Right.IMPORT_CONTACTS,
    ),
    "Query.duplicateContacts": listed("duplicateContacts"),
    "Query.events": Row(
        "query($workspaceId: ID!, $after: String!) {"
        " events(workspaceId: $workspaceId, after: $after) { nodes { eventId } } }",
        lambda known: {"workspaceId": known["workspaceId"], "after": known["after"]},
    ),
    "Query.auditLog": Row(
        "query($workspaceId: ID!, $filter: AuditLogFilter) {"
        " auditLog(workspaceId: $workspaceId, filter: $filter) { nodes { id } } }",
        lambda known: {
            "workspaceId": known["workspaceId"],
            "filter": {"actorId": known["memberId"]},
        },
        Right.VIEW_AUDIT_LOG,
    ),
    "Mutation.logIn": opened("logIn", email="a@b.c", password="x"),
    "Mutation.logInWithCode": opened("logInWithCode", code="x"),
    "Mutation.refreshSession": opened("refreshSession", refreshToken="x"),
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
    "Mutation.requestPasswordReset": opened("requestPasswordReset", email="a@b.c"),
    "Mutation.resetPassword": opened("resetPassword", token="x", newPassword="another horse"),
    "Mutation.createApiKey": act(
        "createApiKey", "workspaceId", right=Right.MANAGE_API_KEYS, values={"name": "New"}
    ),
    "Mutation.revokeApiKey": act("revokeApiKey", "apiKeyId", right=Right.MANAGE_API_KEYS),
    "Mutation.connectChannel": act(
        "connectChannel", "workspaceId", right=Right.MANAGE_CHANNELS, values=NEW
    ),
    "Mutation.connectEmailChannel": act(
        "connectEmailChannel",
        "workspaceId",
        right=Right.MANAGE_CHANNELS,
        values={"name": "New", "address": "shop@shop.test", "smtpHost": "smtp.shop.test"},
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
    "Mutation.leaveWorkspace": act("leaveWorkspace", "workspaceId", **VIEWING),
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
    "Mutation.importContacts": act(
        "importContacts",
        "workspaceId",
        right=Right.IMPORT_CONTACTS,
        values={"fileName": "people.csv", "csv": "First name\nNew"},
    ),
    "Mutation.exportContacts": act("exportContacts", "workspaceId", right=Right.EXPORT_DATA),
    "Mutation.updateContact": act(
        "updateContact",
        "contactId",
        "lifecycleStageId",
        right=Right.EDIT_CONTACTS,
        values={"firstName": "Carlo"},
    ),
    "Mutation.deleteContact": act("deleteContact", "contactId", right=Right.DELETE_CONTACTS),
    "Mutation.mergeContacts": act("mergeContacts", *TWO_CONTACTS, right=Right.DELETE_CONTACTS),
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
    "Mutation.createCustomField": act(
        "createCustomField",
        "workspaceId",
        right=Right.MANAGE_SETTINGS,
        values={"name": "New", "slug": "new", "kind": "TEXT"},
    ),
    "Mutation.updateCustomField": act(
        "updateCustomField", "customFieldId", right=Right.MANAGE_SETTINGS, values={"name": "Town"}
    ),
    "Mutation.deleteCustomField": act(
        "deleteCustomField", "customFieldId", right=Right.DELETE_CUSTOM_FIELDS
    ),
    "Mutation.createLifecycleStage": act(
        "createLifecycleStage",
        "workspaceId",
        right=Right.MANAGE_SETTINGS,
        values={"name": "New"},
    ),
    "Mutation.updateLifecycleStage": act(
        "updateLifecycleStage",
        "lifecycleStageId",
        right=Right.MANAGE_SETTINGS,
        values={"name": "Customer at last"},
    ),
    "Mutation.deleteLifecycleStage": act(
        "deleteLifecycleStage", "lifecycleStageId", right=Right.MANAGE_SETTINGS
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
    "Mutation.blockContact": act("blockContact", "contactId", right=Right.BLOCK),
    "Mutation.unblockContact": act("unblockContact", "contactId", right=Right.BLOCK),
    "Mutation.markConversationRead": act(
        "markConversationRead", "conversationId", "upToMessageId", **VIEWING
    ),
    "Mutation.markConversationUnread": act(
        "markConversationUnread", "conversationId", "fromMessageId", **VIEWING
    ),
    "Mutation.tagConversations": bulk(
        "tagConversations", right=Right.EDIT_CONTACTS, many={"tagIds": "tagId"}
    ),
    "Mutation.untagConversations": bulk(
        "untagConversations", right=Right.EDIT_CONTACTS, many={"tagIds": "tagId"}
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
    "Subscription.inboxChanged": Row(
        "subscription($id: ID!, $after: String) {"
        " inboxChanged(inboxId: $id, after: $after) { change conversationId } }",
        lambda known: {"id": known["standardInboxId"], "after": known["after"]},
    ),
    "Subscription.workspaceEvents": stream("workspaceEvents", "eventId"),
    "Subscription.conversationChanged": stream("conversationChanged", "eventId"),
    "Subscription.snoozeExpired": stream("snoozeExpired", "eventId"),
    "Subscription.presenceChanged": stream("presenceChanged", "presence", after=False),
    "Subscription.importProgressed": replace(
        stream("importProgressed", "eventId"), right=Right.IMPORT_CONTACTS
    ),
    "Subscription.exportProgressed": replace(
        stream("exportProgressed", "eventId"), right=Right.EXPORT_DATA
    ),
    **COMPOSER_ROWS,
}
