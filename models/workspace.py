"""A workspace: an independent account with its own people, contacts, channels and event log."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

DEFAULT_AUTO_CLOSE_MINUTES = 24 * 60
NOWHERE = 0
"""The workspace of what is being erased: nobody is its member, so that nobody can find it."""


class ClosingNoteMode(Enum):
    """What a member has to say, or may say, when they close a conversation."""

    OFF = "OFF"
    """No note is taken."""
    OPTIONAL = "OPTIONAL"
    """A note may be left out, in part or whole."""
    CATEGORY_REQUIRED = "CATEGORY_REQUIRED"
    """A category must be chosen; a summary may be added."""
    CATEGORY_AND_SUMMARY_REQUIRED = "CATEGORY_AND_SUMMARY_REQUIRED"
    """A category must be chosen and a summary written."""


class Workspace(Model):
    """One customer's world: nothing of another workspace can be seen from it."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    time_zone = fields.CharField(max_length=64, default="UTC")
    language = fields.CharField(max_length=16, default="en")
    unreplied_since = fields.DatetimeField()
    """Messages before this moment never count as unreplied (product rule 11)."""
    closing_note_mode = fields.CharEnumField(
        ClosingNoteMode,
        max_length=32,
        default=ClosingNoteMode.OPTIONAL,
        db_default=ClosingNoteMode.OPTIONAL,
    )
    auto_close_since = fields.DatetimeField(null=True)
    """Since when automatic closing is on: older episodes are left alone; null: it is off."""
    auto_close_minutes = fields.IntField(
        default=DEFAULT_AUTO_CLOSE_MINUTES, db_default=DEFAULT_AUTO_CLOSE_MINUTES
    )
    wake_on_reply = fields.BooleanField(default=True, db_default=True)
    """Whether a message of the contact ends a snooze, where the snooze does not say."""
    working_hours = fields.TextField(null=True)
    """The intervals of a week as JSON, by local time; null: none were chosen."""
    masks_phones = fields.BooleanField(default=False, db_default=False)
    """Whether agents do not see the phone numbers of contacts."""
    masks_emails = fields.BooleanField(default=False, db_default=False)
    """Whether agents do not see the email addresses of contacts."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "workspace"
