"""A client that keeps a list true by events alone."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from schema.context import ContextMaker
from tests.world import Api, Person, World

Row = dict[str, Any]
Deed = Callable[[], Awaitable[None]]

ROW = """
fragment Row on Conversation {
  id status version blockedAt unrepliedSince openedAt closedAt createdAt lastMessageAt unreadCount
  composer { restriction canTakeOver } viewerCanReply viewerCanAssign viewerCanClose viewerCanSnooze
  viewerCanBlock viewerCanUnblock
  contact {
    id isBlocked name email phone { display } version
    tags { id name } customFields { field { id name } text } lifecycleStage { id name }
    channels { externalId lastMessageAt }
  }
  assignee { ... on Member { id name team { id } } ... on AiAgent { id } }
  team { id }
  lastMessage { id seq text status }
  snooze { until since by { id } }
  messages(last: 3) {
    nodes { id text isQuarantined status statusHistory { status at } viewerCanRetry }
  }
  timeline(last: 2) {
    nodes {
      ... on Message { seq }
      ... on Activity { seq kind actor { id } team { id } until }
      ... on Comment { seq text version deletedAt }
    }
  }
  scheduledMessages(first: 2) { id state version }
  episodes(first: 2) { openedAt openedSource firstResponseAt closedAt closedSource }
}
"""

NOTICE = """
fragment Notice on Notification { id isArchived conversation { id } comment { id } }
"""
NOTICES = """
query Notices($id: ID!) {
  notifications(workspaceId: $id, first: 100) { pageInfo { hasNextPage } nodes { ...Notice } }
  workspace(id: $id) { unarchivedNotificationCount }
}
"""

SNAPSHOT = (
    ROW
    + """
query Snapshot($id: ID!) {
  workspace(id: $id) {
    eventCursor
    inboxes {
      id kind openCount unreadCount
      conversations(first: 20) { pageInfo { hasNextPage } nodes { ...Row } }
    }
  }
}
"""
)

EVENT = (
    ROW
    + NOTICE
    + """
fragment Event on WorkspaceEvent {
  __typename eventId cursor
  ... on MessageAdded { conversation { ...Row } }
  ... on MessageChanged { conversation { ...Row } }
  ... on CommentAdded { conversation { ...Row } }
  ... on CommentChanged { conversation { ...Row } }
  ... on CommentDeleted { comment { id } conversation { ...Row } }
  ... on NotificationAdded { notification { ...Notice } }
  ... on NotificationChanged { notification { ...Notice } }
  ... on SnoozeExpired { conversation { ...Row } }
  ... on ContactChanged { contact { conversation { ...Row } } }
  ... on WorkspaceSettingsChanged {
    workspace { tags { id name } customFields { id name } lifecycleStages { id name } }
  }
  ... on ContactDeleted { conversationId }
  ... on ContactMerged { conversationId }
  ... on MemberChanged { isSightChanged member { id name } }
  ... on TeamChanged { teamId team { id } }
  ... on ConversationChanged { change conversationId changed: conversation { ...Row } }
}
"""
)

EVENTS = (
    EVENT
    + """
query Events($id: ID!, $after: String!) {
  events(workspaceId: $id, after: $after, first: 4) {
    pageInfo { hasNextPage endCursor }
    nodes { ...Event }
  }
}
"""
)

STREAM = (
    EVENT
    + """
