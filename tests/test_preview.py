"""Variables in messages: previewed, put in once when sent, and hidden from who must not see."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.contact import Contact
from models.conversation import Conversation
from models.custom_field import CustomFieldKind
from models.engine import sql
from models.member import Role
from models.message import Message, MessageStatus
from resolvers.contact import update_contact
from resolvers.contact_details import clean_details
from resolvers.custom_field import create_custom_field
from resolvers.custom_field_value import GivenValue
from resolvers.masking import HIDDEN
from schema.ids import encode_id
from tests.acting import MISSING, NOT_FOUND_SENTENCE, api_key, succeed
from tests.masked_bytes import SWITCH
from tests.test_message import send
from tests.test_message_retry import retry
from tests.test_search import found
from tests.vendor import Vendor, vendor_server
from tests.world import Api, World, make_world, run_jobs, snapshot

PREVIEW = """
query ($id: ID!, $text: String!) {
  previewMessage(conversationId: $id, text: $text) { text unresolvedVariables }
}
"""
THREAD = """
query ($id: ID!) { conversation(id: $id) {
  lastMessage { text } messages(last: 1) { nodes { text } }
  timeline(last: 1) { nodes { ... on Message { text } } }
} }
"""
VARIABLES = "query ($id: ID!) { conversation(id: $id) { composer { variables { name label } } } }"
PHONE, EMAIL = "+33612345678", "zoe@example.com"
TEXT = "$contact.name, $contact.phone, $contact.email, $contact.country, $contact.size, $contact.x"


async def preview(api: Api, who: Any, row: Conversation, text: str) -> Any:
    """Return what a text would say."""
    key = encode_id("Conversation", row.id)
    return (await api.ask(who, PREVIEW, id=key, text=text))["previewMessage"]


async def seen(api: Api, who: Any, row: Conversation) -> str:
    """Return what somebody sees of the last message, which is the same everywhere."""
    data = await api.ask(who, THREAD, id=encode_id("Conversation", row.id))
    found = data["conversation"]
    texts = [found["lastMessage"], found["messages"]["nodes"][0], found["timeline"]["nodes"][0]]
    [text] = {one["text"] for one in texts}
    return str(text)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Serve a vendor."""
    async with vendor_server() as server:
        yield server


async def described(world: World, vendor: Vendor) -> Conversation:
    """Return the conversation of a contact of whom much is known, on a channel."""
    await world.connect(vendor.url)
    owner = await world.owner.viewer()
    field = await create_custom_field(
        owner, world.workspace.id, name="Size", slug="size", kind=CustomFieldKind.NUMBER
    )
    row = await world.conversation("Zoë", phone=PHONE, email=EMAIL)
    given = [GivenValue(field.id, number=42)]
    await update_contact(
        owner, row.contact_id, clean_details(last_name="$contact.phone"), values=given
    )
    return row


async def test_what_is_previewed_is_sent_once(api: Api, world: World, vendor: Vendor) -> None:
    row = await described(world, vendor)
    said = f"Zoë $contact.phone, {PHONE}, {EMAIL}, FR, 42, $contact.x"
    shown = await preview(api, world.owner, row, TEXT)
    assert shown == {"text": said, "unresolvedVariables": ["$contact.x"]}
    first = await send(api, world.owner, row.id, TEXT, idempotencyKey="one")
    assert first["message"]["text"] == said
    await update_contact(
        await world.owner.viewer(), row.contact_id, clean_details(first_name="Eva")
    )
    again = await send(api, world.owner, row.id, TEXT, idempotencyKey="one")
    assert again == first
    await run_jobs()
    assert vendor.texts == [said]
    await Message.filter(direction="OUTGOING").update(status=MessageStatus.FAILED)
    [sent] = await Message.filter(direction="OUTGOING")
    assert (await retry(api, world.owner, sent.id))["message"]["text"] == said
    await run_jobs()
    assert vendor.texts == [said] * 2
    await succeed(api, world.owner, "assignConversation", row, assigneeId=world.owner.id)
    by_program = await send(
        api, await api_key(world), row.id, "$contact.firstname of $assignee.name"
    )
    assert by_program["message"]["text"] == "Eva of Olga"


