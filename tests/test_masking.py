"""Masking: what agents see of contacts whose phone numbers and email addresses are hidden."""

from typing import Any

import pytest

from models.contact import Contact
from models.member import Restriction, Role
from models.message import Message, MessageStatus
from realtime.events import MaskingChanged, WorkspaceSettingsChanged
from resolvers.inbox_filter import AllOf, Choice, ChoiceCondition, ChoiceOperator
from resolvers.masking import (
    HIDDEN,
    Masking,
    cut,
    display_name,
    looks_at_hidden,
    shown_name,
    without_details,
)
from resolvers.rights import masking_of
from resolvers.viewer import Viewer
from schema.ids import encode_id
from tests.acting import api_key
from tests.world import Api, World, run_jobs, webhook

PHONE = "+33612345678"
EMAIL = "zoe@example.com"
CONTACT = """
query ($id: ID!) { contact(id: $id) {
  name firstName lastName email country pictureUrl isCallable
  phone { value masked display } emailAddress { value masked display }
  channels { externalId }
} }
"""
SWITCH = """
mutation ($input: UpdateWorkspaceSettingsInput!) { updateWorkspaceSettings(input: $input) {
  workspace { settings { masking { isPhoneMasked isEmailMasked } } }
  userErrors { code message field }
} }
"""
SHOWN = {"value": PHONE, "masked": False, "display": PHONE}
MASK = {"value": None, "masked": True, "display": HIDDEN}


async def switch(api: Api, world: World, **masking: bool | None) -> Any:
    """Change what agents do not see: `phones` and `emails`."""
    names = {"phones": "isPhoneMasked", "emails": "isEmailMasked"}
    changes = {names[key]: value for key, value in masking.items()}
    given = {"workspaceId": world.id, "masking": changes}
    payload = (await api.ask(world.owner, SWITCH, input=given))["updateWorkspaceSettings"]
    assert payload["userErrors"] == []
    now = payload["workspace"]["settings"]["masking"]
    return {key: now[name] for key, name in names.items()}


async def look(api: Api, who: Any, contact: Any) -> Any:
    """Return what somebody sees of a contact."""
    return (await api.ask(who, CONTACT, id=encode_id("Contact", contact.id)))["contact"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Zoë Martin", "Zoë Martin"),
        ("Zoë 12", "Zoë 12"),
        (PHONE, HIDDEN),
        ("+33 (0)6 12 34-56.78", HIDDEN),
        ("Zoë 06 12 34 56 78 (home)", f"Zoë {HIDDEN} (home)"),
        ("٠٦١٢٣٤", HIDDEN),
        (EMAIL, HIDDEN),
        (f"Zoë <{EMAIL}> there", f"Zoë {HIDDEN} there"),
    ],
)
def test_what_may_be_a_detail_is_left_out(text: str, left: str) -> None:
    assert without_details(text) == left
    assert shown_name(text, Masking(phones=True)) == left
    assert shown_name(text, Masking()) == text


def test_a_name_never_falls_back_on_what_is_hidden() -> None:
    nameless = Contact(first_name="", last_name="", phone=PHONE, email=EMAIL)
    shown = {
        (phones, emails): display_name(nameless, Masking(phones=phones, emails=emails))
        for phones in (False, True)
        for emails in (False, True)
    }
    assert shown == {
        (False, False): EMAIL,
        (True, False): EMAIL,
        (False, True): HIDDEN,
        (True, True): HIDDEN,
    }
    nameless.email = None
    assert display_name(nameless, Masking(phones=True)) == HIDDEN
    assert display_name(nameless, Masking(emails=True)) == PHONE
    nameless.phone = None
    assert display_name(nameless, Masking(phones=True)) == ""
    nameless.given_phone = PHONE
    assert display_name(nameless, Masking(phones=True)) == HIDDEN


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("switches", [Masking(), Masking(phones=True), Masking(emails=True)])
def test_only_agents_are_masked(role: Role, switches: Masking) -> None:
    assert masking_of(role, "", switches) == (switches if role is Role.AGENT else Masking())
    own = Restriction.PHONE_NUMBERS.value
    assert masking_of(Role.AGENT, own, switches) == Masking(phones=True, emails=switches.emails)
    own = f"{Restriction.EMAIL_ADDRESSES.value},{own}"
    assert masking_of(Role.AGENT, own, switches) == Masking(phones=True, emails=True)


@pytest.mark.parametrize(
    ("what", "phones", "emails"),
    [
        (Choice.PHONE, True, False),
        (Choice.COUNTRY, True, False),
        (Choice.EMAIL, False, True),
        (Choice.LANGUAGE, False, False),
        (Choice.LAST_NAME, False, False),
    ],
)
def test_which_filters_look_at_what_is_hidden(what: Choice, phones: bool, emails: bool) -> None:
    for operator in ChoiceOperator:
        conditions = AllOf((ChoiceCondition(what, operator, ("x",)),))
        assert looks_at_hidden(conditions, Masking(phones=True)) is phones
        assert looks_at_hidden(conditions, Masking(emails=True)) is emails
        assert not looks_at_hidden(conditions, Masking())
    number = ChoiceCondition(Choice.FIRST_NAME, ChoiceOperator.HAS_ANY_OF, ("x", PHONE))
    assert looks_at_hidden(number, Masking(emails=True))
    assert not looks_at_hidden(number, Masking())


