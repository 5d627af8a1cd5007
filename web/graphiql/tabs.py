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
          unrepliedSince
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
# The newest messages and changes of one conversation.
query Thread($conversationId: ID!) {
  conversation(id: $conversationId) {
    id
    status
    version
    contact {
      id
      name
      phone {
        display
      }
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
          ... on Activity {
            id
            seq
            kind
            source
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
    eventId
    cursor
    occurredAt
    ... on MessageAdded {
      message {
        id
        direction
        text
      }
    }
    ... on MessageChanged {
      message {
        id
        status
      }
    }
    ... on ConversationChanged {
      change
      conversationId
    }
  }
}
"""

MESSAGE_ADDED = """\
# New messages of the whole workspace; with
# conversationId, of one conversation.
subscription MessageAdded(
  $workspaceId: ID!
  $conversationId: ID
) {
  messageAdded(
    workspaceId: $workspaceId
    conversationId: $conversationId
  ) {
    cursor
    eventId
    message {
      id
      seq
      direction
      text
      status
    }
    conversation {
      id
      contact {
        name
      }
      unreadCount
    }
  }
}
"""

CONVERSATION_CHANGED = """\
# Messages, status, assignee, snooze and read marks
# of the conversations that the viewer may see.
subscription ConversationChanged(
  $workspaceId: ID!
  $conversationId: ID
) {
  conversationChanged(
    workspaceId: $workspaceId
    conversationId: $conversationId
  ) {
    cursor
    eventId
    change
    conversation {
      id
      status
      version
      unreadCount
    }
  }
}
"""

TYPING_CHANGED = """\
# Who is typing, never oneself: expires by itself,
# never replayed.
subscription TypingChanged(
  $workspaceId: ID!
  $conversationId: ID
) {
  typingChanged(
    workspaceId: $workspaceId
    conversationId: $conversationId
  ) {
    conversation {
      id
    }
    actor {
      ... on Member {
        id
        name
      }
    }
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
    until
    conversation {
      id
      status
      contact {
        name
      }
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
    here = {"workspaceId": workspace_id}
    return (
        _tab("InboxPage", INBOX_PAGE, {"inboxId": inbox_id}),
        _tab("Thread", THREAD, {"conversationId": conversation_id}),
        _tab("Send", SEND, {"input": send}),
        _tab("WorkspaceEvents", WORKSPACE_EVENTS, here),
        _tab("MessageAdded", MESSAGE_ADDED, here),
        _tab("ConversationChanged", CONVERSATION_CHANGED, here),
        _tab("TypingChanged", TYPING_CHANGED, here),
        _tab("SnoozeExpired", SNOOZE_EXPIRED, here),
    )


def _tab(title: str, query: str, variables: Mapping[str, object]) -> Tab:
    return Tab(title, query, json.dumps(variables, indent=2))
