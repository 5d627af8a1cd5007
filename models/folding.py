"""Folding: texts as people compare them, whatever their case and their accents."""

import re
import unicodedata

ACCENTS = re.compile("[\u0300-\u036f]")
"""The combining marks of Latin, Greek and Cyrillic letters; those of other scripts are letters."""


def folded(text: str) -> str:
    """Return a text without its case, accents and typographic forms, to be compared with."""
    bare = ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", bare).casefold()
