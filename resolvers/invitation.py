"""Invitations: asking somebody into a workspace by their address, and accepting that."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from models.clock import now
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.invitation import Invitation
from models.member import Member, Restriction, Role, Visibility
from models.queries import read_members
from models.records import MemberRecord
from models.refusal import Code, Refused
from models.user import User
from realtime.events import MemberChanged, MemberTeamChanged
from realtime.transaction import Announce, transaction
from resolvers.access import hold_team, hold_workspace
from resolvers.batches import invitations_by_id, pending_invitations
from resolvers.deed import done_by, done_to
from resolvers.idempotency import claim_key
from resolvers.invitation_mail import SEND_INVITATION
from resolvers.member import check_leads, check_restrictions, restrictions_at_first
from resolvers.names import check_name
from resolvers.password import check_new_password, hash_password
from resolvers.rights import Right
from resolvers.tokens import INVITATION_PREFIX, hash_token, new_token
from resolvers.viewer import Membership, Viewer, hidden, may, require
from resolvers.workspace import written

VALID_DAYS = 7
MAX_PENDING = 100
"""How many invitations of a workspace wait at once: they are one list, never in pages."""
EMAIL_LENGTH = 254
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")


def check_email(email: str) -> str:
    """Return an address as it is kept: in lower case, without blanks around it."""
    email = email.strip().lower()
    if len(email) > EMAIL_LENGTH or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise Refused(Code.INVALID, "This is no email address.", field=("email",))
    return email


def check_person(name: str | None, password: str | None, email: str) -> tuple[str, str]:
    """Return name and password of a new account; refuse what does not do."""
    name, password = check_name(name), password or ""
    check_new_password(password, email, "password")
    return name, password


def is_pending(invitation: Invitation, moment: datetime) -> bool:
    """Tell whether an invitation can still be accepted."""
    is_open = invitation.accepted_at is None and invitation.revoked_at is None
    return is_open and invitation.expires_at > moment


async def invitations(viewer: Viewer, workspace_id: int) -> list[Invitation]:
    """Return the pending invitations, the newest first; none for who may not invite."""
    if not may(viewer, workspace_id, Right.MANAGE_MEMBERS):
        return []
    return await pending_invitations(workspace_id)


async def invite_member(
    viewer: Viewer,
    workspace_id: int,
    *,
    email: str,
    role: Role,
    team_id: int | None = None,
    visibility: Visibility = Visibility.ALL,
    restrictions: Collection[Restriction] | None = None,
    idempotency_key: str | None = None,
) -> tuple[Invitation, str | None]:
    """Invite an address; return the invitation with its token, which is shown only this once.

    A link with a token of its own is mailed to the address. An earlier invitation of the address
    ends with its tokens. Without `restrictions` the member will have those of a new one.
    """
    taken = restrictions_at_first(role) if restrictions is None else restrictions
    access = {"role": role, "visibility": visibility, "restrictions": written(taken)}
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_MEMBERS)
        values = [email, role.value, team_id, visibility.value, written(taken)]
        claim = await claim_key(viewer, workspace_id, "inviteMember", idempotency_key, values)
        if claim.first_result is not None:
            return await _invitation(viewer, claim.first_result), None
        email = check_email(email)
        membership = require(viewer, workspace_id, Right.MANAGE_MEMBERS)
        check_leads(membership, role, "role")
        check_restrictions(role, taken)
        if team_id is not None:
            await hold_team(workspace_id, team_id)
        await _check_guest(workspace_id, email)
        await _replace(membership, email)
        invitation, token = await _create(membership, email, access | {"team_id": team_id})
        announce.job(SEND_INVITATION, {"invitation_id": invitation.id})
        await claim.remember(invitation.id)
    return invitation, token


async def _create(
    membership: Membership, email: str, access: dict[str, Any]
) -> tuple[Invitation, str]:
    token, moment = new_token(INVITATION_PREFIX), now()
    invitation = await Invitation.create(
        workspace_id=membership.workspace_id,
        email=email,
        token_hash=hash_token(token),
        invited_by_id=membership.member_id,
        created_at=moment,
        expires_at=moment + timedelta(days=VALID_DAYS),
        **access,
    )
    return invitation, token


async def revoke_invitation(viewer: Viewer, invitation_id: int) -> Invitation:
    """End a pending invitation: its token opens nothing. One that has ended stays as it is."""
    async with transaction():
        workspace_id = (await _invitation(viewer, invitation_id)).workspace_id
        await hold_workspace(viewer, workspace_id, Right.MANAGE_MEMBERS)
        invitation = await _invitation(viewer, invitation_id)
        membership = require(viewer, workspace_id, Right.MANAGE_MEMBERS)
        check_leads(membership, invitation.role, "invitationId")
        if invitation.accepted_at is None and invitation.revoked_at is None:
            invitation.revoked_at = now()
            await invitation.save(update_fields=["revoked_at"])
    return invitation


async def accept_invitation(
    viewer: Viewer | None, *, token: str, name: str | None = None, password: str | None = None
) -> MemberRecord:
    """Join a workspace by a token of an invitation: that shown or that mailed, together once.

    Whoever has an account under the address must be logged in with it; for anybody else an
    account is made with the name and the password. Who was a member before is one again.
    """
    digest = hash_token(token)
    email = (await _good_invitation(digest)).email
    user = await User.filter(email=email).first()
    person = check_person(name, password, email) if user is None else None
    if user is not None and (viewer is None or viewer.user_id != user.id):
        raise Refused(Code.FORBIDDEN, "Log in to the account of the invited address first.")
    hashed = await hash_password(person[1]) if person is not None else ""
    try:
        async with transaction() as announce:
            invitation = await _take(digest)
            if user is None and person is not None:
                user = await User.create(
                    email=email, name=person[0], password_hash=hashed, created_at=now()
                )
            assert user is not None  # noqa: S101 - found, or made just now
            done_by(user.id)
            done_to(invitation.id)
            member_id = await _join(invitation, user.id, announce)
    except IntegrityError as error:  # two accounts of one address at once
        raise TransientDatabaseError(error) from error
    [member] = await read_members("WHERE m.id = ?", member_id)
    return member


async def _good_invitation(digest: str) -> Invitation:
    is_its_token = Q(token_hash=digest) | Q(mailed_token_hash=digest)
    invitation = await Invitation.filter(is_its_token).first()
    if invitation is None or not is_pending(invitation, now()):
        raise Refused(
            Code.INVALID_CREDENTIALS, "This invitation is not valid any more.", field=("token",)
        )
    return invitation


async def _take(digest: str) -> Invitation:
    """Use an invitation up: of several at once, one does.

    Nobody invites to the workspace or revokes meanwhile: they hold it.
    """
    lock = " FOR SHARE" if sql.dialect() == "postgres" else ""
    workspace_id = (await _good_invitation(digest)).workspace_id
    await sql.records(f"SELECT id FROM workspace WHERE id = ?{lock}", workspace_id)
    invitation = await _good_invitation(digest)
    taken = await sql.affected(
        "UPDATE invitation SET accepted_at = ? WHERE id = ?"
        " AND accepted_at IS NULL AND revoked_at IS NULL"
        " AND (token_hash = ? OR mailed_token_hash = ?)",
        now(),
        invitation.id,
        digest,
        digest,
    )
    return invitation if taken else await _good_invitation(digest)


async def _join(invitation: Invitation, user_id: int, announce: Announce) -> int:
    """Make a user the member that an invitation describes; return the member's id."""
    access: dict[str, Any] = {
        "role": invitation.role,
        "visibility": invitation.visibility,
        "restrictions": invitation.restrictions,
        "team_id": invitation.team_id,
        "is_active": True,
    }
    member = await Member.filter(workspace_id=invitation.workspace_id, user_id=user_id).first()
    if member is None:
        member = await Member.create(
            workspace_id=invitation.workspace_id, user_id=user_id, created_at=now(), **access
        )
        announce(MemberChanged(member.workspace_id, member.id))
        return int(member.id)
    if member.is_active:
        raise Refused(Code.TAKEN, "This person is a member already.", field=("token",))
    previous = member.team_id
    member.update_from_dict(access)
    await member.save(update_fields=list(access))
    if previous == member.team_id:
        announce(MemberChanged(member.workspace_id, member.id))
    else:
        announce(MemberTeamChanged(member.workspace_id, member.id, member.team_id, previous))
    return int(member.id)


