"""A masked agent calls everything at random while the owner changes what is hidden from them.

Two plays of one seed in worlds that differ in nothing but what is hidden must get the same bytes.
What an agent may find out by means of customers is left out: a guessed number is one that nobody
writes from for the first time later, as a customer who writes is shown with their conversation.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from models.contact import Contact
from models.message import Message
from models.refusal import Refused
from realtime.log import encode_cursor, read_head
from resolvers.block import block_contact, unblock_contact
from resolvers.contact import update_contact
from resolvers.contact_deletion import delete_contact
from resolvers.contact_details import clean_details
from resolvers.contact_merge import merge_contacts
from resolvers.masking import email_of, phone_of
from resolvers.message import send_message
from resolvers.tag import create_tag
from resolvers.typing_indicator import start_typing
from schema.context import ContextMaker
from schema.ids import encode_id
from tests import masked_bytes
from tests.acting import api_key
from tests.masked_bytes import NO_ERRORS, as_bytes, cursors_in, difference, name_of
from tests.masked_calls import call
from tests.streaming import last_seq, repeating, seq_of
from tests.twins import schema_of
from tests.vendor import Vendor
from tests.world import Api, Person, World, run_jobs, webhook

GROUP = 7
"""So many numbers are used up before any of them is guessed: some stand for each other's."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is hidden in one of two worlds: the other one's differ in digits, letters and length."""

    is_other: bool
    phones: bool
    emails: bool

    def phone(self, number: int) -> str:
        """Return the phone number that stands in this world for the others of its index."""
        if not (self.is_other and self.phones) or number % GROUP == 0:
            return f"+3361234{number:04d}"
        if number % GROUP in (3, 4):  # the number of another contact in the other world
            return f"+3361234{number + (1 if number % GROUP == 3 else -1):04d}"
        kinds = (f"+4915112340{number:03d}", f"+1415555{number:04d}", f"+3361299{number:04d}")
        return kinds[number % 3]

    def email(self, number: int) -> str:
        """Return the email address that stands in this world for the others of its index."""
        if not (self.is_other and self.emails) or number % GROUP == 0:
            return f"zoe{number}@example.com"
        if number % GROUP in (3, 4):
            return f"zoe{number + (1 if number % GROUP == 3 else -1)}@example.com"
        return f"a.much.longer.one.{number}@mail.example.org"


@dataclass(slots=True)
class Play:
    """One play of a seed: what was called, and the bytes of the answers."""

    api: Api
    world: World
    dice: random.Random
    vendor: Vendor
    side: Side
    masks: tuple[bool, bool]
    """Whether phone numbers are hidden, and email addresses."""
    expected: list[tuple[str, bytes]] | None
    transcript: list[tuple[str, bytes]] = field(default_factory=list)
    used: int = 0
    """How many phone numbers and email addresses were used."""
    senders: dict[str, int] = field(default_factory=dict)
    """Who has written on the channel, with their contact."""
    own: list[int] = field(default_factory=list)
    """The contacts that the owner or customers made."""
    cursors: list[str] = field(default_factory=lambda: ["x"])
    agent: Person = field(init=False)
    tag: str = field(init=False)
    people: list[Person | str] = field(init=False)

    async def begin(self) -> None:
        """Make the people, a channel, contacts, and inboxes that look at what is hidden."""
        self.agent = await self.world.add("Ada")
        masks: Any = {"isPhoneMasked": self.masks[0], "isEmailMasked": self.masks[1]}
        given: Any = {"workspaceId": self.world.id, "masking": masks}
        await self.api.ask(self.world.owner, masked_bytes.SWITCH, input=given)
        self.people = [self.agent, await api_key(self.world)]
        await self.world.connect(self.vendor.url, accepts_reply_to=True)
        await self.world.hear(sender="sentinel")  # in every inbox, and never called for
        known = clean_details(phone="+33699999999", email="sentinel@example.com")
        owner = await self.world.owner.viewer()
        await update_contact(owner, 1, known)
        tag = await create_tag(owner, self.world.workspace.id, name="VIP")
        self.tag = encode_id("Tag", tag.id)
        for _ in range(3 * GROUP):
            await self.owner_adds()
        for what in ("PHONE", "COUNTRY", "EMAIL"):
            condition = {"field": what, "operator": "EXISTS"}
            inbox: Any = {"workspaceId": self.world.id, "name": what}
            inbox |= {"sharing": {"mode": "WORKSPACE"}, "filter": {"contactField": condition}}
            await self.api.ask(self.world.owner, masked_bytes.CREATE_INBOX, input=inbox)

    def note(self, called: str, answer: bytes) -> None:
        """Write an answer down; it must be the one that was got in the other world."""
        position = len(self.transcript)
        self.transcript.append((called, answer))
        if self.expected is not None:
            before = self.expected[position]
            assert (called, answer) == before, (
                f"call {position}: {difference(before, (called, answer))}"
            )
        found = orjson.loads(answer)
        self.cursors += sorted(cursors_in(found))[:3]
        del self.cursors[:-40]

    async def ask(self, document: str, **variables: Any) -> None:
        """Call as the masked agent or their program, one way of execution or the other."""
        who = self.dice.choice(self.people)
        token = who.token if isinstance(who, Person) else who
        schema = schema_of(compiled=self.dice.random() < 0.6)
        maker = ContextMaker(self.api.hub)
        said = f"{name_of(document)} {variables}"
        if self.dice.random() < 0.4 and schema.direct is not None:
            ready = schema.direct.prepare(document, None, variables)
            if ready is not None and ready.is_query:
                data = await ready.run(await maker(token, ""))
                if data is not None:
                    self.note(said, orjson.dumps({"data": data, **NO_ERRORS}))
                    return
        context = await maker(token, "")
        result = await schema.execute(document, variable_values=variables, context_value=context)
        self.note(said, as_bytes(result))

    def contact(self) -> str:
        """Return the id of a contact, or one that there never was."""
        return encode_id("Contact", self.dice.randint(2, len(self.own) + 20))

    def conversation(self) -> str:
        """Return the id of a conversation, or one that there never was."""
        return encode_id("Conversation", self.dice.randint(2, len(self.own) + 20))

    def guess(self) -> tuple[str, str]:
        """Return a phone and an email: that of a contact in a world, of one in both, or of none."""
        settled = self.used // GROUP * GROUP
        number = self.dice.randrange(settled + GROUP // 2)
        side = Side(is_other=self.dice.random() < 0.5, phones=True, emails=True)
        if number >= settled:
            number += 5000
        return side.phone(number), side.email(number)

    # What the owner and customers do, with the numbers of their world.

    async def owner_adds(self) -> None:
        """Let a contact be added with a new number, or let one write on the channel."""
        number = self.used
        self.used += 1
        phone, email = self.side.phone(number), self.side.email(number)
        if self.dice.random() < 0.5:
            name = self.dice.choice(["Zoë", "Ann", f"Bea {phone}", f"Cy {email}", phone])
            contact = await self.world.contact(name, phone=phone, email=email)
            self.own.append(contact.id)
            return
        profile = {"email": email, "phone": phone, "profilePic": f"https://cdn.example.com/{phone}"}
        if self.dice.random() < 0.3 and number > GROUP:  # what another one has already
            profile |= {"phone": self.side.phone(0), "email": self.side.email(0)}
        if self.dice.random() < 0.5:
            profile["firstName"] = "Dan"
        await self._write(phone, profile)
        last = await Contact.all().order_by("-id").first()
        assert last is not None
        self.senders[phone] = last.id
        self.own.append(last.id)

    async def _write(self, sender: str, profile: Mapping[str, Any] | None = None) -> None:
        number = self.dice.randrange(10**9)
        kind = self.dice.choice(["text", "odd", "attachment"])
        said: Any = {"type": kind, "text": f"Hello {number}", "from": sender}
        name = self.dice.choice([sender, self.side.email(1), f"IMG_{sender[:4]}_{sender[4:]}"])
        said["attachment"] = {"type": "file", "url": f"http://10.0.0.1/{name}.pdf"}
        event = {"type": "message", "mId": f"m{number}", "message": said}
        await webhook(self.world.channels[0], sender, event, contact=profile)
        await run_jobs()

    async def owner_changes(self) -> None:
        """Give a contact another number, or take it away."""
        contact_id = self.dice.choice(self.own)
        number, self.used = self.used, self.used + 1
        new: dict[str, str | None] = {"phone": self.side.phone(number)}
        if self.dice.random() < 0.5:
            new = {"email": self.side.email(number), "phone": None}
        details = clean_details(**new)
        await update_contact(await self.world.owner.viewer(), contact_id, details)

    async def customer_writes(self) -> None:
        """Let somebody write again who has written before."""
        if self.senders:
            await self._write(self.dice.choice(list(self.senders)))

    async def message_fails(self) -> None:
        """Let the vendor refuse a message with words that have the number in them."""
        written = Message.filter(conversation__contact_id__in=list(self.senders.values()))
        if not (messages := await written.order_by("id").select_related("conversation")):
            return
        conversation = self.dice.choice(messages).conversation
        contact: Any = await Contact.get(id=conversation.contact_id)
        hidden = phone_of(contact) or email_of(contact) or "nobody"
        self.vendor.will(422, orjson.dumps({"error": {"message": f"{hidden}?"}}).decode())
        if conversation.blocked_at is None:
            await send_message(await self.world.owner.viewer(), conversation.id, text="Hi")
        await run_jobs()
        self.vendor.answers.clear()

    async def owner_blocks(self) -> None:
        """Block or unblock a contact."""
        deed = self.dice.choice([block_contact, unblock_contact])
        await deed(await self.world.owner.viewer(), self.dice.choice(self.own))

    async def owner_deletes(self) -> None:
        """Delete a contact for ever."""
        if self.dice.random() < 0.2:
            gone = self.own.pop(self.dice.randrange(len(self.own)))
            self.senders = {sender: one for sender, one in self.senders.items() if one != gone}
            await delete_contact(await self.world.owner.viewer(), gone)
        await run_jobs()

    async def owner_merges(self) -> None:
        """Merge a contact into another one."""
        kept, gone = self.dice.sample(self.own, 2)
        with suppress(Refused):  # one of the two is blocked
            await merge_contacts(await self.world.owner.viewer(), kept, gone)
            self.own.remove(gone)
            for sender, one in self.senders.items():
                self.senders[sender] = kept if one == gone else one
        await run_jobs()

    # Streams of the masked agent.

    async def follow(self, document: str, **variables: Any) -> None:
        """Note what a stream tells up to the end of the log of this moment."""
        await run_jobs()
        await self.world.hear("Tick", sender="sentinel")
        end = await last_seq(self.world)
        context = await ContextMaker(self.api.hub)(self.agent.token, "")
        schema = schema_of(compiled=self.dice.random() < 0.6)
        results: Any = await schema.subscribe(
            document, variable_values=variables, context_value=context
        )
        said = f"{name_of(document)} {variables}"
        if not hasattr(results, "__aiter__"):
            self.note(said, as_bytes(results))
            return
        async with asyncio.timeout(20), aclosing(results):
            async for result in results:
                self.note(said, as_bytes(result))
                told = next(iter((result.data or {}).values()), None)
                if result.errors or told is None or seq_of(told) >= end:
                    return

    async def replay(self) -> str:
        """Return the cursor of an earlier event."""
        head = await read_head(self.world.workspace.id)
        return encode_cursor(head.epoch, max(0, head.seq - self.dice.randrange(40)))

    async def hears_typing(self) -> None:
        """Note what is told of who begins to type."""
        context = await ContextMaker(self.api.hub)(self.agent.token, "")
        results: Any = await self.api.schema.subscribe(
            masked_bytes.TYPING, variable_values={"id": self.world.id}, context_value=context
        )
        owner = await self.world.owner.viewer()
        types = repeating(lambda: start_typing(owner, 1, surface="MESSAGE"))
        async with asyncio.timeout(20), aclosing(results), types:
            async for result in results:
                if result.data["typingChanged"]["isTyping"]:  # not that somebody did before
                    self.note("typing", as_bytes(result))
                    return

    async def step(self) -> None:
        """Let something happen, and then call something."""
        deeds: list[Callable[[], Awaitable[None]]] = [
            *(self.owner_adds, self.owner_adds, self.owner_changes, self.customer_writes),
            *(self.message_fails, self.owner_blocks, self.owner_deletes, self.owner_merges),
        ]
        if self.dice.random() < 0.25:
            await self.dice.choice(deeds)()
        await call(self)
