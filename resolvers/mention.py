"""Mentions: whom a comment names, and who of them is notified of it."""

from collections.abc import Collection, Mapping, Sequence

from models.engine import sql
from models.notification import NotificationKind
from models.records import CommentRecord, ConversationRecord, MemberRecord
from models.refusal import Code, Refused
from realtime.transaction import Announce
from resolvers.access import sees
from resolvers.batches import members_by_id
from resolvers.notification import Cause, notify
from resolvers.viewer import as_viewer, hidden

MAX_MENTIONS = 50
"""How many members one comment mentions."""
MENTIONED = ("mentionedMemberIds",)


def check_mentions(
    wanted: Sequence[int], found: Mapping[int, MemberRecord], workspace_id: int, kept: Sequence[int]
) -> None:
    """Refuse to mention who is no active member of the workspace, unless they were before."""
    for key in wanted:
        member = found.get(key)
        if member is None or member.workspace_id != workspace_id:
            raise hidden(MENTIONED)
        if not member.is_active and key not in kept:
            raise Refused(Code.INVALID, "Only active members can be mentioned.", field=MENTIONED)


def distinct(member_ids: Sequence[int]) -> list[int]:
    """Return ids without repetitions, in their order; refuse too many."""
    if len(member_ids) > MAX_MENTIONS:
        raise Refused(
            Code.INVALID,
            "A comment mentions at most {limit} members.",
            field=MENTIONED,
            limit=MAX_MENTIONS,
        )
    return list(dict.fromkeys(member_ids))


def cannot_see(member: MemberRecord, conversation: ConversationRecord) -> bool:
    """Tell whether a conversation is hidden from a member: a mention shows it to nobody."""
    return not member.is_active or not sees(as_viewer(member), conversation)


def to_notify(
    members: Collection[MemberRecord],
    conversation: ConversationRecord,
    *,
    author_id: int | None,
    before: Collection[int] = (),
) -> list[int]:
    """Return who is notified of being mentioned: not the author, nor who was mentioned `before`,
    nor who does not see the conversation at this moment, also if they come to see it later."""
    return [
        member.id
        for member in members
        if member.id not in before
        and member.id != author_id
        and not cannot_see(member, conversation)
    ]


async def mentionable(
    conversation: ConversationRecord, wanted: Sequence[int], kept: Sequence[int] = ()
) -> list[MemberRecord]:
    """Return the members to be mentioned; refuse those who cannot be."""
    if not wanted:
        return []
    found = await members_by_id(wanted)
    check_mentions(wanted, found, conversation.workspace_id, kept)
    return [found[key] for key in wanted]


async def mention(
    comment: CommentRecord,
    members: Sequence[MemberRecord],
    conversation: ConversationRecord,
    announce: Announce,
    *,
    before: Collection[int] = (),
) -> None:
    """Have members mentioned in a comment of a locked conversation, and notified of it.

    Those who were mentioned in it `before` are not notified again.
    """
    announce.insert_all(
        "comment_mention",
        [
            {"comment_id": comment.id, "member_id": member.id, "position": position}
            for position, member in enumerate(members)
        ],
    )
    told = to_notify(members, conversation, author_id=comment.author_id, before=before)
    cause = Cause(NotificationKind.MENTION, comment.author_id, comment.id)
    await notify(told, conversation, cause, announce)


async def mentions_of_comments(ids: Collection[int]) -> dict[int, list[MemberRecord]]:
    """Return whom comments mention, in their order; two statements."""
    rows = await sql.records(
        "SELECT comment_id, member_id FROM comment_mention"
        f" WHERE {sql.among('comment_id')} ORDER BY position",
        sql.group(ids),
    )
    members = await members_by_id({row[1] for row in rows}) if rows else {}
    found: dict[int, list[MemberRecord]] = {key: [] for key in ids}
    for row in rows:
        found[row[0]].append(members[row[1]])
    return found
