"""Sentences for people: one catalogue in English and French, chosen by the member's language."""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from babel import negotiate_locale
from babel.messages.pofile import read_po

from models.message import MessageKind
from models.refusal import Refused, sentence

ENGLISH = "en"
LANGUAGES = (ENGLISH, "fr")
CATALOGUES = Path(__file__).parent / "catalogues"
MAX_ACCEPTED = 20
"""How many languages of an `Accept-Language` are looked at."""

UNSUPPORTED_MESSAGE = sentence("Unsupported message")
CUSTOM_PAYLOAD = sentence("Custom payload")


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    """Return the translations of a language; English sentences are their own keys."""
    if language == ENGLISH:
        return {}
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return {
            str(message.id): str(message.string)
            for message in read_po(file, locale=language)
            if message.id and message.string
        }


@lru_cache(maxsize=256)
def pick_language(preferred: str | None, accept_language: str) -> str:
    """Return the member's language if we speak it, else the best accepted one, else English."""
    wanted = [*([preferred] if preferred else []), *_accepted(accept_language)]
    plain = [tag.replace("_", "-").split("-")[0].lower() for tag in wanted]
    return negotiate_locale(plain, LANGUAGES) or ENGLISH


def _accepted(accept_language: str) -> list[str]:
    """Return the languages of an `Accept-Language`, the most wanted first; weight 0 is a no."""
    weighted = []
    for part in accept_language.split(",")[:MAX_ACCEPTED]:
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [text[2:] for text in parameters if text.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            continue
        if 0 < weight <= 1:
            weighted.append((weight, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def unshown(kind: MessageKind) -> str:
    """Return the sentence that stands for a message which cannot be shown."""
    return CUSTOM_PAYLOAD if kind is MessageKind.CUSTOM_PAYLOAD else UNSUPPORTED_MESSAGE


def say(text: str, language: str, values: Mapping[str, object] | None = None) -> str:
    """Return a sentence in a language with its placeholders filled."""
    translated = _catalogue(language).get(text, text)
    return translated.format(**values) if values else translated


def explain(refused: Refused, language: str) -> str:
    """Return why something was refused, in a language."""
    return say(refused.message, language, refused.values)
