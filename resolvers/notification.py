"""Notifications: what members are to know of, each for as long as they see the conversation."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.clock import now
from models.engine import sql
from models.notification import NOTIFICATIONS, NotificationKind, NotificationRecord
from models.queries import Records, Where, read, take_ids
from models.records import ConversationRecord
from models.refusal import Code, Refused
from models.workspace import Workspace
from realtime.notification_events import (
    NotificationAdded,
    NotificationChanged,
    NotificationsArchived,
)
from realtime.transaction import Announce, transaction
from resolvers.access import get_workspace, sees, visible_conversations
from resolvers.batches import conversations_by_id
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden, require

SEEN_THROUGH = (
    "notification n JOIN conversation c ON c.id = n.conversation_id"
    " LEFT JOIN member m ON m.id = c.assignee_id"
)
"""Notifications with what decides on who sees their conversation."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody is notified: what happened, whose doing it was, and in which comment."""

    kind: NotificationKind
    actor_id: int | None
    comment_id: int | None = None


def is_own(viewer: Viewer, row: NotificationRecord) -> bool:
    """Tell whether a notification is the viewer's, whether they see its conversation or not."""
    return row.member_id == viewer.member_id(row.workspace_id)


def require_member(viewer: Viewer, workspace_id: int) -> int:
    """Return the viewer's member in a workspace; refuse programs, which nobody notifies."""
    member_id = require(viewer, workspace_id, Right.VIEW).member_id
    if member_id is None:
        raise Refused(Code.FORBIDDEN, "Only members have notifications.")
    return member_id


def visible_notifications(viewer: Viewer, workspace_id: int, member_id: int) -> Where:
    """Return which ones (alias n of SEEN_THROUGH) a member has and sees: `is_own` and `sees`."""
    own = Where("n.member_id = ?", (member_id,))
    return own & visible_conversations(viewer, workspace_id)


async def notify(
    member_ids: Sequence[int], conversation: ConversationRecord, cause: Cause, announce: Announce
) -> None:
    """Have members notified of something in a locked conversation which they see."""
    if not member_ids:
        return
    ids, moment = await take_ids("notification", len(member_ids)), now()
    rows = [
        {
            "id": key,
            "workspace_id": conversation.workspace_id,
            "member_id": member_id,
            "kind": cause.kind,
            "conversation_id": conversation.id,
            "comment_id": cause.comment_id,
            "actor_id": cause.actor_id,
            "created_at": moment,
        }
        for key, member_id in zip(ids, member_ids, strict=True)
    ]
    announce.insert_all("notification", rows)
    for key, member_id in zip(ids, member_ids, strict=True):
        announce(NotificationAdded(conversation.workspace_id, member_id, key))


async def notified_of(comment_id: int) -> list[int]:
    """Return who was notified because of a comment, mentioned in it by now or no more."""
    rows = await sql.records("SELECT member_id FROM notification WHERE comment_id = ?", comment_id)
    return [row[0] for row in rows]


async def _visible(rest: str, *values: object) -> list[NotificationRecord]:
    columns, decode = NOTIFICATIONS.columns("n"), NOTIFICATIONS.decoder(sql.dialect())
    rows = await sql.records(f"SELECT {columns} FROM {SEEN_THROUGH} {rest}", *values)
    return [decode(row, 0) for row in rows]


async def list_notifications(
    viewer: Viewer, workspace_id: int, request: PageRequest, *, is_archived: bool | None = None
) -> Page[NotificationRecord]:
    """Return the viewer's notifications about what they see, newest first; None: archived or not.

    One statement.
    """
    member_id = require_member(viewer, workspace_id)
    where = visible_notifications(viewer, workspace_id, member_id)
    if is_archived is not None:
        where &= Where(f"n.archived_at IS {'NOT ' if is_archived else ''}NULL")
    return await keyset_page(
        Records(_visible), where, request, alias="n", key="created_at", descending=True
    )


