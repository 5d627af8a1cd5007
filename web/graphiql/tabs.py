"""The ready-made GraphiQL tabs: GraphQL documents for the demo workspace, in one place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

NEW_KEY = "<a new key>"
"""Stands in variables for an idempotency key that the page makes when the tabs are first shown."""

INBOX_PAGE = """\
# An inbox screen in one request (Ctrl-Enter).
query InboxPage($inboxId: ID!) {
  inbox(id: $inboxId) {
    id
    kind
    name
    openCount
    unreadCount
    conversations(first: 25) {
      edges {
        cursor
        node {
          id
          status
          unreadCount
          contact {
            id
            name
          }
          assignee {
            __typename
            ... on Member {
              id
              name
            }
            ... on AiAgent {
              id
              name
            }
          }
          lastMessage {
            id
            direction
            text
            status
          }
          lastMessageAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
"""

THREAD = """\
# The newest messages, comments and activities.
query Thread($conversationId: ID!) {
  conversation(id: $conversationId) {
    id
    status
    version
    contact {
      id
      name
    }
    timeline(last: 25) {
      edges {
        cursor
        node {
          __typename
          ... on Message {
            id
            seq
            direction
            text
            status
          }
          ... on Comment {
            id
            text
          }
          ... on Activity {
            id
          }
        }
      }
      pageInfo {
        hasPreviousPage
        startCursor
      }
    }
  }
}
"""

SEND = """\
# Run it twice: same idempotencyKey, sent once.
# Change the key to send another message.
mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message {
      id
      seq
      text
      status
    }
    userErrors {
      code
      message
      field
    }
  }
}
"""

WORKSPACE_EVENTS = """\
# Every fact of the workspace, in order. Run it,
# then send a message from another window.
# With `after: "<cursor>"` it begins there.
subscription WorkspaceEvents($workspaceId: ID!) {
  workspaceEvents(workspaceId: $workspaceId) {
    __typename
    cursor
    eventId
  }
}
"""

MESSAGE_ADDED = """\
# New messages of one conversation; without
# conversationId, of the whole workspace.
subscription MessageAdded($workspaceId: ID!, $conversationId: ID) {
  messageAdded(workspaceId: $workspaceId, conversationId: $conversationId) {
    cursor
    eventId
    message {
      id
      seq
      direction
      text
      status
    }
  }
}
"""

TYPING_CHANGED = """\
# Who is typing: expires by itself, never replayed.
subscription TypingChanged($workspaceId: ID!, $conversationId: ID) {
  typingChanged(workspaceId: $workspaceId, conversationId: $conversationId) {
    isTyping
    expiresAt
  }
}
"""

SNOOZE_EXPIRED = """\
# Conversations whose snooze ran out.
subscription SnoozeExpired($workspaceId: ID!) {
  snoozeExpired(workspaceId: $workspaceId) {
    cursor
    eventId
    conversation {
      id
      status
    }
  }
}
"""


@dataclass(frozen=True)
class Tab:
    """One ready-made tab; `title` is the operation's name and `variables` a JSON text."""

    title: str
    query: str
    variables: str


def demo_tabs(*, workspace_id: str, inbox_id: str, conversation_id: str) -> tuple[Tab, ...]:
    """Return the ready-made tabs with the ids of the demo workspace in their variables."""
    send = {"conversationId": conversation_id, "text": "Hello!", "idempotencyKey": NEW_KEY}
    here = {"workspaceId": workspace_id, "conversationId": conversation_id}
    return (
        _tab("InboxPage", INBOX_PAGE, {"inboxId": inbox_id}),
        _tab("Thread", THREAD, {"conversationId": conversation_id}),
        _tab("Send", SEND, {"input": send}),
        _tab("WorkspaceEvents", WORKSPACE_EVENTS, {"workspaceId": workspace_id}),
        _tab("MessageAdded", MESSAGE_ADDED, here),
        _tab("TypingChanged", TYPING_CHANGED, here),
        _tab("SnoozeExpired", SNOOZE_EXPIRED, {"workspaceId": workspace_id}),
    )


def _tab(title: str, query: str, variables: Mapping[str, object]) -> Tab:
    return Tab(title, query, json.dumps(variables, indent=2))
