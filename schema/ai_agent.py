"""Making, changing and deleting AI agents."""

from collections.abc import Mapping

import strawberry
from strawberry.types.unset import UNSET

from models.records import AiAgentRow
from resolvers import ai_agent
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.ai_agent import AiAgent
from schema.payload import Payload, mutation, result


@strawberry.input
class CreateAiAgentInput:
    """An AI agent that is to be made."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters, unique in the workspace."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateAiAgentPayload(Payload):
    """The new AI agent."""

    ai_agent: AiAgentRow | None = result(AiAgent)
    """The AI agent."""


@strawberry.input
class UpdateAiAgentInput:
    """What is to be changed; omitted fields stay, null clears."""

    ai_agent_id: strawberry.ID
    """The AI agent."""
    name: str | None = UNSET
    """1 to 100 characters, unique in the workspace."""
    is_active: bool | None = UNSET
    """Whether it can be given conversations; null is as true."""


@strawberry.type
class UpdateAiAgentPayload(Payload):
    """The AI agent as it is now."""

    ai_agent: AiAgentRow | None = result(AiAgent)
    """The changed AI agent."""


@strawberry.input
class DeleteAiAgentInput:
    """Which AI agent is to be deleted."""

    ai_agent_id: strawberry.ID
    """The AI agent."""


@strawberry.type
class DeleteAiAgentPayload(Payload):
    """What was deleted."""

    deleted_ai_agent_id: strawberry.ID | None = None
    """The id of the AI agent that is gone; null where it was refused."""


def _changes(input: UpdateAiAgentInput) -> Mapping[str, str | bool | None]:
    given: dict[str, str | bool | None] = {"name": input.name, "is_active": input.is_active}
    return {name: value for name, value in given.items() if value is not UNSET}


@strawberry.type
class Mutation:
    """Managing AI agents."""

    @mutation
    async def create_ai_agent(self, info: Info, input: CreateAiAgentInput) -> CreateAiAgentPayload:
        """Make an AI agent, of at most 100; for owners and managers."""
        agent = await ai_agent.create_ai_agent(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            idempotency_key=input.idempotency_key,
        )
        return CreateAiAgentPayload(ai_agent=agent)

    @mutation
    async def update_ai_agent(self, info: Info, input: UpdateAiAgentInput) -> UpdateAiAgentPayload:
        """Change an AI agent; one that is no longer active keeps what it has. For owners and
        managers."""
        agent = await ai_agent.update_ai_agent(
            viewer_of(info),
            decode_id(input.ai_agent_id, "AiAgent", "aiAgentId"),
            _changes(input),
        )
        return UpdateAiAgentPayload(ai_agent=agent)

    @mutation
    async def delete_ai_agent(self, info: Info, input: DeleteAiAgentInput) -> DeleteAiAgentPayload:
        """Delete an AI agent that looks after no conversation, be it closed; for owners and
        managers."""
        deleted = await ai_agent.delete_ai_agent(
            viewer_of(info), decode_id(input.ai_agent_id, "AiAgent", "aiAgentId")
        )
        return DeleteAiAgentPayload(deleted_ai_agent_id=encode_id("AiAgent", deleted))
