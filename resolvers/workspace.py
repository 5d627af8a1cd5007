"""Workspaces: making one, and the lists of what belongs to it."""

import secrets
from collections.abc import Collection

from models.channel import Channel
from models.clock import now
from models.event import EventCounter
from models.member import Member, Role, Visibility
from models.queries import read_members
from models.records import MemberRecord
from models.team import Team
from models.user import User
from models.workspace import Workspace
from realtime.events import MemberChanged
from realtime.transaction import transaction
from resolvers.account import hash_password


async def add_workspace(name: str, *, time_zone: str = "UTC", language: str = "en") -> Workspace:
    """Make an empty workspace with its event log; for operators, the demo and tests."""
    moment = now()
    async with transaction():
        workspace = await Workspace.create(
            name=name,
            time_zone=time_zone,
            language=language,
            unreplied_since=moment,
            created_at=moment,
        )
        await EventCounter.create(workspace_id=workspace.id, epoch=secrets.token_hex(8))
    return workspace


async def add_user(email: str, name: str, password: str, *, language: str | None = None) -> User:
    """Make an account; for operators, the demo and tests."""
    return await User.create(
        email=email.strip().lower(),
        name=name,
        password_hash=await hash_password(password),
        language=language,
        created_at=now(),
    )


async def add_member(
    workspace_id: int,
    user_id: int,
    role: Role,
    *,
    visibility: Visibility = Visibility.ALL,
    team_id: int | None = None,
) -> Member:
    """Make a user a member, and tell it; for operators, the demo and tests."""
    async with transaction() as announce:
        member = await Member.create(
            workspace_id=workspace_id,
            user_id=user_id,
            role=role,
            visibility=visibility,
            team_id=team_id,
            created_at=now(),
        )
        announce(MemberChanged(workspace_id, member.id))
    return member


async def change_member(
    member_id: int,
    *,
    role: Role | None = None,
    visibility: Visibility | None = None,
    is_active: bool | None = None,
) -> Member:
    """Change what a member may do; open streams look at their rights anew. For operators."""
    async with transaction() as announce:
        member = await Member.get(id=member_id)
        member.role = member.role if role is None else role
        member.visibility = member.visibility if visibility is None else visibility
        member.is_active = member.is_active if is_active is None else is_active
        await member.save(update_fields=["role", "visibility", "is_active"])
        announce(MemberChanged(member.workspace_id, member.id))
    return member


async def workspaces(ids: Collection[int]) -> list[Workspace]:
    """Return workspaces of the viewer, by name."""
    return await Workspace.filter(id__in=ids).order_by("name", "id")


async def members(workspace_id: int) -> list[MemberRecord]:
    """Return the members of a workspace of the viewer, by name."""
    return await read_members("WHERE m.workspace_id = ? ORDER BY u.name, m.id", workspace_id)


async def teams(workspace_id: int) -> list[Team]:
    """Return the teams of a workspace of the viewer, by name."""
    return await Team.filter(workspace_id=workspace_id).order_by("name", "id")


async def channels(workspace_id: int) -> list[Channel]:
    """Return the channels of a workspace of the viewer, by name."""
    return await Channel.filter(workspace_id=workspace_id).order_by("name", "id")
