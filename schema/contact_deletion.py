"""Deleting contacts."""

import strawberry

from models.records import ContactRow
from resolvers import contact_deletion
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.contact import Contact
from schema.payload import Payload, mutation, result


@strawberry.input
class DeleteContactInput:
    """Whom to delete."""

    contact_id: strawberry.ID
    """The contact."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class DeleteContactPayload(Payload):
    """What was deleted."""

    contact: ContactRow | None = result(Contact)
    """After a conflict, the contact as it is now; else null."""
    deleted_contact_id: strawberry.ID | None = None
    """The id of the contact who is gone; null where it was refused."""
    deleted_conversation_id: strawberry.ID | None = None
    """The id of their conversation, which is gone with them; null where it was refused."""


@strawberry.type
class Mutation:
    """Deleting contacts."""

    @mutation
    async def delete_contact(self, info: Info, input: DeleteContactInput) -> DeleteContactPayload:
        """Delete a contact for ever, with their conversation and all that is in it; for owners,
        and for managers without the restriction `CONTACT_DELETION`.

        From then on nobody sees any of it, what waits to be sent to them is not, and what is left
        in the database is erased soon after. Who writes again is a new contact.
        """
        contact_id, conversation_id = await contact_deletion.delete_contact(
            viewer_of(info),
            decode_id(input.contact_id, "Contact", "contactId"),
            expected_version=input.expected_version,
        )
        return DeleteContactPayload(
            deleted_contact_id=encode_id("Contact", contact_id),
            deleted_conversation_id=encode_id("Conversation", conversation_id),
        )
