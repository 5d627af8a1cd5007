"""Workspaces: one by its id, and its settings."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from models.workspace import ClosingNoteMode
from models.workspace import Workspace as WorkspaceRow
from resolvers import workspace as workspaces
from resolvers.access import get_workspace
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.working_hours import WorkingIntervalInput, intervals_in
from schema.objects.workspace import Workspace
from schema.payload import Payload, mutation, result


@strawberry.input
class ClosingNoteSettingsChange:
    """Closing notes; omitted fields stay, null goes back to the default."""

    mode: ClosingNoteMode | None = UNSET
    """Whether a note is taken, and what of it is required; by default it is OPTIONAL."""


@strawberry.input
class AutomaticClosingSettingsChange:
    """Automatic closing; omitted fields stay, null goes back to the default."""

    is_enabled: bool | None = UNSET
    """Whether it is on; by default it is off."""
    after_minutes: int | None = UNSET
    """30 to 20,160 (14 days) after the last message of a member; by default 1,440 (24 hours)."""


@strawberry.input
class SnoozeSettingsChange:
    """Snoozes; omitted fields stay, null goes back to the default."""

    wake_on_reply: bool | None = UNSET
    """Whether a message of the contact ends a snooze that does not say; by default it does."""


@strawberry.input
class MaskingSettingsChange:
    """What agents do not see of contacts; omitted fields stay, null goes back to the default."""

    is_phone_masked: bool | None = UNSET
    """Whether phone numbers are hidden; by default they are not."""
    is_email_masked: bool | None = UNSET
    """Whether email addresses are hidden; by default they are not."""


@strawberry.input
class CreateWorkspaceInput:
    """The workspace that is to be made."""

    name: str
    """1 to 100 characters."""
    time_zone: str = "UTC"
    """Its time zone, as an IANA name."""
    language: str = "en"
    """The language of its sentences, as BCP 47."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateWorkspacePayload(Payload):
    """The new workspace."""

    workspace: WorkspaceRow | None = result(Workspace)
    """The workspace, with the viewer as its only member."""


@strawberry.input
class UpdateWorkspaceSettingsInput:
    """What is to be changed; omitted groups stay, null brings a whole group to its defaults."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str | None = UNSET
    """1 to 100 characters; it cannot be null."""
    time_zone: str | None = UNSET
    """An IANA name; null means UTC."""
    language: str | None = UNSET
    """As BCP 47; null means English."""
    working_hours: list[WorkingIntervalInput] | None = UNSET
    """The intervals of a week in which the workspace works, by its time: at most 50, none of which
    overlap; null means that none are chosen."""
    closing_notes: ClosingNoteSettingsChange | None = UNSET
    """Closing notes."""
    automatic_closing: AutomaticClosingSettingsChange | None = UNSET
    """Automatic closing."""
    snooze: SnoozeSettingsChange | None = UNSET
    """Snoozes."""
    masking: MaskingSettingsChange | None = UNSET
    """What agents do not see of contacts; the sockets of those whom it concerns close with 4412."""


@strawberry.type
class UpdateWorkspaceSettingsPayload(Payload):
    """The workspace as it is now."""

    workspace: WorkspaceRow | None = result(Workspace)
    """The workspace with its settings."""


SETTINGS: Mapping[str, Mapping[str, str]] = {
    "closing_notes": {"mode": "closing_note_mode"},
    "automatic_closing": {
        "is_enabled": "auto_close_is_enabled",
        "after_minutes": "auto_close_minutes",
    },
    "masking": {"is_phone_masked": "masks_phones", "is_email_masked": "masks_emails"},
    "snooze": {"wake_on_reply": "wake_on_reply"},
}
"""The fields of each group, and what the resolver calls them."""


def _changes(input: UpdateWorkspaceSettingsInput) -> dict[str, Any]:
    plain = {"name": input.name, "time_zone": input.time_zone, "language": input.language}
    changes: dict[str, Any] = {name: new for name, new in plain.items() if new is not UNSET}
    if input.working_hours is not UNSET:
        changes["working_hours"] = intervals_in(input.working_hours)
    for group, names in SETTINGS.items():
        given = getattr(input, group)
        if given is UNSET:
            continue
        for name, setting in names.items():
            value = None if given is None else getattr(given, name)
            if value is not UNSET:
                changes[setting] = value
    return changes


@strawberry.type
class Query:
    """Reading workspaces."""

    @strawberry.field(graphql_type=Workspace | None)
    async def workspace(self, info: Info, id: strawberry.ID) -> WorkspaceRow:
        """One workspace of the viewer; NOT_FOUND where they have none under this id."""
        return await get_workspace(viewer_of(info), decode_id(id, "Workspace"))

    @strawberry.field(graphql_type=list[Workspace])
    async def workspaces(self, info: Info) -> list[WorkspaceRow]:
        """The workspaces of the viewer, by name."""
        return await workspaces.workspaces(viewer_of(info).memberships)


@strawberry.type
class Mutation:
    """Changing workspaces."""

    @mutation
    async def create_workspace(
        self, info: Info, input: CreateWorkspaceInput
    ) -> CreateWorkspacePayload:
        """Make an empty workspace and be its owner; for everybody who is logged in."""
        workspace = await workspaces.create_workspace(
            viewer_of(info),
            name=input.name,
            time_zone=input.time_zone,
            language=input.language,
            idempotency_key=input.idempotency_key,
        )
        await info.context.renew()
        return CreateWorkspacePayload(workspace=workspace)

    @mutation
    async def update_workspace_settings(
        self, info: Info, input: UpdateWorkspaceSettingsInput
    ) -> UpdateWorkspaceSettingsPayload:
        """Change settings of a workspace; for owners and managers."""
        workspace = await workspaces.update_workspace_settings(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            _changes(input),
        )
        return UpdateWorkspaceSettingsPayload(workspace=workspace)
