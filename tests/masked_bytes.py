"""What a masked agent sends, and the bytes they get."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tests.convergence import EVENT
from tests.test_inbox_custom import SHOWN, document

CONTACT = """
fragment All on Contact {
  id name firstName lastName email country pictureUrl isCallable callUrl language version createdAt
  isBlocked phone { value masked display } emailAddress { value masked display }
  channels { externalId lastMessageAt } duplicates { id name } tags { id } viewerCanEdit
  viewerCanDelete conversation { id version status composer { restriction canTakeOver } }
}
"""
THREAD = """
fragment Thread on Conversation {
  id status version unreadCount lastMessageAt viewerCanReply composer {
    restriction canTakeOver canReplyTo channel { id } window { isOpen }
    channels { state isDefault restriction contactChannel { id } window { isOpen } }
  } draft { text version replyTo { authorName text } }
  contact { ...All } lastMessage { id }
  messages(last: 4) { nodes { id text payload failure { code text } author { __typename } status
    attachments { fileName kind state } } }
  timeline(last: 4) { edges { cursor } nodes { __typename ... on Activity { kind
    actor { name } } } }
}
"""
LIST = (
    CONTACT
    + """
query List($id: ID!, $sort: ContactSort, $search: String, $filter: InboxFilterInput, $first: Int,
           $after: String) {
  contacts(workspaceId: $id, sort: $sort, search: $search, filter: $filter, first: $first,
           after: $after) {
    edges { cursor node { ...All } } pageInfo { hasNextPage endCursor }
  }
}
"""
)
FIND = (
    CONTACT
    + """
