"""Search: contacts, messages and comments at once; that of one conversation is its own field."""

import strawberry

from resolvers import search as searches
from resolvers.search import SearchKind
from schema.connection import Connection, page_request
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.search import SearchResult, connect_finds


@strawberry.type
class Query:
    """Searching."""

    @strawberry.field
    async def search(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        text: str,
        kinds: list[SearchKind] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[SearchResult]:
        """The contacts, messages and comments that the viewer may see and that have every word of
        `text`, 1 to 200 characters, whatever its case and accents. In messages and comments a word
        of three letters or more is also found as a beginning, in contacts any part of a name, a
        phone number or an email address; digits are found however a number is grouped. First comes
        what has the very words, then what has them as beginnings side by side, each with contacts
        first and the newest before the others; of each kind the newest 500 are ranked. Who sees
        no phone numbers or no email addresses finds contacts by their names alone. TOO_BROAD where
        it would take more than 2 seconds, and RATE_LIMITED where too many search at once."""
        key = decode_id(workspace_id, "Workspace", "workspaceId")
        request = page_request(first, after, None, None)
        page = await searches.search(viewer_of(info), key, request, text=text, kinds=kinds)
        return connect_finds(page, info.context.masking(key))
