"""Contacts: finding, adding and editing them."""

from dataclasses import replace
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from models.layout import CONTACT
from models.records import ContactRow
from resolvers import contact as contacts
from resolvers import contact_details as details
from resolvers.access import get_contact
from resolvers.contact_duplicates import list_duplicates
from resolvers.contact_list import ContactSort, list_contacts
from resolvers.masking import is_echo
from schema.columns import layout_of, sourced
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.custom_field import CustomFieldValueInput, given_values
from schema.ids import decode_id, decode_optional_id
from schema.inbox_filter import InboxFilterInput, filter_of
from schema.objects.contact import Contact
from schema.payload import Payload, mutation, result


@strawberry.input
class CreateContactInput:
    """Who is to be added."""

    workspace_id: strawberry.ID
    """The workspace."""
    first_name: str
    """1 to 100 characters."""
    last_name: str = ""
    """At most 100 characters."""
    phone: str | None = None
    """In international form, such as +33612345678; unique in the workspace."""
    email: str | None = None
    """Unique in the workspace."""
    language: str | None = None
    """As BCP 47."""
    custom_fields: list[CustomFieldValueInput] | None = None
    """What they have in custom fields, each at most once."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateContactPayload(Payload):
    """The new contact."""

    contact: ContactRow | None = result(Contact)
    """The contact, whose conversation is in Closed."""


@strawberry.input
class UpdateContactInput:
    """What is to be changed; omitted fields stay, null clears."""

    contact_id: strawberry.ID
    """The contact."""
    first_name: str | None = UNSET
    """1 to 100 characters."""
    last_name: str | None = UNSET
    """At most 100 characters."""
    phone: str | None = UNSET
    """In international form, such as +33612345678; unique in the workspace. What is shown in place
    of a hidden number changes nothing."""
    email: str | None = UNSET
    """Unique in the workspace. What is shown in place of a hidden address changes nothing."""
    language: str | None = UNSET
    """As BCP 47."""
    custom_fields: list[CustomFieldValueInput] | None = None
    """What they are to have in custom fields, each at most once; all others stay as they are."""
    lifecycle_stage_id: strawberry.ID | None = UNSET
    """The lifecycle stage in which they are."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UpdateContactPayload(Payload):
    """The contact as it is now."""

    contact: ContactRow | None = result(Contact)
    """The changed contact; after a conflict, as it is now."""


def _details(input: CreateContactInput | UpdateContactInput) -> details.Details:
    given = {name: getattr(input, name) for name in details.DETAILS}
    return details.clean_details(
        **{name: value for name, value in given.items() if value is not UNSET}
    )


def _changes(input: UpdateContactInput) -> details.Details:
    given = _details(replace(input, **dict.fromkeys(_echoed(input), UNSET)))
    stage_id = input.lifecycle_stage_id
    if stage_id is UNSET:
        return given
    key = decode_optional_id(stage_id, "LifecycleStage", "lifecycleStageId")
    return details.in_stage(given, key)


def _echoed(input: UpdateContactInput) -> list[str]:
    """Return what a client gives back as it was shown in place of something hidden."""
    given = {name: getattr(input, name) for name in details.DETAILS}
    return [name for name, value in given.items() if value is not UNSET and is_echo(value)]


@strawberry.type
class Query:
    """Reading contacts."""

    @strawberry.field(graphql_type=Contact | None)
    async def contact(self, info: Info, id: strawberry.ID) -> ContactRow:
        """One contact; NOT_FOUND where the viewer sees none under this id."""
        return await get_contact(viewer_of(info), decode_id(id, "Contact"))

    @sourced(Connection[Contact], {"Contact": CONTACT})
    async def contacts(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        search: str | None = None,
        filter: InboxFilterInput | None = None,
        sort: ContactSort = ContactSort.NEWEST,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The contacts that the viewer may see. `search` looks for every word in name, phone and
        email, whatever its case and accents, and for the digits of a phone number however they are
        grouped; `filter` looks at a contact and its conversation."""
        page = await list_contacts(
            viewer_of(info),
            decode_id(workspace_id, "Workspace", "workspaceId"),
            page_request(first, after, last, before),
            search=search,
            conditions=filter_of(filter) if filter else None,
            sort=sort,
            layout=layout_of(info),
        )
        return connect(page)

    @sourced(Connection[Contact], {"Contact": CONTACT})
    async def duplicate_contacts(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The contacts who came with a phone number or an email address that another contact has,
        newest first: `Contact.duplicates` of each says with whom it could be merged. Only what the
        viewer may see, on both sides."""
        page = await list_duplicates(
            viewer_of(info),
            decode_id(workspace_id, "Workspace", "workspaceId"),
            page_request(first, after, last, before),
            layout=layout_of(info),
        )
        return connect(page)


@strawberry.type
class Mutation:
    """Adding and editing contacts."""

    @mutation
    async def create_contact(self, info: Info, input: CreateContactInput) -> CreateContactPayload:
        """Add a contact; their conversation is born in Closed."""
        contact = await contacts.create_contact(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            _details(input),
            values=given_values(input.custom_fields),
            idempotency_key=input.idempotency_key,
        )
        return CreateContactPayload(contact=contact)

    @mutation
    async def update_contact(self, info: Info, input: UpdateContactInput) -> UpdateContactPayload:
        """Edit a contact."""
        contact = await contacts.update_contact(
            viewer_of(info),
            decode_id(input.contact_id, "Contact", "contactId"),
            _changes(input),
            values=given_values(input.custom_fields),
            expected_version=input.expected_version,
        )
        return UpdateContactPayload(contact=contact)
