"""The settings of a workspace, and what it offers to choose from."""

from datetime import datetime
from typing import Any

import strawberry

from models.closing_note_category import ClosingNoteCategory as ClosingNoteCategoryRow
from models.workspace import ClosingNoteMode
from models.workspace import Workspace as WorkspaceRow
from resolvers.snooze import SnoozePreset
from schema.objects.node import Node, global_id
from schema.objects.working_hours import WorkingHours, working_hours_of


@strawberry.type
class ClosingNoteCategory(Node):
    """A reason for closing that members choose from; notes keep a copy of it."""

    id: strawberry.ID = global_id("ClosingNoteCategory")
    name: str
    """Its name, unique in the workspace."""
    description: str
    """When it is to be chosen; may be empty."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ClosingNoteCategoryRow)


@strawberry.type
class SnoozePresetMoment:
    """A preset that can be chosen now, and the moment that it means."""

    preset: SnoozePreset
    """Give it to `snoozeConversation`."""
    until: datetime
    """When a snooze with it would end."""


@strawberry.type
class ClosingNoteSettings:
    """What members say when they close a conversation; programs may always add a note."""

    mode: ClosingNoteMode
    """Whether a note is taken, and what of it is required."""


@strawberry.type
class AutomaticClosingSettings:
    """Whether conversations in which a member had the last word close by themselves."""

    is_enabled: bool
    """Whether it is on."""
    enabled_since: datetime | None
    """Since when: what was opened before does not close by itself; null while it is off."""
    after_minutes: int
    """The minutes after the last message of a member, for what is opened from now on."""


@strawberry.type
class SnoozeSettings:
    """What holds for a snooze that does not say otherwise."""

    wake_on_reply: bool
    """Whether a message of the contact ends it."""


@strawberry.type
class MaskingSettings:
    """What of contacts is hidden from agents; owners and managers see all."""

    is_phone_masked: bool
    """Whether phone numbers are, with what tells of them: the country, the channels' own names for
    a contact, and the picture."""
    is_email_masked: bool
    """Whether email addresses are, with the channels' own names for a contact and the picture."""


@strawberry.type
class WorkspaceSettings:
    """What owners and managers have chosen for everybody in the workspace."""

    working_hours: WorkingHours | None
    """When the workspace works, by its time; null: none were chosen."""
    closing_notes: ClosingNoteSettings
    """Closing notes."""
    automatic_closing: AutomaticClosingSettings
    """Automatic closing."""
    snooze: SnoozeSettings
    """Snoozes."""
    masking: MaskingSettings
    """Phone numbers and email addresses of contacts that agents do not see."""


def settings_of(workspace: WorkspaceRow) -> WorkspaceSettings:
    """Return the settings in a workspace's row."""
    return WorkspaceSettings(
        working_hours=working_hours_of(workspace.working_hours),
        closing_notes=ClosingNoteSettings(mode=workspace.closing_note_mode),
        automatic_closing=AutomaticClosingSettings(
            is_enabled=workspace.auto_close_since is not None,
            enabled_since=workspace.auto_close_since,
            after_minutes=workspace.auto_close_minutes,
        ),
        snooze=SnoozeSettings(wake_on_reply=workspace.wake_on_reply),
        masking=MaskingSettings(
            is_phone_masked=workspace.masks_phones, is_email_masked=workspace.masks_emails
        ),
    )
