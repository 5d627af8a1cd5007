"""Suggestions: what a composer offers while somebody types after `/`, `$` or `@`."""

from enum import Enum

from models.folding import folded
from models.queries import read, read_members
from models.records import ConversationRecord, MemberRecord
from models.snippet import SNIPPETS, SnippetRecord
from resolvers.access import get_conversation, sees
from resolvers.snippet import pattern
from resolvers.variables import Variable, called, variables_of_workspaces
from resolvers.viewer import Viewer, as_viewer

MOST = 20
"""How many are offered at once."""


class SuggestionTrigger(Enum):
    """What was typed, and so what is looked for."""

    SNIPPET = "SNIPPET"
    """`/`: snippets."""
    VARIABLE = "VARIABLE"
    """`$`: variables."""
    MENTION = "MENTION"
    """`@`: members who see the contact."""


Suggestion = SnippetRecord | Variable | MemberRecord


def rank(name: str, typed: str) -> int | None:
    """Return how well a name fits what was typed, both folded: 0 where it begins with it, 1 where
    a later word does; None where nothing does."""
    if name.startswith(typed):
        return 0
    return 1 if f" {typed}" in name else None


async def composer_suggestions(
    viewer: Viewer, conversation_id: int, *, trigger: SuggestionTrigger, text: str, language: str
) -> list[Suggestion]:
    """Return at most 20, those first whose name begins with the text; two statements.

    Variables are found by what they are called in a language, too.
    """
    conversation = await get_conversation(viewer, conversation_id)
    typed = folded(text.strip())[:100]
    if trigger is SuggestionTrigger.SNIPPET:
        return [*await _snippets(conversation.workspace_id, text)]
    if trigger is SuggestionTrigger.VARIABLE:
        return [*await _variables(conversation.workspace_id, typed, language)]
    return [*await _members(conversation, typed)]


async def _snippets(workspace_id: int, text: str) -> list[SnippetRecord]:
    typed = pattern(text)
    begins, follows = f"{typed}%", f"% {typed}%"
    return await read(
        SNIPPETS,
        "WHERE t.workspace_id = ? AND (t.folded_name LIKE ? ESCAPE '!'"
        " OR t.folded_name LIKE ? ESCAPE '!')"
        " ORDER BY CASE WHEN t.folded_name LIKE ? ESCAPE '!' THEN 0 ELSE 1 END, t.folded_name"
        f" LIMIT {MOST}",
        workspace_id,
        begins,
        follows,
        begins,
    )


async def _variables(workspace_id: int, typed: str, language: str) -> list[Variable]:
    """Return variables by all of their name, the part behind the dot, or what they are called."""
    found = (await variables_of_workspaces([workspace_id]))[workspace_id]
    ranked = []
    for place, one in enumerate(found):
        key, label = folded(one.key), folded(called(one, language))
        ranks = (rank(key, typed), rank(key.partition(".")[2], typed), rank(label, typed))
        if found_in := [where for where, found_as in enumerate(ranks) if found_as is not None]:
            ranked.append((found_in[0], place, one))
    return [one for _, _, one in sorted(ranked, key=lambda row: row[:2])[:MOST]]


async def _members(conversation: ConversationRecord, typed: str) -> list[MemberRecord]:
    """Return members by name: of those who may see the conversation."""
    rows = await read_members(
        "WHERE m.workspace_id = ? AND m.is_active = ?", conversation.workspace_id, True
    )
    ranked = []
    for row in rows:
        name = folded(row.user.name)
        where = rank(name, typed)
        if where is not None and sees(as_viewer(row), conversation):
            ranked.append((where, name, row.id, row))
    return [row for *_, row in sorted(ranked, key=lambda row: row[:3])[:MOST]]
