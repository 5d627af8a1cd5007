"""The laws of the house: where things are, what they are called, and how large they grow."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.descriptions import attribute_docs
from schema.root import TOPICS, build_schema
from settings import Settings

ROOT = Path(__file__).parent.parent
ENTRIES = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "app.py",
    "benchmarks",
    "cli.py",
    "connectors",
    "demo",
    "docs",
    "models",
    "pyproject.toml",
    "realtime",
    "requirements-dev.lock",
    "requirements.lock",
    "resolvers",
    "schema",
    "settings.py",
    "tests",
    "web",
}
MADE_BY_TOOLS = ("build", "dist", "*.egg-info", "*.db*", "__pycache__")
PRODUCT = ("connectors", "demo", "models", "realtime", "resolvers", "schema", "web")
MODULE_LINES = 300
FUNCTION_LINES = 40
GENERATED = "models/migrations"
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "misc", "base", "lib"}
STANDARD_NAMES = {"connectors/http.py"}
"""What bears a name of the standard library: never imported but as `connectors.http`."""
WITHOUT_RESOLVER = {"event"}
"""Topics that only read what `realtime` holds."""
SLEEPS = {
    "tests/servers.py": "waits for programs that have no way to tell that they started or stopped",
    "tests/streaming.py": "the pause between two tries of something that is repeated until a fact",
    "tests/waiting.py": "the pause between two looks for a fact, with a deadline",
}
"""Where tests may sleep, and why; `sleep(0)`, which only lets others run, is free."""
ROWS = {
    "Activity",
    "ApiKey",
    "Attachment",
    "Channel",
    "ClosingNoteCategory",
    "Comment",
    "Contact",
    "ContactChannel",
    "Conversation",
    "CustomField",
    "Episode",
    "Invitation",
    "LifecycleStage",
    "Member",
    "Message",
    "Snippet",
    "Tag",
    "Team",
    "Transfer",
    "Workspace",
}
"""The tables whose rows are somebody's and hidden from others."""
QUERIES = {"all", "exclude", "exists", "filter", "first", "get", "get_or_none", "in_bulk", "raw"}
OWN_QUERIES = {
    "api_key.create_api_key: ApiKey": "the result of the viewer's own idempotency key",
    "api_key.revoke_api_key: ApiKey": "compared with the viewer's memberships, then `require`",
    "node._activities: Activity": "only those whose conversation is visible are returned",
    "node._contact_channels: ContactChannel": "only those whose contact is visible are returned",
    "node._episodes: Episode": "only those whose conversation is visible are returned",
    "node._workspaces: Workspace": "only ids among the viewer's memberships",
}
"""Where a function that is given a viewer asks for rows by itself, and why it may."""
WAITING = {"create_task", "ensure_future", "gather", "wait_for", "to_thread", "sleep", "load"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    """Return every module, or those in folders; neither generated ones nor the environment's."""
    found = [path for path in ROOT.glob("*.py") if not folders]
    for folder in folders or (*PRODUCT, "benchmarks", "tests"):
        found += (ROOT / folder).rglob("*.py")
    return sorted(path for path in found if not name_of(path).startswith(GENERATED))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def called(node: ast.AST) -> Iterator[str]:
    """Yield the last name of everything that is called within a node."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Attribute):
                yield inner.func.attr
            elif isinstance(inner.func, ast.Name):
                yield inner.func.id


def public(body: list[ast.stmt]) -> Iterator[Function]:
    """Yield the public functions of a module and of its public classes."""
    for node in body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public(node.body)


def test_nothing_stands_beside_what_the_house_has() -> None:
    standing = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and not any(map(path.match, MADE_BY_TOOLS))
    }
    assert standing - ENTRIES == set()


@pytest.mark.parametrize("topic", [topic.__name__.split(".")[-1] for topic in TOPICS])
def test_a_topic_has_the_same_stem_everywhere(topic: str) -> None:
    assert (ROOT / f"schema/{topic}.py").is_file()
    assert (ROOT / f"resolvers/{topic}.py").is_file() is (topic not in WITHOUT_RESOLVER)
    if topic not in ("node", "event"):
        assert list((ROOT / "tests").glob(f"test_{topic}*.py"))


@pytest.mark.parametrize("topic", [t for t in TOPICS if hasattr(t, "Mutation")])
def test_a_mutation_is_named_like_its_resolver(topic: object) -> None:
    stem = str(getattr(topic, "__name__", "")).split(".")[-1]
    declared = {
        function.name
        for node in tree_of(ROOT / f"schema/{stem}.py").body
        if isinstance(node, ast.ClassDef) and node.name == "Mutation"
        for function in public(node.body)
    }
    done = {function.name for function in public(tree_of(ROOT / f"resolvers/{stem}.py").body)}
    assert declared
    assert declared - done == set()


def test_every_mutation_and_subscription_is_named_by_a_test() -> None:
    schema = build_schema()._schema
    assert schema.mutation_type is not None
    assert schema.subscription_type is not None
    texts = "".join(path.read_text() for path in modules("tests") if path != Path(__file__))
    named = [*schema.mutation_type.fields, *schema.subscription_type.fields]
    assert [name for name in named if not re.search(rf"\b{name}\b", texts)] == []


def test_the_readme_says_where_each_action_is() -> None:
    index = [line for line in (ROOT / "README.md").read_text().splitlines() if line[:3] == "| `"]
    rows = {line.split("`")[1]: line for line in index}
    schema = build_schema()._schema
    missing = [
        f"{stem}: {name}"
        for topic in TOPICS
        for stem in [topic.__name__.split(".")[-1]]
        for kind in ("Query", "Mutation", "Subscription")
        if hasattr(topic, kind)
        for field in getattr(topic, kind).__strawberry_definition__.fields
        for name in [schema_name(field.name)]
        if f"`{name}`" not in rows.get(stem, "")
    ]
    assert schema.query_type is not None
    assert missing == []


def schema_name(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)


def test_a_module_can_be_read_in_a_sitting() -> None:
    wrong = []
    for path in modules():
        text = path.read_text()
        tree = ast.parse(text)
        if len(text.splitlines()) > MODULE_LINES:
            wrong.append(f"{name_of(path)} has more than {MODULE_LINES} lines")
        first = (ast.get_docstring(tree) or "").split("\n")[0]
        if text and not first.endswith((".", "?")):
            wrong.append(f"{name_of(path)} does not open with one sentence")
        wrong += [
            f"{name_of(path)}: {function.name} has more than {FUNCTION_LINES} lines"
            for function in functions(tree)
            if (function.end_lineno or 0) - function.lineno >= FUNCTION_LINES
        ]
    assert wrong == []


def test_a_module_has_a_telling_name() -> None:
    paths = {name_of(path): path for path in modules(*PRODUCT)}
    vague = [name for name, path in paths.items() if VAGUE & {path.stem, *Path(name).parts}]
    standard = {name for name, path in paths.items() if path.stem in sys.stdlib_module_names}
    assert vague == []
    assert standard == STANDARD_NAMES


def test_public_functions_say_what_they_do() -> None:
    undocumented = [
        f"{name_of(path)}: {function.name}"
        for path in modules(*PRODUCT)
        for function in public(tree_of(path).body)
        if ast.get_docstring(function) is None and ast.unparse(function.body[0]) != "..."
    ]
    assert undocumented == []


def test_a_test_waits_for_a_fact() -> None:
    sleeping = {
        name_of(path)
        for path in modules("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("sleep")
        and [ast.unparse(argument) for argument in node.args] != ["0"]
    }
    assert sleeping == set(SLEEPS)


def test_who_is_given_a_viewer_gets_rows_from_access() -> None:
    found = set()
    for path in modules("resolvers"):
        if path.stem in ("access", "batches"):
            continue
        for function in functions(tree_of(path)):
            if "viewer" not in [argument.arg for argument in function.args.args]:
                continue
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Attribute)
                    and node.attr in QUERIES
                    and isinstance(node.value, ast.Name)
                    and node.value.id in ROWS
                ):
                    found.add(f"{path.stem}.{function.name}: {node.value.id}")
    assert found == set(OWN_QUERIES)


def test_nothing_waits_for_a_task_or_the_network_inside_a_transaction() -> None:
    found = []
    for path in modules("resolvers", "realtime"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.AsyncWith) and any(
                ast.unparse(item.context_expr) == "transaction()" for item in node.items
            ):
                inside = {name for statement in node.body for name in called(statement)}
                found += [f"{name_of(path)}:{node.lineno} {name}" for name in inside & WAITING]
    assert found == []


def test_every_setting_says_what_it_is() -> None:
    docs = attribute_docs(Settings)
    assert [name for name in Settings.model_fields if not docs.get(name)] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/decisions").iterdir()), ids=lambda path: path.name
)
def test_a_decision_is_one_paragraph(path: Path) -> None:
    number = path.name[:4]
    title, *paragraphs = path.read_text().strip().split("\n\n")
    assert path.suffix == ".md"
    assert title.startswith(f"# {number} ")
    assert len(paragraphs) == 1


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs/decisions").iterdir()]
    assert len(numbers) == len(set(numbers)) > 5
