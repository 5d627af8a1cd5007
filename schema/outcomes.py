"""Outcomes: what a bulk mutation answers for each item of its list."""

from collections.abc import Awaitable, Sequence

import strawberry

from models.records import ConversationRow
from resolvers.bulk import Outcomes
from schema.context import Info
from schema.objects.conversation import Conversation
from schema.payload import Payload, UserError, result, user_error


@strawberry.type
class ConversationResult:
    """What became of one conversation of a list."""

    conversation_id: strawberry.ID
    """The id, as it was given."""
    conversation: ConversationRow | None = result(Conversation)
    """The conversation as it is now; null where it was refused, but for a conflict."""
    user_errors: list[UserError] = strawberry.field(default_factory=list)
    """Why nothing was changed about it; empty on success."""


@strawberry.type
class ConversationsPayload(Payload):
    """What every bulk mutation on conversations answers."""

    results: list[ConversationResult] = strawberry.field(default_factory=list)
    """A result for each id, in their order; empty where the list itself was refused."""


async def results(
    info: Info, ids: Sequence[strawberry.ID], done: Awaitable[Outcomes]
) -> list[ConversationResult]:
    """Return the results of a deed to a list, in its order; a bad id is told with its place."""
    made = []
    for place, (id, outcome) in enumerate(zip(ids, await done, strict=True)):
        errors = []
        if outcome.refused is not None:
            error = user_error(outcome.refused, info.context.language)
            if error.field == ["conversationId"]:
                error.field = ["conversationIds", str(place)]
            errors.append(error)
        made.append(
            ConversationResult(conversation_id=id, conversation=outcome.row, user_errors=errors)
        )
    return made
