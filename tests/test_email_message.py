"""Mail that is sent: subjects, threads and copies, what the server gets, and how it answers."""

from typing import Any

from connectors.channels.email_outbound import is_sendable, thread_after
from models.channel import Channel
from models.conversation import Conversation
from models.message import Message, MessageStatus
from models.message_email import MessageEmail
from resolvers.email_message import answer_to, base_of, same_thread
from schema.ids import encode_id
from tests.acting import nothing_changes
from tests.mail import OWN, bring, connect_mail, raw, written
from tests.post import Post, smtp_server
from tests.test_message import send as send_message
from tests.world import Api, World, run_jobs

EMAIL = """
query ($id: ID!) { message(id: $id) { kind text email {
  subject from { display } to { display } cc { display } bcc { display masked }
  messageId inReplyTo html
} replyTo { messageId } } }
"""


async def shown(api: Api, who: Any, message: Message) -> Any:
    """Return what is shown of a mail."""
    return (await api.ask(who, EMAIL, id=encode_id("Message", message.id)))["message"]


def test_what_stands_before_a_subject() -> None:
    for subject, base in (
        ("Red shoes", "Red shoes"),
        ("Re: Red shoes", "Red shoes"),
        ("RE:RE: Re[2]:  Red shoes ", "Red shoes"),
        ("AW: WG: Red shoes", "Red shoes"),
        ("Fwd: Sv: Red: shoes", "Red: shoes"),
        ("Regards: none", "Regards: none"),
        ("Re:", "Re:"),
        ("", ""),
    ):
        assert base_of(subject) == base, subject
    assert answer_to("RE: AW: Shoes") == "Re: Shoes"
    assert same_thread("Re: SHOES", "shoes") and not same_thread("Shoes", "Boots")
    assert thread_after(["<a@b>", "bad", "<a@b>"], "<c@d>") == ("<a@b>", "<c@d>")
    long = thread_after([f"<{n}@b>" for n in range(100)], "<last@b>")
    assert (len(long), long[0], long[-1]) == (40, "<0@b>", "<last@b>")
    for address in ("a@b.c", "a.b+c@d-e.fr", "o'x@b.c"):
        assert is_sendable(address)
    for address in ("a@b", "a b@c.d", "a@b.c\r\nX: y", "a@b.c,d@e.f", "<a@b.c>", "é@b.c", ".a@b.c"):
        assert not is_sendable(address)


async def test_a_thread_from_the_first_mail_to_the_next_subject(api: Api, world: World) -> None:
    post = Post()
    async with smtp_server(post) as port:
        channel = await connect_mail(world, port)
        heard = await written(channel, raw("Are they red?", subject="RE: Red shoes"))
        heard_id = {"replyToMessageId": encode_id("Message", heard.id)}
        conversation = heard.conversation_id
        said = {"cc": ["Ann@x.test", "ann@x.test"], "bcc": ["boss@x.test"]}
        for text, more in (
            ("Yes ☀", {**heard_id, "email": said}),
            ("And blue", {}),
            ("Same", {"email": {"subject": "AW: red shoes"}}),
            ("New", {"email": {"subject": "Your boots ☀ " + "x" * 200}}),
            ("Odd", {**heard_id, "email": {"subject": "Boots"}}),
        ):
            payload = await send_message(api, world.owner, conversation, text, **more)
            assert payload["userErrors"] == [], payload
            await run_jobs()
    rows = {row.text: row for row in await Message.filter(direction="OUTGOING")}
    assert {row.status for row in rows.values()} == {MessageStatus.SENT}
    yes, odd = check_headers(post, str(rows["Yes ☀"].external_id))
    await comes_back(channel, rows["Yes ☀"], odd["References"], yes)
    assert await shown(api, world.owner, rows["Yes ☀"]) == {
        "kind": "EMAIL",
        "text": "Yes ☀",
        "replyTo": {"messageId": encode_id("Message", heard.id)},
        "email": {
            "subject": "Re: Red shoes",
            "from": {"display": OWN},
            "to": [{"display": "carla@home.test"}],
            "cc": [{"display": "ann@x.test"}],
            "bcc": [{"display": "boss@x.test", "masked": False}],
            "messageId": yes["Message-ID"],
            "inReplyTo": "<1@home.test>",
            "html": None,
        },
    }


