"""Teams: groups of members who share conversations."""

from models.engine import sql
from models.refusal import Code, Refused
from models.team import Team
from realtime.events import MemberTeamChanged, TeamChanged
from realtime.transaction import transaction
from resolvers.access import hold_workspace
from resolvers.batches import teams_by_id
from resolvers.idempotency import claim_key
from resolvers.names import check_name
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden, require

MAX_TEAMS = 100
"""How many teams a workspace has: they are one list, never in pages."""


async def create_team(
    viewer: Viewer, workspace_id: int, *, name: str, idempotency_key: str | None = None
) -> Team:
    """Make a team without members; refuse a name that is taken, and more than 100 teams."""
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_TEAMS)
        claim = await claim_key(viewer, workspace_id, "createTeam", idempotency_key, [name])
        if claim.first_result is not None:
            return await _team(viewer, claim.first_result)
        name = check_name(name)
        await _check_room(workspace_id, name)
        team = await Team.create(workspace_id=workspace_id, name=name)
        await claim.remember(team.id)
        announce(TeamChanged(workspace_id, team.id))
    return team


async def update_team(viewer: Viewer, team_id: int, *, name: str | None) -> Team:
    """Give a team another name; refuse one that is taken."""
    async with transaction() as announce:
        team = await _team(viewer, team_id)
        await hold_workspace(viewer, team.workspace_id, Right.MANAGE_TEAMS)
        team = await _team(viewer, team_id)
        name = check_name(name)
        if name != team.name:
            await _check_room(team.workspace_id, name, except_id=team.id)
            team.name = name
            await team.save(update_fields=["name"])
            announce(TeamChanged(team.workspace_id, team.id))
    return team


async def delete_team(viewer: Viewer, team_id: int) -> int:
    """Delete a team and return its id; its members and conversations belong to none then.

    The workspace is not held: whoever holds a conversation of the team may be writing to it.
    Conversations are locked before the team, as by whoever gives one to it.
    """
    async with transaction() as announce:
        team = await _team(viewer, team_id)
        require(viewer, team.workspace_id, Right.DELETE_TEAMS)
        lock = " FOR UPDATE" if sql.dialect() == "postgres" else ""
        theirs = f"SELECT id FROM conversation WHERE team_id = ? ORDER BY id{lock}"
        await sql.records(theirs, team_id)
        if not await sql.records(f"SELECT id FROM team WHERE id = ?{lock}", team_id):
            raise hidden(("teamId",))
        members = await sql.records("SELECT id FROM member WHERE team_id = ? ORDER BY id", team_id)
        await sql.affected("DELETE FROM team WHERE id = ?", team_id)
        for (member_id,) in members:
            announce(
                MemberTeamChanged(
                    team.workspace_id, member_id, team_id=None, previous_team_id=team_id
                )
            )
        announce(TeamChanged(team.workspace_id, team_id))
    return team_id


async def _team(viewer: Viewer, team_id: int) -> Team:
    """Return a team of one of the viewer's workspaces."""
    team = (await teams_by_id([team_id])).get(team_id)
    if team is None or team.workspace_id not in viewer.memberships:
        raise hidden(("teamId",))
    return team


async def _check_room(workspace_id: int, name: str, *, except_id: int = 0) -> None:
    """Refuse a name that another team of a held workspace has, or one team too many."""
    others = await sql.records(
        "SELECT name FROM team WHERE workspace_id = ? AND id <> ?", workspace_id, except_id
    )
    if name in [row[0] for row in others]:
        raise Refused(Code.TAKEN, "Another team has this name.", field=("name",))
    if len(others) >= MAX_TEAMS:
        raise Refused(Code.WRONG_STATE, "A workspace has at most {limit} teams.", limit=MAX_TEAMS)
