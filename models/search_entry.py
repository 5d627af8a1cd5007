"""The search index: what messages and comments are found by, written along with them.

Behind each table stands an index of the database's own, which its migration makes and which
follows it by itself: a generated `tsvector` with a GIN index on PostgreSQL, FTS5 on SQLite.
"""

from tortoise import fields
from tortoise.models import Model

from models.comment import Comment
from models.message import Message


class MessageEntry(Model):
    """What a message is found by: `models.terms.entry_of` its text. Gone with the message."""

    message: fields.OneToOneRelation[Message] = fields.OneToOneField(
        "models.Message", related_name="entry", primary_key=True
    )
    message_id: int
    terms = fields.TextField()

    class Meta:
        table = "message_entry"


class CommentEntry(Model):
    """What a comment is found by. A deleted one has none."""

    comment: fields.OneToOneRelation[Comment] = fields.OneToOneField(
        "models.Comment", related_name="entry", primary_key=True
    )
    comment_id: int
    terms = fields.TextField()

    class Meta:
        table = "comment_entry"
