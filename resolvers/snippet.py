"""Snippets: texts and files that a workspace keeps to be sent again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.clock import now
from models.engine import sql
from models.folding import folded
from models.queries import Records, Where, read
from models.refusal import Code, Conflict, Refused
from models.snippet import SNIPPETS, Snippet, SnippetRecord
from realtime.events import WorkspaceSettingsChanged
from realtime.transaction import Announce, transaction
from resolvers.access import hold_workspace
from resolvers.attaching import attach, claim_for_snippet, said_with
from resolvers.batches import snippets_by_id
from resolvers.composed import check_text
from resolvers.contact_search import read_search, search_where
from resolvers.file_erasure import bury_files, files_of
from resolvers.idempotency import claim_key
from resolvers.names import NAME_LENGTH, check_name
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.rights import Right
from resolvers.viewer import Viewer, require
from resolvers.vocabulary import get_word, hold_word

FOLDED_LENGTH = 250
"""Folding makes several letters of some; only odd names come to more than twice their length."""
MAX_SNIPPETS = 5000
"""How many snippets a workspace has."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a snippet says, and under what; cleaned."""

    name: str
    topic: str | None
    text: str

    def columns(self) -> dict[str, Any]:
        """Return it as a row keeps it, with what it is found by."""
        parts = (self.name, self.topic or "", self.text)
        return {
            "name": self.name,
            "folded_name": folded(self.name),
            "topic": self.topic,
            "folded_topic": folded(self.topic) if self.topic is not None else None,
            "text": self.text,
            "search_text": folded(" ".join(part for part in parts if part)),
        }


def check_content(
    name: str | None, topic: str | None, text: str | None, *, has_files: bool = False
) -> Content:
    """Return a snippet without blanks around its name and topic; refuse what does not fit.

    A blank topic is none; text and files are what can be sent.
    """
    name, topic = check_name(name), (topic or "").strip()
    for field, value in (("name", name), ("topic", topic)):
        if len(value) > NAME_LENGTH or len(folded(value)) > FOLDED_LENGTH:
            raise Refused(
                Code.TOO_LONG, "At most {limit} characters.", field=(field,), limit=NAME_LENGTH
            )
    return Content(name, topic or None, check_text(text or "", has_files=has_files))


async def list_snippets(
    viewer: Viewer,
    workspace_id: int,
    request: PageRequest,
    *,
    search: str | None = None,
    prefix: str | None = None,
    topic: str | None = None,
) -> Page[SnippetRecord]:
    """Return snippets by name: those that have every word of a search in name, topic or text,
    whose name begins with a prefix, and of a topic. One statement."""
    require(viewer, workspace_id, Right.VIEW)
    where = Where("t.workspace_id = ?", (workspace_id,))
    where &= search_where(read_search(search), text="t.search_text", phone=None)
    if prefix:
        where &= Where("t.folded_name LIKE ? ESCAPE '!'", (f"{pattern(prefix)}%",))
    if topic is not None:
        where &= Where("t.folded_topic = ?", (folded(topic.strip()),))

    async def fetch(rest: str, *values: Any) -> list[SnippetRecord]:
        return await read(SNIPPETS, rest, *values)

    return await keyset_page(
        Records(fetch),
        where,
        request,
        alias="t",
        key="folded_name",
        descending=False,
        kind=str,
    )


def pattern(text: str) -> str:
    """Return a text, folded, as a part of a LIKE pattern with `!` before what means something."""
    escaped = folded(text[:NAME_LENGTH].lstrip())
    for sign in "!%_":
        escaped = escaped.replace(sign, f"!{sign}")
    return escaped


