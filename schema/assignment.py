"""Assigning conversations."""

import strawberry

from models.records import ConversationRow
from resolvers import assignment
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.conversation import Conversation
from schema.payload import Payload, mutation, result


@strawberry.input
class AssignConversationInput:
    """Which conversation to give to whom."""

    conversation_id: strawberry.ID
    """The conversation."""
    assignee_id: strawberry.ID
    """The member who is to look after it."""
    if_unassigned: bool = False
    """Refuse with CONFLICT where somebody has it already."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class AssignConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The assigned conversation; after a conflict, as it is now."""


@strawberry.input
class UnassignConversationInput:
    """Which conversation to move to Unassigned."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UnassignConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation without assignee and team; after a conflict, as it is now."""


@strawberry.type
class Mutation:
    """Giving conversations to people."""

    @mutation
    async def assign_conversation(
        self, info: Info, input: AssignConversationInput
    ) -> AssignConversationPayload:
        """Give a conversation to an active member; it succeeds also where the viewer then no
        longer sees it."""
        conversation = await assignment.assign_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            assignee_id=decode_id(input.assignee_id, "Member", "assigneeId"),
            if_unassigned=input.if_unassigned,
            expected_version=input.expected_version,
        )
        return AssignConversationPayload(conversation=conversation)

    @mutation
    async def unassign_conversation(
        self, info: Info, input: UnassignConversationInput
    ) -> UnassignConversationPayload:
        """Move a conversation to Unassigned; one that is there already stays as it is."""
        conversation = await assignment.unassign_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return UnassignConversationPayload(conversation=conversation)
