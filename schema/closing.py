"""Closing conversations, opening them again, and the categories of closing notes."""

from collections.abc import Mapping

import strawberry
from strawberry.types.unset import UNSET

from models.closing_note_category import ClosingNoteCategory as ClosingNoteCategoryRow
from models.records import ConversationRow
from resolvers import closing
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id, encode_id
from schema.objects.conversation import Conversation
from schema.objects.workspace_settings import ClosingNoteCategory
from schema.payload import Payload, mutation, proving, result


@strawberry.input
class CloseConversationInput:
    """Which conversation to close, and with what note."""

    conversation_id: strawberry.ID
    """The conversation."""
    category_id: strawberry.ID | None = None
    """The category of the note; whether one is required is in `settings.closingNotes`."""
    summary: str | None = None
    """The text of the note: at most 2,000 characters; blank is as omitted."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class CloseConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The closed conversation; after a conflict, as it is now."""


@strawberry.input
class ReopenConversationInput:
    """Which conversation to open again."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class ReopenConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The reopened conversation; after a conflict, as it is now."""


@strawberry.input
class CreateClosingNoteCategoryInput:
    """A reason for closing that is to be offered."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters, unique in the workspace."""
    description: str = ""
    """When it is to be chosen; at most 500 characters."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateClosingNoteCategoryPayload(Payload):
    """The new category."""

    category: ClosingNoteCategoryRow | None = result(ClosingNoteCategory)
    """The category."""


@strawberry.input
class UpdateClosingNoteCategoryInput:
    """What is to be changed; omitted fields stay, null clears."""

    category_id: strawberry.ID
    """The category."""
    name: str | None = UNSET
    """1 to 100 characters, unique in the workspace."""
    description: str | None = UNSET
    """When it is to be chosen; at most 500 characters."""


@strawberry.type
class UpdateClosingNoteCategoryPayload(Payload):
    """The category as it is now."""

    category: ClosingNoteCategoryRow | None = result(ClosingNoteCategory)
    """The changed category."""


@strawberry.input
class DeleteClosingNoteCategoryInput:
    """Which category is to be offered no more."""

    category_id: strawberry.ID
    """The category."""


@strawberry.type
class DeleteClosingNoteCategoryPayload(Payload):
    """What was deleted."""

    deleted_category_id: strawberry.ID | None = None
    """The id of the category that is gone; null where it was refused."""


def _changes(input: UpdateClosingNoteCategoryInput) -> Mapping[str, str | None]:
    given = {"name": input.name, "description": input.description}
    return {name: value for name, value in given.items() if value is not UNSET}


@strawberry.type
class Mutation:
    """Closing conversations."""

    @proving
    async def close_conversation(
        self, info: Info, input: CloseConversationInput
    ) -> CloseConversationPayload:
        """Move a conversation to Closed and end its episode; a closed one stays as it is.

        Members are held to the workspace's mode of closing notes (`NOTE_REQUIRED`,
        `NOTE_NOT_ACCEPTED`); programs may add a note, or none, in every mode.
        """
        conversation = await closing.close_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            category_id=decode_optional_id(input.category_id, "ClosingNoteCategory", "categoryId"),
            summary=input.summary,
            expected_version=input.expected_version,
        )
        return CloseConversationPayload(conversation=conversation)

    @proving
    async def reopen_conversation(
        self, info: Info, input: ReopenConversationInput
    ) -> ReopenConversationPayload:
        """Move a closed conversation to Open, where a new episode begins; another one stays as it
        is, also a snoozed one."""
        conversation = await closing.reopen_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return ReopenConversationPayload(conversation=conversation)

    @mutation
    async def create_closing_note_category(
        self, info: Info, input: CreateClosingNoteCategoryInput
    ) -> CreateClosingNoteCategoryPayload:
        """Offer a reason for closing, of at most 100; for owners and managers."""
        category = await closing.create_closing_note_category(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            description=input.description,
            idempotency_key=input.idempotency_key,
        )
        return CreateClosingNoteCategoryPayload(category=category)

    @mutation
    async def update_closing_note_category(
        self, info: Info, input: UpdateClosingNoteCategoryInput
    ) -> UpdateClosingNoteCategoryPayload:
        """Change a category; older notes keep what they have. For owners and managers."""
        category = await closing.update_closing_note_category(
            viewer_of(info),
            decode_id(input.category_id, "ClosingNoteCategory", "categoryId"),
            _changes(input),
        )
        return UpdateClosingNoteCategoryPayload(category=category)

    @mutation
    async def delete_closing_note_category(
        self, info: Info, input: DeleteClosingNoteCategoryInput
    ) -> DeleteClosingNoteCategoryPayload:
        """Offer a category no more; older notes keep what they have. For owners and managers."""
        deleted = await closing.delete_closing_note_category(
            viewer_of(info), decode_id(input.category_id, "ClosingNoteCategory", "categoryId")
        )
        return DeleteClosingNoteCategoryPayload(
            deleted_category_id=encode_id("ClosingNoteCategory", deleted)
        )