async def test_masked_members_send_what_they_do_not_see(
    api: Api, world: World, vendor: Vendor
) -> None:
    row = await described(world, vendor)
    agent = await world.add("Ada")
    masks = {"isPhoneMasked": True, "isEmailMasked": False}
    await api.ask(world.owner, SWITCH, input={"workspaceId": world.id, "masking": masks})
    said = f"Zoë $contact.phone, {PHONE}, {EMAIL}, FR, 42, $contact.x"
    for who in (agent, await api_key(world)):
        shown = await preview(api, who, row, TEXT)
        masked = f"Zoë $contact.phone, {HIDDEN}, {EMAIL}, {HIDDEN}, 42, $contact.x"
        assert shown == {"text": masked, "unresolvedVariables": ["$contact.x"]}
        sent = await send(api, who, row.id, TEXT)
        assert sent["message"]["text"] == await seen(api, who, row) == masked.replace(EMAIL, HIDDEN)
        assert await seen(api, world.owner, row) == said
    for who, text in ((agent, masked.replace(EMAIL, HIDDEN)), (world.owner, said)):
        marked = [text.replace("42", "[42]")] * 2
        assert await found(api, who, world, "42", kinds=["MESSAGE"]) == marked
        assert await found(api, who, world, PHONE, kinds=["MESSAGE"]) == []
    await run_jobs()
    assert vendor.texts == [said] * 2
    await Message.filter(direction="OUTGOING").update(status=MessageStatus.FAILED)
    await retry(api, agent, (await Message.filter(direction="OUTGOING"))[0].id)
    await run_jobs()
    assert vendor.texts == [said] * 3
    assert PHONE not in await seen(api, agent, row)
    # without a country nothing is said in its place, and nobody masked can tell
    await Contact.filter(id=row.contact_id).update(country=None)
    assert (await preview(api, agent, row, "$contact.country"))["unresolvedVariables"] == []
    await send(api, agent, row.id, "$contact.country")
    assert (await seen(api, agent, row), await seen(api, world.owner, row)) == (
        HIDDEN,
        "$contact.country",
    )


async def test_the_length_that_is_refused_tells_nothing(
    api: Api, world: World, vendor: Vendor
) -> None:
    await world.connect(vendor.url)
    agent = await world.add("Ada")
    masks = {"isPhoneMasked": True, "isEmailMasked": True}
    await api.ask(world.owner, SWITCH, input={"workspaceId": world.id, "masking": masks})
    short = await world.conversation("Ann", phone="+4366412345", email="a@b.de")
    long = await world.conversation("Ann", phone="+4366412345678", email=f"{'a' * 200}@example.com")
    message = "With its variables filled in, at most 7000 characters."
    for row in (short, long):
        for text, limit in (("$contact.phone", 6984), ("$contact.email", 6746)):
            before = await snapshot("message", "conversation", "event", "job")
            refused = await send(api, agent, row.id, "x" * (limit + 1) + text)
            assert refused["userErrors"] == [
                {"code": "TOO_LONG", "message": message, "field": ["text"]}
            ]
            assert await snapshot("message", "conversation", "event", "job") == before
            assert (await send(api, agent, row.id, "x" * limit + text))["userErrors"] == []
    for length, errors in ((6788, 0), (6789, 1)):  # who sees it knows that it has 212 characters
        sent = await send(api, world.owner, long.id, "x" * length + "$contact.email")
        assert len(sent["userErrors"]) == errors


async def test_previews_are_for_who_sees_the_conversation(api: Api, world: World) -> None:
    row = await world.conversation()
    stranger = (await make_world("Other")).owner
    asked = [
        (stranger, encode_id("Conversation", row.id)),
        *((world.owner, key) for key in MISSING),
    ]
    for who, key in asked:
        answer = await api.run(who, PREVIEW, id=key, text="x")
        [error] = answer["errors"]
        assert (error["message"], error["extensions"]["code"]) == (NOT_FOUND_SENTENCE, "NOT_FOUND")
    answer = await api.run(
        world.owner, PREVIEW, id=encode_id("Conversation", row.id), text="x" * 7001
    )
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    blank = {"text": " ", "unresolvedVariables": []}
    assert await preview(api, await world.add("Mia", Role.MANAGER), row, " ") == blank


async def test_a_composer_lists_the_variables(api: Api, world: World) -> None:
    owner, key = await world.owner.viewer(), world.workspace.id
    for name, slug in (("Size", "size"), ("City", "town")):
        await create_custom_field(owner, key, name=name, slug=slug, kind=CustomFieldKind.TEXT)
    await create_custom_field(
        await (other := await make_world("Other")).owner.viewer(),
        other.workspace.id,
        name="Secret",
        slug="secret",
        kind=CustomFieldKind.TEXT,
    )
    row = await world.conversation()
    who = await world.add("Léa", language="fr")
    data = await api.ask(who, VARIABLES, id=encode_id("Conversation", row.id))
    found = data["conversation"]["composer"]["variables"]
    assert found[0] == {"name": "$contact.name", "label": "Nom du contact"}
    assert found[-2:] == [
        {"name": "$contact.town", "label": "City"},
        {"name": "$contact.size", "label": "Size"},
    ]
    assert len(found) == 18


async def test_what_has_no_variable_costs_nothing(api: Api, world: World) -> None:
    heard = await world.hear()
    await send(api, world.owner, heard.conversation_id)
    costs = []
    for text in ("Hi", "$5 and $contact", "$contact.name", "$system.current_date $contact.x"):
        with sql.count_statements() as counter:
            await send(api, world.owner, heard.conversation_id, text)
        costs.append(counter.total)
    assert costs[0] == costs[1] == costs[2]
    assert costs[3] <= costs[0] + 3
