"""The watch over a socket: it closes once the rights with which it was opened have changed."""

import asyncio
from functools import partial

from realtime.attendance import enter
from resolvers.authentication import TokenProblem, reload_viewer
from resolvers.presence import places_of
from resolvers.viewer import Viewer
from schema.context import Context
from schema.hub import Item, Told
from schema.sight import rights_in, touches_rights


async def until_revoked(context: Context) -> None:
    """Return once the viewer's rights have ended or changed in any of their workspaces.

    They are told by the log, like all else: an idle socket costs no query until they are. What
    changed before the watch began is seen when it begins. A token that merely expired is not
    meant here. As long as it lasts, the viewer is present in each of them.
    """
    viewer = context.viewer
    if viewer is None:
        return

    def is_wanted(item: Item) -> bool:
        return isinstance(item, Told) and touches_rights(viewer, item.delivery.logged.fact)

    # Each socket has one of these: no event, no stack, they are a kilobyte each.
    loop = asyncio.get_running_loop()
    changed = loop.create_future()

    def tell(_item: Item) -> None:
        if not changed.done():
            changed.set_result(None)

    leaving = [enter(places_of(viewer))]
    try:
        for workspace_id in viewer.memberships:
            subscriber, _ = await context.hub.reader.follow(workspace_id, is_wanted)
            leaving.append(partial(context.hub.leave, workspace_id, subscriber))
            subscriber.divert(tell)
        while not await _has_changed(viewer):
            await changed
            changed = loop.create_future()
    finally:
        for leave in reversed(leaving):
            leave()


async def _has_changed(viewer: Viewer) -> bool:
    found = await reload_viewer(viewer)
    if isinstance(found, TokenProblem):
        return found is TokenProblem.UNKNOWN
    return any(
        rights_in(found, workspace_id) != rights_in(viewer, workspace_id)
        for workspace_id in viewer.memberships
    )
