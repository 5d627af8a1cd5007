"""The facts about contacts who are gone: a part of all facts, which stand in `realtime/events.py`.

Who looked after them tells who has lost sight of them; of the contact there are the ids only.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContactDeleted:
    """A contact was deleted with their conversation, and all of it is being erased."""

    workspace_id: int
    contact_id: int
    conversation_id: int
    assignee_id: int | None
    assignee_team_id: int | None
    team_id: int | None
    is_blocked: bool
    """Whether they were blocked, so that some had lost sight of them before."""


@dataclass(frozen=True, slots=True)
class ContactMerged:
    """A contact was merged into another one: all of theirs is in that one's conversation now."""

    workspace_id: int
    contact_id: int
    conversation_id: int
    assignee_id: int | None
    assignee_team_id: int | None
    team_id: int | None
    is_blocked: bool
    """Whether they were blocked, so that some had lost sight of them before."""
    kept_conversation_id: int


ContactEndFact = ContactDeleted | ContactMerged
"""Events about contacts who are gone."""