subscription Stream($id: ID!, $after: String!) {
  workspaceEvents(workspaceId: $id, after: $after) { ...Event }
}
"""
)


@dataclass
class Client:
    """What a front-end of one person keeps: the rows of All and of the blocked inbox, by id."""

    api: Api
    world: World
    person: Person
    rows: dict[str, Row] = field(default_factory=dict)
    cursor: str = ""
    hidden: int = 0
    """How many conversations went out of sight by an event."""
    notifications: dict[str, Row] = field(default_factory=dict)
    new_count: int = 0
    """How many notifications were not archived when they were read last."""

    def again(self) -> "Client":
        """Return a client that knows the same."""
        rows, notices = dict(self.rows), dict(self.notifications)
        again = Client(self.api, self.world, self.person, rows, self.cursor)
        again.notifications = notices
        return again

    async def refetch(self) -> list[Any]:
        """Read everything anew; return the inboxes, All first."""
        data = await self.api.ask(self.person, SNAPSHOT, id=self.world.id)
        inboxes: list[Any] = data["workspace"]["inboxes"]
        listed = [inbox for inbox in inboxes if inbox["kind"] in ("ALL", "BLOCKED")]
        pages = [inbox["conversations"] for inbox in listed]
        assert not any(page["pageInfo"]["hasNextPage"] for page in pages)
        self.rows = {row["id"]: row for page in pages for row in page["nodes"]}
        self.cursor = data["workspace"]["eventCursor"]
        await self.read_notifications()
        return inboxes

    async def read_notifications(self) -> None:
        """Read the notifications anew."""
        data = await self.api.ask(self.person, NOTICE + NOTICES, id=self.world.id)
        assert not data["notifications"]["pageInfo"]["hasNextPage"]
        self.notifications = {one["id"]: one for one in data["notifications"]["nodes"]}
        self.new_count = data["workspace"]["unarchivedNotificationCount"]

    async def notice(self, event: Row) -> bool:
        """Bring the notifications up to one event; return whether it is about nothing else."""
        kind = event["__typename"]
        if kind in ("NotificationAdded", "NotificationChanged"):
            self.notifications[event["notification"]["id"]] = event["notification"]
        elif kind == "CommentDeleted":
            self.forget("comment", event["comment"]["id"])
        elif kind == "ContactDeleted" or event.get("change") == "HIDDEN":
            self.forget("conversation", event["conversationId"])
        elif kind in ("NotificationsArchived", "ContactMerged") or self.is_new(event):
            await self.read_notifications()
        return "Notification" in kind

    def is_new(self, event: Row) -> bool:
        """Tell whether an event shows a conversation that was not seen before."""
        row = event.get("conversation") or event.get("changed")
        return row is not None and row["id"] not in self.rows

    def forget(self, what: str, key: str) -> None:
        """Forget the notifications about something."""
        kept = self.notifications.items()
        self.notifications = {one: row for one, row in kept if row[what]["id"] != key}

    async def apply(self, event: Row) -> None:
        """Bring the rows up to one event."""
        if await self.notice(event):
            return
        if event["__typename"] == "MemberChanged":
            if event["isSightChanged"]:
                await self.refetch()
            return
        if event["__typename"] in ("ImportProgressed", "ExportProgressed"):
            return
        if event["__typename"] == "TeamChanged":
            self.forget_team(event)
            return
        if event["__typename"] == "WorkspaceSettingsChanged":
            self.describe(event["workspace"])
            return
        if event["__typename"] in ("ContactDeleted", "ContactMerged"):
            self.rows.pop(event["conversationId"], None)
            return
        if event.get("change") == "HIDDEN":
            assert event["changed"] is None
            self.hidden += 1
            self.rows.pop(event["conversationId"], None)
            return
        contact = event.get("contact") or {}
        row = event.get("conversation") or event.get("changed") or contact["conversation"]
        self.rows[row["id"]] = row

    def describe(self, workspace: Row) -> None:
        """Bring what the contacts are described with up to the workspace's vocabulary."""
        for row in self.rows.values():
            had = {tag["id"] for tag in row["contact"]["tags"]}
            row["contact"]["tags"] = [tag for tag in workspace["tags"] if tag["id"] in had]
            said = {one["field"]["id"]: one["text"] for one in row["contact"]["customFields"]}
            row["contact"]["customFields"] = [
                {"field": field, "text": said[field["id"]]}
                for field in workspace["customFields"]
                if field["id"] in said
            ]
            stages = {stage["id"]: stage for stage in workspace["lifecycleStages"]}
            stage = row["contact"]["lifecycleStage"] or {"id": None}
            row["contact"]["lifecycleStage"] = stages.get(stage["id"])

    def forget_team(self, event: Row) -> None:
        """Take a team that is gone from the rows."""
        for row in self.rows.values() if event["team"] is None else ():
            for one in (row, *row["timeline"]["nodes"]):
                if one.get("team") == {"id": event["teamId"]}:
                    one["team"] = None

    async def catch_up(self) -> None:
        """Apply every event since the last one, in pages, as a poller does."""
        more = True
        while more:
            variables = {"id": self.world.id, "after": self.cursor}
            page = (await self.api.ask(self.person, EVENTS, **variables))["events"]
            for event in page["nodes"]:
                await self.apply(event)
            self.cursor = page["pageInfo"]["endCursor"]
            more = page["pageInfo"]["hasNextPage"]

    async def follow(self, until: Callable[[Row], bool]) -> None:
        """Apply the events of the stream, old and then live, until a certain one.

        Where the server closes because rights have changed, read anew and connect again.
        """
        while True:
            async with aclosing(self.stream()) as events:
                async for event in events:
                    if until(event):
                        return
                    await self.apply(event)
            await self.refetch()

    async def stream(self) -> AsyncGenerator[Row, None]:
        """Yield the events of `workspaceEvents` after the cursor, until rights have changed."""
        context = await ContextMaker(self.api.hub)(self.person.token, "")
        results: Any = await self.api.schema.subscribe(
            STREAM,
            variable_values={"id": self.world.id, "after": self.cursor},
            context_value=context,
        )
        async with aclosing(results):
            async for result in results:
                if result.errors:
                    codes = [error.extensions["code"] for error in result.errors]
                    assert codes == ["ACCESS_REVOKED"], result.errors
                    return
                yield result.data["workspaceEvents"]
