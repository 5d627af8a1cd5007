"""The life of a conversation as one table: what each action makes of each state, for whom."""

import re
from dataclasses import dataclass
from functools import cache

TABLE = """
NEW nobody
  openConversation             OPEN nobody             +1  ConversationOpened
  reopenConversation           OPEN nobody             +1  ConversationOpened
  closeConversation            stays
  snoozeConversation           SNOOZED(NEW) nobody     +1  ConversationSnoozed
  unsnoozeConversation         stays
  assignConversation to Ada    NEW Ada                 +1  ConversationAssigned
  assignConversation to Bea    NEW Bea                 +1  ConversationAssigned
  assignConversation to Robo   NEW Robo                +1  ConversationAssigned
  assignConversation to Sales  NEW Sales               +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         WRONG_STATE
  blockContact                 BLOCKED(NEW) nobody     +1  ContactBlocked
  unblockContact               stays
  markConversationRead         stays
  markConversationUnread       stays
  sendMessage                  OPEN nobody             +1  ConversationOpened MessageAdded
  retryMessage                 NOT_FOUND
  addComment                   NEW nobody              +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN nobody             +1  ConversationOpened MessageAdded
  the snooze expires           stays
  nobody writes any more       stays

OPEN nobody
  openConversation             stays
  reopenConversation           stays
  closeConversation            CLOSED nobody           +1  ConversationClosed
  snoozeConversation           SNOOZED(OPEN) nobody    +1  ConversationSnoozed
  unsnoozeConversation         stays
  assignConversation to Ada    OPEN Ada                +1  ConversationAssigned
  assignConversation to Bea    OPEN Bea                +1  ConversationAssigned
  assignConversation to Robo   OPEN Robo               +1  ConversationAssigned
  assignConversation to Sales  OPEN Sales              +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         WRONG_STATE
  blockContact                 BLOCKED(OPEN) nobody    +1  ContactBlocked
  unblockContact               stays
  markConversationRead         OPEN nobody             +0  ConversationRead
  markConversationUnread       OPEN nobody             +0  ConversationMarkedUnread
  sendMessage                  OPEN nobody             +0  MessageAdded
  retryMessage                 OPEN nobody             +0  MessageAdded
  addComment                   OPEN nobody             +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN nobody             +0  MessageAdded
  the snooze expires           stays
  nobody writes any more       CLOSED nobody           +1  ConversationClosed

OPEN Ada
  openConversation             stays
  reopenConversation           stays
  closeConversation            CLOSED Ada              +1  ConversationClosed
  snoozeConversation           SNOOZED(OPEN) Ada       +1  ConversationSnoozed
  unsnoozeConversation         stays
  assignConversation to Ada    stays
  assignConversation to Bea    OPEN Bea                +1  ConversationAssigned
  assignConversation to Robo   OPEN Robo               +1  ConversationAssigned
  assignConversation to Sales  OPEN Sales              +1  ConversationAssigned
  unassignConversation         OPEN nobody             +1  ConversationUnassigned
  takeOverConversation         CONFLICT
  blockContact                 BLOCKED(OPEN) Ada       +1  ContactBlocked
  unblockContact               stays
  markConversationRead         OPEN Ada                +0  ConversationRead
  markConversationUnread       OPEN Ada                +0  ConversationMarkedUnread
  sendMessage                  OPEN Ada                +0  MessageAdded
  retryMessage                 OPEN Ada                +0  MessageAdded
  addComment                   OPEN Ada                +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN Ada                +0  MessageAdded
  the snooze expires           stays
  nobody writes any more       CLOSED Ada              +1  ConversationClosed

OPEN Robo
  openConversation             stays
  reopenConversation           stays
  closeConversation            CLOSED Robo             +1  ConversationClosed
  snoozeConversation           SNOOZED(OPEN) Robo      +1  ConversationSnoozed
  unsnoozeConversation         stays
  assignConversation to Ada    OPEN Ada                +1  ConversationAssigned
  assignConversation to Bea    OPEN Bea                +1  ConversationAssigned
  assignConversation to Robo   stays
  assignConversation to Sales  OPEN Sales              +1  ConversationAssigned
  unassignConversation         OPEN nobody             +1  ConversationUnassigned
  takeOverConversation         OPEN caller             +1  ConversationTakenOver
  blockContact                 BLOCKED(OPEN) Robo      +1  ContactBlocked
  unblockContact               stays
  markConversationRead         OPEN Robo               +0  ConversationRead
  markConversationUnread       OPEN Robo               +0  ConversationMarkedUnread
  sendMessage                  AI_HANDLING
  retryMessage                 AI_HANDLING
  addComment                   OPEN Robo               +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN Robo               +0  MessageAdded
  the snooze expires           stays
  nobody writes any more       stays

OPEN Sales
  openConversation             stays
  reopenConversation           stays
  closeConversation            CLOSED Sales            +1  ConversationClosed
  snoozeConversation           SNOOZED(OPEN) Sales     +1  ConversationSnoozed
  unsnoozeConversation         stays
  assignConversation to Ada    OPEN Ada of Sales       +1  ConversationAssigned
  assignConversation to Bea    OPEN Bea of Sales       +1  ConversationAssigned
  assignConversation to Robo   OPEN Robo of Sales      +1  ConversationAssigned
  assignConversation to Sales  stays
  unassignConversation         OPEN nobody             +1  ConversationUnassigned
  takeOverConversation         WRONG_STATE
  blockContact                 BLOCKED(OPEN) Sales     +1  ContactBlocked
  unblockContact               stays
  markConversationRead         OPEN Sales              +0  ConversationRead
  markConversationUnread       OPEN Sales              +0  ConversationMarkedUnread
  sendMessage                  OPEN Sales              +0  MessageAdded
  retryMessage                 OPEN Sales              +0  MessageAdded
  addComment                   OPEN Sales              +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN Sales              +0  MessageAdded
  the snooze expires           stays
  nobody writes any more       CLOSED Sales            +1  ConversationClosed

CLOSED nobody
  openConversation             OPEN nobody             +1  ConversationOpened
  reopenConversation           OPEN nobody             +1  ConversationOpened
  closeConversation            stays
  snoozeConversation           SNOOZED(CLOSED) nobody  +1  ConversationSnoozed
  unsnoozeConversation         stays
  assignConversation to Ada    CLOSED Ada              +1  ConversationAssigned
  assignConversation to Bea    CLOSED Bea              +1  ConversationAssigned
  assignConversation to Robo   CLOSED Robo             +1  ConversationAssigned
  assignConversation to Sales  CLOSED Sales            +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         WRONG_STATE
  blockContact                 BLOCKED(CLOSED) nobody  +1  ContactBlocked
  unblockContact               stays
  markConversationRead         CLOSED nobody           +0  ConversationRead
  markConversationUnread       CLOSED nobody           +0  ConversationMarkedUnread
  sendMessage                  OPEN nobody             +1  ConversationOpened MessageAdded
  retryMessage                 OPEN nobody             +1  ConversationOpened MessageAdded
  addComment                   CLOSED nobody           +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN nobody             +1  ConversationOpened MessageAdded
  the snooze expires           stays
  nobody writes any more       stays

SNOOZED(OPEN) nobody
  openConversation             OPEN nobody             +1  ConversationOpened
  reopenConversation           stays
  closeConversation            CLOSED nobody           +1  ConversationClosed
  snoozeConversation           SNOOZED(OPEN) nobody    +1  ConversationSnoozed
  unsnoozeConversation         OPEN nobody             +1  ConversationUnsnoozed
  assignConversation to Ada    SNOOZED(OPEN) Ada       +1  ConversationAssigned
  assignConversation to Bea    SNOOZED(OPEN) Bea       +1  ConversationAssigned
  assignConversation to Robo   SNOOZED(OPEN) Robo      +1  ConversationAssigned
  assignConversation to Sales  SNOOZED(OPEN) Sales     +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         WRONG_STATE
  blockContact                 BLOCKED(OPEN) nobody    +1  ContactBlocked
  unblockContact               stays
  markConversationRead         SNOOZED(OPEN) nobody    +0  ConversationRead
  markConversationUnread       SNOOZED(OPEN) nobody    +0  ConversationMarkedUnread
  sendMessage                  SNOOZED(OPEN) nobody    +0  MessageAdded
  retryMessage                 SNOOZED(OPEN) nobody    +0  MessageAdded
  addComment                   SNOOZED(OPEN) nobody    +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN nobody             +1  ConversationOpened MessageAdded
  the snooze expires           OPEN nobody             +1  SnoozeExpired
  nobody writes any more       stays

SNOOZED(CLOSED) nobody
  openConversation             OPEN nobody             +1  ConversationOpened
  reopenConversation           stays
  closeConversation            CLOSED nobody           +1  ConversationClosed
  snoozeConversation           SNOOZED(CLOSED) nobody  +1  ConversationSnoozed
  unsnoozeConversation         CLOSED nobody           +1  ConversationUnsnoozed
  assignConversation to Ada    SNOOZED(CLOSED) Ada     +1  ConversationAssigned
  assignConversation to Bea    SNOOZED(CLOSED) Bea     +1  ConversationAssigned
  assignConversation to Robo   SNOOZED(CLOSED) Robo    +1  ConversationAssigned
  assignConversation to Sales  SNOOZED(CLOSED) Sales   +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         WRONG_STATE
  blockContact                 BLOCKED(CLOSED) nobody  +1  ContactBlocked
  unblockContact               stays
  markConversationRead         SNOOZED(CLOSED) nobody  +0  ConversationRead
  markConversationUnread       SNOOZED(CLOSED) nobody  +0  ConversationMarkedUnread
  sendMessage                  SNOOZED(CLOSED) nobody  +0  MessageAdded
  retryMessage                 SNOOZED(CLOSED) nobody  +0  MessageAdded
  addComment                   SNOOZED(CLOSED) nobody  +0  CommentAdded
  startTyping                  stays
  the contact writes           OPEN nobody             +1  ConversationOpened MessageAdded
  the snooze expires           CLOSED nobody           +1  SnoozeExpired
  nobody writes any more       stays

BLOCKED(OPEN) nobody
  openConversation             BLOCKED
  reopenConversation           BLOCKED
  closeConversation            BLOCKED
  snoozeConversation           BLOCKED
  unsnoozeConversation         BLOCKED
  assignConversation to Ada    BLOCKED(OPEN) Ada       +1  ConversationAssigned
  assignConversation to Bea    BLOCKED(OPEN) Bea       +1  ConversationAssigned
  assignConversation to Robo   BLOCKED(OPEN) Robo      +1  ConversationAssigned
  assignConversation to Sales  BLOCKED(OPEN) Sales     +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         BLOCKED
  blockContact                 stays
  unblockContact               OPEN nobody             +1  ContactUnblocked
  markConversationRead         BLOCKED(OPEN) nobody    +0  ConversationRead
  markConversationUnread       BLOCKED(OPEN) nobody    +0  ConversationMarkedUnread
  sendMessage                  BLOCKED
  retryMessage                 BLOCKED
  addComment                   BLOCKED(OPEN) nobody    +0  CommentAdded
  startTyping                  BLOCKED
  the contact writes           BLOCKED(OPEN) nobody    +0  MessageQuarantined
  the snooze expires           stays
  nobody writes any more       stays

BLOCKED(CLOSED) nobody
  openConversation             BLOCKED
  reopenConversation           BLOCKED
  closeConversation            BLOCKED
  snoozeConversation           BLOCKED
  unsnoozeConversation         BLOCKED
  assignConversation to Ada    BLOCKED(CLOSED) Ada     +1  ConversationAssigned
  assignConversation to Bea    BLOCKED(CLOSED) Bea     +1  ConversationAssigned
  assignConversation to Robo   BLOCKED(CLOSED) Robo    +1  ConversationAssigned
  assignConversation to Sales  BLOCKED(CLOSED) Sales   +1  ConversationAssigned
  unassignConversation         stays
  takeOverConversation         BLOCKED
  blockContact                 stays
  unblockContact               CLOSED nobody           +1  ContactUnblocked
  markConversationRead         BLOCKED(CLOSED) nobody  +0  ConversationRead
  markConversationUnread       BLOCKED(CLOSED) nobody  +0  ConversationMarkedUnread
  sendMessage                  BLOCKED
  retryMessage                 BLOCKED
  addComment                   BLOCKED(CLOSED) nobody  +0  CommentAdded
  startTyping                  BLOCKED
  the contact writes           BLOCKED(CLOSED) nobody  +0  MessageQuarantined
  the snooze expires           stays
  nobody writes any more       stays
"""
"""Under each state, a line for each action and event: the state that follows, by how much the
version rises, and the facts that are announced, in order. `stays`: nothing at all is written; a
code: it is refused with that, and nothing is written.

A state is a status and who has the conversation. `NEW` is closed, but was never open; `SNOOZED(x)`
returns to x; `BLOCKED(x)` is x, frozen. The contact has written twice, everybody has read the first
of the two, and an answer has failed to arrive; but in `NEW` nobody has written.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action comes to: another state, none, or a refusal."""

    state: str | None = None
    """None: the conversation stays as it is, and nothing is written."""
    rise: int = 0
    facts: tuple[str, ...] = ()
    code: str | None = None


def outcome(words: list[str]) -> Outcome:
    """Read the end of a line."""
    if words == ["stays"]:
        return Outcome()
    if len(words) == 1:
        return Outcome(code=words[0])
    state, rise, facts = words
    return Outcome(state, int(rise), tuple(facts.split()))


@cache
def table() -> dict[str, dict[str, Outcome]]:
    """Return what follows, by state and action."""
    read: dict[str, dict[str, Outcome]] = {}
    state = ""
    for line in TABLE.splitlines():
        if line.startswith("  "):
            action, *words = re.split(r"  +", line.strip())
            assert action not in read[state], line
            read[state][action] = outcome(words)
        elif line:
            state = line
            assert state not in read, line
            read[state] = {}
    return read
