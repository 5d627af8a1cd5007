"""A comment: what a member tells the others about a conversation, never to reach its contact."""

from tortoise import fields
from tortoise.models import Model

from models.conversation import Conversation
from models.episode import ChangeSource
from models.member import Member


class Comment(Model):
    """Numbered together with the messages. A deleted one stays, without its text."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="comments"
    )
    conversation_id: int
    seq = fields.BigIntField()
    source = fields.CharEnumField(ChangeSource, max_length=16)
    actor = fields.CharField(max_length=32)
    """Who wrote it and may change it, as `Viewer.actor` has it."""
    author: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="comments", null=True, on_delete=fields.SET_NULL
    )
    author_id: int | None
    text = fields.TextField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "comment"
        unique_together = (("conversation", "seq"),)


class CommentMention(Model):
    """A member who is named in a comment: it lets them see nothing that they do not see."""

    id = fields.BigIntField(primary_key=True)
    comment: fields.ForeignKeyRelation[Comment] = fields.ForeignKeyField(
        "models.Comment", related_name="mentions"
    )
    comment_id: int
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="mentions", db_index=True
    )
    member_id: int
    position = fields.IntField()

    class Meta:
        table = "comment_mention"
        unique_together = (("comment", "member"),)


class CommentRevision(Model):
    """What a comment said before it was edited."""

    id = fields.BigIntField(primary_key=True)
    comment: fields.ForeignKeyRelation[Comment] = fields.ForeignKeyField(
        "models.Comment", related_name="revisions"
    )
    comment_id: int
    version = fields.IntField()
    """The comment's version that said it last."""
    text = fields.TextField()
    written_at = fields.DatetimeField()

    class Meta:
        table = "comment_revision"
        unique_together = (("comment", "version"),)
