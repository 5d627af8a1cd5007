"""Commenting on conversations, for the members alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from models.records import CommentRow, MemberRecord
from resolvers import comment as comments
from resolvers.comment import Written
from schema.context import Info, viewer_of
from schema.ids import decode_id, keys
from schema.objects.comment import Comment
from schema.objects.member import Member
from schema.payload import Payload, mutation, proving, result


@strawberry.input
class AddCommentInput:
    """What to tell the other members about which conversation."""

    conversation_id: strawberry.ID
    """The conversation."""
    text: str = ""
    """1 to 1,000 characters; with files, it may be omitted."""
    attachment_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """At most 50 files, in their order: the viewer's own that belong to nothing, and those of
    snippets, which stay there."""
    mentioned_member_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """At most 50 active members of the workspace; a mention shows the conversation to nobody."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class AddCommentPayload(Payload):
    """The new comment."""

    comment: CommentRow | None = result(Comment)
    """The comment."""
    mentioned_without_access: list[MemberRecord] = strawberry.field(
        graphql_type=list[Member], default_factory=list
    )
    """Whom it mentions although they do not see the conversation."""


@strawberry.input
class UpdateCommentInput:
    """What is to be changed; omitted fields stay."""

    comment_id: strawberry.ID
    """The comment."""
    text: str | None = UNSET
    """1 to 1,000 characters."""
    mentioned_member_ids: list[strawberry.ID] | None = UNSET
    """At most 50 active members of the workspace, in place of those before; null: nobody."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UpdateCommentPayload(Payload):
    """The comment as it is now."""

    comment: CommentRow | None = result(Comment)
    """The changed comment; after a conflict, as it is now."""
    mentioned_without_access: list[MemberRecord] = strawberry.field(
        graphql_type=list[Member], default_factory=list
    )
    """Whom it mentions although they do not see the conversation."""


@strawberry.input
class DeleteCommentInput:
    """Which comment to take back."""

    comment_id: strawberry.ID
    """The comment."""


@strawberry.type
class DeleteCommentPayload(Payload):
    """What is left of the comment."""

    comment: CommentRow | None = result(Comment)
    """The comment without its text: its place in the timeline stays."""


def _members(ids: Sequence[strawberry.ID]) -> list[int]:
    return [decode_id(one, "Member", "mentionedMemberIds") for one in ids]


def _changes(input: UpdateCommentInput) -> Mapping[str, Any]:
    changes: dict[str, Any] = {}
    if input.text is not UNSET:
        changes["text"] = input.text
    if input.mentioned_member_ids is not UNSET:
        changes["mentioned_member_ids"] = _members(input.mentioned_member_ids or [])
    return changes


def _told(written: Written) -> dict[str, Any]:
    return {
        "comment": written.comment,
        "mentioned_without_access": list(written.mentioned_without_access),
    }


@strawberry.type
class Mutation:
    """Commenting."""

    @proving
    async def add_comment(self, info: Info, input: AddCommentInput) -> AddCommentPayload:
        """Write a comment: part of the timeline, never sent to the contact, in any state of the
        conversation. It makes nothing unread and answers nobody."""
        written = await comments.add_comment(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            text=input.text,
            attachment_ids=keys(input.attachment_ids, "Attachment"),
            mentioned_member_ids=_members(input.mentioned_member_ids),
            idempotency_key=input.idempotency_key,
        )
        return AddCommentPayload(**_told(written))

    @mutation
    async def update_comment(self, info: Info, input: UpdateCommentInput) -> UpdateCommentPayload:
        """Edit a comment of one's own; what it said before stays in its `history`."""
        written = await comments.update_comment(
            viewer_of(info),
            decode_id(input.comment_id, "Comment", "commentId"),
            _changes(input),
            expected_version=input.expected_version,
        )
        return UpdateCommentPayload(**_told(written))

    @mutation
    async def delete_comment(self, info: Info, input: DeleteCommentInput) -> DeleteCommentPayload:
        """Take a comment of one's own back: its place stays, its text and history are gone."""
        comment = await comments.delete_comment(
            viewer_of(info), decode_id(input.comment_id, "Comment", "commentId")
        )
        return DeleteCommentPayload(comment=comment)
