"""Snippets: adding, changing and deleting those of a workspace."""

from collections.abc import Mapping

import strawberry
from strawberry.types.unset import UNSET

from models.snippet import SnippetRecord
from resolvers import snippet as snippets
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id, keys
from schema.objects.snippet import Snippet
from schema.payload import Payload, mutation, result


@strawberry.input
class CreateSnippetInput:
    """A text that is to be kept, perhaps with files."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters, unique in the workspace whatever the case and the accents."""
    text: str = ""
    """At most 7,000 characters; blank only with files."""
    attachment_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """Its files, at most 50, in their order: uploads of one's own that belong to nothing."""
    topic: str | None = None
    """What it is about: at most 100 characters; blank is none."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateSnippetPayload(Payload):
    """The new snippet."""

    snippet: SnippetRecord | None = result(Snippet)
    """The snippet."""


@strawberry.input
class UpdateSnippetInput:
    """What is to be changed; omitted fields stay, null clears."""

    snippet_id: strawberry.ID
    """The snippet."""
    name: str | None = UNSET
    """1 to 100 characters, unique in the workspace whatever the case and the accents."""
    text: str | None = UNSET
    """At most 7,000 characters; blank only with files."""
    attachment_ids: list[strawberry.ID] | None = UNSET
    """All its files, at most 50, in their order: those that it has already, and uploads of one's
    own that belong to nothing. What was sent keeps its files."""
    topic: str | None = UNSET
    """What it is about: at most 100 characters; blank is none."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UpdateSnippetPayload(Payload):
    """The snippet as it is now."""

    snippet: SnippetRecord | None = result(Snippet)
    """The changed snippet; after a conflict, as it is now."""


@strawberry.input
class DeleteSnippetInput:
    """Which snippet is to be deleted."""

    snippet_id: strawberry.ID
    """The snippet."""


@strawberry.type
class DeleteSnippetPayload(Payload):
    """What was deleted."""

    deleted_snippet_id: strawberry.ID | None = None
    """The id of the snippet that is gone; null where it was refused."""


def _changes(input: UpdateSnippetInput) -> Mapping[str, str | None]:
    given = {"name": input.name, "text": input.text, "topic": input.topic}
    return {name: value for name, value in given.items() if value is not UNSET}


def _files(input: UpdateSnippetInput) -> list[int] | None:
    given = input.attachment_ids
    return None if given is UNSET else keys(given or (), "Attachment")


@strawberry.type
class Mutation:
    """The snippets of a workspace."""

    @mutation
    async def create_snippet(self, info: Info, input: CreateSnippetInput) -> CreateSnippetPayload:
        """Keep a text with files, of at most 5,000; for owners and managers."""
        snippet = await snippets.create_snippet(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            text=input.text,
            topic=input.topic,
            attachment_ids=keys(input.attachment_ids, "Attachment"),
            idempotency_key=input.idempotency_key,
        )
        return CreateSnippetPayload(snippet=snippet)

    @mutation
    async def update_snippet(self, info: Info, input: UpdateSnippetInput) -> UpdateSnippetPayload:
        """Change a snippet; what was sent stays as it is. For owners and managers."""
        snippet = await snippets.update_snippet(
            viewer_of(info),
            decode_id(input.snippet_id, "Snippet", "snippetId"),
            _changes(input),
            attachment_ids=_files(input),
            expected_version=input.expected_version,
        )
        return UpdateSnippetPayload(snippet=snippet)

    @mutation
    async def delete_snippet(self, info: Info, input: DeleteSnippetInput) -> DeleteSnippetPayload:
        """Delete a snippet for ever; what was sent stays as it is. For owners and managers."""
        deleted = await snippets.delete_snippet(
            viewer_of(info), decode_id(input.snippet_id, "Snippet", "snippetId")
        )
        return DeleteSnippetPayload(deleted_snippet_id=encode_id("Snippet", deleted))
