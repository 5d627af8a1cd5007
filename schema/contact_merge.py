"""Merging contacts."""

import strawberry

from models.records import ContactRow, ConversationRow
from resolvers import contact_merge
from resolvers.merged_state import MergedDetail
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.contact import Contact
from schema.objects.conversation import Conversation
from schema.payload import Payload, mutation, result


@strawberry.input
class MergeContactsInput:
    """Which two contacts are one person."""

    contact_id: strawberry.ID
    """The contact who stays."""
    merged_contact_id: strawberry.ID
    """The contact who is merged into them and is no more."""
    take: list[MergedDetail] = strawberry.field(default_factory=list)
    """What is to be the merged contact's, where they have it; all else only where the one who
    stays has nothing."""
    expected_version: int | None = None
    """The version that the contact who stays must still have; omitted: any."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class MergeContactsPayload(Payload):
    """What the two have become."""

    contact: ContactRow | None = result(Contact)
    """The contact who stays; after a conflict, as they are now."""
    conversation: ConversationRow | None = result(Conversation)
    """Their conversation, with all that was in either."""
    merged_contact_id: strawberry.ID | None = None
    """The id of the contact who is no more; null where it was refused."""


@strawberry.type
class Mutation:
    """Merging contacts."""

    @mutation
    async def merge_contacts(self, info: Info, input: MergeContactsInput) -> MergeContactsPayload:
        """Merge a contact into another one, for ever; for those who may use `deleteContact`.

        Both timelines become one by their moments, numbered anew; channels, tags and custom fields
        come together, and what the contact who stays has wins. A channel keeps the identity by
        which the contact is known there. The conversation is open if either is, else snoozed if
        either is; who looks after it stays, or is the other one's where nobody does. What a
        member has not read stays unread, and what comes after it, too.
        """
        merged_id = decode_id(input.merged_contact_id, "Contact", "mergedContactId")
        conversation = await contact_merge.merge_contacts(
            viewer_of(info),
            decode_id(input.contact_id, "Contact", "contactId"),
            merged_id,
            taken=input.take,
            expected_version=input.expected_version,
            idempotency_key=input.idempotency_key,
        )
        return MergeContactsPayload(
            contact=conversation.contact,
            conversation=conversation,
            merged_contact_id=encode_id("Contact", merged_id),
        )
