"""A thread of mail, as its contact, two members and their front-ends have it."""

import asyncio
from email.message import EmailMessage
from typing import Any

from models.member import Restriction, Visibility
from schema.ids import encode_id
from tests.acting import nothing_changes
from tests.day import Day, door, hear_kind
from tests.mail import OWN
from tests.post import Post, smtp_server
from tests.streaming import Client, Server, stack_bus_url
from tests.test_email_channel import HOSTILE
from tests.world import make_world, run_jobs

__all__ = ["door", "stack_bus_url"]

MAIL = """
  id text status failure { code text } replyTo { messageId text } viewerCanRetry
  email {
    subject from { display } to { display masked } cc { display } bcc { display masked }
    messageId inReplyTo html
  }
  attachments { fileName contentType byteSize state url }
"""
HEARD = f"""
subscription($id: ID!) {{ workspaceEvents(workspaceId: $id) {{
  __typename
  ... on MessageAdded {{ conversation {{ id }} message {{ {MAIL} }} }}
  ... on MessageChanged {{ message {{ {MAIL} }} }}
}} }}
"""
CONNECTED = "channel { id kind acceptsReplyTo } token webhookUrl"
PDF = b"%PDF-1.7\n" + b"x" * 5000
HIDDEN = "••••••"
CLEAN = ("script", "onclick", "style", "t.test", "cid:", "javascript", "data:", "iframe", "form")


def question() -> bytes:
    """Return what a contact's mail program sends: plain text, hostile HTML and a file."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = "Carla Diaz <carla@home.test>", OWN, "dan@home.test"
    mail["Subject"], mail["Message-ID"] = "RE: AW: Red shoes", "<q@home.test>"
    mail["In-Reply-To"], mail["References"] = "<old@home.test>", "<older@home.test> <old@home.test>"
    mail.set_content("Are they red? Write to carla@home.test")
    mail.add_alternative(HOSTILE, subtype="html")
    mail.add_attachment(PDF, "application", "pdf", filename="Größe.pdf")
    return mail.as_bytes()


def answer(text: str, parent: Any) -> bytes:
    """Return the contact's answer to a mail of ours."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "carla@home.test", OWN, parent["Subject"]
    mail["Message-ID"], mail["In-Reply-To"] = "<a@home.test>", parent["Message-ID"]
    mail.set_content(text)
    return mail.as_bytes()


class Mailing:
    """The day of a mailbox: its sockets, and the server through which it sends."""

    def __init__(self, day: Day, post: Post, owner: Client, masked: Client) -> None:
        self.day, self.post, self.owner, self.masked = day, post, owner, masked
        self.door: Any = None

    async def comes(self, body: bytes) -> tuple[Any, Any]:
        """Let a mail come in; return how the owner and the masked member hear of it."""
        assert await self.day.receive(self.door, body) == 200
        return await self.heard("MessageAdded")

    async def heard(self, kind: str, status: str = "") -> tuple[Any, Any]:
        """Return the message of the next event of a kind, as each of the two hears it."""
        told = []
        for client in (self.owner, self.masked):
            event = await hear_kind(client, kind)
            while status and event["message"]["status"] != status:
                event = await hear_kind(client, kind)
            self.day.conversation = event.get("conversation", {}).get("id", self.day.conversation)
            told.append(event["message"])
        return told[0], told[1]

    async def goes(self, text: str, **given: Any) -> tuple[Any, Any]:
        """Send a mail; return it as both hear that it is sent, and as the server got it."""
        given = {"conversationId": self.day.conversation, "text": text, **given}
        made = await self.day.do(self.day.world.owner, "sendMessage", "message { id }", **given)
        added, _ = await self.heard("MessageAdded")
        assert (added["id"], added["status"]) == (made["message"]["id"], "PENDING")
        await run_jobs()
        sent, _ = await self.heard("MessageChanged", "SENT")
        assert sent["id"] == added["id"]
        return sent, self.post.mails[-1]


async def test_a_thread_of_mail_from_the_first_question_to_the_next_subject(door: Server) -> None:
    post, world = Post(), await make_world()
    ada = await world.add("Ada", restrictions=[Restriction.EMAIL_ADDRESSES])
    async with (
        smtp_server(post) as port,
        door.client(world.owner) as owner,
        door.client(ada) as masked,
        asyncio.timeout(90),
    ):
        mailing = Mailing(Day(door, world), post, owner, masked)
        for client in (owner, masked):
            await client.subscribe(HEARD, id=world.id)
        await _connects(mailing, ada, port)
        asked = await _is_asked(mailing)
        await _stays_in_the_thread(mailing, asked)
        await _is_answered_and_begins_another(mailing, asked)
        await _fails_and_is_sent_again(mailing, asked)
        await _refuses(mailing, asked)


