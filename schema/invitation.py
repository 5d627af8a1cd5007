"""Invitations: asking somebody into a workspace, and accepting that."""

import strawberry

from models.invitation import Invitation as InvitationRow
from models.member import Restriction, Role, Visibility
from models.records import MemberRow
from resolvers import invitation as invitations
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id
from schema.objects.invitation import Invitation
from schema.objects.member import Member
from schema.payload import Payload, mutation, result


@strawberry.input
class InviteMemberInput:
    """Who is to be invited, and what they will be allowed to do."""

    workspace_id: strawberry.ID
    """The workspace."""
    email: str
    """The address: the invitation is bound to it."""
    role: Role = Role.AGENT
    """What they may do; managers invite agents only."""
    team_id: strawberry.ID | None = None
    """The team they belong to; omitted: none."""
    visibility: Visibility = Visibility.ALL
    """Which conversations they may see, as an agent."""
    restrictions: list[Restriction] | None = None
    """What they may not do although the role allows it; omitted: agents do not export data."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class InviteMemberPayload(Payload):
    """The new invitation."""

    invitation: InvitationRow | None = result(Invitation)
    """The invitation."""
    token: str | None = None
    """What `acceptInvitation` takes, once: shown only this once, and null where a repeated key
    finds its first result. The mail to the address has a token of its own."""


@strawberry.input
class RevokeInvitationInput:
    """Which invitation ends."""

    invitation_id: strawberry.ID
    """The invitation."""


@strawberry.type
class RevokeInvitationPayload(Payload):
    """The ended invitation."""

    invitation: InvitationRow | None = result(Invitation)
    """The invitation as it is now; one that was accepted before stays so."""


@strawberry.input
class AcceptInvitationInput:
    """Which invitation is accepted, and by whom."""

    token: str
    """The token that was shown, or that of the mail: an invitation is accepted once."""
    name: str | None = None
    """The person's name, where an account is to be made: 1 to 100 characters."""
    password: str | None = None
    """The password of an account that is to be made: 10 to 200 characters, and not the address."""


@strawberry.type
class AcceptInvitationPayload(Payload):
    """The new membership."""

    member: MemberRow | None = result(Member)
    """The member."""


@strawberry.type
class Mutation:
    """Inviting people."""

    @mutation
    async def invite_member(self, info: Info, input: InviteMemberInput) -> InviteMemberPayload:
        """Invite an address for 7 days and mail it a link, in place of an earlier invitation of it;
        for owners and, where it is an agent, for managers."""
        invitation, token = await invitations.invite_member(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            email=input.email,
            role=input.role,
            team_id=decode_optional_id(input.team_id, "Team", "teamId"),
            visibility=input.visibility,
            restrictions=input.restrictions,
            idempotency_key=input.idempotency_key,
        )
        return InviteMemberPayload(invitation=invitation, token=token)

    @mutation
    async def revoke_invitation(
        self, info: Info, input: RevokeInvitationInput
    ) -> RevokeInvitationPayload:
        """End an invitation; one that has ended stays as it is. For who could have made it."""
        invitation = await invitations.revoke_invitation(
            viewer_of(info), decode_id(input.invitation_id, "Invitation", "invitationId")
        )
        return RevokeInvitationPayload(invitation=invitation)

    @mutation
    async def accept_invitation(
        self, info: Info, input: AcceptInvitationInput
    ) -> AcceptInvitationPayload:
        """Join a workspace. Who has an account under the invited address must be logged in with
        it; for anybody else an account is made, which `logIn` opens."""
        member = await invitations.accept_invitation(
            info.context.viewer, token=input.token, name=input.name, password=input.password
        )
        return AcceptInvitationPayload(member=member)
