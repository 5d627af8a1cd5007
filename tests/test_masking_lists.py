"""Masking and lists: filters, custom inboxes, search, sorts, duplicates, and what can be sent."""

from typing import Any

import pytest

from models.contact import Contact
from models.custom_inbox import CustomInbox
from models.idempotency_key import IdempotencyKey
from models.member import Restriction
from models.message import Message
from resolvers.masking import HIDDEN
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, conversation_id
from tests.test_composer import COMPOSER, SEND
from tests.test_contact_filter import listed
from tests.test_contact_sorts import LIST
from tests.test_inbox_custom import OPEN, UPDATE, create, made, own_inboxes
from tests.test_masking import EMAIL, PHONE, switch
from tests.test_masking_saving import CREATE, update
from tests.world import Api, World, snapshot, webhook

SENTENCE = "A filter cannot look at what is hidden from you."
REFUSAL = {"code": "FORBIDDEN", "message": SENTENCE, "field": ["filter"]}
DUPLICATES = """
query ($id: ID!) { duplicateContacts(workspaceId: $id) { nodes { duplicates { id } } } }
"""
INBOX = "query ($id: ID!) { inbox(id: $id) { openCount } }"
OPERATORS = ("EXISTS", "DOES_NOT_EXIST", "HAS_ANY_OF", "HAS_NONE_OF")


def about(field: str, operator: str = "EXISTS", *values: str) -> dict[str, Any]:
    """Return a condition on a detail of the contact."""
    return {"contactField": {"field": field, "operator": operator, "values": list(values)}}


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize(
    ("field", "restriction"),
    [
        ("PHONE", Restriction.PHONE_NUMBERS),
        ("COUNTRY", Restriction.PHONE_NUMBERS),
        ("EMAIL", Restriction.EMAIL_ADDRESSES),
    ],
)
async def test_a_filter_that_looks_at_what_is_hidden_is_refused(
    api: Api, world: World, field: str, restriction: Restriction, depth: int
) -> None:
    await world.contact("Zoë", phone=PHONE, email=EMAIL)
    masked = await world.add("Ada", restrictions=[restriction])
    inbox = await made(api, masked, world)
    before = await snapshot("custom_inbox", "event")
    for operator in OPERATORS:
        values = (PHONE, EMAIL, "FR") if operator.startswith("HAS") else ()
        condition = about(field, operator, *values)
        for _ in range(depth):
            condition = {"anyOf": [OPEN, condition]} if depth == 1 else {"allOf": [condition]}
        assert (await create(api, masked, world, filter=condition))["userErrors"] == [REFUSAL]
        given = {"inboxId": inbox["id"], "filter": condition}
        payload = (await api.ask(masked, UPDATE, input=given))["updateInbox"]
        assert payload["userErrors"] == [REFUSAL]
        answer = await api.run(masked, LIST, id=world.id, filter=condition)
        [error] = answer["errors"]
        assert (error["message"], error["extensions"]["code"]) == (SENTENCE, "FORBIDDEN")
        assert "errors" not in await api.run(world.owner, LIST, id=world.id, filter=condition)
    assert await snapshot("custom_inbox", "event") == before


async def test_an_inbox_that_looks_at_what_is_hidden_is_nobodys_who_is_masked(
    api: Api, world: World
) -> None:
    """Not even its maker has it, until they may see again."""
    ada, bob = await world.add("Ada"), await world.add("Bob")
    shared = {"mode": "WORKSPACE"}
    phones = await made(api, ada, world, name="Phones", filter=about("PHONE"), sharing=shared)
    await made(api, ada, world, name="Open", sharing=shared)
    await switch(api, world, phones=True)
    assert await own_inboxes(api, ada, world) == [("Open", "CREATED_BY_ME")]
    assert await own_inboxes(api, bob, world) == [("Open", "CREATED_BY_OTHERS")]
    for missing in (phones["id"], encode_id("CustomInbox", 999_999)):
        for who in (ada, bob):
            answer = await api.run(who, INBOX, id=missing)
            assert [one["message"] for one in answer["errors"]] == [NOT_FOUND_SENTENCE]
    assert len(await own_inboxes(api, world.owner, world)) == 2
    assert await CustomInbox.all().count() == 2
    await switch(api, world, phones=False)
    assert [name for name, _ in await own_inboxes(api, bob, world)] == ["Open", "Phones"]


@pytest.mark.parametrize("restriction", [Restriction.PHONE_NUMBERS, Restriction.EMAIL_ADDRESSES])
async def test_search_looks_at_names_as_they_are_shown(
    api: Api, world: World, restriction: Restriction
) -> None:
    await world.contact("Zoë", phone=PHONE, email=EMAIL)
    await world.contact(f"Bea {PHONE}", phone="+14155550100")
    masked = await world.add("Ada", restrictions=[restriction])
    for search in (PHONE, PHONE[1:], PHONE[-6:], "06 12 34 56 78", EMAIL, "example", "zoe@"):
        assert await listed(api, masked, world, search=search) == [], search
        assert await listed(api, world.owner, world, search=search) != [], search
    assert await listed(api, masked, world, search="zoe") == ["Zoë"]
    assert await listed(api, masked, world, search="bea") == [f"Bea {HIDDEN}"]
    assert await listed(api, masked, world, search=f"bea {PHONE}") == []