def check_headers(post: Post, external_id: str) -> tuple[Any, Any]:
    """Check what the server got; return the first mail and the last one."""
    yes, blue, same, new, odd = post.mails
    assert yes["From"] == f"The Shöp <{OWN}>" and yes["To"] == "carla@home.test"
    assert (yes["Cc"], yes["Bcc"], yes["Subject"]) == ("ann@x.test", None, "Re: Red shoes")
    assert (yes["In-Reply-To"], yes["References"]) == ("<1@home.test>", "<1@home.test>")
    assert yes["Message-ID"] == external_id
    assert yes["Message-ID"].endswith("@shop.test>") and yes.get_content().strip() == "Yes ☀"
    assert post.recipients[0] == ["carla@home.test", "ann@x.test", "boss@x.test"]
    assert blue["In-Reply-To"] == yes["Message-ID"] and blue["Subject"] == "Re: Red shoes"
    assert blue["References"].split() == ["<1@home.test>", yes["Message-ID"]]
    assert same["In-Reply-To"] == blue["Message-ID"] and same["Subject"] == "Re: Red shoes"
    assert (new["In-Reply-To"], new["References"]) == (None, None)
    assert new["Subject"] == "Your boots ☀ " + "x" * 200
    assert (odd["In-Reply-To"], odd["Subject"]) == ("<1@home.test>", "Boots")
    return yes, odd


async def comes_back(channel: Channel, sent: Message, thread: str, mail: Any) -> None:
    """Let the contact answer, their server repeat it, and a copy of ours come back."""
    back = raw(
        "Fine",
        message_id="<2@home.test>",
        In_Reply_To="<gone@x>",
        References=f"{thread} {sent.external_id}",
    )
    answered = await written(channel, back)
    assert answered.reply_to_id == sent.id
    assert await bring(channel, back) == 0
    assert await bring(channel, mail.as_bytes()) == 1
    assert await Message.all().count() == 7


async def test_what_no_mail_can_be_is_refused(api: Api, world: World) -> None:
    channel = await connect_mail(world)
    contact = await world.contact("Dora", email="dora@x.test", phone="+33612345678")
    plain = await world.hear()
    conversation = await Conversation.get(contact_id=contact.id)
    on_mail = {"channelId": encode_id("Channel", channel.id)}
    subject, cc, bcc = ["email", "subject"], ["email", "cc", "1"], ["email", "bcc", "0"]
    many = [f"a{n}@x.test" for n in range(51)]
    async with nothing_changes():
        for where, more, code, *field in (
            (conversation.id, None, "BLANK", *subject),
            (conversation.id, {"subject": "  "}, "BLANK", *subject),
            (conversation.id, {"subject": "x" * 256}, "TOO_LONG", *subject),
            (conversation.id, {"subject": "a\r\nBcc: e@x"}, "INVALID", *subject),
            (conversation.id, {"subject": "a\u2028b"}, "INVALID", *subject),
            (conversation.id, {"subject": "a", "cc": ["a@b.c", "a@b.c\nX: y"]}, "INVALID", *cc),
            (conversation.id, {"subject": "a", "bcc": ["x"]}, "INVALID", *bcc),
            (conversation.id, {"cc": many}, "INVALID", "email", "cc"),
            (plain.conversation_id, {"subject": "a"}, "INVALID", "email"),
        ):
            channels = on_mail if where == conversation.id else {}
            payload = await send_message(api, world.owner, where, email=more, **channels)
            [error] = payload["userErrors"]
            assert (error["code"], error["field"]) == (code, field), more
    first: Any = {**on_mail, "email": {"subject": "Hello"}, "idempotencyKey": "k"}
    payload = await send_message(api, world.owner, conversation.id, **first)
    assert payload["userErrors"] == []
    assert payload == await send_message(api, world.owner, conversation.id, **first)
    row = await MessageEmail.get()
    assert (row.recipients, row.subject) == ("dora@x.test", "Hello")
    assert row.in_reply_to is None
    other: Any = {**first, "email": {"subject": "Hello", "bcc": ["a@b.c"]}}
    [error] = (await send_message(api, world.owner, conversation.id, **other))["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_who_is_only_known_by_mail_is_written_to_there(api: Api, world: World) -> None:
    await connect_mail(world)
    conversation = await world.conversation("Dora", email="dora@x.test")
    payload = await send_message(api, world.owner, conversation.id, email={"subject": "Hello"})
    assert payload["userErrors"] == []
    assert (await MessageEmail.get()).recipients == "dora@x.test"
    nobody = await world.conversation("Emil", phone="+33612345678")
    payload = await send_message(api, world.owner, nobody.id, email={"subject": "Hello"})
    assert [error["code"] for error in payload["userErrors"]] == ["NO_CHANNEL"]
