"""What the demo fills into the GraphiQL page: the owner's token and tabs with real ids."""

from demo.seed import Demo, first_conversation
from models.clock import now
from resolvers.authentication import authenticate
from resolvers.inbox_kinds import InboxKind
from resolvers.session import Tokens, open_session
from resolvers.viewer import Viewer
from schema.ids import encode_id
from web.graphiql import PageData, Tab, demo_tabs


class DemoPage:
    """Gives every visit a token that is good for a while: one session, renewed when it is not."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._tokens: Tokens | None = None
        self._tabs: tuple[Tab, ...] | None = None

    async def __call__(self) -> PageData:
        """Return the page's data for a visit of this moment."""
        if self._tabs is None:
            self._tabs = await _tabs(self._demo)
        if self._tokens is None or not await _is_good(self._tokens):
            user_id = self._demo.owner.user_id
            assert user_id is not None  # noqa: S101 - the owner is a person
            self._tokens = await open_session(user_id)
        return PageData(self._tokens.access_token, self._tabs)


async def _is_good(tokens: Tokens) -> bool:
    """Tell whether nobody logged the session out and half of its time is still left."""
    session = tokens.session
    if now() - session.created_at > session.expires_at - now():
        return False
    return isinstance(await authenticate(tokens.access_token), Viewer)


async def _tabs(demo: Demo) -> tuple[Tab, ...]:
    conversation = await first_conversation(demo)
    return demo_tabs(
        workspace_id=encode_id("Workspace", demo.workspace_id),
        inbox_id=encode_id("StandardInbox", f"{demo.workspace_id}.{InboxKind.ALL.value}"),
        conversation_id=encode_id("Conversation", conversation.id),
    )
