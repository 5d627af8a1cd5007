"""Nodes: every type by its id, hidden ones as if they never existed, at a constant price."""

from datetime import timedelta
from typing import Any

import pytest
from graphql import GraphQLObjectType

from models.activity import Activity
from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.custom_inbox import InboxSharing
from models.engine import sql
from models.episode import Episode
from models.invitation import Invitation
from models.member import Role, Visibility
from models.notification import Notification
from resolvers.comment import add_comment
from resolvers.contact_export import export_contacts
from resolvers.contact_import import import_contacts
from resolvers.invitation import invite_member
from resolvers.node import FINDERS, INBOXES
from resolvers.schedule import Plan, schedule_message
from schema.ids import encode_id, split_id
from tests.access_offers import mention_all, offers
from tests.access_stage import make_inbox
from tests.acting import succeed
from tests.world import Api, World, make_world

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
SHARED = {"Channel", "ClosingNoteCategory", "Member", "Tag", "Team", "User", "Workspace"}
SHARED |= {"AiAgent", "CustomField", "LifecycleStage", "Snippet", "StandardInbox"}
"""The types whose objects every member of the workspace sees."""


async def invited(world: World) -> Invitation:
    """Invite somebody."""
    invitation, _ = await invite_member(
        await world.owner.viewer(), world.workspace.id, email="zoe@example.com", role=Role.AGENT
    )
    return invitation


async def everything(world: World) -> dict[str, str]:
    """Make one object of every type; return their ids by type."""
    message = await world.hear("Hello")
    activity, episode = await Activity.all().first(), await Episode.all().first()
    channel = await ContactChannel.all().first()
    team, agent = await world.team(), await world.ai_agent()
    written = await add_comment(await world.owner.viewer(), message.conversation_id, text="Note")
    await mention_all(await world.add("Mia"), message.conversation_id)
    blocked = await world.conversation("Spam")
    await Conversation.filter(id=blocked.id).update(blocked_at=now())
    inbox = await make_inbox(world.owner, InboxSharing.PRIVATE)
    owner = await world.owner.viewer()
    plan = Plan("Later", now() + timedelta(days=1))
    assert activity is not None and episode is not None and channel is not None
    keys: dict[str, int | str] = {
        "Activity": activity.id,
        "AiAgent": agent.id,
        "BlockedInbox": world.workspace.id,
        "Channel": world.channels[0].id,
        "Comment": written.comment.id,
        "Contact": message.conversation.contact_id,
        "ContactChannel": channel.id,
        "ContactExport": (await export_contacts(owner, world.workspace.id)).id,
        "ContactImport": (await import_contacts(owner, world.workspace.id, file_name="a.csv")).id,
        "Conversation": message.conversation_id,
        "CustomInbox": inbox.id,
        "Episode": episode.id,
        "Invitation": (await invited(world)).id,
        "Member": world.owner.member.id,
        "Message": message.id,
        "Notification": (await Notification.get(member_id=world.owner.member.id)).id,
        "ScheduledMessage": (await schedule_message(owner, message.conversation_id, plan)).id,
        "StandardInbox": f"{world.workspace.id}.ALL",
        "Team": team.id,
        "TeamInbox": team.id,
        "User": world.owner.user.id,
        "Workspace": world.workspace.id,
    }
    found: dict[str, str] = {kind: encode_id(kind, key) for kind, key in keys.items()}
    return found | {split_id(key)[0]: key for key in (await offers(world)).values()}


async def test_every_type_that_is_a_node(api: Api, world: World) -> None:
    ids = await everything(world)
    kinds = api.schema._schema.type_map.values()
    nodes = {
        kind.name
        for kind in kinds
        if isinstance(kind, GraphQLObjectType)
        and any(interface.name == "Node" for interface in kind.interfaces)
    }
    assert set(ids) == nodes == {*FINDERS, *INBOXES}
    for kind, key in ids.items():
        expected = {"node": {"__typename": kind, "id": key}}
        assert await api.ask(world.owner, NODE, id=key) == expected
    found = await api.ask(world.owner, NODES, ids=[*ids.values(), *ids.values()])
    assert found["nodes"] == 2 * [{"__typename": kind, "id": key} for kind, key in ids.items()]