async def _invitation(viewer: Viewer, invitation_id: int) -> Invitation:
    """Return an invitation of a workspace in which the viewer may invite."""
    invitation = (await invitations_by_id([invitation_id])).get(invitation_id)
    if invitation is None or invitation.workspace_id not in viewer.memberships:
        raise hidden(("invitationId",))
    require(viewer, invitation.workspace_id, Right.MANAGE_MEMBERS)
    return invitation


async def _check_guest(workspace_id: int, email: str) -> None:
    """Refuse an address of a member, and more than 100 invitations at once."""
    found = await read_members(
        "WHERE m.workspace_id = ? AND m.is_active = ? AND u.email = ?", workspace_id, True, email
    )
    if found:
        raise Refused(Code.TAKEN, "This person is a member already.", field=("email",))
    [(count,)] = await sql.records(
        "SELECT COUNT(*) FROM invitation WHERE workspace_id = ? AND email <> ? AND expires_at > ?"
        " AND accepted_at IS NULL AND revoked_at IS NULL",
        workspace_id,
        email,
        now(),
    )
    if count >= MAX_PENDING:
        raise Refused(
            Code.WRONG_STATE, "At most {limit} invitations wait at once.", limit=MAX_PENDING
        )


async def _replace(membership: Membership, email: str) -> None:
    """End an earlier invitation of the address, if it could be revoked."""
    earlier = await Invitation.filter(
        workspace_id=membership.workspace_id, email=email, accepted_at=None, revoked_at=None
    )
    for invitation in earlier:
        check_leads(membership, invitation.role, "email")
        invitation.revoked_at = now()
        await invitation.save(update_fields=["revoked_at"])
