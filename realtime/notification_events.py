"""The facts about notifications: a part of all facts, which stand in `realtime/events.py`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotificationAdded:
    """A member was notified; told to that member's own devices only, as all of these."""

    workspace_id: int
    member_id: int
    notification_id: int


@dataclass(frozen=True, slots=True)
class NotificationChanged:
    """A member archived a notification, or took it out of the archive."""

    workspace_id: int
    member_id: int
    notification_id: int


@dataclass(frozen=True, slots=True)
class NotificationsArchived:
    """A member archived every notification that they saw then."""

    workspace_id: int
    member_id: int


NotificationFact = NotificationAdded | NotificationChanged | NotificationsArchived
"""Events about notifications."""
