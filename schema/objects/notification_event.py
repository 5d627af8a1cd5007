"""Events about notifications, told to the devices of one member only."""

from collections.abc import Callable

import strawberry

from models.notification import NotificationRecord
from realtime import notification_events as facts
from realtime.events import Fact
from schema.objects.notification import Notification
from schema.objects.workspace_event import WorkspaceEvent
from schema.sight import Seen


@strawberry.type
class _NotificationEvent(WorkspaceEvent):
    """What is told of a notification."""

    @strawberry.field(graphql_type=Notification)
    def notification(self) -> NotificationRecord | None:
        """The notification as it is now."""
        return self.seen.told.delivery.notification


@strawberry.type
class NotificationAdded(_NotificationEvent):
    """The viewer was notified of something in a conversation that they see. As all events about
    notifications it is the viewer's, and in no stream of one conversation or inbox."""


@strawberry.type
class NotificationChanged(_NotificationEvent):
    """The viewer archived a notification, or took it out of the archive, on any device."""


@strawberry.type
class NotificationsArchived(WorkspaceEvent):
    """The viewer archived all notifications, on any device: read the list anew."""


NOTIFICATION_KINDS: dict[type[Fact], Callable[[Seen], WorkspaceEvent]] = {
    facts.NotificationAdded: lambda seen: NotificationAdded(seen=seen),
    facts.NotificationChanged: lambda seen: NotificationChanged(seen=seen),
    facts.NotificationsArchived: lambda seen: NotificationsArchived(seen=seen),
}
