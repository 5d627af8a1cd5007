"""The contract keeps its word: nothing goes that was not deprecated before."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from graphql import GraphQLSchema
from graphql import build_schema as read_sdl
from graphql.utilities import find_breaking_changes

from schema.root import build_schema

SDL = Path(__file__).parent.parent / "schema/schema.graphql"


def is_deprecated(old: GraphQLSchema, place: str) -> bool:
    """Tell whether the old contract had announced that `Type.field` or `Enum.VALUE` would go."""
    kind_name, _, name = place.partition(".")
    kind = old.type_map.get(kind_name)
    members = getattr(kind, "fields", None) or getattr(kind, "values", {})
    return bool(name in members and members[name].deprecation_reason)


def place_of(description: str) -> str:
    """Return the first `Type.member` that a description of a change names."""
    found = re.search(r"\w+\.\w+", description)
    return found.group() if found else ""


def broken_promises(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """Return what the new contract takes away that the old one had not deprecated."""
    return [
        change.description
        for change in find_breaking_changes(old, new)
        if not is_deprecated(old, place_of(change.description))
    ]


def released() -> str | None:
    """Return the SDL of the last release: of the newest tag that has one."""
    tags = ["git", "tag", "--list", "v*", "--sort=-v:refname"]
    found = subprocess.run(tags, cwd=SDL.parent, capture_output=True, text=True)
    for tag in found.stdout.split():
        shown = ["git", "show", f"{tag}:schema/schema.graphql"]
        sdl = subprocess.run(shown, cwd=SDL.parent, capture_output=True, text=True)
        if sdl.returncode == 0:
            return sdl.stdout
    return None


def committed() -> str | None:
    """Return the SDL of the last commit; None where there is no repository."""
    shown = ["git", "show", "HEAD:schema/schema.graphql"]
    sdl = subprocess.run(shown, cwd=SDL.parent, capture_output=True, text=True)
    return sdl.stdout if sdl.returncode == 0 else None


@pytest.mark.parametrize("earlier", [committed, released])
def test_nothing_goes_without_having_been_deprecated(
    earlier: Callable[[], str | None],
) -> None:
    sdl = earlier()
    if sdl is not None:
        assert broken_promises(read_sdl(sdl), build_schema()._schema) == []


def test_what_breaks_is_seen_and_what_was_announced_may_go() -> None:
    old = read_sdl('type Query { old: Int @deprecated(reason: "Use `new`.") kept: Int new: Int }')
    new = read_sdl("type Query { new: Int }")
    assert broken_promises(old, new) == ["Field Query.kept was removed."]
    assert broken_promises(old, old) == []
    turned = read_sdl("type Query { old: Int kept: String new: Int }")
    assert broken_promises(old, turned) == ["Field Query.kept changed type from Int to String."]


def test_a_deprecation_says_what_to_use_and_until_when() -> None:
    for reason in re.findall(r'@deprecated\(reason: "(.*)"\)', SDL.read_text()):
        assert re.fullmatch(r"Use `\w+`\. Removal on \d{4}-\d{2}-\d{2}\.", reason)
