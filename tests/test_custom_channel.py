"""The custom channel's webhooks: what every event in them becomes."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import (
    ChannelAdapter,
    ContactProfile,
    ContentKind,
    InboundEcho,
    InboundMessage,
    InboundReceipt,
    MalformedWebhook,
    MessageContent,
    ReceiptStatus,
    Unparsed,
    custom,
)

ADAPTER: ChannelAdapter = custom
"""mypy compares the module with the protocol here."""

HELLO: dict[str, object] = {"type": "message", "mId": "m1", "timestamp": 1767225600000}
HELLO |= {"message": {"type": "text", "text": "Hello World"}}
CONTACT = {
    "firstName": "John",
    "lastName": "Doe",
    "profilePic": "https://pictures.test/j.jpg",
    "countryCode": "MY",
    "email": "john@example.com",
    "phone": "+60177872890",
    "language": "en",
}
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def webhook(*events: object, contact_id: object = "+60177872890", **fields: object) -> bytes:
    whole = {"channelId": "gfd8", "contactId": contact_id, "events": events, **fields}
    return json.dumps(whole).encode()


def raw(event: object) -> bytes:
    return json.dumps(event).encode()


def test_a_message_becomes_a_message() -> None:
    profile = ContactProfile(
        first_name="John",
        last_name="Doe",
        phone="+60177872890",
        email="john@example.com",
        language="en",
        country_code="MY",
        picture_url="https://pictures.test/j.jpg",
    )
    content = MessageContent(ContentKind.TEXT, "Hello World")
    assert custom.decode(webhook(HELLO, contact=CONTACT)) == [
        InboundMessage("message:m1", "+60177872890", raw(HELLO), "m1", content, NEW_YEAR, profile)
    ]


def test_an_echo_and_a_receipt_of_one_webhook_become_two_items() -> None:
    echo = HELLO | {"type": "message_echo"}
    failed: dict[str, object] = {
        "type": "message_status",
        "mId": "m0",
        "timestamp": "1767225600000",
    }
    failed |= {"status": {"value": "failed", "message": "no such number"}}
    content = MessageContent(ContentKind.TEXT, "Hello World")
    assert custom.decode(webhook(echo, failed, contact_id="c")) == [
        InboundEcho("echo:m1", "c", raw(echo), "m1", content, NEW_YEAR, ContactProfile()),
        InboundReceipt(
            "status:m0:failed",
            "c",
            raw(failed),
            "m0",
            ReceiptStatus.FAILED,
            "no such number",
            NEW_YEAR,
        ),
    ]


@pytest.mark.parametrize("value", ["sent", "delivered", "read", "failed", "READ"])
def test_a_status_may_be_an_object_or_a_word(value: str) -> None:
    for status in (value, {"value": value}):
        event = {"type": "message_status", "mId": 7, "status": status}
        (item,) = custom.decode(webhook(event))
        assert isinstance(item, InboundReceipt)
        assert (item.dedupe_key, item.status) == (f"status:7:{value.lower()}", value.upper())
        assert (item.external_id, item.error_text, item.occurred_at) == ("7", "", None)


UNPARSED: list[tuple[object, str]] = [
    ({"type": "message", "message": {}}, "Object missing required field `mId`"),
    ({"type": "message", "mId": "", "message": {}}, "mId is not 1 to 255 characters"),
    ({"type": "message", "mId": "x" * 256, "message": {}}, "mId is not 1 to 255 characters"),
    ({"type": "message", "mId": "a\0b", "message": {}}, "mId is not 1 to 255 characters"),
    ({"type": "message", "mId": True}, "Expected `int | str`, got `bool` - at `$.mId`"),
    ({"type": "message", "mId": "1"}, "message is not an object"),
    ({"type": "message", "mId": "1", "message": "hi"}, "message is not an object"),
    ({"type": "typing", "mId": "1"}, "unknown event type"),
    (
        {"type": "message_status", "mId": "1", "status": "eaten"},
        "status is not one of sent, delivered, read, failed",
    ),
    ("hello", "Expected `object`, got `str`"),
    (None, "Expected `object`, got `null`"),
    ([[]], "Expected `object`, got `array`"),
]


@pytest.mark.parametrize(("event", "reason"), UNPARSED)
def test_what_cannot_be_read_is_kept_and_costs_nothing_else(event: object, reason: str) -> None:
    bad, good = custom.decode(webhook(event, HELLO))
    digest = hashlib.sha256(b"+60177872890\n" + raw(event)).hexdigest()
    assert bad == Unparsed(f"unparsed:{digest}", "+60177872890", raw(event), reason)
    assert isinstance(good, InboundMessage)


@pytest.mark.parametrize("contact_id", ["", "x" * 51, "a b", "a,b", "é", None, 1.5, True, ["a"]])
def test_a_contact_id_outside_the_alphabet_is_kept_unparsed(contact_id: object) -> None:
    items = custom.decode(webhook(HELLO, HELLO | {"mId": "m2"}, contact_id=contact_id))
    reason = "contactId is not 1 to 50 of A-Z a-z 0-9 _ = + / @ . : -"
    assert [(type(item), item.external_contact_id) for item in items] == [(Unparsed, "")] * 2
    assert {item.reason for item in items if isinstance(item, Unparsed)} == {reason}


@pytest.mark.parametrize(
    ("given_id", "read"), [("a" * 50, "a" * 50), ("aZ9_=+/@", "aZ9_=+/@"), (60, "60")]
)
def test_contact_ids_that_are_read(given_id: object, read: str) -> None:
    (item,) = custom.decode(webhook(HELLO, contact_id=given_id))
    assert (type(item), item.external_contact_id) == (InboundMessage, read)


CONTENTS: list[tuple[object, MessageContent]] = [
    ({"type": "text", "text": "  a\0b "}, MessageContent(ContentKind.TEXT, "  a\ufffdb ")),
    ({"type": "text", "text": " "}, MessageContent(ContentKind.UNSUPPORTED)),
    ({"type": "text", "text": 5}, MessageContent(ContentKind.UNSUPPORTED)),
    ({"type": "sticker"}, MessageContent(ContentKind.UNSUPPORTED)),
    ({"type": "custom_payload", "payload": {}}, MessageContent(ContentKind.CUSTOM_PAYLOAD)),
    ({"type": "quick_reply", "text": "Yes"}, MessageContent(ContentKind.UNSUPPORTED, "Yes")),
    ({}, MessageContent(ContentKind.UNSUPPORTED)),
    (
        {"type": "attachment", "attachment": {"type": "image", "url": "https://x.test/a.png"}},
        MessageContent(
            ContentKind.ATTACHMENT, attachment_url="https://x.test/a.png", attachment_type="image"
        ),
    ),
    (
        {"type": "attachment", "attachment": {"type": "image", "url": "file:///etc/passwd"}},
        MessageContent(ContentKind.UNSUPPORTED),
    ),
    ({"type": "text", "text": "é" * 65536}, MessageContent(ContentKind.TEXT, "é" * 65536)),
    ({"type": "text", "text": "é" * 65537}, MessageContent(ContentKind.TEXT, "é" * 65536, True)),
]


@pytest.mark.parametrize(("message", "content"), CONTENTS)
def test_what_a_message_contains(message: object, content: MessageContent) -> None:
    event = HELLO | {"message": message}
    (item,) = custom.decode(webhook(event))
    assert isinstance(item, InboundMessage)
    assert (item.content, item.raw) == (content, raw(event))


def test_half_an_emoji_does_not_cost_the_message() -> None:
    body = webhook(HELLO).replace(b"Hello World", rb"\ud83d \ud83d\ude00 \\ud83d \ude00")
    (item,) = custom.decode(body)
    assert isinstance(item, InboundMessage)
    assert item.content == MessageContent(ContentKind.TEXT, "\ufffd \U0001f600 \\ud83d \ufffd")


@pytest.mark.parametrize("value", [None, "soon", -1e300, 1e300, True, [], "1" * 400])
def test_a_time_that_cannot_be_read_does_not_cost_the_message(value: object) -> None:
    (item,) = custom.decode(webhook(HELLO | {"timestamp": value}))
    assert isinstance(item, InboundMessage)
    assert item.occurred_at is None


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000])
def test_numbers_out_of_range_cost_only_themselves(number: bytes) -> None:
    body = webhook(HELLO, contact={"phone": 0}).replace(b"1767225600000", number)
    (item,) = custom.decode(body.replace(b'"phone": 0', b'"phone": ' + number))
    assert isinstance(item, InboundMessage)
    assert (item.occurred_at, item.contact) == (None, ContactProfile())


def test_a_profile_keeps_what_can_be_read() -> None:
    contact = {"firstName": "x" * 300, "lastName": 5, "email": " ", "profilePic": "javascript:1"}
    for given_contact, profile in [
        (contact | {"phone": "\0"}, ContactProfile(first_name="x" * 255, phone="\ufffd")),
        ("John", ContactProfile()),
        (None, ContactProfile()),
    ]:
        (item,) = custom.decode(webhook(HELLO, contact=given_contact))
        assert isinstance(item, InboundMessage)
        assert item.contact == profile


MALFORMED = [b"", b"{", b"null", b"5", b'"x"', b"{}", b'{"events":{}}', b"[" * 100_000, b"\xff"]
MALFORMED += [b'{"events":[]', b"[1", b'{"events":["\xff"]}', b'{"a":' * 100_000]


@pytest.mark.parametrize("body", MALFORMED)
def test_a_body_that_is_no_webhook_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedWebhook):
        custom.decode(body)


def test_a_batch_is_an_array_of_webhooks_for_one_channel() -> None:
    body = b"[" + webhook(HELLO) + b", 5, " + webhook(HELLO | {"mId": "m2"}) + b"]"
    kinds = [type(item) for item in custom.decode(body)]
    assert kinds == [InboundMessage, Unparsed, InboundMessage]
    assert custom.channel_of(body) == "gfd8"
    assert custom.decode(b"[]") == []
    for other in (b"[]", webhook(channelId=None), b"[%s,%s]" % (body[1:-1], webhook(channelId=5))):
        with pytest.raises(MalformedWebhook):
            custom.channel_of(other)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["type", "mId", "timestamp", "message", "status", "text", "value", "url"])
WORDS = st.sampled_from(["message", "message_echo", "message_status", "text", "read", "m1", "\0"])
LIKELY = st.recursive(
    JSON | WORDS,
    lambda inner: st.dictionaries(KEYS, inner) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(JSON | LIKELY)
def test_any_json_is_read_or_malformed(value: Any) -> None:
    try:
        custom.decode(json.dumps(value).encode())
    except MalformedWebhook:
        assert not (isinstance(value, dict) and isinstance(value.get("events"), list))
        assert not isinstance(value, list)
    else:
        assert isinstance(value, dict | list)


@given(
    st.lists(LIKELY | st.fixed_dictionaries({"type": WORDS, "mId": WORDS}, optional={})), JSON, JSON
)
def test_every_event_is_exactly_one_item(events: list[Any], contact_id: Any, contact: Any) -> None:
    for chosen in (contact_id, "c1"):
        items = custom.decode(webhook(*events, contact_id=chosen, contact=contact))
        assert [json.loads(item.raw) for item in items] == events


@given(st.binary())
def test_any_bytes_are_read_or_malformed(body: bytes) -> None:
    for whole in (body, b"[" + body + b"]", b'{"events":[' + body + b"]}"):
        try:
            items = custom.decode(whole)
        except MalformedWebhook:
            continue
        assert all(isinstance(item.raw, bytes) for item in items)
