"""Who may use what a member writes with: messages, comments, typing."""

from typing import Any

from resolvers.viewer import Right
from tests.access_row import Row, act, by_id, stream

TYPING: Any = {"right": Right.REPLY, "people_only": True}

COMPOSER_ROWS: dict[str, Row] = {
    "Query.message": by_id("message", "messageId", of_conversation=True),
    "Mutation.sendMessage": act(
        "sendMessage", "conversationId", "channelId", right=Right.REPLY, values={"text": "Hi"}
    ),
    "Mutation.retryMessage": act("retryMessage", "messageId", right=Right.REPLY),
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
    "Mutation.startTyping": act("startTyping", "conversationId", **TYPING),
    "Mutation.stopTyping": act("stopTyping", "conversationId", **TYPING),
    "Subscription.messageAdded": stream("messageAdded", "eventId"),
    "Subscription.typingChanged": stream("typingChanged", "isTyping", after=False),
}
