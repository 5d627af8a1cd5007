"""A crowd of people, contacts and a vendor who do everything that can be done, at random."""

import random
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import orjson

from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.member import Visibility
from models.message import Direction, Message
from models.team import Team
from resolvers.comment import add_comment
from resolvers.workspace import change_member
from schema.ids import encode_id
from tests.farewells import Farewells
from tests.noticing import Notices
from tests.words import Words, word_ids
from tests.world import Api, Person, World, let_time_pass, run_jobs, webhook

Row = dict[str, Any]
Deed = Callable[[], Awaitable[None]]

BULK = (
    "openConversations",
    "assignConversations",
    "unassignConversations",
    "closeConversations",
    "snoozeConversations",
    "unsnoozeConversations",
    "markConversationsRead",
    "markConversationsUnread",
    "tagConversations",
    "untagConversations",
)
OF_CONTACTS = ("updateContact", "tagContact", "untagContact", "blockContact", "unblockContact")
MUTATIONS = (
    "openConversation",
    "closeConversation",
    "snoozeConversation",
    "unsnoozeConversation",
    "assignConversation",
    "unassignConversation",
    "takeOverConversation",
    "markConversationRead",
    "markConversationUnread",
    "sendMessage",
    "scheduleMessage",
    "addComment",
    "updateComment",
    "deleteComment",
    *OF_CONTACTS,
    *BULK,
)


