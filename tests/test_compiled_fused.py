"""Fused selections: only what is asked for is read, and a comparison sees every guard."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLObjectType

from models.engine import sql
from models.layout import ACTIVITY, COMMENT, CONTACT, CONVERSATION, MESSAGE, Source
from schema.columns import GLOBAL_ID, JOINED, NEEDS, PATH
from schema.compiled import fused, run
from schema.compiled.fused import Fuser
from schema.compiled.plan import BACKREF, Choices
from tests.twins import Stage, Twins, counted_executions, make_stage, schema_of
from tests.world import Api, World

ROWS = {
    "Conversation": CONVERSATION,
    "Contact": CONTACT,
    "Message": MESSAGE,
    "Activity": ACTIVITY,
    "AiAgent": CONVERSATION.joins["ai_agent"].source,
    "Comment": COMMENT,
    "Member": CONVERSATION.joins["assignee"].source,
    "User": CONVERSATION.joins["assignee"].source.joins["user"].source,
}
"""The types of the hot lists, and where their rows are read."""
PAGE = """query ($id: ID!) { inbox(id: $id) { conversations(first: 100) {
  edges { cursor node { id status lastMessageAt closedAt unrepliedSince version unreadCount
    contact { id name phone { display } isCallable createdAt channels { externalId } }
    assignee { __typename ... on Member { id name isActive role user { email } team { name } }
      ... on AiAgent { id key: name isActive createdAt } }
    lastMessage { id direction text author { __typename ... on Member { name }
      ... on Contact { name } } }
    composer { restriction canTakeOver } snooze { until by { name } } viewerCanClose
    episodes(first: 2) { openedAt }
    timeline(last: 8) { nodes { __typename ... on Message { seq text author { __typename } }
      ... on Comment { seq said: text version editedAt deletedAt author { name } mentions { name }
        history { version text writtenAt } viewerCanEdit }
      ... on Activity { seq kind actor { name } team { name } until
        assignee { __typename ... on Member { name } ... on AiAgent { name isActive } } } } } }
  } } } }"""


@pytest.mark.parametrize("name", ROWS)
def test_every_field_of_a_hot_list_says_what_it_needs(name: str) -> None:
    kind = schema_of(compiled=True)._schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    source = ROWS[name]
    for field in kind.fields.values():
        declared = field.extensions[BACKREF]
        metadata = declared.metadata or {}
        if {GLOBAL_ID, PATH, JOINED} & set(metadata):
            assert all(_is_there(source, path) for path in _paths(metadata))
        else:
            plain = (declared.python_name,) if declared.base_resolver is None else None
            needs = metadata.get(NEEDS, plain)
            assert needs is not None, f"{name}.{declared.python_name}"
            assert set(needs) <= set(source.table.hints), f"{name}.{declared.python_name}"


def _paths(metadata: Any) -> list[str]:
    paths = [f"{join}.id" for join in (metadata.get(JOINED) or {}).values()]
    return paths + ([metadata[PATH]] if PATH in metadata else [])


def _is_there(source: Source, path: str) -> bool:
    *joins, column = path.split(".")
    for join in joins:
        if join not in source.joins:
            return True  # joined only where it is the list's own row
        source = source.joins[join].source
    return column in source.table.hints


@pytest.mark.parametrize(
    ("selection", "tables", "columns"),
    [
        ("status", "", "c.status"),
        ("contact { id }", "contact", "ct.id"),
        (
            "contact { name }",
            "contact",
            "ct.id ct.first_name ct.last_name ct.email ct.phone"
            " ct.given_email ct.given_phone ct.workspace_id",
        ),
        ("assignee { ... on Member { name } }", "member account ai_agent", "m.id mu.name ai.id"),
        ("assignee { ... on AiAgent { name } }", "member ai_agent", "m.id ai.id ai.name"),
        ("lastMessage { text }", "message", "lm.id lm.kind lm.text lm.full_text lm.workspace_id"),
        ("team { name }", "", "c.team_id"),
    ],
)
async def test_only_what_is_selected_is_read(
    api: Api, world: World, selection: str, tables: str, columns: str
) -> None:
    await world.hear()
    document = (
        f"query ($id: ID!) {{ inbox(id: $id) {{ conversations {{ nodes {{ {selection} }} }} }} }}"
    )
    stage_id = (await api.ask(world.owner, "{ workspaces { inboxes { id } } }"))["workspaces"][0]
    with sql.count_statements() as counter:
        await api.ask(world.owner, document, id=stage_id["inboxes"][0]["id"])
    [page] = [one for one in counter.statements if "FROM conversation c" in one]
    listed, _, rest = page.partition(" FROM ")
    joined = [part.split()[0] for part in rest.partition(" WHERE ")[0].split("JOIN ")[1:]]
    assert joined == tables.split()
    read = set(re.findall(r"\b[a-z]+\.[a-z_]+", listed))
    assert read == {*columns.split(), "c.last_message_at", "c.id"}
    assert page.endswith(" LIMIT 26")


def joined_without_presence(self: Fuser, one: Any, path: Any, rows: Any, level: Any) -> str:
    name, join = next(iter(rows.items()))
    made, inner = self._object(fused._choose(one.shape, name), (*path, join), one.key)
    level.inner.append(inner)
    return made


def decoded_as_it_comes(self: Fuser, path: Any, column: str) -> str:
    return self._place(path, column)


def value_with_nothing_beside(self: Fuser, one: Any, selection: Any, path: Any, *rest: Any) -> str:
    if one.node.name.value == "lastMessageAt":
        return self._column(one, path, "last_message_at")
    return VALUE(self, one, selection, path, *rest)


def the_first_rows(level: Any, rows: Any, answers: Any) -> Any:
    held = list(PRESENT(level, rows, answers))
    return [(rows[0], answer) for _, answer in held]


def the_first_type(self: Choices, row: Any) -> Any:
    return next(iter(self.by_name.values())) if self.by_name else OF(self, row)


VALUE, PRESENT, OF = Fuser._value, fused.present, Choices.of
GUARDS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "presence of a joined row": (Fuser, "_joined", joined_without_presence),
    "values as resolvers know them": (Fuser, "_decoded", decoded_as_it_comes),
    "null beside a null": (Fuser, "_value", value_with_nothing_beside),
    "each answer to its own row": (run, "present", the_first_rows),
    "the type that a row says": (Choices, "of", the_first_type),
}


async def differs(api: Api, stage: Stage) -> bool:
    """Tell whether a page is answered otherwise than by graphql-core, or only by it."""
    schema_of.cache_clear()
    twins = Twins(api.hub)
    try:
        with pytest.MonkeyPatch.context() as patch, counted_executions(patch) as counts:
            for inbox in stage.ids["StandardInbox"]:
                await twins.compare(stage.world.owner, PAGE, {"id": inbox})
    except AssertionError:
        return True
    finally:
        schema_of.cache_clear()
    return counts.left > 0


async def test_without_a_guard_the_comparison_is_red(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await make_stage(api, world)
    assert not await differs(api, stage)
    red = set()
    for name, (place, attribute, weaker) in GUARDS.items():
        with monkeypatch.context() as patched:
            patched.setattr(place, attribute, weaker)
            if await differs(api, stage):
                red.add(name)
    assert red == set(GUARDS)
