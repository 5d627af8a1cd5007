"""Workspaces: making one, its settings, and the lists of what belongs to it."""

import re
import secrets
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from models.ai_agent import AiAgent
from models.channel import Channel
from models.clock import now
from models.closing_note_category import ClosingNoteCategory
from models.event import EventCounter
from models.member import Member, Restriction, Role, Visibility
from models.queries import read_members
from models.records import MemberRecord
from models.refusal import Code, Refused
from models.team import Team
from models.user import User
from models.workspace import DEFAULT_AUTO_CLOSE_MINUTES, ClosingNoteMode, Workspace
from realtime.events import MaskingChanged, MemberChanged, WorkspaceSettingsChanged
from realtime.transaction import transaction
from resolvers.access import hold_workspace
from resolvers.batches import workspaces_by_id
from resolvers.idempotency import claim_key
from resolvers.names import check_name
from resolvers.password import hash_password
from resolvers.rights import Right
from resolvers.viewer import Viewer
from resolvers.working_hours import encode_working_hours

LANGUAGE_LENGTH = 16
MAX_WORKSPACES = 100
"""In how many workspaces a person may be and still make one."""
NO_WORKSPACE = 0
"""Where the idempotency keys of making a workspace are kept."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
MIN_AUTO_CLOSE_MINUTES = 30
MAX_AUTO_CLOSE_MINUTES = 14 * 24 * 60
DEFAULT_SETTINGS: Mapping[str, Any] = {
    "closing_note_mode": ClosingNoteMode.OPTIONAL,
    "auto_close_is_enabled": False,
    "auto_close_minutes": DEFAULT_AUTO_CLOSE_MINUTES,
    "wake_on_reply": True,
    "time_zone": "UTC",
    "language": "en",
    "working_hours": None,
    "masks_phones": False,
    "masks_emails": False,
}
"""What each setting is until somebody changes it, and again once it is cleared."""
MASKS = ("masks_phones", "masks_emails")
"""The settings after which agents see other details of contacts than before."""


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_place(time_zone: str, language: str) -> None:
    """Refuse what is no IANA time zone, or no BCP 47 language of at most 16 characters."""
    if time_zone not in _time_zones():
        raise Refused(
            Code.INVALID, "This is no time zone, such as Europe/Paris.", field=("timeZone",)
        )
    if len(language) > LANGUAGE_LENGTH or not _LANGUAGE.fullmatch(language):
        raise Refused(
            Code.INVALID, "This is no language, such as en or fr-CA.", field=("language",)
        )


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse a time of automatic closing that is not 30 minutes to 14 days, and a bad place."""
    check_place(settings.get("time_zone", "UTC"), settings.get("language", "en"))
    minutes = settings.get("auto_close_minutes", DEFAULT_AUTO_CLOSE_MINUTES)
    if not MIN_AUTO_CLOSE_MINUTES <= minutes <= MAX_AUTO_CLOSE_MINUTES:
        raise Refused(
            Code.INVALID,
            "Automatic closing waits for {least} to {most} minutes.",
            field=("automaticClosing", "afterMinutes"),
            least=MIN_AUTO_CLOSE_MINUTES,
            most=MAX_AUTO_CLOSE_MINUTES,
        )


async def update_workspace_settings(
    viewer: Viewer, workspace_id: int, changes: Mapping[str, Any]
) -> Workspace:
    """Change the name and the given settings of DEFAULT_SETTINGS; None means the default.

    Automatic closing that is turned on anew leaves alone what was opened before.
    """
    given = {key: DEFAULT_SETTINGS.get(key) if new is None else new for key, new in changes.items()}
    async with transaction() as announce:
        workspace = await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        check_settings(given)
        if "name" in given:
            given["name"] = check_name(given["name"])
        if "working_hours" in given:
            given["working_hours"] = encode_working_hours(given["working_hours"])
        is_enabled = given.pop("auto_close_is_enabled", workspace.auto_close_since is not None)
        if is_enabled is not (workspace.auto_close_since is not None):
            given["auto_close_since"] = now() if is_enabled else None
        changed = {name: new for name, new in given.items() if getattr(workspace, name) != new}
        if changed:
            workspace.update_from_dict(changed)
            await workspace.save(update_fields=changed)
            is_masking = not changed.keys().isdisjoint(MASKS)
            told = MaskingChanged if is_masking else WorkspaceSettingsChanged
            announce(told(workspace_id))
    return workspace


async def create_workspace(
    viewer: Viewer,
    *,
    name: str,
    time_zone: str = "UTC",
    language: str = "en",
    idempotency_key: str | None = None,
) -> Workspace:
    """Make an empty workspace of which the viewer is the owner; nobody else is in it."""
    if viewer.user_id is None:
        raise Refused(Code.FORBIDDEN, "Only people make workspaces.")
    values = [name, time_zone, language]
    async with transaction():
        claim = await claim_key(viewer, NO_WORKSPACE, "createWorkspace", idempotency_key, values)
        if claim.first_result is not None:
            return (await workspaces_by_id([claim.first_result]))[claim.first_result]
        name = check_name(name)
        check_place(time_zone, language)
        if len(viewer.memberships) >= MAX_WORKSPACES:
            raise Refused(
                Code.WRONG_STATE,
                "One person is in at most {limit} workspaces.",
                limit=MAX_WORKSPACES,
            )
        workspace = await add_workspace(name, time_zone=time_zone, language=language)
        await add_member(workspace.id, viewer.user_id, Role.OWNER)
        await claim.remember(workspace.id)
    return workspace


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


def written(restrictions: Collection[Restriction]) -> str:
    """Return restrictions as a member's row keeps them."""
    return ",".join(sorted(restriction.value for restriction in restrictions))


async def add_member(
    workspace_id: int,
    user_id: int,
    role: Role,
    *,
    visibility: Visibility = Visibility.ALL,
    restrictions: Collection[Restriction] = (),
    team_id: int | None = None,
) -> Member:
    """Make a user a member, and tell it; for operators, the demo and tests."""
    async with transaction() as announce:
        member = await Member.create(
            workspace_id=workspace_id,
            user_id=user_id,
            role=role,
            visibility=visibility,
            restrictions=written(restrictions),
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
    restrictions: Collection[Restriction] | None = None,
    is_active: bool | None = None,
) -> Member:
    """Change what a member may do; open streams look at their rights anew. For operators."""
    async with transaction() as announce:
        member = await Member.get(id=member_id)
        member.role = member.role if role is None else role
        member.visibility = member.visibility if visibility is None else visibility
        if restrictions is not None:
            member.restrictions = written(restrictions)
        member.is_active = member.is_active if is_active is None else is_active
        await member.save(update_fields=["role", "visibility", "restrictions", "is_active"])
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


async def ai_agents(workspace_id: int) -> list[AiAgent]:
    """Return the AI agents of a workspace of the viewer, by name."""
    return await AiAgent.filter(workspace_id=workspace_id).order_by("name", "id")


async def closing_note_categories(workspace_id: int) -> list[ClosingNoteCategory]:
    """Return the closing-note categories of a workspace of the viewer, by name."""
    return await ClosingNoteCategory.filter(workspace_id=workspace_id).order_by("name", "id")