async def unarchived_counts(keys: Collection[tuple[Viewer, int]]) -> dict[tuple[Viewer, int], int]:
    """Return how many viewers have and see that are not archived, for pairs of viewer and
    workspace; one statement. A program has none."""
    members = {key: key[0].member_id(key[1]) for key in keys}
    wheres = [
        visible_notifications(viewer, workspace_id, member_id)
        for (viewer, workspace_id), member_id in members.items()
        if member_id is not None
    ]
    if not wheres:
        return dict.fromkeys(keys, 0)
    rows = await sql.records(
        f"SELECT n.member_id, COUNT(*) FROM {SEEN_THROUGH} WHERE n.archived_at IS NULL"
        f" AND ({' OR '.join(f'({where.condition})' for where in wheres)}) GROUP BY n.member_id",
        *(value for where in wheres for value in where.values),
    )
    counts = {row[0]: int(row[1]) for row in rows}
    return {key: counts.get(member_id, 0) for key, member_id in members.items()}


async def archive_notification(viewer: Viewer, notification_id: int) -> NotificationRecord:
    """Put a notification of the viewer's into the archive; one that is there stays as it is."""
    return await _archive(viewer, notification_id, now())


async def unarchive_notification(viewer: Viewer, notification_id: int) -> NotificationRecord:
    """Take a notification of the viewer's out of the archive; a new one stays as it is."""
    return await _archive(viewer, notification_id, None)


async def archive_all_notifications(viewer: Viewer, workspace_id: int) -> Workspace:
    """Archive every notification that the viewer sees in a workspace; return the workspace."""
    async with transaction() as announce:
        member_id = require_member(viewer, workspace_id)
        where = visible_notifications(viewer, workspace_id, member_id)
        # of two devices that archive all at once, the second finds nothing left
        lock = " FOR UPDATE OF n" if sql.dialect() == "postgres" else ""
        count = await sql.affected(
            "UPDATE notification SET archived_at = ? WHERE archived_at IS NULL AND id IN"
            f" (SELECT n.id FROM {SEEN_THROUGH} WHERE n.archived_at IS NULL"
            f" AND {where.condition} ORDER BY n.id{lock})",
            now(),
            *where.values,
        )
        if count:
            announce(NotificationsArchived(workspace_id, member_id))
    return await get_workspace(viewer, workspace_id)


async def _archive(
    viewer: Viewer, notification_id: int, moment: datetime | None
) -> NotificationRecord:
    """Set when a notification was archived, if that changes whether it is."""
    async with transaction() as announce:
        await _get(viewer, notification_id)
        changed = await sql.affected(
            "UPDATE notification SET archived_at = ? WHERE id = ?"
            f" AND archived_at IS {'NOT ' if moment is None else ''}NULL",
            moment,
            notification_id,
        )
        row = await _get(viewer, notification_id)
        if changed:
            announce(NotificationChanged(row.workspace_id, row.member_id, row.id))
    return row


async def _get(viewer: Viewer, notification_id: int) -> NotificationRecord:
    """Return a notification of the viewer's that they see."""
    found = await seen_notifications(viewer, [notification_id])
    if notification_id not in found:
        raise hidden(("notificationId",))
    return found[notification_id]


async def notifications_by_id(ids: Collection[int]) -> dict[int, NotificationRecord]:
    """Return notifications, whosever they are."""
    rows = await read(NOTIFICATIONS, f"WHERE {sql.among('t.id')}", sql.group(ids))
    return {row.id: row for row in rows}


async def seen_notifications(viewer: Viewer, ids: Collection[int]) -> dict[int, NotificationRecord]:
    """Return those that are the viewer's and whose conversation they see; two statements."""
    rows = (await notifications_by_id(ids)).values()
    own = [row for row in rows if is_own(viewer, row)]
    found = await conversations_by_id({row.conversation_id for row in own}) if own else {}
    return {
        row.id: row
        for row in own
        if row.conversation_id in found and sees(viewer, found[row.conversation_id])
    }


async def join_notifications(kept: ConversationRecord, merged: ConversationRecord) -> None:
    """Move what was notified of a conversation to another one, both of them locked."""
    await sql.affected(
        "UPDATE notification SET conversation_id = ? WHERE conversation_id = ?", kept.id, merged.id
    )
