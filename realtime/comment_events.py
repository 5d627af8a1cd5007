"""The facts about comments: a part of all facts, which stand in `realtime/events.py`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommentAdded:
    """A member or a program wrote a comment."""

    workspace_id: int
    conversation_id: int
    comment_id: int


@dataclass(frozen=True, slots=True)
class CommentChanged:
    """A comment was edited by its author."""

    workspace_id: int
    conversation_id: int
    comment_id: int


@dataclass(frozen=True, slots=True)
class CommentDeleted:
    """A comment was deleted by its author: only its place is left."""

    workspace_id: int
    conversation_id: int
    comment_id: int


CommentFact = CommentAdded | CommentChanged | CommentDeleted