async def test_hidden_nodes_never_existed(api: Api, world: World) -> None:
    ids = await everything(world)
    own = await world.add("Own", visibility=Visibility.OWN)
    stranger = (await make_world("Other")).owner
    missing = await api.run(world.owner, NODE, id=encode_id("Conversation", 999_999))
    assert missing["data"] == {"node": None}
    [error] = missing["errors"]
    assert (error["message"], error["extensions"], error["path"]) == (
        "Nothing was found under this id.",
        {"code": "NOT_FOUND"},
        ["node"],
    )
    for kind, key in ids.items():
        assert await api.run(stranger, NODE, id=key) == missing, kind
        if kind in SHARED:
            assert await api.ask(own, NODE, id=key)
        else:
            assert await api.run(own, NODE, id=key) == missing, kind
    assert await api.ask(stranger, NODES, ids=list(ids.values())) == {"nodes": [None] * len(ids)}


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 18, "9" * 30, "9" * 5000, "", "1 ", "²"])
async def test_keys_of_no_row(api: Api, world: World, number: str) -> None:
    kinds = [*FINDERS, *INBOXES, "Nothing", "ApiKey"]
    ids = [encode_id(kind, number) for kind in kinds]
    assert await api.ask(world.owner, NODES, ids=ids) == {"nodes": [None] * len(ids)}


@pytest.mark.parametrize("key", ["", "x", "=", "Q29udmVyc2F0aW9u", "\N{SNOWMAN}", "a" * 2000])
async def test_texts_that_are_no_ids(api: Api, world: World, key: str) -> None:
    missing = await api.run(world.owner, NODE, id=encode_id("Conversation", 999_999))
    assert await api.run(world.owner, NODE, id=key) == missing
    assert await api.ask(world.owner, NODES, ids=[key]) == {"nodes": [None]}


async def test_there_is_one_way_to_write_an_id(api: Api, world: World) -> None:
    conversation = await world.conversation()
    plain = encode_id("Conversation", conversation.id)
    padded = encode_id("Conversation", f"0{conversation.id}")
    found = await api.ask(world.owner, NODES, ids=[plain, padded])
    assert found["nodes"] == [{"__typename": "Conversation", "id": plain}, None]


async def test_more_than_a_hundred_are_refused(api: Api, world: World) -> None:
    conversation = await world.conversation()
    key = encode_id("Conversation", conversation.id)
    found = await api.ask(world.owner, NODES, ids=[key] * 100)
    assert found["nodes"] == [{"__typename": "Conversation", "id": key}] * 100
    answer = await api.run(world.owner, NODES, ids=[key] * 101)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_nobody_sees_nothing(api: Api, world: World) -> None:
    answer = await api.run(None, NODE, id=world.id)
    assert answer["data"] == {"node": None}
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "UNAUTHENTICATED"}]


@pytest.mark.parametrize(
    ("kind", "statements"),
    [("Conversation", 2), ("Contact", 2), ("Message", 3), ("Activity", 3), ("Episode", 3)],
)
async def test_many_cost_what_one_costs(api: Api, world: World, kind: str, statements: int) -> None:
    for number in range(25):
        await world.hear("Hello", sender=f"c{number}")
    table: Any = {
        "Conversation": Conversation,
        "Activity": Activity,
        "Episode": Episode,
    }.get(kind, Conversation)
    rows = await table.all()
    if kind == "Contact":
        keys = [row.contact_id for row in rows]
    elif kind == "Message":
        keys = [row.last_message_id for row in rows]
    else:
        keys = [row.id for row in rows]
    for size in (1, 25):
        with sql.count_statements() as counter:
            ids = [encode_id(kind, key) for key in keys[:size]]
            found = await api.ask(world.owner, NODES, ids=ids)
        assert [node["id"] for node in found["nodes"]] == ids
        assert counter.total == statements, counter.statements


async def test_members_cost_the_same_however_many(api: Api, world: World) -> None:
    people = [world.owner, *[await world.add(f"Ada{number}") for number in range(9)]]
    for size in (1, 10):
        with sql.count_statements() as counter:
            found = await api.ask(world.owner, NODES, ids=[one.id for one in people[:size]])
        assert [node["id"] for node in found["nodes"]] == [one.id for one in people[:size]]
        assert counter.total == 2, counter.statements


async def test_a_node_that_was_assigned_away_is_hidden_at_once(api: Api, world: World) -> None:
    ada = await world.add("Ada", visibility=Visibility.OWN)
    conversation = await world.conversation()
    key = encode_id("Conversation", conversation.id)
    await succeed(api, world.owner, "assignConversation", conversation, assigneeId=ada.id)
    assert (await api.ask(ada, NODE, id=key))["node"]["id"] == key
    await succeed(api, world.owner, "unassignConversation", conversation)
    assert (await api.run(ada, NODE, id=key))["data"] == {"node": None}
