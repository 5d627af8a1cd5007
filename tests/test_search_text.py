"""Search: whatever the script, and what is typed is never a query's syntax."""

import pytest

from models.refusal import Refused
from models.terms import entry_of, tokens
from resolvers import search_sql
from resolvers.search_text import Phrase, read_sought, spans
from tests.acting import conversation_id
from tests.test_search import SEARCH, WITHIN, found, found_in
from tests.world import Api, World

SAID = {
    "latin": "La Crème BRÛLÉE from Straße 7 is O'Neil's (best) order: really, e\u0301te\u0301!",
    "chinese": "你好世界,我的iPhone手机坏了",
    "arabic": "مُحَمَّد طلب القهوة",
    "emoji": "Thanks 👍🏽🎉 from 👨\u200d👩\u200d👧",
    "number": "Call +33 6 12 34 56 78 or write to zoe.lee@example.com",
    "thai": "สวัสดีครับ",
    "operators": "cats OR dogs NEAR birds NOT fish",
}
FINDS = [
    ("creme brulee", "latin", ["Crème", "BRÛLÉE"]),
    ("BRÛL CRÈ", "latin", ["Crème"[:3], "BRÛLÉE"[:4]]),
    ("strasse", "latin", ["Straße"]),
    ("o'neil", "latin", ["O'Neil"]),
    ('"order"', "latin", ["order"]),
    ("été", "latin", ["e\u0301te\u0301"]),
    ("(best) order:*", "latin", ["best", "order"]),
    ("世界", "chinese", ["世界"]),
    ("我", "chinese", ["我"]),
    ("你好世界", "chinese", ["你好世界"]),
    ("iphone手机", "chinese", ["iPhone手机"]),
    ("坏了 你好", "chinese", ["你好", "坏了"]),
    ("محمد", "arabic", ["مُحَمَّد"]),
    ("قهوة", None, []),
    ("القه", "arabic", ["القه"]),
    ("👍", "emoji", ["👍"]),
    ("🎉 thank", "emoji", ["Thank", "🎉"]),
    ("612345", "number", ["6 12 34 5"]),
    ("06 12 34", "number", ["6 12 34"]),
    ("zoe.lee@exa", "number", ["zoe.lee@exa"]),
    ("ดีครับ", "thai", ["ดีครับ"]),
    ("dogs OR cats", "operators", ["cats", "OR", "dogs"]),
    ("cats NEAR", "operators", ["cats", "NEAR"]),
    ("cats AND birds", None, []),
    ("NOT order", None, []),
    ("terms:cats", None, []),
    ("ca", None, []),
    ("fis", "operators", ["fis"]),
    ("' OR 1=1 --", None, []),
    ('" * ( ) : -', None, []),
]


def brackets(text: str, parts: list[str]) -> str:
    """Return a text with brackets around its parts, which stand in this order."""
    done, at = "", 0
    for part in parts:
        begin = text.index(part, at)
        done += f"{text[at:begin]}[{part}]"
        at = begin + len(part)
    return done + text[at:]


@pytest.mark.parametrize("few", [search_sql.FEW, 0], ids=["few", "many"])
async def test_any_script_is_found_and_what_is_typed_is_no_syntax(
    api: Api, world: World, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_sql, "FEW", few)
    for text in SAID.values():
        message = await world.hear(text)
    row = message.conversation
    for text, name, parts in FINDS:
        expected = [brackets(SAID[name], parts)] if name else []
        assert await found(api, world.owner, world, text, kinds=["MESSAGE"]) == expected, text
        assert await found_in(api, world.owner, row, text) == expected, text
    for text, code, sentence in (
        ("", "BLANK", "Write what to look for."),
        (" \n", "BLANK", "Write what to look for."),
        ("x" * 201, "TOO_LONG", "At most 200 characters."),
    ):
        with pytest.raises(Refused, match=sentence) as caught:
            read_sought(text)
        assert caught.value.code.value == code
        for document, key in ((SEARCH, world.id), (WITHIN, conversation_id(row))):
            answer = await api.run(world.owner, document, id=key, text=text)
            assert [one["message"] for one in answer["errors"]] == [sentence]
            assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert await found(api, world.owner, world, f"{'x' * 199}y") == []
    assert await found(api, world.owner, world, " ".join("abcdefghij" * 10)) == []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Hello, World_2", ["hello", "world", "2"]),
        ("x" * 41 + " y", ["x" * 40, "y"]),
        ("½ ™ ﬁn ㈱", ["12", "tm", "fin", "株"]),
        ("नमस्ते 한글", ["नमस्ते", "한글"]),
        ("שָׁלוֹם 🇫🇷", ["שלום", "🇫", "🇷"]),
        ("ｶﾞｷﾞ", ["ガギ", "ギ"]),
        ("\x00\u200b...", []),
    ],
)
def test_what_a_text_is_found_by(text: str, terms: list[str]) -> None:
    assert [token.term for token in tokens(text)] == terms
    entry = entry_of(7, text)
    assert entry == (" ".join(f"7·{term}" for term in terms) or None)


def test_what_a_person_means_by_a_text() -> None:
    sought = read_sought("  (Crème) 世界 ab 12-34-56 ")
    assert [part.phrases for part in sought.parts] == [
        (Phrase(("creme",), is_beginning=True),),
        (Phrase(("世界",), is_beginning=True),),
        (Phrase(("ab",), is_beginning=False),),
        (Phrase(("12", "34", "56"), is_beginning=False),),
    ]
    assert sought.parts[3].digits == "123456"
    assert spans(sought, "abc ab 世界世 cremes 9123456") == [(4, 6), (7, 9), (11, 16), (19, 25)]
    assert len(spans(read_sought("a"), "a " * 50)) == 20


def test_plain_texts_have_the_entry_of_all_others() -> None:
    """A text of ASCII takes a shorter way, to the same terms."""
    long = "x" * 50
    for text in ("Thank you, Zoe!", "order 123-456 7", f"{long} a\x1cb\tc_d", "...", " \n", "A1b2"):
        expected = [token.term for token in tokens(text)]
        entry = (entry_of(7, text) or "").split()
        assert entry[: len(expected)] == [f"7\u00b7{term}" for term in expected]
        # a character beyond ASCII takes the long way, and adds but itself
        assert (entry_of(7, f"{text} \u00e9") or "").split() == [
            *entry[: len(expected)],
            "7\u00b7e",
            *entry[len(expected) :],
        ]
