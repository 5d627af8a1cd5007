"""An attachment: a file, written once and never changed, with what is known of its content."""

from enum import Enum
from typing import cast

from tortoise import fields
from tortoise.models import Model

from models.comment import Comment
from models.message import Message
from models.scheduled_message import ScheduledMessage
from models.snippet import Snippet
from models.workspace import Workspace


class AttachmentKind(Enum):
    """What a file is to people."""

    IMAGE = "IMAGE"
    """A picture."""
    AUDIO = "AUDIO"
    """Sound."""
    VOICE = "VOICE"
    """Sound that was recorded to be sent as a voice message."""
    VIDEO = "VIDEO"
    """Moving pictures."""
    DOCUMENT = "DOCUMENT"
    """Anything else."""


class AttachmentState(Enum):
    """How far a file is."""

    WAITING = "WAITING"
    """It has not come whole: it is to be uploaded, or to be fetched from the vendor."""
    STORED = "STORED"
    """It is there; what there is to know of its content is being found out."""
    READY = "READY"
    """It is there, with all that could be found out."""
    REFUSED = "REFUSED"
    """It is not there and will not be: `refusal` says why."""
    GONE = "GONE"
    """Nobody sees it any more, and its file is being erased."""


class Attachment(Model):
    """A file of a workspace. Its row is there before its file, and goes after it."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="attachments"
    )
    workspace_id: int
    actor = fields.CharField(max_length=64)
    """Who uploaded it, as `Viewer.actor` has it. Empty where a channel brought it."""
    secret = fields.CharField(max_length=64)
    """The key with which links to it are signed."""
    state = fields.CharEnumField(AttachmentState, max_length=16)
    refusal = fields.CharField(max_length=32, null=True)
    """Why it is REFUSED, as a code."""
    kind = fields.CharEnumField(AttachmentKind, max_length=16)
    file_name = fields.CharField(max_length=200)
    content_type = fields.CharField(max_length=100)
    """What its content was found to be. Until it is there, what it was said to be."""
    byte_size = fields.BigIntField()
    """How large it was said to be, which it is once it is there."""
    sha256 = fields.CharField(max_length=64, null=True)
    storage_key = fields.CharField(max_length=255, null=True)
    thumbnail_key = fields.CharField(max_length=255, null=True)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)
    duration_ms = fields.IntField(null=True)
    waveform = cast("fields.Field[str | None]", fields.TextField(null=True))
    """How loud it is from its beginning to its end, as a JSON array of numbers from 0 to 100."""
    source_url = cast("fields.Field[str | None]", fields.TextField(null=True))
    """Where the vendor has what is to be fetched."""
    attempt = fields.IntField(default=0)
    """Counts the uploads that were begun: only the last one can become the file."""
    loose_since = fields.DatetimeField(null=True, db_index=True)
    """Since when it belongs to nothing. Null while it does."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "attachment"


class MessageAttachment(Model):
    """A file of a message, in its place among them."""

    id = fields.BigIntField(primary_key=True)
    message: fields.ForeignKeyRelation[Message] = fields.ForeignKeyField(
        "models.Message", related_name="attachments"
    )
    message_id: int
    attachment: fields.ForeignKeyRelation[Attachment] = fields.ForeignKeyField(
        "models.Attachment", related_name="messages", db_index=True
    )
    attachment_id: int
    position = fields.IntField()

    class Meta:
        table = "message_attachment"
        unique_together = (("message", "position"),)


class CommentAttachment(Model):
    """A file of a comment, in its place among them."""

    id = fields.BigIntField(primary_key=True)
    comment: fields.ForeignKeyRelation[Comment] = fields.ForeignKeyField(
        "models.Comment", related_name="attachments"
    )
    comment_id: int
    attachment: fields.ForeignKeyRelation[Attachment] = fields.ForeignKeyField(
        "models.Attachment", related_name="comments", db_index=True
    )
    attachment_id: int
    position = fields.IntField()

    class Meta:
        table = "comment_attachment"
        unique_together = (("comment", "position"),)


class SnippetAttachment(Model):
    """A file of a snippet, in its place among them."""

    id = fields.BigIntField(primary_key=True)
    snippet: fields.ForeignKeyRelation[Snippet] = fields.ForeignKeyField(
        "models.Snippet", related_name="attachments"
    )
    snippet_id: int
    attachment: fields.ForeignKeyRelation[Attachment] = fields.ForeignKeyField(
        "models.Attachment", related_name="snippets", db_index=True
    )
    attachment_id: int
    position = fields.IntField()

    class Meta:
        table = "snippet_attachment"
        unique_together = (("snippet", "position"),)


class ScheduledMessageAttachment(Model):
    """A file that is held for a scheduled message as long as that waits, in its place."""

    id = fields.BigIntField(primary_key=True)
    scheduled_message: fields.ForeignKeyRelation[ScheduledMessage] = fields.ForeignKeyField(
        "models.ScheduledMessage", related_name="attachments"
    )
    scheduled_message_id: int
    attachment: fields.ForeignKeyRelation[Attachment] = fields.ForeignKeyField(
        "models.Attachment", related_name="scheduled_messages", db_index=True
    )
    attachment_id: int
    position = fields.IntField()

    class Meta:
        table = "scheduled_message_attachment"
        unique_together = (("scheduled_message", "position"),)


class FileUsage(Model):
    """How many bytes the files of a workspace have together, also those that are still to come."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.OneToOneRelation[Workspace] = fields.OneToOneField(
        "models.Workspace", related_name="file_usage"
    )
    workspace_id: int
    byte_count = fields.BigIntField(default=0)

    class Meta:
        table = "file_usage"
