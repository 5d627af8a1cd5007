"""Who meets what the table of states says, who something else, and who sees nothing to act on."""

import re
from functools import cache

from tests.state_table import Outcome, outcome, table

EXCEPTIONS = """
holder   OPEN Ada                takeOverConversation    stays
program  every state             takeOverConversation    FORBIDDEN
program  BLOCKED(OPEN) nobody    takeOverConversation    BLOCKED
program  BLOCKED(CLOSED) nobody  takeOverConversation    BLOCKED
program  every state             markConversationRead    FORBIDDEN
program  every state             markConversationUnread  FORBIDDEN
program  every state             startTyping             FORBIDDEN
program  OPEN Robo               sendMessage             OPEN Robo  +0  MessageAdded
program  OPEN Robo               retryMessage            OPEN Robo  +0  MessageAdded
"""
"""Who meets something else than the table says: the lines of one state go before all states'."""

SIGHT = """
                    nobody  Ada  Robo  Sales  blocked
owner               sees    sees sees  sees   sees
manager             sees    sees sees  sees   sees
all                 sees    sees sees  sees   sees
team                -       sees -     sees   -
other team          -       -    -     -      -
holder              -       sees -     -      -
not holder          -       -    -     -      -
restricted          sees    sees sees  sees   -
program             sees    sees sees  sees   sees
stranger            -       -    -     -      -
"""
"""Who sees what this one has, or what is blocked (of nobody); to others it is NOT_FOUND.

`all`, `team` and `holder` are agents who see everything, what their team Sales has, and what they
themselves have (this one is Ada); `other team` is of Support, `not holder` is Bea; `restricted`
sees everything but blocked contacts. The `stranger` owns another workspace, and `nobody` (not in
here) has no token: they are UNAUTHENTICATED.
"""

LEFT_OUT = {
    "stopTyping": "changes nothing that is kept; it is also allowed where startTyping is refused",
    "openConversations": "does to each what openConversation does: tests/test_bulk.py",
    "assignConversations": "does to each what assignConversation does: tests/test_bulk.py",
    "unassignConversations": "does to each what unassignConversation does: tests/test_bulk.py",
    "closeConversations": "does to each what closeConversation does: tests/test_bulk.py",
    "snoozeConversations": "does to each what snoozeConversation does: tests/test_bulk.py",
    "unsnoozeConversations": "does to each what unsnoozeConversation does: tests/test_bulk.py",
    "markConversationsRead": "does to each what markConversationRead does: tests/test_bulk.py",
    "markConversationsUnread": "does to each what markConversationUnread does: tests/test_bulk.py",
    "tagConversations": "does to each contact what tagContact does: tests/test_bulk_tags.py",
    "untagConversations": "does to each contact what untagContact does: tests/test_bulk_tags.py",
    "scheduleMessage": "changes nothing of the conversation yet: tests/test_schedule.py",
    "saveDraft": "changes nothing of the conversation: tests/test_draft.py",
    "discardDraft": "changes nothing of the conversation: tests/test_draft.py",
    "updateContact": "changes who the contact is, in every state alike: tests/test_contact.py",
    "deleteContact": "ends the table, in every state alike: tests/test_contact_deletion.py",
    "mergeContacts": "joins two states: tests/test_contact_merge_state.py",
    "tagContact": "changes what the contact is called, not their conversation",
    "untagContact": "changes what the contact is called, not their conversation",
}
"""Mutations about conversations, contacts or messages that are not in the table, and why."""


@cache
def exceptions() -> dict[tuple[str, str, str], Outcome]:
    """Return what follows for some, by person, state and action."""
    lines = [re.split(r"  +", line) for line in EXCEPTIONS.splitlines() if line]
    return {(who, state, action): outcome(words) for who, state, action, *words in lines}


@cache
def sight() -> dict[str, dict[str, bool]]:
    """Return who sees a conversation, by person and by who has it."""
    head, *lines = [line for line in SIGHT.splitlines() if line]
    places = head.split()
    read = {}
    for line in lines:
        who, *words = re.split(r"  +", line[:20].strip()) + line[20:].split()
        read[who] = {place: word == "sees" for place, word in zip(places, words, strict=True)}
    return read


def expected(who: str, state: str, action: str) -> Outcome:
    """Return what an action of somebody comes to."""
    if who == "nobody":
        return Outcome(code="UNAUTHENTICATED")
    place = "blocked" if state.startswith("BLOCKED") else state.split()[1]
    if not sight()[who][place]:
        return Outcome(code="NOT_FOUND")
    for one in (state, "every state"):
        if (who, one, action) in exceptions():
            return exceptions()[who, one, action]
    return table()[state][action]
