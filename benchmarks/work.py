"""What is measured: the operations as GraphQL, and the same requests to the bare program."""

import base64
import itertools
from collections.abc import Callable, Iterator, Mapping

import orjson

from benchmarks.data import WORKSPACE, World, token

INBOX = """query Inbox($id: ID!) {
  inbox(id: $id) {
    conversations(status: OPEN, first: 25) {
      nodes {
        id status lastMessageAt
        contact { id name }
        assignee { ... on Member { id name } }
        lastMessage { id direction text createdAt }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

THREAD = """query Thread($id: ID!) {
  conversation(id: $id) {
    id
    messages(last: 50) {
      nodes {
        id seq direction status text createdAt
        author { __typename ... on Member { id name } ... on Contact { id name } }
      }
      pageInfo { hasPreviousPage startCursor }
    }
  }
}"""

SEND = """mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message { id status seq text }
    userErrors { code }
  }
}"""

ADDED = """subscription Added($id: ID!) {
  messageAdded(workspaceId: $id) {
    eventId cursor occurredAt
    message { id seq direction status text createdAt author { ... on Member { id name } } }
    conversation { id status contact { id name } assignee { ... on Member { id name } } }
  }
}"""

TEXT = "Thank you for writing. Your order left our house this morning."


def global_id(kind: str, key: object) -> str:
    """Return the id that the API gives to an object."""
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def post(path: str, body: object, member: int = 1) -> bytes:
    """Return an HTTP request of a member with a JSON body, as bytes."""
    content = orjson.dumps(body)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token(member)}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def graphql(document: str, member: int = 1, **variables: object) -> bytes:
    """Return the HTTP request of a member's operation."""
    return post("/graphql", {"query": document, "variables": variables}, member)


Requests = Callable[..., Iterator[bytes]]
"""(world, a name for keys of one's own) -> an endless sequence of requests."""


def inbox_graphql(_world: World, _name: str = "") -> Iterator[bytes]:
    """Ask for the first page of the inbox, over and over."""
    return itertools.repeat(graphql(INBOX, id=global_id("StandardInbox", f"{WORKSPACE}.ALL")))


def inbox_bare(_world: World, _name: str = "") -> Iterator[bytes]:
    """Ask the bare program for the first page of the inbox."""
    return itertools.repeat(post("/inbox", {"workspace": WORKSPACE}))


def floor(_world: World, _name: str = "") -> Iterator[bytes]:
    """Ask the bare program for nothing."""
    return itertools.repeat(post("/floor", {}))


def thread_graphql(world: World, _name: str = "") -> Iterator[bytes]:
    """Ask for the newest page of one long conversation after another."""
    ids = [global_id("Conversation", one) for one in _mixed(world)]
    return itertools.cycle([graphql(THREAD, id=one) for one in ids])


def thread_bare(world: World, _name: str = "") -> Iterator[bytes]:
    """Ask the bare program for the newest page of one long conversation after another."""
    return itertools.cycle([post("/thread", {"conversation": one}) for one in _mixed(world)])


def send_graphql(world: World, name: str = "", begin: int = 0) -> Iterator[bytes]:
    """Send a message to one conversation after another, each with its own key."""
    ones = world.open_ones
    for number in itertools.count(begin):
        key = {"conversationId": global_id("Conversation", ones[number % len(ones)])}
        yield graphql(SEND, input={**key, "text": TEXT, "idempotencyKey": f"{name}{number}"})


def send_bare(world: World, name: str = "", begin: int = 0) -> Iterator[bytes]:
    """Let the bare program send a message to one conversation after another."""
    ones = world.open_ones
    for number in itertools.count(begin):
        body = {"conversation": ones[number % len(ones)], "text": TEXT}
        yield post("/send", {**body, "key": f"{name}{number}"})


def send_in(places: Mapping[int, list[int]]) -> Iterator[bytes]:
    """Send as one member after another, each in a workspace of their own."""
    for number in itertools.count():
        member = list(places)[number % len(places)]
        ones = places[member]
        key = {"conversationId": global_id("Conversation", ones[number % len(ones)])}
        given = {**key, "text": TEXT, "idempotencyKey": f"w{number}"}
        yield graphql(SEND, member, input=given)


def _mixed(world: World) -> list[int]:
    ones = list(world.long_ones)
    return ones[::3] + ones[1::3] + ones[2::3]