query Find($id: ID!, $text: String!, $kinds: [SearchKind!], $first: Int) {
  search(workspaceId: $id, text: $text, kinds: $kinds, first: $first) {
    edges { cursor node { __typename contact { ...All } highlights { field start length } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
)
DUPLICATES = (
    CONTACT
    + """
query Duplicates($id: ID!) { duplicateContacts(workspaceId: $id) {
  nodes { ...All } pageInfo { hasNextPage }
} }
"""
)
ONE = CONTACT + "query One($id: ID!) { contact(id: $id) { ...All } }"
NODES = (
    CONTACT
    + THREAD
    + """
query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id ...All ...Thread
  ... on ContactChannel { externalId } ... on Message { text payload failure { text } }
  ... on Attachment { fileName contentType refusal }
  ... on CustomInbox { name } } }
"""
)
INBOXES = """
query Inboxes($id: ID!) { workspace(id: $id) {
  eventCursor inboxes { id name kind openCount unreadCount unrepliedCount }
} }
"""
INBOX = (
    CONTACT
    + THREAD
    + """
query Inbox($id: ID!, $sort: ConversationSort!, $first: Int, $after: String) {
  inbox(id: $id) { id name openCount unrepliedCount
    conversations(sort: $sort, first: $first, after: $after) {
      edges { cursor node { ...Thread } } pageInfo { hasNextPage }
  } }
}
"""
)
CREATE = (
    CONTACT
    + """
mutation Create($input: CreateContactInput!) { createContact(input: $input) {
  contact { ...All } userErrors { code message field }
} }
"""
)
UPDATE = (
    CONTACT
    + """
mutation Update($input: UpdateContactInput!) { updateContact(input: $input) {
  contact { ...All } userErrors { code message field }
} }
"""
)
DELETE = """
mutation Delete($input: DeleteContactInput!) { deleteContact(input: $input) {
  contact { id } userErrors { code message field }
} }
"""
SEND = """
mutation Send($input: SendMessageInput!) { sendMessage(input: $input) {
  message { id text status replyTo { authorName text } conversation { composer { restriction } } }
  userErrors { code message field }
} }
"""
PREVIEW = """
query Preview($id: ID!, $text: String!) {
  previewMessage(conversationId: $id, text: $text) { text unresolvedVariables }
}
"""
RETRY = """
mutation Retry($input: RetryMessageInput!) { retryMessage(input: $input) {
  message { id status } userErrors { code message field }
} }
"""
ACTS = {
    name: (CONTACT if "...All" in shown else "")
    + f"""
mutation {name[:1].upper() + name[1:]}($input: {name[:1].upper() + name[1:]}Input!) {{
  {name}(input: $input) {{
    {shown} userErrors {{ code message field }}
  }}
}}
"""
    for name, shown in (
        ("closeConversation", "conversation { id status contact { ...All } }"),
        ("snoozeConversation", "conversation { id status contact { ...All } }"),
        ("assignConversation", "conversation { id status contact { ...All } }"),
        ("tagContact", "contact { ...All }"),
        ("mergeContacts", "contact { ...All }"),
        ("saveDraft", "draft { text version replyTo { authorName text } }"),
        ("addComment", "comment { text author { id } } mentionedWithoutAccess { id }"),
    )
}
NOTIFIED = (
    CONTACT
    + """
query Notified($id: ID!, $archived: Boolean, $after: String) {
  notifications(workspaceId: $id, isArchived: $archived, first: 5, after: $after) {
    edges { cursor node { id kind actor { id } conversation { id } contact { ...All }
      comment { id text } } } pageInfo { hasNextPage endCursor }
  }
}
"""
)
AUDIT = "query Audit($id: ID!) { auditLog(workspaceId: $id) { nodes { id } } }"
CREATE_INBOX, UPDATE_INBOX = document("createInbox"), document("updateInbox")
CUSTOM = SHOWN + "query Custom($id: ID!) { inbox(id: $id) { ... on CustomInbox { ...Shown } } }"
TYPING = (
    CONTACT
    + """
subscription Typing($id: ID!) { typingChanged(workspaceId: $id) {
  conversation { id contact { ...All } } surface isTyping expiresAt
} }
"""
)
INBOX_CHANGED = (
    CONTACT
    + THREAD
    + """
subscription Moves($id: ID!, $after: String) { inboxChanged(inboxId: $id, after: $after) {
  eventId cursor change conversationId conversation { ...Thread } counts { open unreplied unread }
} }
"""
)
SWITCH = """
mutation Switch($input: UpdateWorkspaceSettingsInput!) {
  updateWorkspaceSettings(input: $input) { userErrors { code } }
}
"""
CHANGES = (
    CONTACT
    + EVENT
    + """
subscription Changes($id: ID!, $after: String) { workspaceEvents(workspaceId: $id, after: $after) {
  ...Event ... on ContactChanged { what: change contact { ...All } }
} }
"""
)
NO_ERRORS: Mapping[str, Any] = {"errors": [], "extensions": {}}
"""What comes with data where nothing went wrong."""


def cursors_in(found: Any) -> Iterator[str]:
    """Yield the cursors of pages in an answer."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "cursor" and isinstance(value, str):
                yield value
            yield from cursors_in(value)
    elif isinstance(found, list):
        for value in found:
            yield from cursors_in(value)


def name_of(document: str) -> str:
    """Return what a document calls itself."""
    found = re.search(r"(?:query|mutation|subscription) \w*", document)
    return found.group() if found else document


def difference(before: tuple[str, bytes], after: tuple[str, bytes]) -> str:
    """Return a call with where its answers part."""
    first, second = (answer.decode() for _, answer in (before, after))
    pairs = enumerate(zip(first, second, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), 0)
    parts = [text[max(0, same - 300) : same + 200] for text in (first, second)]
    return "\n".join(dict.fromkeys([before[0], after[0], *parts]))


def as_bytes(result: Any) -> bytes:
    """Return all of an answer; the order of errors is that of chance."""
    errors = sorted((error.formatted for error in result.errors or ()), key=orjson.dumps)
    extensions = getattr(result, "extensions", None) or {}
    return orjson.dumps({"data": result.data, "errors": errors, "extensions": extensions})
