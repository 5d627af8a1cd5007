"""Teams: making, renaming and deleting them."""

import strawberry

from models.team import Team as TeamRow
from resolvers import team as teams
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.team import Team
from schema.payload import Payload, mutation, result


@strawberry.input
class CreateTeamInput:
    """The team that is to be made."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters, unique in the workspace."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateTeamPayload(Payload):
    """The new team."""

    team: TeamRow | None = result(Team)
    """The team, without members; `updateMember` brings them in."""


@strawberry.input
class UpdateTeamInput:
    """What is to be changed."""

    team_id: strawberry.ID
    """The team."""
    name: str
    """1 to 100 characters, unique in the workspace."""


@strawberry.type
class UpdateTeamPayload(Payload):
    """The team as it is now."""

    team: TeamRow | None = result(Team)
    """The changed team."""


@strawberry.input
class DeleteTeamInput:
    """Which team is to be deleted."""

    team_id: strawberry.ID
    """The team."""


@strawberry.type
class DeleteTeamPayload(Payload):
    """What was deleted."""

    deleted_team_id: strawberry.ID | None = None
    """The id of the team that is gone; null where it was refused."""


@strawberry.type
class Mutation:
    """Changing teams."""

    @mutation
    async def create_team(self, info: Info, input: CreateTeamInput) -> CreateTeamPayload:
        """Make a team, of at most 100; for owners and managers."""
        team = await teams.create_team(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            idempotency_key=input.idempotency_key,
        )
        return CreateTeamPayload(team=team)

    @mutation
    async def update_team(self, info: Info, input: UpdateTeamInput) -> UpdateTeamPayload:
        """Give a team another name; for owners and managers."""
        team = await teams.update_team(
            viewer_of(info), decode_id(input.team_id, "Team", "teamId"), name=input.name
        )
        return UpdateTeamPayload(team=team)

    @mutation
    async def delete_team(self, info: Info, input: DeleteTeamInput) -> DeleteTeamPayload:
        """Delete a team: its members and conversations belong to none then. For owners."""
        deleted = await teams.delete_team(
            viewer_of(info), decode_id(input.team_id, "Team", "teamId")
        )
        return DeleteTeamPayload(deleted_team_id=encode_id("Team", deleted))
