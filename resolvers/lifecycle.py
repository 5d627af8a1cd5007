"""Lifecycle: the stages on the way to being a customer, and in which of them a contact is."""

from collections.abc import Mapping
from typing import Any

from models.clock import now
from models.contact import Contact
from models.engine import sql
from models.lifecycle_stage import LifecycleStage
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from realtime.transaction import transaction
from resolvers.access import hold_workspace
from resolvers.idempotency import claim_key
from resolvers.names import check_name
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden
from resolvers.vocabulary import get_word, hold_word, lifecycle_stages_by_id

MAX_STAGES = 50
"""How many stages a workspace has: they are one list, never in pages."""


def check_position(position: int | None, *, last: int) -> int:
    """Return the place of a stage in the list, by default the last one; refuse one beyond it."""
    if position is None:
        return last
    if not 0 <= position <= last:
        raise Refused(Code.INVALID, "The position is 0 to {last}.", field=("position",), last=last)
    return position


async def create_lifecycle_stage(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    position: int | None = None,
    idempotency_key: str | None = None,
) -> LifecycleStage:
    """Add a stage before the one at `position`, or as the last one.

    Refuses a name that is taken, and more than 50 stages.
    """
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        said = [name, position]
        claim = await claim_key(viewer, workspace_id, "createLifecycleStage", idempotency_key, said)
        if claim.first_result is not None:
            return await get_word(
                viewer, lifecycle_stages_by_id, claim.first_result, "lifecycleStageId"
            )
        name = check_name(name)
        others = await _check_room(workspace_id, name)
        position = check_position(position, last=others)
        await _shift(workspace_id, position, others, by=1)
        stage = await LifecycleStage.create(
            workspace_id=workspace_id, name=name, position=position, created_at=now()
        )
        await claim.remember(stage.id)
        announce(WorkspaceSettingsChanged(workspace_id))
    return stage


async def update_lifecycle_stage(
    viewer: Viewer, stage_id: int, changes: Mapping[str, Any]
) -> LifecycleStage:
    """Change the given ones of `name` and `position`: the stages between move up or down."""
    async with transaction() as announce:
        stage = await hold_word(viewer, lifecycle_stages_by_id, stage_id, "lifecycleStageId")
        before = (stage.name, stage.position)
        name = check_name(changes.get("name", stage.name))
        others = await _check_room(stage.workspace_id, name, except_id=stage.id)
        position = check_position(changes.get("position", stage.position), last=others)
        if (name, position) != before:
            if position < stage.position:
                await _shift(stage.workspace_id, position, stage.position - 1, by=1)
            if position > stage.position:
                await _shift(stage.workspace_id, stage.position + 1, position, by=-1)
            stage.name, stage.position = name, position
            await stage.save(update_fields=["name", "position"])
            announce(WorkspaceSettingsChanged(stage.workspace_id))
    return stage


async def delete_lifecycle_stage(viewer: Viewer, stage_id: int) -> int:
    """Delete a stage, in which no contact is from then on, and return its id."""
    async with transaction() as announce:
        stage = await hold_word(viewer, lifecycle_stages_by_id, stage_id, "lifecycleStageId")
        await stage.delete()
        await _shift(stage.workspace_id, stage.position + 1, MAX_STAGES, by=-1)
        announce(WorkspaceSettingsChanged(stage.workspace_id))
    return stage_id


async def keep_stage(stage_id: int | None) -> int | None:
    """Keep a stage from being deleted before the transaction ends; return its workspace.

    None for a stage that is not there. Deleting one locks it and then its contacts: who changes a
    contact must ask for the stage before they hold the contact, or both wait for each other.
    """
    if stage_id is None:
        return None
    lock = " FOR KEY SHARE" if sql.dialect() == "postgres" else ""
    rows = await sql.records(
        f"SELECT workspace_id FROM lifecycle_stage WHERE id = ?{lock}", stage_id
    )
    return rows[0][0] if rows else None


def check_stage(contact: Contact, stage_id: int | None, workspace_id: int | None) -> None:
    """Refuse a stage that is not of the contact's workspace."""
    if stage_id is not None and workspace_id != contact.workspace_id:
        raise hidden(("lifecycleStageId",))


async def _shift(workspace_id: int, first: int, last: int, *, by: int) -> None:
    """Move the stages between two positions of a held workspace up or down the list."""
    await sql.affected(
        f"UPDATE lifecycle_stage SET position = position + {by:d}"
        " WHERE workspace_id = ? AND position BETWEEN ? AND ?",
        workspace_id,
        first,
        last,
    )


async def _check_room(workspace_id: int, name: str, *, except_id: int = 0) -> int:
    """Return how many other stages a held workspace has.

    Refuses a name that one of them has, and one stage too many.
    """
    others = await sql.records(
        "SELECT name FROM lifecycle_stage WHERE workspace_id = ? AND id <> ?",
        workspace_id,
        except_id,
    )
    if name in [row[0] for row in others]:
        raise Refused(Code.TAKEN, "Another stage has this name.", field=("name",))
    if len(others) >= MAX_STAGES:
        raise Refused(Code.WRONG_STATE, "A workspace has at most {limit} stages.", limit=MAX_STAGES)
    return len(others)