async def _connects(mailing: Mailing, agent: Any, port: int) -> None:
    day = mailing.day
    given: Any = {
        "workspaceId": day.world.id,
        "name": "Mail",
        "address": OWN,
        "displayName": "The Shöp",
    }
    given |= {"smtpHost": "127.0.0.1", "smtpPort": port, "smtpSecurity": "NONE"}
    async with nothing_changes():
        assert await day.refusal(agent, "connectEmailChannel", **given) == [
            {"code": "FORBIDDEN", "field": []}
        ]
    mailing.door = await day.do(day.world.owner, "connectEmailChannel", CONNECTED, **given)
    assert mailing.door["channel"]["kind"] == "EMAIL"
    async with nothing_changes():
        assert await day.receive({**mailing.door, "token": "guessed"}, question()) == 401


async def _is_asked(mailing: Mailing) -> Any:
    """The contact writes with HTML and a file: nothing runs, and the masked see no address."""
    asked, hidden = await mailing.comes(question())
    email = asked["email"]
    assert asked["text"].strip() == "Are they red? Write to carla@home.test"
    assert (email["subject"], email["from"]) == (
        "RE: AW: Red shoes",
        {"display": "carla@home.test"},
    )
    assert (email["messageId"], email["inReplyTo"]) == ("<q@home.test>", "<old@home.test>")
    assert "four" in email["html"] and not [one for one in CLEAN if one in email["html"].lower()]
    assert "home.test" not in str(hidden)
    assert (hidden["email"]["html"], hidden["email"]["messageId"]) == (None, None)
    said = await mailing.day.last(mailing.day.world.owner)
    [file] = said["attachments"]
    assert (file["fileName"], file["contentType"]) == ("Größe.pdf", "application/pdf")
    assert await mailing.day.fetch(file["url"]) == PDF
    return asked


async def _stays_in_the_thread(mailing: Mailing, asked: Any) -> None:
    """Without a subject a mail goes on with the thread; copies and files go along."""
    day = mailing.day
    copies = {"cc": ["Ann@x.test", "ann@x.test"], "bcc": ["boss@x.test", "ann@x.test"]}
    file = await day.bring(day.world.owner, "Prix à voir.pdf", PDF)
    answered = {"replyToMessageId": asked["id"], "email": copies, "attachmentIds": [file]}
    shown, got = await mailing.goes("Yes ☀", **answered)
    assert (got["Subject"], got["In-Reply-To"]) == ("Re: Red shoes", "<q@home.test>")
    assert got["References"].split() == ["<older@home.test>", "<old@home.test>", "<q@home.test>"]
    assert (got["To"], got["Cc"], got["Bcc"]) == ("carla@home.test", "ann@x.test", None)
    assert mailing.post.recipients[-1] == ["carla@home.test", "ann@x.test", "boss@x.test"]
    [part] = got.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("Prix à voir.pdf", PDF)
    assert shown["replyTo"] == {"messageId": asked["id"], "text": asked["text"].strip()}
    assert shown["email"]["bcc"] == [{"display": "boss@x.test", "masked": False}]
    assert (shown["email"]["subject"], shown["email"]["messageId"]) == (
        "Re: Red shoes",
        got["Message-ID"],
    )
    more, got_too = await mailing.goes("And blue")
    assert (got_too["Subject"], got_too["In-Reply-To"]) == ("Re: Red shoes", got["Message-ID"])
    assert more["replyTo"] is None
    same, got_same = await mailing.goes("Same", email={"subject": " Sv: red SHOES"})
    assert got_same["In-Reply-To"] == got_too["Message-ID"] == same["email"]["inReplyTo"]
    assert (got_same["Subject"], got_same["Cc"]) == ("Re: Red shoes", None)


async def _is_answered_and_begins_another(mailing: Mailing, asked: Any) -> None:
    mine = mailing.post.mails[-1]
    reply, hidden = await mailing.comes(answer("Fine", mine))
    assert reply["replyTo"]["text"] == "Same" == hidden["replyTo"]["text"]
    new, got = await mailing.goes("Now boots", email={"subject": "Your boots ☀"})
    assert (got["Subject"], got["In-Reply-To"], got["References"]) == ("Your boots ☀", None, None)
    assert (new["email"]["inReplyTo"], new["replyTo"]) == (None, None)
    _, next_one = await mailing.goes("Brown ones")
    assert (next_one["Subject"], next_one["In-Reply-To"]) == ("Re: Your boots ☀", got["Message-ID"])
    back, got_back = await mailing.goes("The shoes again", replyToMessageId=reply["id"])
    assert (got_back["Subject"], got_back["In-Reply-To"]) == ("Re: Red shoes", "<a@home.test>")
    assert back["replyTo"]["messageId"] == reply["id"] != asked["id"]


