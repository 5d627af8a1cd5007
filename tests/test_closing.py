"""Closing conversations: the episode ends, nothing waits for a reply, the assignee stays."""

from models.conversation import Conversation, ConversationStatus
from models.episode import Episode
from realtime.events import ConversationClosed
from schema.ids import encode_id
from tests.world import Api, World, snapshot

CLOSE = """
mutation Close($input: CloseConversationInput!) {
  closeConversation(input: $input) {
    conversation { status version closedAt unrepliedSince viewerCanClose }
    userErrors { code message field }
  }
}
"""


async def test_closing_ends_the_episode(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    conversation_id = encode_id("Conversation", message.conversation_id)

    answer = await api.ask(world.owner, CLOSE, input={"conversationId": conversation_id})

    row = await Conversation.get(id=message.conversation_id)
    assert row.closed_at is not None
    assert answer["closeConversation"] == {
        "conversation": {
            "status": "CLOSED",
            "version": 3,
            "closedAt": row.closed_at.isoformat(),
            "unrepliedSince": None,
            "viewerCanClose": False,
        },
        "userErrors": [],
    }
    [episode] = await Episode.all()
    assert (episode.closed_at, episode.closed_by_id) == (row.closed_at, world.owner.member.id)
    assert (await world.facts())[-1] == ConversationClosed(world.workspace.id, row.id)


async def test_closing_twice_changes_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    before = await snapshot()

    answer = await api.ask(
        world.owner, CLOSE, input={"conversationId": encode_id("Conversation", conversation.id)}
    )

    assert answer["closeConversation"]["conversation"]["status"] == ConversationStatus.CLOSED.value
    assert answer["closeConversation"]["userErrors"] == []
    assert await snapshot() == before
