"""What of a mail's HTML is shown: no programs, nothing fetched from elsewhere, nothing that hides.

Remote images tell who wrote them when, where and that they are looked at: images go, but for the
words that stand for them. So do styles, which can fetch images, too, and cover what is around them.
"""

import re
from collections import Counter
from html.parser import HTMLParser

import nh3

HTML_MAX_CHARACTERS = 262_144
"""More HTML is not kept; its text is."""

DEPTH_MAX = 1000


def _words(text: str) -> set[str]:
    return set(text.split())


_TAGS = _words(
    "a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins li ol"
    " p pre q s small span strong sub sup table tbody td tfoot th thead tr u ul"
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"alt"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_DROPPED_WHOLE = _words(
    "audio button canvas embed iframe math noscript object script select style svg template"
    " textarea title video"
)
_SCHEMES = {"http", "https", "mailto", "tel"}
_BLOCKS = _words("blockquote br caption dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tr ul")


_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_VOID = _words("area base br col embed hr img input link meta source track wbr")


def is_too_deep(html: str) -> bool:
    """Tell whether HTML has more open elements at once than anybody writes: the time to sanitise
    it grows with the square of them."""
    opened: Counter[str] = Counter()
    depth = 0
    for closes, name in _TAG.findall(html):
        name = name.lower()
        if closes and opened[name]:
            opened[name] -= 1
            depth -= 1
        elif not closes and name not in _VOID:
            opened[name] += 1
            depth += 1
            if depth > DEPTH_MAX:
                return True
    return False


def sanitised(html: str) -> str:
    """Return what may be shown of HTML that a stranger wrote."""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    ).strip()


def text_of(html: str) -> str:
    """Return the words of HTML, a line for each block."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._dropped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._dropped += tag in _DROPPED_WHOLE
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag == "img":
            self.parts.append(dict(attrs).get("alt") or "")
        if tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._dropped -= tag in _DROPPED_WHOLE and self._dropped > 0
        if tag in _BLOCKS - {"br", "hr"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self.parts.append(data.replace("\n", " "))
