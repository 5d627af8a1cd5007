"""Exporting contacts: what the file has of each, and that an import understands it."""

from datetime import date, time
from typing import Any

import pytest

from models.contact import Contact
from models.custom_field import CustomFieldKind
from models.engine import sql
from realtime.transfer_events import ExportProgressed
from resolvers.contact import update_contact
from resolvers.contact_details import clean_details, in_stage
from resolvers.contact_export import PORTION_CONTACTS
from resolvers.csv_text import join_names, split_names
from resolvers.custom_field import create_custom_field
from resolvers.custom_field_value import GivenValue
from resolvers.export_line import cell_of
from resolvers.tag import create_tag, tag_contact
from resolvers.vocabulary import FieldValue
from schema.ids import decode_id, encode_id
from tests.exporting import (
    HEADER,
    KEPT,
    LAST,
    exported,
    found,
    names_in,
    rows_of,
    start,
    text_of,
)
from tests.importing import TABLES, counts, imported, words
from tests.world import Api, World, run_jobs, snapshot


async def fill(world: World, amount: int) -> None:
    """Add contacts N0, N1 … as an import does."""
    await sql.affected(
        "INSERT INTO contact (workspace_id, first_name, last_name, phone, search_text,"
        " folded_name, name_text, version, created_at)"
        f" SELECT w.id, 'N' || n.i, '', '+3361' || (1000000 + n.i), 'n' || n.i, 'n' || n.i,"
        " 'n' || n.i, 1, w.created_at FROM workspace w,"
        f" (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {amount - 1})"
        " SELECT i FROM n ORDER BY i) n WHERE w.id = ? ORDER BY n.i",
        world.workspace.id,
    )
    await sql.affected(
        "INSERT INTO conversation (workspace_id, contact_id, status, last_seq, incoming_count,"
        " last_message_at, status_since, wake_on_reply, version, created_at)"
        " SELECT workspace_id, id, 'CLOSED', 0, 0, created_at, created_at, ?, 1, created_at"
        " FROM contact WHERE workspace_id = ?",
        True,
        world.workspace.id,
    )


async def described(world: World) -> Contact:
    """Add a contact who has something of everything, some of it with marks of CSV."""
    owner, key = await world.owner.viewer(), world.workspace.id
    made = await words(world)
    odd = await create_tag(owner, key, name='a, b; "c"')
    slug = await create_custom_field(
        owner, key, name="Call name", slug="first_name", kind=CustomFieldKind.TEXT
    )
    contact = await world.contact("=Ann", last_name='O"Hara, Zoé', phone="+33612345678")
    said: dict[str, Any] = {"NUMBER": -1.5, "CHECKBOX": False, "LIST": "M", "EMAIL": "a@b.test"}
    said |= {"DATE": date(2026, 11, 25), "TIME": time(9, 30), "URL": "https://b.test/x"}
    said |= {"TEXT": "one\ntwo; 'three', \"four\""}
    arguments = {"NUMBER": "number", "CHECKBOX": "checked", "DATE": "date", "TIME": "time"}
    values = [
        GivenValue(made[kind].id, **{arguments.get(kind, "text"): value})
        for kind, value in said.items()
    ]
    details = in_stage(clean_details(email="ann@b.test", language="fr"), made["Customer"].id)
    values.append(GivenValue(slug.id, text="-Annie"))
    await update_contact(owner, contact.id, details, values=values)
    await tag_contact(owner, contact.id, [made["VIP"].id, odd.id])
    return await Contact.get(id=contact.id)


async def test_what_the_file_has_of_a_contact(api: Api, world: World) -> None:
    ann = await described(world)
    await world.contact("Bob")
    one = await exported(api, world)
    assert one["doneCount"] == 2
    assert one["fileName"] == f"contacts-{ann.created_at:%Y-%m-%d}.csv"
    header, first, second = await rows_of(one)
    fields = header[len(HEADER) : -len(LAST)]
    assert (header[: len(HEADER)], header[-len(LAST) :]) == (HEADER, LAST)
    assert sorted(fields) == sorted(
        ["field:first_name", *(f"my_{kind.value.lower()}" for kind in CustomFieldKind)]
    )
    assert dict(zip(header, first, strict=True)) == {
        "First name": "'=Ann",
        "Last name": 'O"Hara, Zoé',
        "Phone": "'+33612345678",
        "Email": "ann@b.test",
        "Language": "fr",
        "Tags": '"a, b; ""c"""; VIP',
        "Lifecycle stage": "Customer",
        "field:first_name": "'-Annie",
        "my_text": "one\ntwo; 'three', \"four\"",
        "my_list": "M",
        "my_checkbox": "false",
        "my_email": "a@b.test",
        "my_number": "'-1.5",
        "my_url": "https://b.test/x",
        "my_date": "2026-11-25",
        "my_time": "09:30",
        "Country": "FR",
        "Created at": ann.created_at.isoformat(timespec="seconds"),
    }
    assert [cell for cell in second[:-1] if cell] == ["Bob"]


async def test_an_import_of_the_file_finds_nothing_new(api: Api, world: World) -> None:
    await described(world)
    await world.contact("'Bea", email="bea@b.test")
    before = await snapshot(*TABLES)
    text = await text_of(await exported(api, world))
    dry = await imported(api, world, text, isDryRun=True)
    assert counts(dry) == counts(await imported(api, world, text)) == (0, 0, 2, 0)
    assert await snapshot(*TABLES) == before
    await Contact.all().delete()
    assert counts(await imported(api, world, text)) == (2, 0, 0, 0)
    again = await text_of(await exported(api, world))
    assert without_moments(again) == without_moments(text)


