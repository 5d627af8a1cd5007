"""Importing contacts: what comes of each line, what is refused, and what is told."""

from typing import Any

from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.tag import ContactTag
from realtime.events import ContactCreated, ContactUpdated
from realtime.transfer_events import ImportProgressed
from resolvers.import_upload import PORTION_LINES
from resolvers.tag import delete_tag
from schema.ids import decode_id
from tests.importing import (
    HEADER,
    TABLES,
    counted,
    counts,
    csv_of,
    imported,
    people,
    report,
    words,
)
from tests.world import Api, World, snapshot

ANN = "Ann,Lee,+33612345678,ann@b.test,fr,vip; Press,customer"


async def described(contact_id: int) -> dict[str, Any]:
    """Return what a contact has in custom fields, by their slugs."""
    rows = await sql.rows(
        "SELECT f.slug, v.text, v.number FROM custom_field_value v"
        " JOIN custom_field f ON f.id = v.field_id WHERE v.contact_id = ? ORDER BY f.id",
        contact_id,
    )
    return {row["slug"]: row["text"] if row["number"] is None else row["number"] for row in rows}


async def test_a_new_contact_is_what_create_contact_makes(api: Api, world: World) -> None:
    made = await words(world)
    by_hand = await world.contact("Bob", phone="+33612345600", email="bob@b.test")
    header = f"{HEADER},my_text,MY_LIST,My Checkbox,my_email,my_number,my_url,my_date,my time"
    more = "hi,M,yes,A@b.test,-1.5,https://b.test/x,2026-11-25,09:30"
    done = await imported(api, world, csv_of(header, f"{ANN},{more}"))
    assert counts(done) == (1, 0, 0, 0)
    ann = await Contact.get(first_name="Ann")
    assert (ann.last_name, ann.phone, ann.email, ann.language, ann.country, ann.version) == (
        *("Lee", "+33612345678", "ann@b.test", "fr", "FR", 1),
    )
    assert ann.search_text == "ann lee +33612345678 ann@b.test"
    assert ann.folded_name == "ann lee"
    assert ann.lifecycle_stage_id == made["Customer"].id
    tag_ids = await ContactTag.filter(contact_id=ann.id).values_list("tag_id", flat=True)
    assert set(tag_ids) == {made["VIP"].id, made["Press"].id}
    assert await described(ann.id) == {
        "my_text": "hi",
        "my_list": "M",
        "my_checkbox": 1.0,
        "my_email": "a@b.test",
        "my_number": -1.5,
        "my_url": "https://b.test/x",
        "my_date": "2026-11-25",
        "my_time": "09:30",
    }
    own = {"id", "contact_id", "last_message_at", "status_since", "created_at"}
    rows = await sql.rows("SELECT * FROM conversation ORDER BY id")
    first, second = ({k: v for k, v in row.items() if k not in own} for row in rows)
    assert first == second
    assert [row["contact_id"] for row in rows] == [by_hand.id, ann.id]
    same = {"workspace_id", "country", "picture_url", "version"}
    rows = await sql.rows("SELECT * FROM contact ORDER BY id")
    first, second = ({k: v for k, v in row.items() if k in same} for row in rows)
    assert first == second
    await world.contact("Next")  # the ids that were taken are not given again


async def test_what_is_told(api: Api, world: World) -> None:
    await world.contact("Old", phone="+33612345678")
    before = len(await world.facts())
    csv = csv_of("First name,Phone", "Ann,+33612345678", "Bea,+33612345679", ",+33612345670")
    done = await imported(api, world, csv)
    assert counts(done) == (1, 1, 0, 1)
    old, new = await Conversation.all().order_by("id")
    key = decode_id(done["id"], "ContactImport")
    same = (world.workspace.id, key, f"member:{world.owner.member.id}")
    assert (await world.facts())[before:] == [
        ImportProgressed(*same, "RUNNING", 3, 0, 0, 0, 0, 0),
        ContactUpdated(world.workspace.id, old.contact_id, old.id),
        ContactCreated(world.workspace.id, new.contact_id, new.id),
        ImportProgressed(*same, "DONE", 3, 3, 1, 1, 0, 1),
    ]
    assert await counted("transfer_chunk", "transfer_guess", "job") == [0, 0, 0]


