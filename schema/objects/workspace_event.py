"""What every event has: its lasting id, its cursor and its moment."""

from datetime import datetime

import strawberry

from realtime.log import encode_cursor
from schema.ids import encode_id
from schema.sight import Seen


@strawberry.interface
class WorkspaceEvent:
    """A durable fact of a workspace, told in commit order; after a reconnect perhaps again, with
    the same id."""

    seen: strawberry.Private[Seen]

    @strawberry.field
    def event_id(self) -> strawberry.ID:
        """The event's lasting id: what comes twice comes with the same one."""
        logged = self.seen.told.delivery.logged
        return encode_id("WorkspaceEvent", f"{logged.workspace_id}.{logged.seq}")

    @strawberry.field
    def cursor(self) -> str:
        """Its place in the log: subscribe with it as `after` to go on behind it."""
        logged = self.seen.told.delivery.logged
        return encode_cursor(logged.epoch, logged.seq)

    @strawberry.field
    def occurred_at(self) -> datetime:
        """When it was committed."""
        return self.seen.told.delivery.logged.occurred_at