class Crowd:
    """People who do the actions of the product at random; the same seed does the same."""

    def __init__(self, api: Api, world: World, people: list[Person], seed: int) -> None:
        self.api, self.world, self.people = api, world, people
        self.random = random.Random(seed)
        self.words = Words(world.id, self.random, self._lead)
        self.farewells = Farewells(world, people, self.random, self._lead)
        self.notices = Notices(world, people, self.random, self._lead)
        self.targets: list[Row] = []
        """Whom conversations are given to."""
        self.done: set[str] = set()

    def deeds(self) -> list[Deed]:
        """Return every deed twice, but once to many, in a random order after a few messages."""
        words = [self.words.change_tags, self.words.change_fields, self.words.change_stages]
        first: list[Deed] = [*words, *[self.hear] * 3]
        deck: list[Deed] = [
            self.hear,
            self.deliver,
            self.echo,
            self.create,
            self.expire,
            self.restrict,
            self.hand_over,
            self.words.change_tags,
            self.regroup,
            self.come_and_go,
            self.quarantine,
            self.farewells.delete,
            self.farewells.merge,
            self.notices.archive,
            self.words.change_fields,
            self.words.change_stages,
            self.words.import_file,
        ]
        many: list[Deed] = [partial(self.mutate, name) for name in BULK]
        single = [name for name in (*MUTATIONS, "sendMessage") if name not in BULK]
        deck += [partial(self.mutate, name) for name in single]
        shuffled = self.random.sample([*deck * 2, *many], 2 * len(deck) + len(many))
        return [*first, *shuffled, self.hand_over]  # at last, everybody loses sight of something

    async def hear(self) -> None:
        """A contact writes, perhaps for the first time."""
        await self.world.hear("Hello", sender=f"contact{self.random.randrange(3)}")
        self.done.add("hear")

    async def quarantine(self) -> None:
        """A contact is blocked, writes, changes hands, and is perhaps unblocked."""
        message = await self.world.hear("Hello", sender=f"contact{self.random.randrange(3)}")
        contact = {"contactId": encode_id("Contact", message.conversation.contact_id)}
        await self._lead("blockContact", contact)
        [sender, *_] = await ContactChannel.filter(contact_id=message.conversation.contact_id)
        spam = await self.world.hear("Buy now", sender=sender.external_id)
        target = {"conversationId": encode_id("Conversation", message.conversation_id)}
        for person in self.random.sample(self.people, 2):
            await self._lead("assignConversation", target | {"assigneeId": person.id})
        if self.random.random() < 0.7:
            await self._lead("unblockContact", contact)
        if spam.is_quarantined:
            self.done.add("quarantine")

    async def create(self) -> None:
        """Somebody adds a contact."""
        name = f"N{self.random.randrange(10**6)}"
        await self._call("createContact", {"workspaceId": self.world.id, "firstName": name})

    async def deliver(self) -> None:
        """The vendor tells how far a message came."""
        sent = await Message.filter(
            direction=Direction.OUTGOING, external_id__not_isnull=True
        ).order_by("id")
        if sent:
            message = self.random.choice(sent)
            await self._webhook(
                {
                    "type": "message_status",
                    "mId": message.external_id,
                    "status": {"value": self.random.choice(["delivered", "read", "failed"])},
                }
            )

    async def echo(self) -> None:
        """A colleague answers in the vendor's own app."""
        await self._webhook(
            {
                "type": "message_echo",
                "mId": secrets.token_hex(8),
                "message": {"type": "text", "text": "From the app"},
            }
        )

    async def _webhook(self, event: Row) -> None:
        contact = f"contact{self.random.randrange(3)}"
        event["timestamp"] = int(now().timestamp() * 1000)
        await webhook(self.world.channels[0], contact, event)
        await run_jobs()
        self.done.add(str(event["type"]))

    async def expire(self) -> None:
        """Every snooze comes to its end."""
        await let_time_pass(timedelta(days=400).total_seconds())
        await run_jobs()
        self.done.add("expire")

    async def restrict(self) -> None:
        """A manager lets somebody see more or less."""
        visibility = self.random.choice(list(Visibility))
        await change_member(self.people[-1].member.id, visibility=visibility)
        self.done.add("restrict")

    async def hand_over(self) -> None:
        """A conversation goes from hand to hand, and back to nobody."""
        row = self.random.choice(await Conversation.all().order_by("id"))
        target = {"conversationId": encode_id("Conversation", row.id)}
        targets = await self.all_targets()
        for given in self.random.sample(targets, len(targets)):
            await self._lead("assignConversation", target | given)
        await self._lead("unassignConversation", target)

    async def all_targets(self) -> list[Row]:
        """Return everybody who can be given a conversation: people, a team, and an AI agent."""
        if not self.targets:
            team = await Team.all().order_by("id").first() or await self.world.team("Support")
            robo = encode_id("AiAgent", (await self.world.ai_agent()).id)
            self.targets = [{"assigneeId": person.id} for person in self.people]
            self.targets += [{"teamId": encode_id("Team", team.id)}, {"assigneeId": robo}]
        return self.targets

    async def regroup(self) -> None:
        """Somebody joins another team; a team comes and goes with a conversation and a member."""
        teams = [encode_id("Team", team.id) for team in await Team.all().order_by("id")]
        for person in self.random.sample(self.people[1:], 2):
            change = {"memberId": person.id, "teamId": self.random.choice([*teams, None])}
            await self._lead("updateMember", change)
        name = f"Team {self.random.randrange(10**6)}"
        await self._lead("createTeam", {"workspaceId": self.world.id, "name": name})
        made = encode_id("Team", (await Team.all().order_by("-id"))[0].id)
        await self._lead("updateMember", {"memberId": self.people[-1].id, "teamId": made})
        row = self.random.choice(await Conversation.all().order_by("id"))
        given = {"conversationId": encode_id("Conversation", row.id), "teamId": made}
        await self._lead("assignConversation", given)
        await self._lead("updateTeam", {"teamId": made, "name": f"{name} again"})
        await self._lead("deleteTeam", {"teamId": made})

    async def come_and_go(self) -> None:
        """Somebody is given a conversation and removed."""
        guest = await self.world.add(f"Guest {self.random.randrange(10**6)}")
        row = self.random.choice(await Conversation.all().order_by("id"))
        given = {"conversationId": encode_id("Conversation", row.id), "assigneeId": guest.id}
        await self._lead("assignConversation", given)
        await self._lead("removeMember", {"memberId": guest.id})
        await run_jobs()

    async def mutate(self, name: str) -> None:
        """Somebody does something with a conversation."""
        row = self.random.choice(await self._rows_for(name))
        target: Row = {"conversationId": encode_id("Conversation", row.id)}
        later, is_shy = (now() + timedelta(days=3)).isoformat(), self.random.random() < 0.5
        values: dict[str, Row] = {
            "snoozeConversation": {"until": later},
            "assignConversation": self.random.choice(await self.all_targets()),
            "addComment": {"text": "Look", "mentionedMemberIds": [self.people[1].id]},
            "sendMessage": {"text": f"Hello {self.random.random()}"},
            "scheduleMessage": {"text": "Later", "sendAt": later, "cancelOnReply": is_shy},
            "updateContact": {
                "firstName": f"N{self.random.random()}",
                "lifecycleStageId": self.random.choice([None, *await word_ids("LifecycleStage")]),
                "customFields": [
                    {"fieldId": key, "text": self.random.choice(["x", "y", None])}
                    for key in await word_ids("CustomField")
                ],
            },
            "tagContact": {"tagIds": await word_ids("Tag")},
            "untagContact": {"tagIds": (await word_ids("Tag"))[:1]},
            "tagConversation": {"tagIds": (await word_ids("Tag"))[-2:]},
            "untagConversation": {"tagIds": (await word_ids("Tag"))[-1:]},
        }
        if name == "takeOverConversation":
            await self._lead("assignConversation", target | (await self.all_targets())[-1])
        if name.endswith("Contact"):
            target = {"contactId": encode_id("Contact", row.contact_id)}
        if name in ("updateComment", "deleteComment"):
            await self._change_comment(row.id, name)
            return
        if name in BULK:
            rows = await Conversation.all().order_by("id").limit(3)
            target = {"conversationIds": [encode_id("Conversation", one.id) for one in rows]}
        given = values.get(name.replace("Conversations", "Conversation"), {})
        await self._call(name, target | given)
        if name == "sendMessage":
            await run_jobs()

    async def _rows_for(self, name: str) -> list[Conversation]:
        """Return the conversations to choose from: the first time, those where it can be done."""
        rows = await Conversation.all().order_by("id")
        free = [row for row in rows if row.blocked_at is None and row.last_channel_id]
        return rows if name in self.done or name == "unblockContact" else free or rows

    async def _change_comment(self, conversation_id: int, name: str) -> None:
        """Somebody changes a comment that the first person wrote just before."""
        viewer = await self.people[0].viewer()
        written = await add_comment(viewer, conversation_id, text="Look")
        target: Row = {"commentId": encode_id("Comment", written.comment.id)}
        changed = {"text": f"Ah {self.random.random()}"} if name == "updateComment" else {}
        await self._call(name, target | changed)

    async def _call(self, name: str, given: Row) -> None:
        # the first time by one who may
        who = self.random.choice(self.people) if name in self.done else self.people[0]
        await self._ask(who, name, given)

    async def _lead(self, name: str, given: Row) -> None:
        await self._ask(self.people[0], name, given)

    async def _ask(self, person: Person, name: str, given: Row) -> None:
        kind = name[0].upper() + name[1:]
        document = (
            f"mutation Act($input: {kind}Input!)"
            f" {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
        )
        answer = await self.api.ask(person, document, input=given)
        if not answer[name]["userErrors"]:
            self.done.add(name)


async def vendor(scope: Any, receive: Any, send: Any) -> None:
    """Take every message, as an integrator's server does, and name it."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = orjson.dumps({"mId": secrets.token_hex(8)})
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
