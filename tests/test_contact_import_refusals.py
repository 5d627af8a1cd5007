"""What an import refuses: files as a whole, and lines with the reason of each."""

import pytest

from models.member import Restriction, Role
from resolvers.block import block_contact
from tests.importing import (
    HEADER,
    KEPT,
    REPORT,
    TABLES,
    counts,
    csv_of,
    imported,
    report,
    start,
    words,
)
from tests.world import Api, World, snapshot

REASONS = {
    "Bea,,12": ("Phone", "INVALID", "This is no phone number in international form"),
    "Bea,,,nobody": ("Email", "INVALID", "This is no email address."),
    ",Lee,+33612345671": (None, "BLANK", "A contact needs a first name."),
    f"{'x' * 101}": ("First name", "TOO_LONG", "At most 100 characters."),
    f"Bea,{'x' * 101}": ("Last name", "TOO_LONG", "At most 100 characters."),
    "Bea,,,,xxxxxxxxxxxxxxxxx": ("Language", "TOO_LONG", "At most 16 characters."),
    "Bea,,,,,VIP;Nope": ("Tags", "INVALID", "There is no tag “Nope”."),
    "Bea,,,,,,Nope": ("Lifecycle stage", "INVALID", "There is no lifecycle stage “Nope”."),
    "Bea,,,,,,,L": ("my_list", "INVALID", "“My List” takes one of its options."),
    "Bea,,,,,,,,maybe": ("my_checkbox", "INVALID", "“My Checkbox” takes true or false."),
    "Bea,,,,,,,,,nobody": ("my_email", "INVALID", "“My Email” takes an email address."),
    "Bea,,,,,,,,,,1_0": ("my_number", "INVALID", "“My Number” takes a number."),
    "Bea,,,,,,,,,,1e999": ("my_number", "INVALID", "“My Number” takes a number."),
    "Bea,,,,,,,,,,,b.test": ("my_url", "INVALID", "“My Url” takes a web address"),
    "Bea,,,,,,,,,,,,2026-02-30": ("my_date", "INVALID", "“My Date” takes a day such as"),
    "Bea,,,,,,,,,,,,20260225": ("my_date", "INVALID", "“My Date” takes a day such as"),
    "Bea,,,,,,,,,,,,,9:30": ("my_time", "INVALID", "“My Time” takes a time of day"),
    "Bea,,,,,,,,,,,,,24:30": ("my_time", "INVALID", "“My Time” takes a time of day"),
    f"Bea,,,,,,,,,,,,,,{'x' * 1001}": ("my_text", "TOO_LONG", "“My Text” takes at most 1000"),
    "Bea,,,,,,,,,,,,,,,more": (None, "INVALID", "This line has 16 cells, more than"),
    '"Bea"x,Lee': (None, "INVALID", "This line is no CSV: a quotation mark"),
    "x" * 70_000: (None, "INVALID", "This line is too long."),
    "Bea\x00,Lee": (None, "INVALID", "This line has a character that no text has."),
    "Bea,,+33612345600": (None, "TAKEN", "Another contact has this phone number."),
    "Bea,,,spam@b.test": (None, "TAKEN", "Another contact has this email address."),
    "Bea,,+33612345678,old@b.test": (None, "TAKEN", "One contact has this phone number, and"),
    '"Bea,Lee': (None, "INVALID", "A quotation mark of this line is not closed."),
}
"""Lines that are refused: in which column, and why."""


async def test_every_reason(api: Api, world: World) -> None:
    await words(world)
    mia = await world.add("Mia", Role.MANAGER, restrictions=[Restriction.BLOCKED_CONTACTS])
    await world.contact("Ann", phone="+33612345678")
    await world.contact("Old", email="old@b.test")
    spam = await world.contact("Spam", phone="+33612345600", email="spam@b.test")
    await block_contact(await world.owner.viewer(), spam.id)
    header = f"{HEADER},my_list,my_checkbox,my_email,my_number,my_url,my_date,my_time,my_text"
    for is_dry_run in (True, False):
        before = await snapshot(*TABLES)
        csv = csv_of(header, *REASONS)
        done = await imported(api, world, csv, mia, isDryRun=is_dry_run)
        assert counts(done) == (0, 0, 0, len(REASONS))
        assert await snapshot(*TABLES) == before
        told = await report(api, world, done, first=100)
        assert [line for line, *_ in told] == list(range(2, len(REASONS) + 2))
        for (_, *found, message), (*wanted, sentence) in zip(told, REASONS.values(), strict=True):
            assert found == wanted
            assert message.startswith(sentence)
    assert "reportUrl" in done and done["reportUrl"] is not None


async def test_the_report_in_pages_and_in_french(api: Api, world: World) -> None:
    csv = csv_of("First name,Phone", *["Ann,12"] * 5)
    done = await imported(api, world, csv)
    assert [row[0] for row in await report(api, world, done, first=2)] == [2, 3]
    assert [row[0] for row in await report(api, world, done, last=2)] == [5, 6]
    page = (await api.ask(world.owner, REPORT, id=done["id"], first=2))["importReport"]["pageInfo"]
    assert (page["hasNextPage"], page["hasPreviousPage"]) == (True, False)
    assert [row[0] for row in await report(api, world, done, first=9, after=page["endCursor"])] == [
        *(4, 5, 6)
    ]
    zoe = await world.add("Zoé", Role.MANAGER, language="fr")
    data = await api.ask(zoe, REPORT, id=done["id"], first=1)
    assert "international" in data["importReport"]["nodes"][0]["message"]
    assert data["importReport"]["nodes"][0]["message"].startswith("Ceci n’est pas un numéro")


UNKNOWN = "The column “{}” is no detail and no custom field of a contact."
FILES = {
    "First name,Colour\nAnn,red\n": ("UNKNOWN_COLUMN", UNKNOWN.format("Colour")),
    "First name,\nAnn,red\n": ("UNKNOWN_COLUMN", UNKNOWN.format("")),
    "First name,firstName\nAnn,Bea\n": (
        "INVALID",
        "Two columns mean the same: “First name” is one of them.",
    ),
    "Id\n1\n": ("BLANK", "The file has no column to import."),
    "": ("BLANK", "The file has no lines to import."),
    "First name\n": ("BLANK", "The file has no lines to import."),
    "First name\n\n ,\n\n": ("BLANK", "The file has no lines to import."),
    '"First name\nAnn\n': ("INVALID", "A quotation mark of this line is not closed."),
    "\n".join([",".join(["Phone"] * 251), "1"]): (
        "INVALID",
        "A file has at most 250 columns.",
    ),
}
"""Files that are refused as a whole."""


@pytest.mark.parametrize("csv", FILES)
async def test_a_file_is_refused_before_anything_is_done(api: Api, world: World, csv: str) -> None:
    before = await snapshot(*KEPT)
    code, message = FILES[csv]
    assert await start(api, world, csv) == {
        "contactImport": None,
        "userErrors": [{"code": code, "message": message, "field": ["csv"]}],
    }
    assert await snapshot(*KEPT) == before
