"""Who may use what a member writes with: messages, comments, typing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.clock import now
from resolvers.rights import Right
from tests.access_row import Row, act, by_id, listed, stream

LEADING: Any = {"right": Right.MANAGE_SETTINGS}
TYPING: Any = {"right": Right.REPLY, "people_only": True}

COMPOSER_ROWS: dict[str, Row] = {
    "Query.message": by_id("message", "messageId", of_conversation=True),
    "Query.resolveLink": Row(
        "query($url: String!) { resolveLink(url: $url) { item { __typename } } }",
        lambda known: {
            "url": f"/w/{known['workspaceId']}/c/{known['contactId']}?m={known['messageId']}"
        },
        of_conversation=True,
    ),
    "Query.timelineAround": Row(
        "query($itemId: ID!) { timelineAround(itemId: $itemId) { nodes { __typename } } }",
        lambda known: {"itemId": known["messageId"]},
        of_conversation=True,
    ),
    "Query.previewMessage": Row(
        "query($conversationId: ID!) {"
        ' previewMessage(conversationId: $conversationId, text: "Hi") { text } }',
        lambda known: {"conversationId": known["conversationId"]},
        of_conversation=True,
    ),
    "Query.composerSuggestions": Row(
        "query($conversationId: ID!) {"
        " composerSuggestions(conversationId: $conversationId, trigger: MENTION)"
        " { __typename } }",
        lambda known: {"conversationId": known["conversationId"]},
        of_conversation=True,
    ),
    "Mutation.sendMessage": act(
        "sendMessage",
        "conversationId",
        "channelId",
        "replyToMessageId",
        right=Right.REPLY,
        values={"text": "Hi"},
    ),
    "Mutation.retryMessage": act("retryMessage", "messageId", right=Right.REPLY),
    "Mutation.scheduleMessage": act(
        "scheduleMessage",
        "conversationId",
        "channelId",
        "replyToMessageId",
        right=Right.REPLY,
        values={"text": "Hi", "sendAt": (now() + timedelta(days=9)).isoformat()},
    ),
    "Mutation.cancelScheduledMessage": act(
        "cancelScheduledMessage", "scheduledMessageId", right=Right.REPLY
    ),
    "Mutation.createSnippet": act(
        "createSnippet", "workspaceId", values={"name": "New", "text": "Hi"}, **LEADING
    ),
    "Mutation.updateSnippet": act("updateSnippet", "snippetId", values={"text": "Ho"}, **LEADING),
    "Mutation.deleteSnippet": act("deleteSnippet", "snippetId", **LEADING),
    "Mutation.addComment": act(
        "addComment",
        "conversationId",
        right=Right.COMMENT,
        many={"mentionedMemberIds": "assigneeId"},
        values={"text": "Look!"},
    ),
    "Mutation.updateComment": act(
        "updateComment",
        "commentId",
        right=Right.COMMENT,
        many={"mentionedMemberIds": "assigneeId"},
        only="owner",
        values={"text": "Ah"},
    ),
    "Mutation.deleteComment": act("deleteComment", "commentId", right=Right.COMMENT, only="owner"),
    "Mutation.saveDraft": act(
        "saveDraft",
        "conversationId",
        "channelId",
        "replyToMessageId",
        **TYPING,
        values={"text": "Hi"},
    ),
    "Mutation.discardDraft": act("discardDraft", "conversationId", **TYPING),
    "Query.notifications": replace(listed("notifications"), people_only=True),
    "Mutation.archiveNotification": act(
        "archiveNotification", "notificationId", right=None, of_owner=True
    ),
    "Mutation.unarchiveNotification": act(
        "unarchiveNotification", "notificationId", right=None, of_owner=True
    ),
    "Mutation.archiveAllNotifications": act(
        "archiveAllNotifications", "workspaceId", right=Right.VIEW, people_only=True
    ),
    "Mutation.createUpload": act(
        "createUpload",
        "workspaceId",
        right=Right.REPLY,
        values={"fileName": "a.txt", "byteSize": 5},
    ),
    "Mutation.deleteAttachment": act("deleteAttachment", "attachmentId", right=None, of_owner=True),
    "Mutation.startTyping": act("startTyping", "conversationId", **TYPING),
    "Mutation.stopTyping": act("stopTyping", "conversationId", **TYPING),
    "Subscription.messageAdded": stream("messageAdded", "eventId"),
    "Subscription.notificationAdded": replace(
        stream("notificationAdded", "eventId"), people_only=True
    ),
    "Subscription.typingChanged": stream("typingChanged", "isTyping", after=False),
}
