"""A workspace: an independent account with its own people, contacts and channels."""

from typing import Any

import strawberry

from models.ai_agent import AiAgent as AiAgentRow
from models.channel import Channel as ChannelRow
from models.closing_note_category import ClosingNoteCategory as ClosingNoteCategoryRow
from models.custom_field import CustomField as CustomFieldRow
from models.invitation import Invitation as InvitationRow
from models.lifecycle_stage import LifecycleStage as LifecycleStageRow
from models.records import MemberRecord
from models.tag import Tag as TagRow
from models.team import Team as TeamRow
from models.workspace import Workspace as WorkspaceRow
from realtime.log import encode_cursor
from resolvers import api_key, snooze, vocabulary
from resolvers import workspace as workspaces
from resolvers.batches import members_by_id
from resolvers.inbox_finding import inboxes
from resolvers.inbox_kinds import Inbox as InboxRow
from resolvers.invitation import invitations as pending_invitations
from resolvers.notification import unarchived_counts
from resolvers.rights import Right
from resolvers.snippet import list_snippets
from resolvers.viewer import Viewer
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.objects.ai_agent import AiAgent
from schema.objects.api_key import ApiKey, api_key_of
from schema.objects.channel import Channel
from schema.objects.custom_field import CustomField
from schema.objects.inbox import Inbox
from schema.objects.invitation import Invitation
from schema.objects.lifecycle_stage import LifecycleStage
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.objects.snippet import Snippet
from schema.objects.tag import Tag
from schema.objects.team import Team
from schema.objects.workspace_settings import (
    ClosingNoteCategory,
    SnoozePresetMoment,
    WorkspaceSettings,
    settings_of,
)
from schema.relation import relation


