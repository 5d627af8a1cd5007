"""AI agents: making, changing and deleting the programs that look after conversations."""

from collections.abc import Mapping

from models.ai_agent import AiAgent
from models.clock import now
from models.engine import sql
from models.records import AiAgentRecord, AiAgentRow
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from realtime.transaction import transaction
from resolvers.access import hold_workspace
from resolvers.batches import ai_agents_by_id
from resolvers.idempotency import claim_key
from resolvers.names import check_name
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden

MAX_AI_AGENTS = 100
"""How many a workspace has: they are one list, never in pages."""


async def create_ai_agent(
    viewer: Viewer, workspace_id: int, *, name: str, idempotency_key: str | None = None
) -> AiAgentRow:
    """Make an AI agent; refuse a name that is taken, and more than 100 of them."""
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        claim = await claim_key(viewer, workspace_id, "createAiAgent", idempotency_key, [name])
        if claim.first_result is not None:
            return await _ai_agent(viewer, claim.first_result)
        name = check_name(name)
        await _check_room(workspace_id, name)
        agent = await AiAgent.create(workspace_id=workspace_id, name=name, created_at=now())
        await claim.remember(agent.id)
        announce(WorkspaceSettingsChanged(workspace_id))
    return agent


async def update_ai_agent(
    viewer: Viewer, ai_agent_id: int, changes: Mapping[str, str | bool | None]
) -> AiAgentRecord:
    """Change the given ones of `name` and `is_active`; null makes it active, as it was made.

    One that is no longer active keeps the conversations that it has.
    """
    async with transaction() as announce:
        agent = await _hold_ai_agent(viewer, ai_agent_id)
        before = (agent.name, agent.is_active)
        if "name" in changes:
            agent.name = check_name(str(changes["name"] or ""))
        if "is_active" in changes:
            agent.is_active = changes["is_active"] is not False
        if before != (agent.name, agent.is_active):
            await _check_room(agent.workspace_id, agent.name, except_id=agent.id)
            await AiAgent.filter(id=agent.id).update(name=agent.name, is_active=agent.is_active)
            announce(WorkspaceSettingsChanged(agent.workspace_id))
    return agent


async def delete_ai_agent(viewer: Viewer, ai_agent_id: int) -> int:
    """Delete an AI agent and return its id; refuse while it looks after any conversation."""
    async with transaction() as announce:
        agent = await _hold_ai_agent(viewer, ai_agent_id)
        await AiAgent.select_for_update().get(id=agent.id)  # waits for whoever is assigning it
        deleted = await sql.affected(
            "DELETE FROM ai_agent WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM conversation WHERE workspace_id = ? AND ai_agent_id = ?)",
            agent.id,
            agent.workspace_id,
            agent.id,
        )
        if not deleted:
            raise Refused(
                Code.WRONG_STATE,
                "This AI agent still looks after conversations.",
                field=("aiAgentId",),
            )
        announce(WorkspaceSettingsChanged(agent.workspace_id))
    return ai_agent_id


async def _ai_agent(viewer: Viewer, ai_agent_id: int) -> AiAgentRecord:
    """Return an AI agent of one of the viewer's workspaces."""
    agent = (await ai_agents_by_id([ai_agent_id])).get(ai_agent_id)
    if agent is None or agent.workspace_id not in viewer.memberships:
        raise hidden(("aiAgentId",))
    return agent


async def _hold_ai_agent(viewer: Viewer, ai_agent_id: int) -> AiAgentRecord:
    """Return an AI agent to be changed: its workspace is locked until the transaction ends."""
    agent = await _ai_agent(viewer, ai_agent_id)
    await hold_workspace(viewer, agent.workspace_id, Right.MANAGE_SETTINGS)
    return await _ai_agent(viewer, ai_agent_id)


async def _check_room(workspace_id: int, name: str, *, except_id: int = 0) -> None:
    """Refuse a name that another AI agent of a held workspace has, or one AI agent too many."""
    others = await sql.records(
        "SELECT name FROM ai_agent WHERE workspace_id = ? AND id <> ?", workspace_id, except_id
    )
    if name in [row[0] for row in others]:
        raise Refused(Code.TAKEN, "Another AI agent has this name.", field=("name",))
    if len(others) >= MAX_AI_AGENTS:
        raise Refused(
            Code.WRONG_STATE, "A workspace has at most {limit} AI agents.", limit=MAX_AI_AGENTS
        )
