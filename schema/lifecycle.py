"""Lifecycle stages: adding, changing, ordering and deleting those of a workspace."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from models.lifecycle_stage import LifecycleStage as LifecycleStageRow
from resolvers import lifecycle
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.lifecycle_stage import LifecycleStage
from schema.payload import Payload, mutation, result


@strawberry.input
class CreateLifecycleStageInput:
    """A stage that is to be added."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters, unique in the workspace."""
    position: int | None = None
    """Its place in the list, from 0: later stages move down; omitted: it is the last one."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateLifecycleStagePayload(Payload):
    """The new stage."""

    lifecycle_stage: LifecycleStageRow | None = result(LifecycleStage)
    """The stage."""


@strawberry.input
class UpdateLifecycleStageInput:
    """What is to be changed; omitted fields stay."""

    lifecycle_stage_id: strawberry.ID
    """The stage."""
    name: str | None = UNSET
    """1 to 100 characters, unique in the workspace."""
    position: int | None = UNSET
    """Its place in the list, from 0: the stages between move up or down; null: the last one."""


@strawberry.type
class UpdateLifecycleStagePayload(Payload):
    """The stage as it is now."""

    lifecycle_stage: LifecycleStageRow | None = result(LifecycleStage)
    """The changed stage."""


@strawberry.input
class DeleteLifecycleStageInput:
    """Which stage is to be deleted."""

    lifecycle_stage_id: strawberry.ID
    """The stage."""


@strawberry.type
class DeleteLifecycleStagePayload(Payload):
    """What was deleted."""

    deleted_lifecycle_stage_id: strawberry.ID | None = None
    """The id of the stage that is gone; null where it was refused."""


def _changes(input: UpdateLifecycleStageInput) -> Mapping[str, Any]:
    given = {"name": input.name, "position": input.position}
    return {name: value for name, value in given.items() if value is not UNSET}


@strawberry.type
class Mutation:
    """The lifecycle stages of a workspace; `updateContact` says in which one a contact is."""

    @mutation
    async def create_lifecycle_stage(
        self, info: Info, input: CreateLifecycleStageInput
    ) -> CreateLifecycleStagePayload:
        """Add a stage, of at most 50; for owners and managers."""
        stage = await lifecycle.create_lifecycle_stage(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            position=input.position,
            idempotency_key=input.idempotency_key,
        )
        return CreateLifecycleStagePayload(lifecycle_stage=stage)

    @mutation
    async def update_lifecycle_stage(
        self, info: Info, input: UpdateLifecycleStageInput
    ) -> UpdateLifecycleStagePayload:
        """Rename a stage, or move it in the list; for owners and managers."""
        stage = await lifecycle.update_lifecycle_stage(
            viewer_of(info),
            decode_id(input.lifecycle_stage_id, "LifecycleStage", "lifecycleStageId"),
            _changes(input),
        )
        return UpdateLifecycleStagePayload(lifecycle_stage=stage)

    @mutation
    async def delete_lifecycle_stage(
        self, info: Info, input: DeleteLifecycleStageInput
    ) -> DeleteLifecycleStagePayload:
        """Delete a stage, in which no contact is from then on; for owners and managers."""
        deleted = await lifecycle.delete_lifecycle_stage(
            viewer_of(info),
            decode_id(input.lifecycle_stage_id, "LifecycleStage", "lifecycleStageId"),
        )
        return DeleteLifecycleStagePayload(
            deleted_lifecycle_stage_id=encode_id("LifecycleStage", deleted)
        )
