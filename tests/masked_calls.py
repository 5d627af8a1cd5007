"""What a masked agent can call, each with values of chance: guesses of what is hidden above all."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from models.clock import now
from resolvers.masking import HIDDEN
from schema.ids import encode_id
from tests import masked_bytes as said
from tests.convergence import EVENTS, STREAM
from tests.test_contact_sorts import SORTS

if TYPE_CHECKING:
    from tests.masked_play import Play


def fragment(play: "Play", text: str) -> str:
    """Return a part of a text, or all of it."""
    start = play.dice.randrange(len(text))
    return text[start : start + play.dice.randint(1, len(text))]


def looked_for(play: "Play") -> str:
    """Return what a person would look for who wants to know a number."""
    phone, email = play.guess()
    spaced = f"{phone[:3]} {phone[3:4]} {phone[4:6]} {phone[6:]}"
    words = [phone, email, spaced, phone[-4:], "zoe", "Ann", "%", "", "+33", "1 2", HIDDEN]
    word = play.dice.choice([*words, fragment(play, phone), fragment(play, email)])
    return play.dice.choice([word, f"Ann {word}", f"zoë {word}"])


def condition(play: "Play") -> dict[str, Any]:
    """Return a part of a filter; most of them look at what is hidden."""
    phone, email = play.guess()
    what = play.dice.choice(["PHONE", "EMAIL", "COUNTRY", "FIRST_NAME", "LAST_NAME", "LANGUAGE"])
    operator = play.dice.choice(["EXISTS", "DOES_NOT_EXIST", "HAS_ANY_OF", "HAS_NONE_OF"])
    found: dict[str, Any] = {"field": what, "operator": operator}
    if operator.startswith("HAS"):
        values = [phone, email, "FR", "DE", "Ann", "Zoë", fragment(play, phone)]
        found["values"] = play.dice.sample(values, 2)
    status = {"operator": "HAS_ANY_OF", "statuses": ["OPEN"]}
    part: dict[str, Any] = play.dice.choice([{"contactField": found}, {"status": status}])
    return play.dice.choice([part, {"anyOf": [part, {"status": status}]}, {"allOf": [part]}])


async def _list(play: "Play") -> None:
    given: dict[str, Any] = {"sort": play.dice.choice(SORTS), "first": play.dice.choice([2, 5, 50])}
    if play.dice.random() < 0.5:
        given["search"] = looked_for(play)
    if play.dice.random() < 0.3:
        given["filter"] = condition(play)
    if play.dice.random() < 0.3:
        given["after"] = play.dice.choice(play.cursors)
    await play.ask(said.LIST, id=play.world.id, **given)


async def _find(play: "Play") -> None:
    kinds = play.dice.choice([None, ["CONTACT"]])
    given = {"kinds": kinds, "first": play.dice.choice([1, 50])}
    await play.ask(said.FIND, id=play.world.id, text=looked_for(play), **given)


async def _one(play: "Play") -> None:
    await play.ask(said.ONE, id=play.contact())


async def _nodes(play: "Play") -> None:
    ids = [play.contact(), play.conversation(), "x"]
    kinds = ("ContactChannel", "Message", "CustomInbox", "Attachment")
    ids += [encode_id(kind, play.dice.randint(1, 60)) for kind in kinds]
    await play.ask(said.NODES, ids=play.dice.sample(ids, play.dice.randint(1, 6)))


def _inbox(play: "Play") -> str:
    if play.dice.random() < 0.4:
        return encode_id("CustomInbox", play.dice.randint(1, 12))
    kind = play.dice.choice(["ALL", "MINE", "UNASSIGNED", "BLOCKED"])
    return encode_id("StandardInbox", f"{play.world.workspace.id}.{kind}")


async def _inboxes(play: "Play") -> None:
    if play.dice.random() < 0.3:
        await play.ask(said.INBOXES, id=play.world.id)
    if play.dice.random() < 0.3:
        await play.ask(said.CUSTOM, id=_inbox(play))
    sort = play.dice.choice(["NEWEST_MESSAGE", "OLDEST_MESSAGE", "LONGEST", "SHORTEST"])
    given: dict[str, Any] = {"sort": sort, "first": play.dice.choice([2, 30])}
    if play.dice.random() < 0.3:
        given["after"] = play.dice.choice(play.cursors)
    await play.ask(said.INBOX, id=_inbox(play), **given)


def details(play: "Play") -> dict[str, Any]:
    """Return what is said of a contact: guesses, echoes, what cannot be, and nothing."""
    phone, email = play.guess()
    given: dict[str, list[str | None]] = {
        "firstName": [f"Eva {phone}", "Eva", "Zoë", HIDDEN, f"Bea {HIDDEN}", email, " "],
        "phone": [*[phone] * 6, HIDDEN, f" {HIDDEN}", None, "12"],
        "email": [*[email] * 5, email.upper(), HIDDEN, None, "@"],
    }
    chosen = {key: play.dice.choice(values) for key, values in given.items()}
    return {key: value for key, value in chosen.items() if play.dice.random() < 0.75}


async def _create(play: "Play") -> None:
    given = {"workspaceId": play.world.id, "firstName": "Eva"} | details(play)
    if play.dice.random() < 0.5:
        given["idempotencyKey"] = play.dice.choice("abcdefgh")
    await play.ask(said.CREATE, input=given)
    if play.dice.random() < 0.3:
        await play.ask(said.CREATE, input=given)


async def _update(play: "Play") -> None:
    given = {"contactId": play.contact()} | details(play)
    if play.dice.random() < 0.3:
        given["expectedVersion"] = play.dice.randint(1, 3)
    await play.ask(said.UPDATE, input=given)


async def _refused(play: "Play") -> None:
    if play.dice.random() < 0.5:
        await play.ask(said.DELETE, input={"contactId": play.contact()})
    else:
        await play.ask(said.AUDIT, id=play.world.id)


async def _notified(play: "Play") -> None:
    given: dict[str, Any] = {"archived": play.dice.choice([None, False, True])}
    if play.dice.random() < 0.3:
        given["after"] = play.dice.choice(play.cursors)
    await play.ask(said.NOTIFIED, id=play.world.id, **given)


async def _duplicates(play: "Play") -> None:
    await play.ask(said.DUPLICATES, id=play.world.id)


async def _make_inbox(play: "Play") -> None:
    if play.dice.random() < 0.5:
        given = {"workspaceId": play.world.id, "name": f"i{play.dice.randrange(10**6)}"}
        await play.ask(said.CREATE_INBOX, input={**given, "filter": condition(play)})
    else:
        await play.ask(
            said.UPDATE_INBOX, input={"inboxId": _inbox(play), "filter": condition(play)}
        )


def written(play: "Play") -> str:
    """Return a text with variables; some are as long as a message can be, or nearly."""
    names = ["phone", "email", "country", "name", "firstname", "lastname", "language", "id", "x"]
    text = " ".join(f"$contact.{name}" for name in play.dice.sample(names, 3))
    most = play.dice.choice([0, 0, 6700, 6720, 6740, 6960, 6972, 6976])
    return "x" * most + text


async def _send(play: "Play") -> None:
    given = {"conversationId": play.conversation(), "text": written(play)}
    if play.dice.random() < 0.5:
        await play.ask(said.PREVIEW, id=given["conversationId"], text=given["text"])
    if play.dice.random() < 0.4:
        given["idempotencyKey"] = play.dice.choice("abcdefgh")
    if play.dice.random() < 0.3:
        given["replyToMessageId"] = encode_id("Message", play.dice.randint(1, 60))
    await play.ask(said.SEND, input=given)
    message = encode_id("Message", play.dice.randint(1, 60))
    await play.ask(said.RETRY, input={"messageId": message})


async def _act(play: "Play") -> None:
    name, conversation = play.dice.choice(list(said.ACTS)), {"conversationId": play.conversation()}
    given: dict[str, dict[str, Any]] = {
        "closeConversation": conversation,
        "snoozeConversation": conversation | {"until": (now() + timedelta(days=9)).isoformat()},
        "assignConversation": conversation | {"assigneeId": play.agent.id},
        "tagContact": {"contactId": play.contact(), "tagId": play.tag},
        "saveDraft": conversation
        | {
            "text": written(play),
            "expectedVersion": play.dice.choice([None, 0, 1, 2]),
            "replyToMessageId": play.dice.choice(
                [None, encode_id("Message", play.dice.randint(1, 60))]
            ),
        },
        "addComment": conversation | {"text": written(play), "mentionedMemberIds": [play.agent.id]},
        "mergeContacts": {"contactId": play.contact(), "mergedContactId": play.contact()},
    }
    await play.ask(said.ACTS[name], input=given[name])


async def _events(play: "Play") -> None:
    await play.ask(EVENTS, id=play.world.id, after=await play.replay())


async def _stream(play: "Play") -> None:
    await play.follow(
        play.dice.choice([STREAM, said.CHANGES]), id=play.world.id, after=await play.replay()
    )


async def _moves(play: "Play") -> None:
    key = encode_id("StandardInbox", f"{play.world.workspace.id}.ALL")
    if play.dice.random() < 0.3:
        key = encode_id("CustomInbox", play.dice.randint(1, 3))
    await play.follow(said.INBOX_CHANGED, id=key, after=await play.replay())


async def _typing(play: "Play") -> None:
    await play.hears_typing()


CALLS: dict[Callable[["Play"], Awaitable[None]], int] = {
    **{_list: 22, _one: 5, _nodes: 6, _inboxes: 10, _create: 14, _update: 18, _refused: 1},
    **{_find: 10, _duplicates: 2, _make_inbox: 5, _send: 7, _act: 9, _events: 5},
    **{_stream: 4, _moves: 3, _typing: 1, _notified: 4},
}
"""How often each is called."""


async def call(play: "Play") -> None:
    """Call something as the masked agent."""
    [deed] = play.dice.choices(list(CALLS), list(CALLS.values()))
    await deed(play)