async def test_agents_see_neither_numbers_nor_what_tells_of_them(api: Api, world: World) -> None:
    await world.connect()
    profile = {"phone": PHONE, "email": EMAIL, "profilePic": "https://cdn.example.com/33612345678"}
    message = {"type": "message", "mId": "1", "message": {"type": "text", "text": "Hello"}}
    await webhook(world.channels[0], PHONE, message, contact=profile)
    await run_jobs()
    contact = await Contact.get()
    agent, manager = await world.add(), await world.add("Mia", Role.MANAGER)
    key = await api_key(world, Role.AGENT)
    whole = {
        "name": EMAIL,
        "firstName": "",
        "lastName": "",
        "email": EMAIL,
        "country": "FR",
        "pictureUrl": "https://cdn.example.com/33612345678",
        "isCallable": True,
        "phone": SHOWN,
        "emailAddress": {"value": EMAIL, "masked": False, "display": EMAIL},
        "channels": [{"externalId": PHONE}],
    }
    assert await look(api, agent, contact) == whole
    assert await switch(api, world, phones=True) == {"phones": True, "emails": False}
    without_phone = whole | {
        "country": None,
        "pictureUrl": None,
        "isCallable": False,
        "phone": MASK,
        "channels": [{"externalId": HIDDEN}],
    }
    for one in (agent, key):
        assert await look(api, one, contact) == without_phone
    assert await switch(api, world, emails=True) == {"phones": True, "emails": True}
    hidden = without_phone | {"name": HIDDEN, "email": HIDDEN, "emailAddress": MASK}
    for one in (agent, key):
        assert await look(api, one, contact) == hidden
    for other in (world.owner, manager):
        assert await look(api, other, contact) == whole
    assert await switch(api, world, phones=None, emails=None) == {"phones": False, "emails": False}
    assert await look(api, agent, contact) == whole


async def test_a_single_agent_is_restricted_without_the_switch(api: Api, world: World) -> None:
    contact = await world.contact(phone=PHONE, email=EMAIL)
    free = await world.add()
    ada = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    bob = await world.add("Bob", restrictions=[Restriction.EMAIL_ADDRESSES])
    assert [(await look(api, one, contact))["phone"] for one in (free, ada, bob)] == [
        SHOWN,
        MASK,
        SHOWN,
    ]
    assert [(await look(api, one, contact))["email"] for one in (free, ada, bob)] == [
        EMAIL,
        EMAIL,
        HIDDEN,
    ]


async def test_the_switch_is_told_once(api: Api, world: World) -> None:
    before = len(await world.facts())
    await switch(api, world, phones=True)
    await switch(api, world, phones=True)
    assert (await world.facts())[before:] == [MaskingChanged(world.workspace.id)]
    given = {"workspaceId": world.id, "snooze": {"wakeOnReply": False}}
    await api.ask(world.owner, SWITCH, input=given)
    assert (await world.facts())[before + 1 :] == [WorkspaceSettingsChanged(world.workspace.id)]


async def test_the_words_of_vendors_have_no_numbers(api: Api, world: World) -> None:
    message = await world.hear(sender=PHONE)
    await Message.filter(id=message.id).update(
        status=MessageStatus.FAILED,
        failure_code="REJECTED",
        failure_text=f"{PHONE} (wa 12) or {EMAIL} is unknown",
        payload=f'{{"from": "{PHONE}"}}',
    )
    asked = "query ($id: ID!) { message(id: $id) { payload failure { code text } } }"
    key = encode_id("Message", message.id)
    await switch(api, world, phones=True)
    assert await api.ask(await world.add(), asked, id=key) == {
        "message": {
            "payload": None,
            "failure": {
                "code": "REJECTED",
                "text": f"{HIDDEN} (wa {HIDDEN}) or {HIDDEN} is unknown",
            },
        }
    }
    whole = (await api.ask(world.owner, asked, id=key))["message"]
    assert whole["payload"] == f'{{"from": "{PHONE}"}}'
    assert PHONE in whole["failure"]["text"]


async def viewer_sees(viewer: Viewer, world: World) -> Masking:
    """Return what is hidden from a viewer."""
    return viewer.memberships[world.workspace.id].masking


async def test_who_acts_later_is_looked_up_with_the_switch(api: Api, world: World) -> None:
    agent = await world.add()
    assert await viewer_sees(await agent.viewer(), world) == Masking()
    await switch(api, world, emails=True)
    assert await viewer_sees(await agent.viewer(), world) == Masking(emails=True)
    assert await viewer_sees(await world.owner.viewer(), world) == Masking()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 19 + "…"),
        ("no number +49 170 123 unknown", "no number …"),
        ("no number +49 17012 unknown", "no number +49 17012…"),
        ("no mail ada@example.com here", "no mail …"),
    ],
)
def test_what_is_cut_off_leaves_no_part_of_a_number(text: str, expected: str) -> None:
    assert cut(text, 20) == expected