async def test_known_contacts_by_mode(api: Api, world: World) -> None:
    csv = csv_of("First name,Phone,Email", "Ann,+33612345678,", "Bea,,bea@b.test", "Cy,,")
    for mode, expected, names in (
        ("ADD", (1, 0, 2, 0), ["Old", "Older", "Cy"]),
        ("UPDATE", (0, 2, 1, 0), ["Ann", "Bea"]),
        ("ADD_AND_UPDATE", (1, 2, 0, 0), ["Ann", "Bea", "Cy"]),
    ):
        await Contact.all().delete()
        await world.contact("Old", phone="+33612345678", language="fr")
        await world.contact("Older", email="bea@b.test")
        done = await imported(api, world, csv, mode=mode)
        assert (done["mode"], counts(done)) == (mode, expected)
        assert [row[0] for row in await people("first_name")] == names
    assert await people("language", "version") == [("fr", 2), (None, 2), (None, 1)]


async def test_blank_cells_say_nothing_and_what_is_not_new_changes_nothing(
    api: Api, world: World
) -> None:
    await words(world)
    header = f"{HEADER},my_text"
    await imported(api, world, csv_of(header, f"{ANN},hi"))
    before = await snapshot(*TABLES)
    for line in (
        f"{ANN},hi",
        ",,+33 6 12 34 56 78,,,,,",
        ",,,ANN@b.test",
        "Ann,,,ann@b.test,,VIP",
    ):
        done = await imported(api, world, csv_of(header, line))
        assert counts(done) == (0, 0, 1, 0)
        assert await snapshot(*TABLES) == before
    done = await imported(api, world, csv_of(header, ",,+33612345678,,,,,hello"))
    assert counts(done) == (0, 1, 0, 0)
    [ann] = await Contact.all()
    assert (ann.first_name, ann.version, await described(ann.id)) == (
        "Ann",
        2,
        {"my_text": "hello"},
    )
    assert await ContactTag.filter(contact_id=ann.id).count() == 2


async def test_a_file_speaks_of_one_contact_more_than_once(api: Api, world: World) -> None:
    csv = csv_of(
        "First name,Phone,Email",
        "Ann,+33612345678,",
        "Anna,+33612345678,ann@b.test",
        ",+33612345679,ann@b.test",
        "Bea,+33612345678,",
        ",+33612345678,ann@b.test",
    )
    for is_dry_run in (True, False):
        done = await imported(api, world, csv, isDryRun=is_dry_run)
        assert counts(done) == (2, 2, 0, 1)
        assert await report(api, world, done) == [
            (
                *(6, None, "TAKEN"),
                "One contact has this phone number, and another one this email address.",
            )
        ]
    assert await people() == [
        ("Anna", "", "+33612345679", "ann@b.test"),
        ("Bea", "", "+33612345678", None),
    ]


async def test_numbers_that_go_round(api: Api, world: World) -> None:
    for name, phone in (("A", "+33612345671"), ("B", "+33612345672")):
        await world.contact(name, phone=phone, email=f"{name}@b.test")
    csv = csv_of(
        "Email,Phone", "a@b.test,+33612345679", "b@b.test,+33612345671", "a@b.test,+33612345672"
    )
    for is_dry_run in (True, False):
        assert counts(await imported(api, world, csv, isDryRun=is_dry_run)) == (0, 3, 0, 0)
    assert await people("first_name", "phone") == [("A", "+33612345672"), ("B", "+33612345671")]


async def test_a_dry_run_writes_no_contact_and_says_what_would_be(api: Api, world: World) -> None:
    made = await words(world)
    await world.contact("Old", phone="+33612345678")
    lines = [f"N{n},+3361{n:07},{'VIP' if n % 2 else ''}" for n in range(2 * PORTION_LINES)]
    again = [f"M{n},+3361{n:07},VIP" for n in range(0, 2 * PORTION_LINES, 7)]
    csv = csv_of("First name,Phone,Tags", *lines, "Ann,+33612345678,", *again, *again)
    before = await snapshot(*TABLES)
    events = len(await world.facts())
    dry = await imported(api, world, csv, isDryRun=True)
    assert await snapshot(*TABLES) == before
    facts = (await world.facts())[events:]
    assert {type(fact) for fact in facts} == {ImportProgressed}
    assert [getattr(fact, "done_count", 0) for fact in facts] == [0, 200, 400, dry["lineCount"]]
    real = await imported(api, world, csv)
    assert counts(dry) == counts(real) == (2 * PORTION_LINES, 1 + len(again), len(again), 0)
    await delete_tag(await world.owner.viewer(), made["VIP"].id)
