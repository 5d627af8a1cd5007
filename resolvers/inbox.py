"""Custom inboxes: filters that members save, for themselves or for others."""

from dataclasses import replace

from models.clock import now
from models.custom_inbox import CustomInbox as CustomInboxRow
from models.custom_inbox import CustomInboxShare, InboxSharing
from models.engine import sql
from models.refusal import Code, Conflict, Refused
from realtime.events import CustomInboxChanged
from realtime.transaction import Announce, transaction
from resolvers.idempotency import claim_key
from resolvers.inbox_check import check_filter, check_people
from resolvers.inbox_filter import Filter, write_filter
from resolvers.inbox_finding import find_inbox
from resolvers.inbox_kinds import CustomInbox, Sharing
from resolvers.names import check_name
from resolvers.rights import Right
from resolvers.viewer import Membership, Viewer, hidden, require

MAX_INBOXES = 200
"""How many custom inboxes one member keeps."""


async def create_inbox(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    conditions: Filter,
    sharing: Sharing,
    idempotency_key: str | None = None,
) -> CustomInbox:
    """Save a filter as an inbox of the member who asks; refuse more than 200 of theirs."""
    async with transaction() as announce:
        membership = require(viewer, workspace_id, Right.VIEW)
        creator_id = _member(membership)
        values = [name, write_filter(conditions), repr(sharing)]
        claim = await claim_key(viewer, workspace_id, "createInbox", idempotency_key, values)
        if claim.first_result is not None:
            return await _own(viewer, claim.first_result)
        await lock_member(creator_id)
        if await CustomInboxRow.filter(creator_id=creator_id).count() >= MAX_INBOXES:
            raise Refused(
                Code.WRONG_STATE,
                "A member has at most {limit} inboxes of their own.",
                limit=MAX_INBOXES,
            )
        await check_filter(workspace_id, conditions, membership.masking)
        row = await CustomInboxRow.create(
            workspace_id=workspace_id,
            creator_id=creator_id,
            name=check_name(name),
            conditions=write_filter(conditions),
            sharing=sharing.mode,
            created_at=now(),
        )
        await _share(workspace_id, row.id, sharing)
        await claim.remember(row.id)
        inbox = await _own(viewer, row.id)
        _announce(announce, inbox, sharing)
        return inbox


async def update_inbox(
    viewer: Viewer,
    inbox_id: int,
    *,
    name: str | None = None,
    conditions: Filter | None = None,
    sharing: Sharing | None = None,
    expected_version: int | None = None,
) -> CustomInbox:
    """Change what is given of an inbox that the viewer made; Conflict for another version."""
    async with transaction() as announce:
        before = await _hold(viewer, inbox_id)
        if expected_version is not None and before.version != expected_version:
            raise Conflict(before)
        after = replace(
            before,
            name=before.name if name is None else check_name(name),
            conditions=before.conditions if conditions is None else conditions,
            sharing=before.sharing if sharing is None else sharing,
        )
        if after == before:
            return before
        if after.conditions != before.conditions:
            masking = viewer.memberships[before.workspace_id].masking
            await check_filter(before.workspace_id, after.conditions, masking)
        await CustomInboxRow.filter(id=inbox_id).update(
            name=after.name,
            conditions=write_filter(after.conditions),
            sharing=after.sharing.mode,
            version=before.version + 1,
        )
        if after.sharing != before.sharing:
            await CustomInboxShare.filter(inbox_id=inbox_id).delete()
            await _share(before.workspace_id, inbox_id, after.sharing)
        _announce(announce, before, before.sharing, after.sharing)
        return replace(after, version=before.version + 1)


async def delete_inbox(viewer: Viewer, inbox_id: int) -> int:
    """Delete an inbox that the viewer made and return its id; its conversations stay."""
    async with transaction() as announce:
        inbox = await _hold(viewer, inbox_id)
        await CustomInboxRow.filter(id=inbox_id).delete()
        _announce(announce, inbox, inbox.sharing)
    return inbox_id


async def lock_member(member_id: int) -> None:
    """Have what a member keeps counted by one transaction at a time."""
    if sql.dialect() == "postgres":  # who writes a row that refers to the member need not wait
        await sql.records("SELECT id FROM member WHERE id = ? FOR NO KEY UPDATE", member_id)


def _member(membership: Membership) -> int:
    if membership.member_id is None:
        raise Refused(Code.FORBIDDEN, "Only members have inboxes of their own.")
    return membership.member_id


async def _own(viewer: Viewer, inbox_id: int) -> CustomInbox:
    """Return a custom inbox that the viewer has; FORBIDDEN unless it is their own."""
    try:
        inbox = await find_inbox(viewer, "CustomInbox", str(inbox_id))
    except Refused:
        raise hidden(("inboxId",)) from None
    assert isinstance(inbox, CustomInbox)  # noqa: S101 - the type that was asked for
    if viewer.member_id(inbox.workspace_id) != inbox.creator_id:
        raise Refused(Code.FORBIDDEN, "Only who made an inbox can change it.")
    return inbox


async def _hold(viewer: Viewer, inbox_id: int) -> CustomInbox:
    """Return an inbox to be changed by its creator, locked until the transaction ends."""
    await CustomInboxRow.select_for_update().filter(id=inbox_id).first()
    return await _own(viewer, inbox_id)


async def _share(workspace_id: int, inbox_id: int, sharing: Sharing) -> None:
    """Keep with whom an inbox is shared; refuse people who are not of its workspace."""
    await check_people(workspace_id, sharing)
    shares = [CustomInboxShare(inbox_id=inbox_id, member_id=one) for one in sharing.member_ids]
    shares += [CustomInboxShare(inbox_id=inbox_id, team_id=one) for one in sharing.team_ids]
    if shares:
        await CustomInboxShare.bulk_create(shares)


def _announce(announce: Announce, inbox: CustomInbox, *sharings: Sharing) -> None:
    """Tell all who have or had an inbox."""
    announce(
        CustomInboxChanged(
            inbox.workspace_id,
            inbox.id,
            creator_id=inbox.creator_id,
            is_for_all=any(one.mode is InboxSharing.WORKSPACE for one in sharings),
            member_ids=tuple({member for one in sharings for member in one.member_ids}),
            team_ids=tuple({team for one in sharings for team in one.team_ids}),
        )
    )
