"""A contact: a customer of the workspace."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.records import ContactRow
from resolvers import batches
from resolvers.contact_duplicates import duplicates_of_contacts
from resolvers.masking import HIDDEN, display_name, email_of, full_name, phone_of, shown_name
from resolvers.rights import Right
from resolvers.viewer import Viewer
from resolvers.vocabulary import (
    field_values_of_contacts,
    lifecycle_stages_by_id,
    tags_of_contacts,
)
from schema.columns import derived
from schema.context import Info, viewer_of
from schema.objects.channel import ContactChannel
from schema.objects.custom_field import CustomFieldValue
from schema.objects.lifecycle_stage import LifecycleStage
from schema.objects.masked_string import MaskedString, masked_string
from schema.objects.node import Node, global_id
from schema.objects.tag import Tag
from schema.relation import relation

if TYPE_CHECKING:
    from schema.objects.conversation import Conversation


@strawberry.type
class Contact(Node):
    """A customer, with one lasting conversation."""

    id: strawberry.ID = global_id("Contact")
    language: str | None
    """The language they write in, as BCP 47; null if nobody knows it."""
    version: int
    """Counts the edits; give it as `expectedVersion` to lose nobody's change."""
    created_at: datetime
    """When they became known."""

    @derived("first_name", "workspace_id")
    def first_name(root: strawberry.Parent[ContactRow], info: Info) -> str:
        """The first name; empty if nobody knows it. What may be a number in it is hidden from who
        sees no numbers."""
        return shown_name(root.first_name, info.context.masking(root.workspace_id))

    @derived("last_name", "workspace_id")
    def last_name(root: strawberry.Parent[ContactRow], info: Info) -> str:
        """The last name; empty if nobody knows it. What may be a number in it is hidden from who
        sees no numbers."""
        return shown_name(root.last_name, info.context.masking(root.workspace_id))

    @derived(
        "first_name",
        "last_name",
        "email",
        "phone",
        "given_email",
        "given_phone",
        "workspace_id",
        plain=full_name,
    )
    def name(root: strawberry.Parent[ContactRow], info: Info) -> str:
        """The name to show: first and last name, else the email address or the phone number, as
        far as the viewer may see them."""
        return display_name(root, info.context.masking(root.workspace_id))

    @derived("phone", "given_phone", "workspace_id")
    def phone(root: strawberry.Parent[ContactRow], info: Info) -> MaskedString | None:
        """The phone number in E.164; null if nobody knows it."""
        return masked_string(
            phone_of(root), is_hidden=info.context.masking(root.workspace_id).phones
        )

    @derived("email", "given_email", "workspace_id")
    def email_address(root: strawberry.Parent[ContactRow], info: Info) -> MaskedString | None:
        """The email address in lower case; null if nobody knows it."""
        return masked_string(
            email_of(root), is_hidden=info.context.masking(root.workspace_id).emails
        )

    @derived("email", "given_email", "workspace_id")
    def email(root: strawberry.Parent[ContactRow], info: Info) -> str | None:
        """The email address as it is to be shown, the `display` of `emailAddress`; null if nobody
        knows it."""
        email = email_of(root)
        is_hidden = info.context.masking(root.workspace_id).emails
        return HIDDEN if email is not None and is_hidden else email

    @derived("phone", "given_phone", "workspace_id")
    def is_callable(root: strawberry.Parent[ContactRow], info: Info) -> bool:
        """Whether there is a number that the viewer can call."""
        is_hidden = info.context.masking(root.workspace_id).phones
        return phone_of(root) is not None and not is_hidden

    @derived("country", "workspace_id")
    def country(root: strawberry.Parent[ContactRow], info: Info) -> str | None:
        """The country, as ISO 3166-1 alpha-2, from the phone number or the channel; null if
        unknown, and for who does not see phone numbers."""
        return None if info.context.masking(root.workspace_id).phones else root.country

    @derived("picture_url", "workspace_id")
    def picture_url(root: strawberry.Parent[ContactRow], info: Info) -> str | None:
        """The profile picture given by the channel; null if there is none, and for who does not
        see phone numbers or email addresses: the channel may have put them into its address."""
        return None if info.context.masking(root.workspace_id).is_any else root.picture_url

    @derived("phone", "given_phone", "workspace_id")
    def call_url(root: strawberry.Parent[ContactRow], info: Info) -> str | None:
        """The `tel:` link that opens the dialler; null where there is no number that the viewer
        can call."""
        phone, is_hidden = phone_of(root), info.context.masking(root.workspace_id).phones
        return None if phone is None or is_hidden else f"tel:{phone}"

    @relation(bool, batches.blocked_contacts, then=lambda _, blocked: bool(blocked), needs=("id",))
    def is_blocked(root: strawberry.Parent[ContactRow]) -> int:
        """Whether they are blocked: their conversation is frozen, and in no standard inbox."""
        return root.id

    @relation(
        list[ContactChannel],
        batches.channels_of_contacts,
        then=lambda _, found: found or [],
        needs=("id",),
    )
    def channels(root: strawberry.Parent[ContactRow]) -> int:
        """Where the contact is reached, the channel used last first."""
        return root.id

    @relation(list[Tag], tags_of_contacts, then=lambda _, found: found or [], needs=("id",))
    def tags(root: strawberry.Parent[ContactRow]) -> int:
        """The tags, by name; at most 50."""
        return root.id

    @relation(LifecycleStage | None, lifecycle_stages_by_id, needs=("lifecycle_stage_id",))
    def lifecycle_stage(root: strawberry.Parent[ContactRow]) -> int | None:
        """How far they have come on the way to being a customer; null if they are in no stage."""
        return root.lifecycle_stage_id

    @relation(
        list[CustomFieldValue],
        field_values_of_contacts,
        then=lambda _, found: found or [],
        needs=("id",),
    )
    def custom_fields(root: strawberry.Parent[ContactRow]) -> int:
        """What they have in custom fields, by the fields' names; what is empty is left out."""
        return root.id

    @relation(
        Annotated["Conversation", strawberry.lazy("schema.objects.conversation")],
        batches.conversations_by_contact,
        needs=("id",),
    )
    def conversation(root: strawberry.Parent[ContactRow]) -> int:
        """The contact's one lasting conversation."""
        return root.id

    @relation(
        list[Annotated["Contact", strawberry.lazy("schema.objects.contact")]],
        duplicates_of_contacts,
        then=lambda _, found: found or [],
        needs=("id", "workspace_id"),
    )
    def duplicates(root: strawberry.Parent[ContactRow], info: Info) -> tuple[Viewer, int, int]:
        """Perhaps the same person, the oldest first: contacts whom the viewer may see that have or
        came with the same phone number or email address. At most 20 come with what one has."""
        return (viewer_of(info), root.workspace_id, root.id)

    @derived("workspace_id")
    def viewer_can_edit(root: strawberry.Parent[ContactRow], info: Info) -> bool:
        """Whether the viewer may use `updateContact`, `tagContact` and `untagContact`."""
        return info.context.may(root.workspace_id, Right.EDIT_CONTACTS)

    @derived("workspace_id")
    def viewer_can_delete(root: strawberry.Parent[ContactRow], info: Info) -> bool:
        """Whether the viewer may use `deleteContact`."""
        return info.context.may(root.workspace_id, Right.DELETE_CONTACTS)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ContactRow)
