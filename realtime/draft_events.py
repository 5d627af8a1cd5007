"""The fact about drafts: a part of all facts, which stand in `realtime/events.py`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DraftChanged:
    """A member saved or discarded a draft; told to that member's own devices only."""

    workspace_id: int
    conversation_id: int
    member_id: int