async def _fails_and_is_sent_again(mailing: Mailing, asked: Any) -> None:
    """The server turns a mail down: everybody hears why, and a retry keeps its envelope."""
    day, post = mailing.day, mailing.post
    post.answer = "552 carla@home.test has no room"
    given = {"conversationId": day.conversation, "text": "Large", "replyToMessageId": asked["id"]}
    given["email"] = {"bcc": ["boss@x.test"]}
    made = await day.do(day.world.owner, "sendMessage", "message { id }", **given)
    await run_jobs()
    failed, hidden = await mailing.heard("MessageChanged", "FAILED")
    assert failed["failure"] == {"code": "REJECTED", "text": post.answer}
    assert "carla@home" not in str(hidden) and hidden["failure"]["code"] == "REJECTED"
    assert [one["display"] for one in hidden["email"]["bcc"]] == [HIDDEN]
    assert failed["viewerCanRetry"]
    post.answer = "250 OK"
    await day.do(day.world.owner, "retryMessage", "message { id }", messageId=failed["id"])
    await run_jobs()
    again, _ = await mailing.heard("MessageChanged", "SENT")
    got = post.mails[-1]
    assert again["id"] != failed["id"] == made["message"]["id"]
    assert (got["Subject"], got["In-Reply-To"]) == ("Re: Red shoes", "<q@home.test>")
    assert got["Message-ID"] == again["email"]["messageId"] != failed["email"]["messageId"]
    assert post.recipients[-1] == ["carla@home.test", "boss@x.test"]
    for key in (failed["id"], again["id"]):
        async with nothing_changes():
            assert await day.refusal(day.world.owner, "retryMessage", messageId=key) == [
                {"code": "WRONG_STATE", "field": ["messageId"]}
            ]


async def _refuses(mailing: Mailing, asked: Any) -> None:
    day = mailing.day
    world, stranger = day.world, await make_world("Other")
    blind = await world.add("Bea", visibility=Visibility.OWN)
    plain = await world.hear("Hi", sender="zoe")
    first = await world.conversation("Dora", email="dora@x.test")
    on_mail = {"channelId": mailing.door["channel"]["id"]}
    chat = {"conversationId": encode_id("Conversation", plain.conversation_id)}
    unknown = {"conversationId": encode_id("Conversation", first.id), **on_mail}
    other = encode_id("Message", plain.id)
    many = [f"a{number}@x.test" for number in range(51)]
    sent = len(mailing.post.mails)
    async with nothing_changes():
        for who, given, code, *field in (
            (world.owner, {"email": {"subject": "x" * 256}}, "TOO_LONG", "email", "subject"),
            (world.owner, {"email": {"subject": "a\nBcc: e@x"}}, "INVALID", "email", "subject"),
            (world.owner, {"email": {"cc": ["a@b.c", "a@b"]}}, "INVALID", "email", "cc", "1"),
            (world.owner, {"email": {"bcc": ["a@b.c\nX: y"]}}, "INVALID", "email", "bcc", "0"),
            (world.owner, {"email": {"cc": many}}, "INVALID", "email", "cc"),
            (world.owner, {"text": " "}, "BLANK", "text"),
            (world.owner, {**chat, "email": {"subject": "a"}}, "INVALID", "email"),
            (world.owner, unknown, "BLANK", "email", "subject"),
            (world.owner, {"replyToMessageId": other}, "NOT_FOUND", "replyToMessageId"),
            (blind, {}, "NOT_FOUND", "conversationId"),
            (stranger.owner, {}, "NOT_FOUND", "conversationId"),
        ):
            given = {"conversationId": day.conversation, "text": "Hi", **given}
            errors = await day.refusal(who, "sendMessage", **given)
            assert errors == [{"code": code, "field": field}], given
        for who in (blind, stranger.owner):
            errors = await day.refusal(who, "retryMessage", messageId=asked["id"])
            assert errors == [{"code": "NOT_FOUND", "field": ["messageId"]}]
        await run_jobs()
    assert len(mailing.post.mails) == sent
