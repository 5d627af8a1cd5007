"""Streams of signals: what is told at most once and never replayed, to those who may see it."""

from collections.abc import AsyncIterator

from resolvers.access import sees
from resolvers.rights import Right
from resolvers.viewer import require
from schema.context import Info, viewer_of
from schema.hub import Item, Presence, PresenceTold, Told, TypingTold
from schema.sight import OF_RIGHTS
from schema.streams import Follower, next_of, subscribed


async def follow_typing(
    info: Info, workspace_id: int, conversation_id: int | None
) -> AsyncIterator[TypingTold]:
    """Yield the signs of typing that the viewer may see, but never their own."""
    require(viewer_of(info), workspace_id, Right.VIEW)
    follower = Follower(info, workspace_id, lambda _fact: False)

    def is_wanted(item: Item) -> bool:
        if isinstance(item, TypingTold):
            return conversation_id in (None, item.typing.conversation_id)
        return isinstance(item, Told) and isinstance(item.delivery.logged.fact, OF_RIGHTS)

    async with subscribed(info, workspace_id, is_wanted) as (subscriber, _):
        info.context.hub.hear_typing(workspace_id, subscriber)
        await follower.look_anew()
        while True:
            item = await next_of(subscriber)
            if isinstance(item, Told):
                await follower.see(item)
            elif isinstance(item, TypingTold) and sees(follower.viewer, item.conversation):
                own = f"member:{follower.viewer.member_id(workspace_id)}"
                if item.typing.actor != own:
                    info.context.loaders = item.loaders
                    yield item


async def follow_presence(info: Info, workspace_id: int) -> AsyncIterator[Presence]:
    """Yield each change of presence of a member of the workspace, also the viewer's own."""
    require(viewer_of(info), workspace_id, Right.VIEW)
    follower = Follower(info, workspace_id, lambda _fact: False)

    def is_wanted(item: Item) -> bool:
        if isinstance(item, Told):
            return isinstance(item.delivery.logged.fact, OF_RIGHTS)
        return isinstance(item, PresenceTold)

    async with subscribed(info, workspace_id, is_wanted) as (subscriber, _):
        info.context.hub.watch_presence(workspace_id, subscriber)
        await follower.look_anew()
        while True:
            item = await next_of(subscriber)
            if isinstance(item, Told):
                await follower.see(item)
            elif isinstance(item, PresenceTold):
                for presence in item.presences:
                    info.context.loaders = item.loaders
                    yield presence