@strawberry.type
class Workspace(Node):
    """An independent account: nothing of another workspace can be seen from it."""

    id: strawberry.ID = global_id("Workspace")
    name: str
    """The workspace's name."""
    time_zone: str
    """Its time zone, as an IANA name."""
    language: str
    """The language of its sentences, as BCP 47."""

    @strawberry.field
    def event_cursor(root: strawberry.Parent[WorkspaceRow], info: Info) -> str:
        """Where the event log stood before anything of this operation was read.

        Subscribe with it as `after`, and no change since this answer is missing.
        """
        head = viewer_of(info).memberships[root.id].head
        assert head is not None  # noqa: S101 - who is only remembered is looked up then
        return encode_cursor(head.epoch, head.seq)

    @relation(Member | None, members_by_id)
    def viewer_member(root: strawberry.Parent[WorkspaceRow], info: Info) -> int | None:
        """The viewer's own membership; null for a program."""
        return viewer_of(info).member_id(root.id)

    @strawberry.field(graphql_type=list[Inbox])
    async def inboxes(root: strawberry.Parent[WorkspaceRow], info: Info) -> list[InboxRow]:
        """The inboxes of this viewer, group after group, in the order in which they are shown."""
        return await inboxes(viewer_of(info), root.id)

    @relation(int, unarchived_counts)
    def unarchived_notification_count(
        root: strawberry.Parent[WorkspaceRow], info: Info
    ) -> tuple[Viewer, int]:
        """How many `notifications` the viewer has that are not archived; 0 for a program."""
        return (viewer_of(info), root.id)

    @strawberry.field(graphql_type=list[Member])
    async def members(root: strawberry.Parent[WorkspaceRow]) -> list[MemberRecord]:
        """The people, by name."""
        return await workspaces.members(root.id)

    @strawberry.field(graphql_type=list[Invitation])
    async def invitations(root: strawberry.Parent[WorkspaceRow], info: Info) -> list[InvitationRow]:
        """The pending invitations, the newest first; empty for who may not invite."""
        return await pending_invitations(viewer_of(info), root.id)

    @strawberry.field(graphql_type=list[Team])
    async def teams(root: strawberry.Parent[WorkspaceRow]) -> list[TeamRow]:
        """The teams, by name."""
        return await workspaces.teams(root.id)

    @strawberry.field(graphql_type=list[AiAgent])
    async def ai_agents(root: strawberry.Parent[WorkspaceRow]) -> list[AiAgentRow]:
        """The AI agents, by name, also those that are not active."""
        return await workspaces.ai_agents(root.id)

    @strawberry.field(graphql_type=list[Channel])
    async def channels(root: strawberry.Parent[WorkspaceRow]) -> list[ChannelRow]:
        """The channels, by name."""
        return await workspaces.channels(root.id)

    @strawberry.field
    async def api_keys(root: strawberry.Parent[WorkspaceRow], info: Info) -> list[ApiKey]:
        """The keys of programs that are good, the newest first; none for who may not manage
        them."""
        if not info.context.may(root.id, Right.MANAGE_API_KEYS):
            return []
        return [api_key_of(row) for row in await api_key.api_keys(root.id)]

    @strawberry.field
    def settings(root: strawberry.Parent[WorkspaceRow]) -> WorkspaceSettings:
        """What owners and managers have chosen; change it with `updateWorkspaceSettings`."""
        return settings_of(root)

    @strawberry.field(graphql_type=list[ClosingNoteCategory])
    async def closing_note_categories(
        root: strawberry.Parent[WorkspaceRow],
    ) -> list[ClosingNoteCategoryRow]:
        """The reasons for closing that members choose from, by name."""
        return await workspaces.closing_note_categories(root.id)

    @strawberry.field(graphql_type=Connection[Snippet])
    async def snippets(
        root: strawberry.Parent[WorkspaceRow],
        info: Info,
        search: str | None = None,
        prefix: str | None = None,
        topic: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The texts that are kept to be sent again and again, by name; at most 5,000. `search`
        looks for every word in name, topic and text, `prefix` for the beginning of a name, and
        `topic` for all of a topic, each whatever the case and the accents."""
        page = await list_snippets(
            viewer_of(info),
            root.id,
            page_request(first, after, last, before),
            search=search,
            prefix=prefix,
            topic=topic,
        )
        return connect(page)

    @strawberry.field(graphql_type=list[Tag])
    async def tags(root: strawberry.Parent[WorkspaceRow]) -> list[TagRow]:
        """The tags that contacts can have, by name; at most 1,000."""
        return await vocabulary.tags(root.id)

    @strawberry.field(graphql_type=list[CustomField])
    async def custom_fields(root: strawberry.Parent[WorkspaceRow]) -> list[CustomFieldRow]:
        """What is kept of contacts besides the standard details, by name; at most 200."""
        return await vocabulary.custom_fields(root.id)

    @strawberry.field(graphql_type=list[LifecycleStage])
    async def lifecycle_stages(root: strawberry.Parent[WorkspaceRow]) -> list[LifecycleStageRow]:
        """The stages on the way to being a customer, in order; at most 50."""
        return await vocabulary.lifecycle_stages(root.id)

    @strawberry.field
    def snooze_presets(root: strawberry.Parent[WorkspaceRow]) -> list[SnoozePresetMoment]:
        """The presets that lie ahead, with their moments in the workspace's time zone."""
        presets = snooze.snooze_presets(root)
        return [SnoozePresetMoment(preset=one, until=until) for one, until in presets.items()]

    @strawberry.field
    def viewer_can_invite_members(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `inviteMember`, at least for agents."""
        return info.context.may(root.id, Right.MANAGE_MEMBERS)

    @strawberry.field
    def viewer_can_manage_teams(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `createTeam` and `updateTeam`."""
        return info.context.may(root.id, Right.MANAGE_TEAMS)

    @strawberry.field
    def viewer_can_delete_teams(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `deleteTeam`."""
        return info.context.may(root.id, Right.DELETE_TEAMS)

    @strawberry.field
    def viewer_can_manage_channels(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `connectChannel`."""
        return info.context.may(root.id, Right.MANAGE_CHANNELS)

    @strawberry.field
    def viewer_can_manage_api_keys(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `createApiKey` and `revokeApiKey`."""
        return info.context.may(root.id, Right.MANAGE_API_KEYS)

    @strawberry.field
    def viewer_can_manage_settings(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `updateWorkspaceSettings` and change what the workspace
        offers to choose from: closing-note categories, snippets, tags, custom fields, lifecycle
        stages and AI agents."""
        return info.context.may(root.id, Right.MANAGE_SETTINGS)

    @strawberry.field
    def viewer_can_view_audit_log(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `auditLog`."""
        return info.context.may(root.id, Right.VIEW_AUDIT_LOG)

    @strawberry.field
    def viewer_can_import_contacts(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `importContacts`."""
        return info.context.may(root.id, Right.IMPORT_CONTACTS)

    @strawberry.field
    def viewer_can_export_data(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `exportContacts`."""
        return info.context.may(root.id, Right.EXPORT_DATA)

    @strawberry.field
    def viewer_can_delete_custom_fields(root: strawberry.Parent[WorkspaceRow], info: Info) -> bool:
        """Whether the viewer may use `deleteCustomField`."""
        return info.context.may(root.id, Right.DELETE_CUSTOM_FIELDS)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, WorkspaceRow)
