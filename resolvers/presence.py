"""Presence: whether members are there, by their open sockets and by what they say."""

from datetime import datetime

from models.refusal import Code, Refused
from realtime.attendance import Place, PresenceState, choose
from resolvers.viewer import Viewer


def places_of(viewer: Viewer) -> list[Place]:
    """Return where the viewer is a member; nowhere for a program."""
    return [
        (membership.workspace_id, membership.member_id)
        for membership in viewer.memberships.values()
        if membership.member_id is not None
    ]


async def set_presence(viewer: Viewer, *, state: PresenceState) -> datetime:
    """Tell teammates in every workspace that the viewer is away, or there again.

    It holds as long as a socket of theirs is open, and without one until the returned moment.
    """
    if viewer.user_id is None:
        raise Refused(Code.FORBIDDEN, "Only members are present.")
    return choose(places_of(viewer), state)
