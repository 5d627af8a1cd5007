"""Presence: saying that one is away, and seeing who is there."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum

import strawberry

from models.records import MemberRecord
from realtime.attendance import PresenceState
from resolvers import presence
from schema.context import Info, viewer_of
from schema.hub import Presence
from schema.ids import decode_id
from schema.objects.member import Member
from schema.payload import Payload, mutation
from schema.signals import follow_presence


@strawberry.enum
class ChosenPresence(Enum):
    """What a member may say of their presence."""

    ONLINE = "ONLINE"
    """They are there."""
    AWAY = "AWAY"
    """They are not there, though their device is."""


@strawberry.type
class PresenceChanged:
    """A member has come, gone, or said that they are away or there again."""

    told: strawberry.Private[Presence]

    @strawberry.field(graphql_type=Member)
    def member(self) -> MemberRecord:
        """Who."""
        return self.told.member

    @strawberry.field
    def presence(self) -> PresenceState:
        """Whether they are there."""
        return self.told.state

    @strawberry.field
    def expires_at(self) -> datetime:
        """When this ceases to be true for who hears nothing more; while the subscription lives,
        each change is told, and nothing else."""
        return self.told.expires_at


@strawberry.input
class SetPresenceInput:
    """What the viewer says."""

    state: ChosenPresence
    """Whether they are there."""


@strawberry.type
class SetPresencePayload(Payload):
    """Until when it holds."""

    expires_at: datetime | None = None
    """When it expires unless the viewer has a socket open: then it holds as long as that."""


@strawberry.type
class Mutation:
    """Saying that one is away."""

    @mutation
    async def set_presence(self, info: Info, input: SetPresenceInput) -> SetPresencePayload:
        """Tell teammates in every workspace that the viewer is away or there again; it is never
        stored. Whoever opens a socket is online unless they said otherwise before."""
        expires_at = await presence.set_presence(
            viewer_of(info), state=PresenceState(input.state.value)
        )
        return SetPresencePayload(expires_at=expires_at)


@strawberry.type
class Subscription:
    """Seeing who is there."""

    @strawberry.subscription
    async def presence_changed(
        self, info: Info, workspace_id: strawberry.ID
    ) -> AsyncIterator[PresenceChanged]:
        """Who comes, goes and is away in a workspace; at most once, and never replayed."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        async for told in follow_presence(info, workspace):
            yield PresenceChanged(told=told)
