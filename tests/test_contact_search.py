"""The contact search: SQL and the pure rule agree, and a number is found however it is written."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.contact import Contact
from models.engine import sql
from models.folding import folded
from resolvers.contact_details import country_of, fold_details
from resolvers.contact_search import LENGTH, Search, Term, found, read_search, search_where
from tests.properties import hold
from tests.world import Api, World

NAMES = (
    "",
    "Zoë",
    "zoe",
    "STRASSE",
    "Straße",
    "O'Neil",
    "100%",
    "a_b",
    "\\",
    "Ἀθηνᾶ",
    "한글",
    "007",
)
PHONES = (None, "+33612345678", "+4420794600123", "+10345045045", "+80012345678")
EMAILS = (None, "zoë@example.com", "a_b%@x.y", "straße@x.y")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        (None, ()),
        ("  ", ()),
        ("Zoë", (Term(("zoe",)),)),
        ("Zoë MARTIN", (Term(("zoe",)), Term(("martin",)))),
        ("12", (Term(("12",)),)),
        ("06 12 34", (Term(("06", "12", "34"), "61234"),)),
        ("+33 (0)6 12", (Term(("+33", "(0)6", "12"), "33612"),)),
        ("0033-612.345/678", (Term(("0033-612.345/678",), "33612345678"),)),
        ("045", (Term(("045",), "045"),)),
        ("٠٦١٢٣٤", (Term((folded("٠٦١٢٣٤"),), "61234"),)),
        ("Ann 06 12 Bob", (Term(("ann",)), Term(("06", "12"), "612"), Term(("bob",)))),
        ("x" * (LENGTH + 1), (Term(("x" * LENGTH,)),)),
    ],
)
def test_what_a_person_means(text: str | None, terms: tuple[Term, ...]) -> None:
    assert read_search(text) == Search(terms)


@pytest.mark.parametrize(
    ("phone", "country"),
    [(None, None), ("+33612345678", "FR"), ("+14155552671", "US"), ("+80012345678", None)],
)
def test_the_country_is_that_of_the_phone(phone: str | None, country: str | None) -> None:
    assert country_of(phone) == country


WRITTEN = [
    "+33612345678",
    "+33 6 12 34 56 78",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "(06) 12-34-56-78",
    "0033 612 345 678",
    "+33 (0)6 12 34 56 78",
    "345 678",
    "0612",
    "carla 06 12 34",
]


@pytest.mark.parametrize("text", WRITTEN)
async def test_a_number_is_found_however_it_is_written(api: Api, world: World, text: str) -> None:
    await world.contact("Carla", phone="+33612345678")
    await world.contact("Other", phone="+33699999999")
    document = """query ($id: ID!, $search: String) {
      contacts(workspaceId: $id, search: $search) { nodes { firstName callUrl isCallable } } }"""
    data = await api.ask(world.owner, document, id=world.id, search=text)
    expected = {"firstName": "Carla", "callUrl": "tel:+33612345678", "isCallable": True}
    assert data["contacts"]["nodes"] == [expected]


async def test_nobody_is_called_without_a_number(api: Api, world: World) -> None:
    await world.contact("Carla", email="carla@example.com")
    document = "query ($id: ID!) { contacts(workspaceId: $id) { nodes { callUrl isCallable } } }"
    data = await api.ask(world.owner, document, id=world.id)
    assert data["contacts"]["nodes"] == [{"callUrl": None, "isCallable": False}]


PIECES = st.sampled_from(
    [*NAMES, *(one for one in (*PHONES, *EMAILS) if one), "06 12", "%", "_", "'", "0", "45"]
)


@st.composite
def texts(draw: Any) -> str:
    """Return what somebody may type: pieces of what there is, and anything else."""
    parts = draw(st.lists(PIECES | st.text(max_size=4), min_size=1, max_size=3))
    cut = [
        part[draw(st.integers(0, len(part))) :] if draw(st.booleans()) else part for part in parts
    ]
    joined: str = draw(st.sampled_from(["", " "])).join(cut)
    return joined.encode("utf-8", "ignore").decode().replace("\x00", "")


async def test_sql_and_the_pure_rule_agree(api: Api, world: World) -> None:
    dice = random.Random(3)
    for number in range(60):
        contact = await world.contact("X")
        contact.first_name, contact.last_name = dice.choice(NAMES), dice.choice(NAMES)
        phone, email = dice.choice(PHONES), dice.choice(EMAILS)
        contact.phone = phone and f"{phone[:-2]}{number:02}"
        contact.email = email and f"{number}{email}"
        fold_details(contact)
        await contact.save()
    everybody = await Contact.all()
    sizes = set()

    @settings(
        max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(texts())
    async def check(text: str) -> None:
        search = read_search(text)
        where = search_where(search, text="ct.search_text", phone="ct.phone")
        rows = await sql.records(
            f"SELECT ct.id FROM contact ct WHERE {where.condition}", *where.values
        )
        expected = {
            row.id for row in everybody if found(search, text=row.search_text, phone=row.phone)
        }
        assert {row[0] for row in rows} == expected
        sizes.add(len(expected))

    await hold(check)
    assert len(sizes) > 5, "the examples tell too little"