async def create_snippet(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    text: str = "",
    topic: str | None = None,
    attachment_ids: Sequence[int] = (),
    idempotency_key: str | None = None,
) -> SnippetRecord:
    """Keep a text and files; refuse a name that is taken, whatever its case and accents, and more
    than 5,000 of them."""
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        said = said_with([name, topic, text], attachment_ids)
        claim = await claim_key(viewer, workspace_id, "createSnippet", idempotency_key, said)
        if claim.first_result is not None:
            return await get_word(viewer, snippets_by_id, claim.first_result, "snippetId")
        content = check_content(name, topic, text, has_files=bool(attachment_ids))
        moment = now()
        await _check_free(workspace_id, content)
        await _check_room(workspace_id)
        files = await claim_for_snippet(viewer, workspace_id, attachment_ids)
        made = await Snippet.create(
            workspace_id=workspace_id,
            created_by_id=viewer.member_id(workspace_id),
            created_at=moment,
            updated_at=moment,
            **content.columns(),
        )
        attach("snippet", made.id, files, announce)
        await claim.remember(made.id)
        announce(WorkspaceSettingsChanged(workspace_id))
        return await get_word(viewer, snippets_by_id, made.id, "snippetId")


async def update_snippet(
    viewer: Viewer,
    snippet_id: int,
    changes: Mapping[str, str | None],
    *,
    attachment_ids: Sequence[int] | None = None,
    expected_version: int | None = None,
) -> SnippetRecord:
    """Change the given ones of `name`, `topic`, `text` and files; Conflict for another version.

    What was sent stays as it is.
    """
    async with transaction() as announce:
        snippet = await hold_word(viewer, snippets_by_id, snippet_id, "snippetId")
        if expected_version is not None and snippet.version != expected_version:
            raise Conflict(snippet)
        before = Content(snippet.name, snippet.topic, snippet.text)
        given = {"name": before.name, "topic": before.topic, "text": before.text} | dict(changes)
        had = await files_of("snippet", [snippet_id])
        files = had if attachment_ids is None else list(attachment_ids)
        content = check_content(given["name"], given["topic"], given["text"], has_files=bool(files))
        if content == before and files == had:
            return snippet
        await _check_free(snippet.workspace_id, content, except_id=snippet.id)
        if files != had:
            await _exchange(viewer, snippet, had, files, announce)
        await _write(snippet, content)
        announce(WorkspaceSettingsChanged(snippet.workspace_id))
        return await get_word(viewer, snippets_by_id, snippet_id, "snippetId")


async def delete_snippet(viewer: Viewer, snippet_id: int) -> int:
    """Delete a snippet for ever and return its id; what was sent stays as it is."""
    async with transaction() as announce:
        snippet = await hold_word(viewer, snippets_by_id, snippet_id, "snippetId")
        files = await files_of("snippet", [snippet_id])
        await sql.affected("DELETE FROM snippet WHERE id = ?", snippet.id)
        if files:
            await bury_files(files, announce)
        announce(WorkspaceSettingsChanged(snippet.workspace_id))
    return snippet_id


async def _exchange(
    viewer: Viewer,
    snippet: SnippetRecord,
    had: Sequence[int],
    wanted: Sequence[int],
    announce: Announce,
) -> None:
    """Have a held snippet have other files, or in another order; what was sent keeps its own."""
    files = await claim_for_snippet(viewer, snippet.workspace_id, wanted, kept=had)
    await sql.affected("DELETE FROM snippet_attachment WHERE snippet_id = ?", snippet.id)
    gone = set(had).difference(wanted)
    if gone:
        await bury_files(gone, announce)
    attach("snippet", snippet.id, files, announce)


async def _write(snippet: SnippetRecord, content: Content) -> None:
    """Have a held snippet say something else, in its next version."""
    await Snippet.filter(id=snippet.id).update(
        version=snippet.version + 1, updated_at=now(), **content.columns()
    )


async def _check_free(workspace_id: int, content: Content, *, except_id: int = 0) -> None:
    """Refuse a name that another snippet of a held workspace has."""
    others = await sql.records(
        "SELECT 1 FROM snippet WHERE workspace_id = ? AND folded_name = ? AND id <> ?",
        workspace_id,
        folded(content.name),
        except_id,
    )
    if others:
        raise Refused(Code.TAKEN, "Another snippet has this name.", field=("name",))


async def _check_room(workspace_id: int) -> None:
    """Refuse one snippet too many in a held workspace."""
    [[count]] = await sql.records(
        "SELECT COUNT(*) FROM snippet WHERE workspace_id = ?", workspace_id
    )
    if count >= MAX_SNIPPETS:
        raise Refused(
            Code.WRONG_STATE, "A workspace has at most {limit} snippets.", limit=MAX_SNIPPETS
        )