def without_moments(text: str) -> list[str]:
    """Return the lines of a file without when contacts became known."""
    return [line.rpartition(",")[0] for line in text.splitlines()]


async def test_an_empty_export_has_a_header(api: Api, world: World) -> None:
    one = await exported(api, world)
    assert await text_of(one) == ",".join(f'"{name}"' for name in [*HEADER, *LAST]) + "\r\n"


async def test_only_what_is_looked_for(api: Api, world: World) -> None:
    made = await words(world)
    owner = await world.owner.viewer()
    for name, phone in (("Ann", "+33612345678"), ("Bea", "+33612345679"), ("Cy", None)):
        contact = await world.contact(name, phone=phone)
        if name != "Bea":
            await tag_contact(owner, contact.id, [made["VIP"].id])
    vip = {"tag": {"operator": "HAS_ANY_OF", "ids": [encode_id("Tag", made["VIP"].id)]}}
    for values, names in (
        ({}, ["Ann", "Bea", "Cy"]),
        ({"search": "06 12 34 56"}, ["Ann", "Bea"]),
        ({"filter": vip}, ["Ann", "Cy"]),
        ({"filter": vip, "search": "ann"}, ["Ann"]),
        ({"search": "nobody"}, []),
    ):
        assert await names_in(await exported(api, world, **values)) == names
    assert await sql.rows("SELECT id FROM job") == []


async def test_a_filter_that_names_what_is_not_there(api: Api, world: World) -> None:
    before = await snapshot(*KEPT)
    missing = {"tag": {"operator": "HAS_ANY_OF", "ids": [encode_id("Tag", 999)]}}
    payload = await start(api, world, filter=missing)
    assert payload["contactExport"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    assert await snapshot(*KEPT) == before


async def test_what_is_told(api: Api, world: World) -> None:
    await fill(world, 2 * PORTION_CONTACTS + 1)
    before = len(await world.facts())
    one = await exported(api, world)
    same = (
        world.workspace.id,
        decode_id(one["id"], "ContactExport"),
        f"member:{world.owner.member.id}",
    )
    total = 2 * PORTION_CONTACTS + 1
    assert (await world.facts())[before:] == [
        ExportProgressed(*same, "RUNNING", total, 0),
        ExportProgressed(*same, "RUNNING", total, PORTION_CONTACTS),
        ExportProgressed(*same, "RUNNING", total, 2 * PORTION_CONTACTS),
        ExportProgressed(*same, "DONE", total, total),
    ]
    assert await names_in(one) == [f"N{number}" for number in range(total)]


async def test_contacts_come_and_go_meanwhile(api: Api, world: World) -> None:
    await fill(world, 3)
    payload = await start(api, world)
    assert (payload["contactExport"]["contactCount"], payload["contactExport"]["percent"]) == (3, 0)
    assert payload["contactExport"]["downloadUrl"] is None
    await Contact.filter(first_name="N1").delete()
    await world.contact("New")
    await world.contact("Newer")
    await run_jobs()
    one = await found(api, payload, world.owner)
    assert (one["contactCount"], one["doneCount"], one["percent"]) == (4, 4, 100)
    assert await names_in(one) == ["N0", "N2", "New", "Newer"]


async def test_a_key_is_used_once(api: Api, world: World) -> None:
    first, second = [await start(api, world, idempotencyKey="k") for _ in range(2)]
    assert first["contactExport"] == second["contactExport"]
    other = await start(api, world, idempotencyKey="k", search="x")
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await run_jobs() == 1


async def test_too_many_at_once(api: Api, world: World) -> None:
    for _ in range(10):
        assert (await start(api, world))["userErrors"] == []
    before = await snapshot(*KEPT)
    payload = await start(api, world)
    assert [error["code"] for error in payload["userErrors"]] == ["WRONG_STATE"]
    assert await snapshot(*KEPT) == before


@pytest.mark.parametrize(
    ("names", "cell"),
    [
        ([], ""),
        (["VIP"], "VIP"),
        (["VIP", "Press"], "VIP; Press"),
        (["a,b", "c;d", 'e"f'], '"a,b"; "c;d"; "e""f"'),
        (['"', '""', ",", ";"], '""""; """"""; ","; ";"'),
    ],
)
def test_names_in_a_cell(names: list[str], cell: str) -> None:
    assert join_names(names) == cell
    assert split_names(cell) == names


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("a,b;c", ["a", "b", "c"]),
        (' , a ;; "b" ,', ["a", "b"]),
        ('5" nail, x', ['5" nail', "x"]),
        ('"open, x', ['"open', "x"]),
        ('"a" b, x', ['"a" b', "x"]),
    ],
)
def test_names_as_people_write_them(cell: str, names: list[str]) -> None:
    assert split_names(cell) == names


@pytest.mark.parametrize(
    ("number", "cell"), [(3.0, "3"), (-0.5, "-0.5"), (1e22, "1e+22"), (1e-7, "1e-07"), (0.0, "0")]
)
def test_numbers_as_cells(number: float, cell: str) -> None:
    field: Any = type("Field", (), {"kind": CustomFieldKind.NUMBER})()
    assert cell_of(FieldValue(field, None, number)) == cell
