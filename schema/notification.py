"""The notification centre: what the viewer is to know of, and what they have done with it."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry

from models.notification import NotificationRecord
from models.workspace import Workspace as WorkspaceRow
from realtime.notification_events import NotificationAdded as NotificationAddedFact
from resolvers import notification as notifications
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.notification import Notification
from schema.objects.notification_event import NotificationAdded
from schema.objects.workspace import Workspace
from schema.payload import Payload, mutation, result
from schema.streams import follow


@strawberry.input
class ArchiveNotificationInput:
    """Which notification to put into the archive."""

    notification_id: strawberry.ID
    """A notification of the viewer's."""


@strawberry.type
class ArchiveNotificationPayload(Payload):
    """The archived notification."""

    notification: NotificationRecord | None = result(Notification)
    """The notification."""


@strawberry.input
class UnarchiveNotificationInput:
    """Which notification to take out of the archive."""

    notification_id: strawberry.ID
    """A notification of the viewer's."""


@strawberry.type
class UnarchiveNotificationPayload(Payload):
    """The notification, new again."""

    notification: NotificationRecord | None = result(Notification)
    """The notification."""


@strawberry.input
class ArchiveAllNotificationsInput:
    """Where everything is to be archived."""

    workspace_id: strawberry.ID
    """The workspace."""


@strawberry.type
class ArchiveAllNotificationsPayload(Payload):
    """The workspace, with nothing new."""

    workspace: WorkspaceRow | None = result(Workspace)
    """The workspace."""


@strawberry.type
class Query:
    """Reading notifications."""

    @strawberry.field(graphql_type=Connection[Notification])
    async def notifications(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        is_archived: bool | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """What the viewer was notified of in a workspace, as far as they still see the
        conversations, newest first: all, or what is archived, or what is not, which
        `Workspace.unarchivedNotificationCount` counts. For members.

        A member is notified of a comment that mentions them at the moment when it first does, if
        they see the conversation then; who comes to see it later is not notified of it.
        """
        page = await notifications.list_notifications(
            viewer_of(info),
            decode_id(workspace_id, "Workspace", "workspaceId"),
            page_request(first, after, last, before),
            is_archived=is_archived,
        )
        return connect(page)


@strawberry.type
class Mutation:
    """Archiving notifications; only the viewer's own devices are told of it."""

    @mutation
    async def archive_notification(
        self, info: Info, input: ArchiveNotificationInput
    ) -> ArchiveNotificationPayload:
        """Put a notification into the archive; one that is there stays as it is."""
        row = await notifications.archive_notification(
            viewer_of(info), decode_id(input.notification_id, "Notification", "notificationId")
        )
        return ArchiveNotificationPayload(notification=row)

    @mutation
    async def unarchive_notification(
        self, info: Info, input: UnarchiveNotificationInput
    ) -> UnarchiveNotificationPayload:
        """Take a notification out of the archive; one that is not there stays as it is."""
        row = await notifications.unarchive_notification(
            viewer_of(info), decode_id(input.notification_id, "Notification", "notificationId")
        )
        return UnarchiveNotificationPayload(notification=row)

    @mutation
    async def archive_all_notifications(
        self, info: Info, input: ArchiveAllNotificationsInput
    ) -> ArchiveAllNotificationsPayload:
        """Archive all that the viewer is notified of in a workspace, as far as they see it."""
        workspace = await notifications.archive_all_notifications(
            viewer_of(info), decode_id(input.workspace_id, "Workspace", "workspaceId")
        )
        return ArchiveAllNotificationsPayload(workspace=workspace)


@strawberry.type
class Subscription:
    """Hearing of notifications."""

    @strawberry.subscription
    async def notification_added(
        self, info: Info, workspace_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[NotificationAdded]:
        """Each notification of the viewer, as long as they see its conversation. For members."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        notifications.require_member(viewer_of(info), workspace)
        async for event in follow(
            info,
            workspace,
            after,
            lambda fact: isinstance(fact, NotificationAddedFact),
            lambda seen: NotificationAdded(seen=seen),
        ):
            yield event
