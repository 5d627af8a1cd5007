"""Sentences: every one translated, none stale, and the language of the person who reads it."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import read_po

from models.refusal import Code, Refused
from resolvers.sentences import CATALOGUES, LANGUAGES, explain, pick_language, say
from schema.ids import encode_id
from tests.test_closing import CLOSE
from tests.world import Api, World

ROOT = Path(__file__).parent.parent
FOLDERS = ("models", "resolvers", "schema")
KEYWORDS = re.findall(r"-k (\S+)", (ROOT / "Makefile").read_text())
TRANSLATED = [language for language in LANGUAGES if language != "en"]
VARIABLE_SENTENCES = {
    ("resolvers/composer.py", "message"),
    ("resolvers/custom_field_value.py", "MISFITS[field.kind]"),
    ("resolvers/contact.py", "sentences[field]"),
    ("resolvers/import_line.py", "FORMS[field.kind]"),
    ("resolvers/import_line.py", "record.problem.value"),
    ("resolvers/import_report.py", "row[3]"),
    ("resolvers/import_upload.py", "header.problem.value"),
    ("resolvers/page.py", "sentence"),
    ("resolvers/invitation_mail.py", "FROM_PROGRAM if inviter is None else FROM_MEMBER"),
    ("resolvers/invitation_mail.py", "LINK"),
    ("resolvers/invitation_mail.py", "SUBJECT"),
    ("resolvers/password.py", "SUBJECT"),
    ("resolvers/password.py", "TEXT"),
    ("resolvers/sentences.py", "refused.message"),
    ("schema/errors.py", "CLOSING"),
    ("schema/errors.py", "SENTENCES[ErrorCode.INTERNAL]"),
    ("schema/errors.py", "SENTENCES[again]"),
    ("schema/errors.py", "SENTENCES[limited]"),
    ("schema/errors.py", "cause.message"),
    ("schema/objects/inbox.py", "INBOX_NAMES[root.kind]"),
    ("schema/objects/message.py", "unshown(root.kind)"),
    ("schema/objects/reply_preview.py", "unshown(self.found.message.kind)"),
    ("resolvers/variables.py", "variable.label"),
}
"""Where a sentence is no literal: those sentences are marked with `sentence(…)` elsewhere."""


def in_code() -> set[str]:
    keywords = parse_keywords(KEYWORDS)
    return {
        str(message)
        for folder in FOLDERS
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, keywords=keywords)
    }


def in_catalogue(language: str) -> dict[str, str]:
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=language) if m.id}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def told_arguments(path: Path) -> Iterator[ast.expr]:
    """Yield what stands in the place of the sentence in every call that tells one."""
    places = {name: 0 if keys is None else keys[0] for name, keys in _places().items()}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = places.get(node.func.id)
            if place is not None and len(node.args) > place:
                yield node.args[place]


def _places() -> dict[str, tuple[int] | None]:
    found: dict[str, tuple[int] | None] = {}
    for keyword in KEYWORDS:
        name, _, place = keyword.partition(":")
        found[name] = (int(place) - 1,) if place else None
    return found


def test_every_sentence_in_the_code_is_found_by_the_extraction() -> None:
    variable = {
        (str(path.relative_to(ROOT)), ast.unparse(argument))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for argument in told_arguments(path)
        if not isinstance(argument, ast.Constant)
    }
    assert variable == VARIABLE_SENTENCES


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_has_every_sentence_and_no_other(language: str) -> None:
    catalogue = in_catalogue(language)
    assert len(in_code()) > 30
    assert in_code() - set(catalogue) == set(), "run `make sentences`, then translate"
    assert set(catalogue) - in_code() == set(), "stale: run `make sentences`"
    assert [sentence for sentence, text in catalogue.items() if not text.strip()] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_sentence(language: str) -> None:
    differing = [
        sentence
        for sentence, text in in_catalogue(language).items()
        if placeholders(sentence) != placeholders(text)
    ]
    assert differing == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_ends_like_its_sentence(language: str) -> None:
    differing = [
        sentence
        for sentence, text in in_catalogue(language).items()
        if sentence.endswith(".") != text.endswith(".")
    ]
    assert differing == []


@pytest.mark.parametrize(
    ("preferred", "accepted", "picked"),
    [
        (None, "", "en"),
        (None, "fr", "fr"),
        (None, "fr-CA, en;q=0.8", "fr"),
        (None, "en;q=0.8, fr;q=0.9", "fr"),
        (None, "de, fr; q=0.5, en;q=0.4", "fr"),
        (None, "fr;q=0, en", "en"),
        (None, "fr;q=0", "en"),
        (None, "fr;q=nan, fr;q=x, fr;q=7", "en"),
        (None, "ja, *", "en"),
        (None, "de," * 20 + "fr", "en"),
        ("fr", "en", "fr"),
        ("fr-BE", "en", "fr"),
        ("fr_CH", "en", "fr"),
        ("en", "fr", "en"),
        ("ja", "fr", "fr"),
        ("ja", "", "en"),
    ],
)
def test_the_members_language_comes_before_the_accepted_ones(
    preferred: str | None, accepted: str, picked: str
) -> None:
    assert pick_language(preferred, accepted) == picked


def test_placeholders_are_filled_in_both_languages() -> None:
    refused = Refused(Code.TOO_LONG, "At most {limit} characters.", limit=7000)
    assert explain(refused, "en") == "At most 7000 characters."
    assert explain(refused, "fr") == "7000 caractères au maximum."


def test_an_unknown_sentence_is_told_as_it_is() -> None:
    assert say("Syntax Error: {", "fr") == "Syntax Error: {"


async def test_a_refusal_is_told_in_the_readers_language_with_the_same_code(
    api: Api, world: World
) -> None:
    french = await world.add("Fanny", language="fr-FR")
    english = await world.add("Ed", language="en")
    plain = await world.add("Pat")
    variables = {"input": {"conversationId": encode_id("Conversation", 404)}}
    found = "Aucun élément ne correspond à cet identifiant."
    nothing = "Nothing was found under this id."
    for who, accepted, message in (
        (french, "en", found),
        (english, "fr", nothing),
        (plain, "fr-CH, en;q=0.5", found),
        (plain, "", nothing),
    ):
        answer = await api.run(who, CLOSE, language=accepted, **variables)
        assert answer["data"]["closeConversation"]["userErrors"] == [
            {"code": "NOT_FOUND", "message": message, "field": ["conversationId"]}
        ]


async def test_a_failed_query_is_told_in_the_readers_language_with_the_same_code(
    api: Api, world: World
) -> None:
    hidden = encode_id("Conversation", 404)
    document = f'{{ conversation(id: "{hidden}") {{ id }} }}'
    [error] = (await api.run(world.owner, document, language="fr"))["errors"]
    assert error["message"] == "Aucun élément ne correspond à cet identifiant."
    assert error["extensions"] == {"code": "NOT_FOUND"}
    [error] = (await api.run(None, document, language="fr"))["errors"]
    assert error["message"] == "Connectez-vous d’abord : un jeton valide est nécessaire."
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_inboxes_are_named_in_the_readers_language(api: Api, world: World) -> None:
    document = "{ workspaces { inboxes { name } } }"
    for language, names in (
        ("fr", ["Toutes", "Les miennes", "Non attribuées"]),
        ("en", ["All", "Mine", "Unassigned"]),
    ):
        answer = await api.run(world.owner, document, language=language)
        [workspace] = answer["data"]["workspaces"]
        assert [inbox["name"] for inbox in workspace["inboxes"]] == names
