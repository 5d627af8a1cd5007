"""Tags: adding and changing those of a workspace, and putting them on contacts."""

import strawberry

from models.records import ContactRow
from models.tag import Tag as TagRow
from resolvers import tag as tags
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.contact import Contact
from schema.objects.tag import Tag
from schema.payload import Payload, mutation, result


@strawberry.input
class CreateTagInput:
    """A tag that is to be added."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters, unique in the workspace whatever the case."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateTagPayload(Payload):
    """The new tag."""

    tag: TagRow | None = result(Tag)
    """The tag."""


@strawberry.input
class UpdateTagInput:
    """How a tag is to be called."""

    tag_id: strawberry.ID
    """The tag."""
    name: str
    """1 to 100 characters, unique in the workspace whatever the case."""


@strawberry.type
class UpdateTagPayload(Payload):
    """The tag as it is now."""

    tag: TagRow | None = result(Tag)
    """The changed tag."""


@strawberry.input
class DeleteTagInput:
    """Which tag is to be deleted."""

    tag_id: strawberry.ID
    """The tag."""


@strawberry.type
class DeleteTagPayload(Payload):
    """What was deleted."""

    deleted_tag_id: strawberry.ID | None = None
    """The id of the tag that is gone; null where it was refused."""


@strawberry.input
class TagContactInput:
    """Which tags to put on a contact."""

    contact_id: strawberry.ID
    """The contact."""
    tag_ids: list[strawberry.ID]
    """At most 50 tags of the workspace; those that the contact has already stay."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class TagContactPayload(Payload):
    """The contact as it is now."""

    contact: ContactRow | None = result(Contact)
    """The tagged contact; after a conflict, as it is now."""


@strawberry.input
class UntagContactInput:
    """Which tags to take off a contact."""

    contact_id: strawberry.ID
    """The contact."""
    tag_ids: list[strawberry.ID]
    """At most 50 tags of the workspace; those that the contact does not have change nothing."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UntagContactPayload(Payload):
    """The contact as it is now."""

    contact: ContactRow | None = result(Contact)
    """The contact without the tags; after a conflict, as it is now."""


def _tag_ids(input: TagContactInput | UntagContactInput) -> list[int]:
    return [decode_id(key, "Tag", "tagIds") for key in input.tag_ids]


@strawberry.type
class Mutation:
    """The tags of a workspace, and those of its contacts."""

    @mutation
    async def create_tag(self, info: Info, input: CreateTagInput) -> CreateTagPayload:
        """Add a tag, of at most 1,000; for owners and managers."""
        tag = await tags.create_tag(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            idempotency_key=input.idempotency_key,
        )
        return CreateTagPayload(tag=tag)

    @mutation
    async def update_tag(self, info: Info, input: UpdateTagInput) -> UpdateTagPayload:
        """Rename a tag, on every contact that has it; for owners and managers."""
        tag = await tags.update_tag(
            viewer_of(info), decode_id(input.tag_id, "Tag", "tagId"), name=input.name
        )
        return UpdateTagPayload(tag=tag)

    @mutation
    async def delete_tag(self, info: Info, input: DeleteTagInput) -> DeleteTagPayload:
        """Take a tag off every contact, for ever; for owners and managers."""
        deleted = await tags.delete_tag(viewer_of(info), decode_id(input.tag_id, "Tag", "tagId"))
        return DeleteTagPayload(deleted_tag_id=encode_id("Tag", deleted))

    @mutation
    async def tag_contact(self, info: Info, input: TagContactInput) -> TagContactPayload:
        """Put tags on a contact, who has at most 50; what changes nothing raises no version."""
        contact = await tags.tag_contact(
            viewer_of(info),
            decode_id(input.contact_id, "Contact", "contactId"),
            _tag_ids(input),
            expected_version=input.expected_version,
        )
        return TagContactPayload(contact=contact)

    @mutation
    async def untag_contact(self, info: Info, input: UntagContactInput) -> UntagContactPayload:
        """Take tags off a contact; what changes nothing raises no version."""
        contact = await tags.untag_contact(
            viewer_of(info),
            decode_id(input.contact_id, "Contact", "contactId"),
            _tag_ids(input),
            expected_version=input.expected_version,
        )
        return UntagContactPayload(contact=contact)
