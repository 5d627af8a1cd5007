"""Sentences for people: one catalogue in English and French, chosen by the member's language."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel import negotiate_locale
from babel.messages.pofile import read_po

from models.refusal import Refused

LANGUAGES = ("en", "fr")
CATALOGUES = Path(__file__).parent / "catalogues"

UNSUPPORTED_MESSAGE = "Unsupported message"


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    """Return the translations of a language; English sentences are their own keys."""
    if language == "en":
        return {}
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return {
            str(message.id): str(message.string)
            for message in read_po(file, locale=language)
            if message.id and message.string
        }


def pick_language(preferred: str | None, accept_language: str) -> str:
    """Return the member's language if we speak it, else the best accepted one, else English."""
    wanted = [preferred] if preferred else []
    weighted = []
    for place, part in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighted.append((-float(weight or 1), place, tag))
        except ValueError:
            continue
    wanted += [tag for _, _, tag in sorted(weighted)]
    plain = [tag.replace("-", "_").split("_")[0].lower() for tag in wanted]
    return negotiate_locale(plain, LANGUAGES) or "en"


def say(sentence: str, language: str, values: Mapping[str, object] | None = None) -> str:
    """Return a sentence in a language with its placeholders filled."""
    translated = _catalogue(language).get(sentence, sentence)
    return translated.format(**values) if values else translated


def explain(refused: Refused, language: str) -> str:
    """Return why something was refused, in a language."""
    return say(refused.message, language, refused.values)
