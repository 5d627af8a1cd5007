"""The lifecycle stage of contacts: set and cleared by whoever sees them, at a constant price."""

import asyncio
from typing import Any

from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.lifecycle_stage import LifecycleStage
from realtime.events import ContactUpdated
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, assigned_to, make_cast
from tests.test_lifecycle import delete, make_stages
from tests.world import Api, World, make_world, snapshot

ACT = """mutation ($input: UpdateContactInput!) { updateContact(input: $input) {
  contact { id version firstName lifecycleStage { name } } userErrors { code message field } } }"""
PAGE = """query ($id: ID!) { contacts(workspaceId: $id, first: 100) {
  nodes { name lifecycleStage { name position } } } }"""
INBOX = """query ($id: ID!) { workspace(id: $id) { inboxes { conversations(first: 100) {
  nodes { contact { name lifecycleStage { name } tags { name } customFields { text } } } } } } }"""
TABLES = ("lifecycle_stage", "contact", "event")


async def act(api: Api, who: Any, contact_id: int, **changes: Any) -> Any:
    """Edit a contact; return the payload."""
    given = {"contactId": encode_id("Contact", contact_id), **changes}
    return (await api.ask(who, ACT, input=given))["updateContact"]


def contact_of(contact: Contact, version: int, stage: str | None, name: str) -> dict[str, Any]:
    """Return how a contact is told."""
    return {
        "id": encode_id("Contact", contact.id),
        "version": version,
        "firstName": name,
        "lifecycleStage": None if stage is None else {"name": stage},
    }


async def test_null_clears_and_omitted_leaves(api: Api, world: World) -> None:
    stages = await make_stages(world, "Lead Customer")
    contact = await world.contact("Zoe")
    conversation = await Conversation.get(contact_id=contact.id)
    start = len(await world.facts())
    lead, customer = stages["Lead"], stages["Customer"]
    for changes, version, stage, name in (
        ({"lifecycleStageId": None}, 1, None, "Zoe"),
        ({"lifecycleStageId": lead}, 2, "Lead", "Zoe"),
        ({"lifecycleStageId": lead}, 2, "Lead", "Zoe"),
        ({}, 2, "Lead", "Zoe"),
        ({"firstName": "Eve"}, 3, "Lead", "Eve"),
        ({"firstName": "Bob", "lifecycleStageId": customer}, 4, "Customer", "Bob"),
        ({"lifecycleStageId": None}, 5, None, "Bob"),
    ):
        payload = await act(api, world.owner, contact.id, **changes)
        assert payload == {
            "contact": contact_of(contact, version, stage, name),
            "userErrors": [],
        }
    told = ContactUpdated(world.workspace.id, contact.id, conversation.id)
    assert (await world.facts())[start:] == [told] * 4


async def test_stages_of_another_workspace_never_existed(api: Api, world: World) -> None:
    contact = await world.contact()
    foreign = (await make_stages(await make_world("Other"), "Foreign"))["Foreign"]
    before = await snapshot(*TABLES)
    error = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE, "field": ["lifecycleStageId"]}
    never = encode_id("LifecycleStage", 999_999)
    for key in (foreign, never, encode_id("Tag", 1), "", encode_id("LifecycleStage", "9" * 40)):
        payload = await act(api, world.owner, contact.id, firstName="Eve", lifecycleStageId=key)
        assert payload == {"contact": None, "userErrors": [error]}
    assert await snapshot(*TABLES) == before


async def test_whoever_sees_the_contact_may_move_them(api: Api, world: World) -> None:
    cast = await make_cast(world)
    lead = (await make_stages(world, "Lead"))["Lead"]
    for kind, who in cast.seers.items():
        conversation = await assigned_to(world, cast.assignee, kind)
        payload = await act(api, who, conversation.contact_id, lifecycleStageId=lead)
        assert payload["contact"]["lifecycleStage"] == {"name": "Lead"}, kind
    hidden = (await assigned_to(world, cast.assignee)).contact_id
    before = await snapshot(*TABLES)
    error = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE, "field": ["contactId"]}
    for kind, who in cast.blind.items():
        payload = await act(api, who, hidden, lifecycleStageId=lead)
        assert payload == {"contact": None, "userErrors": [error]}, kind
    assert await snapshot(*TABLES) == before


async def test_a_stage_deleted_while_it_is_given_is_nowhere(api: Api, world: World) -> None:
    contacts = [await world.contact(f"C{number}") for number in range(3)]
    for _ in range(4):
        stages = await make_stages(world, "Lead Customer")
        lead, customer = stages["Lead"], stages["Customer"]
        for contact in contacts[:2]:
            await act(api, world.owner, contact.id, lifecycleStageId=lead)
        deleted, *payloads = await asyncio.gather(
            delete(api, world, lead),
            *(act(api, world.owner, one.id, lifecycleStageId=lead) for one in contacts),
            *(act(api, world.owner, one.id, lifecycleStageId=customer) for one in contacts),
            *(act(api, world.owner, one.id, firstName=f"N{one.id}") for one in contacts),
        )
        assert deleted["userErrors"] == []
        codes = {error["code"] for payload in payloads for error in payload["userErrors"]}
        assert codes <= {"NOT_FOUND"}
        [left] = await LifecycleStage.all()
        assert {row.lifecycle_stage_id for row in await Contact.all()} <= {None, left.id}
        await delete(api, world, customer)
    assert {row.lifecycle_stage_id for row in await Contact.all()} == {None}


async def test_a_hundred_contacts_in_stages_cost_what_two_cost(api: Api, world: World) -> None:
    await make_stages(world, "s0 s1 s2")
    stages = await LifecycleStage.all().order_by("position")
    counts: dict[str, list[int]] = {PAGE: [], INBOX: []}
    made = 0
    for size in (2, 100):
        for number in range(made, size):
            contact = await world.contact(f"C{number}")
            stage = None if number % 4 == 3 else stages[number % 4].id
            await Contact.filter(id=contact.id).update(lifecycle_stage_id=stage)
        made = size
        for document, counted in counts.items():
            with sql.count_statements() as counter:
                await api.ask(world.owner, document, id=world.id)
            counted.append(counter.total)
        nodes = (await api.ask(world.owner, PAGE, id=world.id))["contacts"]["nodes"]
        assert {node["name"]: node["lifecycleStage"] for node in nodes} == {
            f"C{n}": None if n % 4 == 3 else {"name": f"s{n % 4}", "position": n % 4}
            for n in range(size)
        }
    assert counts[PAGE] == [3, 3]  # the viewer, the page, the stages
    assert counts[INBOX][0] == counts[INBOX][1]
