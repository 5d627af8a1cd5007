"""A mail with files that is planned, as front-ends have it: held, given back, and sent whole."""

import asyncio
from pathlib import Path
from typing import Any

from models.attachment import Attachment
from models.channel import Channel
from models.engine import sql
from models.member import Restriction, Visibility
from models.message import Message
from resolvers.contact_deletion import delete_contact
from resolvers.file_erasure import collect_loose_files
from schema.ids import decode_id, encode_id
from tests.acting import conversation_id
from tests.day import Day, door, hear_kind
from tests.mail import connect_mail, raw, written
from tests.post import Post, smtp_server
from tests.streaming import Server, stack_bus_url
from tests.test_schedule import ahead
from tests.uploading import kept
from tests.world import let_time_pass, make_world, run_jobs, snapshot

__all__ = ["door", "stack_bus_url"]

AN_HOUR = 3700.0
SHOWN = """
  id state failureCode text message { id attachments { fileName } email { subject } }
  attachments { id fileName url viewerCanDelete }
  email { subject cc { display masked } bcc { display } }
"""
HEARD = f"""
subscription($id: ID!) {{ workspaceEvents(workspaceId: $id) {{
  __typename ... on ConversationChanged {{ change conversation {{
    scheduledMessages {{ {SHOWN} }}
  }} }}
}} }}
"""
TABLES = ("attachment", "scheduled_message", "scheduled_message_attachment", "message", "job")
PDF = b"%PDF-1.7\n" + b"x" * 5000
HIDDEN = "••••••"
UNKNOWN = encode_id("Attachment", 999_999)


async def held(key: str) -> Attachment:
    """Return a file as it is now."""
    return await Attachment.get(id=decode_id(key, "Attachment"))


async def schedule(day: Day, text: str, /, **given: Any) -> Any:
    """Schedule a message for in an hour; return it."""
    given = {"conversationId": day.conversation, "text": text, "sendAt": ahead(hours=1), **given}
    shown = f"scheduledMessage {{ {SHOWN} }}"
    return (await day.do(day.world.owner, "scheduleMessage", shown, **given))["scheduledMessage"]


async def listed(day: Day, who: Any) -> Any:
    """Return the scheduled messages as somebody sees them."""
    document = f"query($id: ID!) {{ conversation(id: $id) {{ scheduledMessages {{ {SHOWN} }} }} }}"
    data = await day.server.ask(who, document, id=day.conversation)
    return data["conversation"]["scheduledMessages"]


async def test_a_mail_that_is_planned_with_its_files(door: Server, tmp_path: Path) -> None:
    post, world = Post(), await make_world()
    masked = await world.add("Ada", restrictions=[Restriction.EMAIL_ADDRESSES])
    async with (
        smtp_server(post) as port,
        door.client(world.owner) as socket,
        asyncio.timeout(90),
    ):
        channel = await connect_mail(world, port)
        heard = await written(channel, raw("Are they red?"))
        day = Day(door, world, conversation_id(heard))
        await socket.subscribe(HEARD, id=world.id)
        file = await day.bring(world.owner, "Prices.pdf", PDF)
        email = {"subject": "Your shoes", "cc": ["Ann@x.test"], "bcc": ["boss@x.test"]}
        row = await schedule(day, "", email=email, attachmentIds=[file])
        told = await hear_kind(socket, "ConversationChanged")
        assert told["change"] == "MESSAGE_SCHEDULED"
        assert told["conversation"]["scheduledMessages"][0]["email"] == row["email"]
        await _is_held(day, row, file, masked)
        row = await _is_given_back_and_taken_again(day, row, file, email)
        await _is_sent(day, row, file, post)
        await _goes_on_with_the_newest_thread(day, channel, post)
        await _refuses(day, file)
        await _goes_with_the_contact(day, heard, tmp_path)


async def _is_held(day: Day, row: Any, file: str, masked: Any) -> None:
    """It belongs to what waits: nobody else's, and seen with it by who sees that."""
    assert [one["id"] for one in row["attachments"]] == [file]
    assert row["email"] == {
        "subject": "Your shoes",
        "cc": [{"display": "ann@x.test", "masked": False}],
        "bcc": [{"display": "boss@x.test"}],
    }
    [seen] = await listed(day, masked)
    assert (seen["email"]["cc"], seen["email"]["bcc"]) == (
        [{"display": HIDDEN, "masked": True}],
        [{"display": HIDDEN}],
    )
    assert await day.fetch(seen["attachments"][0]["url"]) == PDF
    assert not row["attachments"][0]["viewerCanDelete"]
    blind = await day.world.add("Bea", visibility=Visibility.OWN)
    node = "query($id: ID!) { node(id: $id) { id } }"
    answers = [await day.server.post(blind, node, id=key) for key in (file, UNKNOWN)]
    assert answers[0] == answers[1] and answers[0]["data"] == {"node": None}
    await collect_loose_files()
    given = {"conversationId": day.conversation, "text": "x", "attachmentIds": [file]}
    before = await snapshot(*TABLES)
    for action, values, *field in (
        ("sendMessage", given, "attachmentIds", "0"),
        ("addComment", given, "attachmentIds", "0"),
        ("scheduleMessage", {**given, "sendAt": ahead(hours=1)}, "attachmentIds", "0"),
        ("deleteAttachment", {"attachmentId": file}, "attachmentId"),
    ):
        errors = await day.refusal(day.world.owner, action, **values)
        assert errors == [{"code": "WRONG_STATE", "field": field}], action
    assert await snapshot(*TABLES) == before