async def test_sorts_by_name_go_by_what_is_shown(api: Api, world: World) -> None:
    for name in ("Bea +33999999999", "Bea +33111111111", "Bea +33555555555"):
        await world.contact(name)
    await world.contact("Ann")
    masked = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    ids = "query ($id: ID!, $sort: ContactSort) { contacts(workspaceId: $id, sort: $sort) {"
    ids += " nodes { id } } }"
    orders = {}
    for who in (masked, world.owner):
        for sort in ("NAME_A_TO_Z", "NAME_Z_TO_A"):
            page = await api.ask(who, ids, id=world.id, sort=sort)
            orders[who is masked, sort] = [node["id"] for node in page["contacts"]["nodes"]]
    keys = [encode_id("Contact", row.id) for row in await Contact.all().order_by("id")]
    nine, one, five, ann = keys
    assert orders[False, "NAME_A_TO_Z"] == [ann, one, five, nine]
    assert orders[True, "NAME_A_TO_Z"][0] == ann
    assert orders[True, "NAME_A_TO_Z"][1:] in ([nine, one, five], [five, one, nine])
    assert orders[True, "NAME_Z_TO_A"] == orders[True, "NAME_A_TO_Z"][::-1]


async def test_duplicates_are_told_to_who_sees_them_only(api: Api, world: World) -> None:
    await world.contact("Zoë", phone=PHONE, email=EMAIL)
    masked = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    given = {"workspaceId": world.id, "firstName": "Eva", "phone": PHONE}
    await api.ask(masked, CREATE, input=given)
    assert await api.ask(masked, DUPLICATES, id=world.id) == {"duplicateContacts": {"nodes": []}}
    [node] = (await api.ask(world.owner, DUPLICATES, id=world.id))["duplicateContacts"]["nodes"]
    first = await Contact.all().order_by("id").first()
    assert first is not None
    assert node == {"duplicates": [{"id": encode_id("Contact", first.id)}]}
    one = "query ($id: ID!) { contact(id: $id) { duplicates { id } } }"
    key = encode_id("Contact", first.id)
    assert await api.ask(masked, one, id=key) == {"contact": {"duplicates": []}}


async def test_who_gave_a_number_cannot_try_by_writing_whether_it_is_free(
    api: Api, world: World
) -> None:
    await world.connect()
    await world.contact("Zoë", phone=PHONE)
    masked = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    free = "+33612345679"
    for phone in (PHONE, free):
        given = {"workspaceId": world.id, "firstName": "Eva", "phone": phone}
        await api.ask(masked, CREATE, input=given)
    _, taken_one, free_one = await Contact.all().order_by("id").select_related("conversation")
    for contact in (taken_one, free_one):
        key = conversation_id(contact.conversation)
        composer = (await api.ask(masked, COMPOSER, id=key))["conversation"]["composer"]
        assert composer == {"restriction": "NO_CHANNEL", "canTakeOver": False}
        sent = await api.ask(masked, SEND, input={"conversationId": key, "text": "Hi"})
        assert [one["code"] for one in sent["sendMessage"]["userErrors"]] == ["NO_CHANNEL"]
    assert await Message.all().count() == 0
    # who sees numbers gives it, or the contact writes: then there is no doubt
    key = conversation_id(free_one.conversation)
    sent = await api.ask(world.owner, SEND, input={"conversationId": key, "text": "Hi"})
    assert sent["sendMessage"]["userErrors"] == []
    await update(api, world.owner, taken_one, phone="+33612345670")
    key = conversation_id(taken_one.conversation)
    sent = await api.ask(masked, SEND, input={"conversationId": key, "text": "Hi"})
    assert sent["sendMessage"]["userErrors"] == []


async def test_a_key_used_again_tells_nothing(api: Api, world: World) -> None:
    """A repeat gives the first contact, and another number is another input: taken or not."""
    await world.contact("Zoë", phone=PHONE)
    masked = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    answers = []
    for number, phone in enumerate((PHONE, "+33612345679")):
        given = {"workspaceId": world.id, "firstName": "Eva", "phone": phone}
        given["idempotencyKey"] = f"key {number}"
        first = (await api.ask(masked, CREATE, input=given))["createContact"]
        again = (await api.ask(masked, CREATE, input=given))["createContact"]
        assert first == again
        other = given | {"phone": "+33612345600"}
        reused = (await api.ask(masked, CREATE, input=other))["createContact"]
        assert [one["code"] for one in reused["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
        first["contact"].pop("id")
        answers.append((first, reused))
    assert answers[0] == answers[1]
    assert await Contact.all().count() == 3
    assert await IdempotencyKey.all().count() == 2


async def test_a_customer_whose_number_was_guessed_is_one_contact(api: Api, world: World) -> None:
    """A claim of a number draws nobody away from the contact who has it."""
    channel = await world.connect()
    first = await world.contact("Zoë", phone=PHONE)
    masked = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    given = {"workspaceId": world.id, "firstName": "Eva", "phone": PHONE}
    await api.ask(masked, CREATE, input=given)
    event = {"type": "message", "mId": "1", "message": {"type": "text", "text": "Hello"}}
    assert await webhook(channel, PHONE, event) == 1
    message = await world.hear(sender=PHONE)
    assert message.conversation.contact_id == first.id
