"""Blocking contacts, and unblocking them."""

import strawberry

from models.records import ContactRow, ConversationRow
from resolvers import block
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.contact import Contact
from schema.objects.conversation import Conversation
from schema.payload import Payload, mutation, result


@strawberry.input
class BlockContactInput:
    """Whom to block."""

    contact_id: strawberry.ID
    """The contact."""


@strawberry.type
class BlockContactPayload(Payload):
    """The contact and the conversation as they are now."""

    contact: ContactRow | None = result(Contact)
    """The blocked contact."""
    conversation: ConversationRow | None = result(Conversation)
    """Their conversation, which is frozen."""


@strawberry.input
class UnblockContactInput:
    """Whom to unblock."""

    contact_id: strawberry.ID
    """The contact."""


@strawberry.type
class UnblockContactPayload(Payload):
    """The contact and the conversation as they are now."""

    contact: ContactRow | None = result(Contact)
    """The contact, who is no longer blocked."""
    conversation: ConversationRow | None = result(Conversation)
    """Their conversation, back as it was."""


@strawberry.type
class Mutation:
    """Blocking and unblocking."""

    @mutation
    async def block_contact(self, info: Info, input: BlockContactInput) -> BlockContactPayload:
        """Block a contact; a blocked one stays as they are.

        Their conversation leaves the standard inboxes and is frozen: its status and assignee stay,
        a snooze ends, and sending, opening, closing and snoozing are refused (`BLOCKED`). What
        the contact sends from then on is quarantined.
        """
        conversation = await block.block_contact(
            viewer_of(info), decode_id(input.contact_id, "Contact", "contactId")
        )
        return BlockContactPayload(contact=conversation.contact, conversation=conversation)

    @mutation
    async def unblock_contact(
        self, info: Info, input: UnblockContactInput
    ) -> UnblockContactPayload:
        """Unblock a contact: their conversation is where it was. One who is not blocked stays as
        they are, and what was quarantined stays so."""
        conversation = await block.unblock_contact(
            viewer_of(info), decode_id(input.contact_id, "Contact", "contactId")
        )
        return UnblockContactPayload(contact=conversation.contact, conversation=conversation)