async def _is_given_back_and_taken_again(day: Day, row: Any, file: str, email: Any) -> Any:
    shown = f"scheduledMessage {{ {SHOWN} }}"
    given = {"scheduledMessageId": row["id"]}
    gone = await day.do(day.world.owner, "cancelScheduledMessage", shown, **given)
    assert (gone["scheduledMessage"]["state"], gone["scheduledMessage"]["attachments"]) == (
        "CANCELLED",
        [],
    )
    assert (await held(file)).loose_since is not None
    given = {"email": email, "attachmentIds": [file], "idempotencyKey": "k"}
    given["sendAt"] = ahead(hours=1)
    again = await schedule(day, "Here", **given)
    assert again == await schedule(day, "Here", **given)
    said = {"conversationId": day.conversation, "text": "Here", **given}
    others: list[Any] = [{"attachmentIds": []}, {"email": {**email, "cc": []}}, {"email": None}]
    for other in others:
        errors = await day.refusal(day.world.owner, "scheduleMessage", **{**said, **other})
        assert errors == [{"code": "IDEMPOTENCY_KEY_REUSED", "field": ["idempotencyKey"]}]
    return again


async def _is_sent(day: Day, row: Any, file: str, post: Post) -> None:
    await let_time_pass(AN_HOUR)
    await run_jobs()
    sent = {one["id"]: one for one in await listed(day, day.world.owner)}[row["id"]]
    assert (sent["state"], sent["attachments"]) == ("SENT", [])
    assert sent["message"]["attachments"] == [{"fileName": "Prices.pdf"}]
    [got] = post.mails
    assert (got["Subject"], got["Cc"], got["In-Reply-To"]) == ("Your shoes", "ann@x.test", None)
    assert post.recipients == [["carla@home.test", "ann@x.test", "boss@x.test"]]
    assert [part.get_content() for part in got.iter_attachments()] == [PDF]
    assert (await held(file)).loose_since is None


async def _goes_on_with_the_newest_thread(day: Day, channel: Channel, post: Post) -> None:
    """Which thread that is shows when it is sent."""
    await schedule(day, "Soon", email={"bcc": ["boss@x.test"]})
    await written(channel, raw("And boots?", subject="Boots", message_id="<2@home.test>"))
    await let_time_pass(AN_HOUR)
    await run_jobs()
    got = post.mails[-1]
    assert (got["Subject"], got["In-Reply-To"]) == ("Re: Boots", "<2@home.test>")
    assert post.recipients[-1] == ["carla@home.test", "boss@x.test"]


async def _refuses(day: Day, sent: str) -> None:
    """What a message could not be sent with now is not scheduled with it; nothing changes."""
    world, ada = day.world, await day.world.add("Eve")
    theirs = await day.bring(ada, "theirs.txt", b"theirs")
    plain = await world.hear(sender="zoe")
    before = await snapshot(*TABLES)
    for given, code, *field in (
        ({"text": " "}, "BLANK", "text"),
        ({"attachmentIds": [sent]}, "WRONG_STATE", "attachmentIds", "0"),
        ({"attachmentIds": [theirs]}, "NOT_FOUND", "attachmentIds", "0"),
        ({"attachmentIds": [theirs] * 51}, "INVALID", "attachmentIds"),
        ({"email": {"subject": "x" * 256}}, "TOO_LONG", "email", "subject"),
        ({"email": {"subject": "a\nBcc: e@x"}}, "INVALID", "email", "subject"),
        ({"email": {"cc": ["a@b.c", "a@b"]}}, "INVALID", "email", "cc", "1"),
        ({"conversationId": conversation_id(plain), "email": {}}, "INVALID", "email"),
    ):
        asked = {"conversationId": day.conversation, "text": "x", "sendAt": ahead(hours=1), **given}
        errors = await day.refusal(world.owner, "scheduleMessage", **asked)
        assert errors == [{"code": code, "field": field}], given
    assert await snapshot(*TABLES) == before


async def _goes_with_the_contact(day: Day, heard: Message, folder: Path) -> None:
    """With a contact go the files of what was to be sent to them."""
    file = await day.bring(day.world.owner, "Secret.txt", b"for Carla alone")
    await schedule(day, "Never", attachmentIds=[file])
    row = await held(file)
    assert row.storage_key in kept(folder)
    message = await Message.get(id=heard.id).select_related("conversation")
    await delete_contact(await day.world.owner.viewer(), message.conversation.contact_id)
    await run_jobs()
    assert not await Attachment.filter(id=row.id).exists()
    assert row.storage_key not in kept(folder)
    assert await sql.rows("SELECT 1 FROM scheduled_message_attachment") == []
