"""Custom inboxes: made, changed, shared and deleted by their creator, and by nobody else."""

from typing import Any

from models.clock import now
from models.conversation import Conversation
from models.custom_inbox import CustomInbox, CustomInboxShare
from models.engine import sql
from models.member import Visibility
from models.tag import ContactTag, Tag
from realtime.events import CustomInboxChanged
from resolvers.workspace import change_member
from schema.ids import encode_id
from tests.acting import api_key
from tests.test_inbox import listed
from tests.world import Api, Person, World, make_world, snapshot

FILTER = """
fragment Part on InboxFilter {
  tag { operator ids } status { operator statuses } contactField { field operator values }
  assignee { operator ids } timeSinceLastIncomingMessage { operator minutes maxMinutes }
  contactCreated { operator at until } customNumber { fieldId operator number maxNumber }
  customDate { fieldId operator day maxDay } customCheckbox { fieldId isChecked }
}
"""
SHOWN = (
    FILTER
    + """
fragment Shown on CustomInbox {
  id kind group name version sharing viewerCanEdit
  creator { id } sharedWithMembers { id } sharedWithTeams { id }
  filter { ...Part allOf { ...Part anyOf { ...Part } } anyOf { ...Part } }
}
"""
)


def document(name: str, result: str = "inbox { ...Shown }") -> str:
    """Return the operation of a mutation of inboxes."""
    kind = name[0].upper() + name[1:]
    fragments = SHOWN if "Shown" in result else ""
    return (
        f"{fragments} mutation ($input: {kind}Input!) {{ {name}(input: $input)"
        f" {{ {result} userErrors {{ code message field }} }} }}"
    )


CREATE, UPDATE = document("createInbox"), document("updateInbox")
DELETE = document("deleteInbox", "deletedInboxId")
OPEN = {"status": {"operator": "HAS_ANY_OF", "statuses": ["OPEN"]}}
KINDS = [
    *("tag", "status", "contactField", "assignee", "timeSinceLastIncomingMessage"),
    *("contactCreated", "customNumber", "customDate", "customCheckbox"),
]
BLANK: dict[str, Any] = dict.fromkeys(KINDS)
INBOXES = "query ($id: ID!) { workspace(id: $id) { inboxes { id group name } } }"
ONE = SHOWN + "query ($id: ID!) { inbox(id: $id) { ... on CustomInbox { ...Shown } } }"


async def create(api: Api, who: Any, world: World, **values: Any) -> Any:
    """Make an inbox; return the payload."""
    given = {"workspaceId": world.id, "name": "Own", "filter": OPEN} | values
    return (await api.ask(who, CREATE, input=given))["createInbox"]


async def made(api: Api, who: Any, world: World, **values: Any) -> Any:
    """Make an inbox; return it."""
    payload = await create(api, who, world, **values)
    assert payload["userErrors"] == []
    return payload["inbox"]


async def own_inboxes(api: Api, who: Any, world: World) -> list[tuple[str, str]]:
    """Return name and group of the custom inboxes that somebody has."""
    data = await api.ask(who, INBOXES, id=world.id)
    groups = ("CREATED_BY_ME", "CREATED_BY_OTHERS")
    return [
        (one["name"], one["group"])
        for one in data["workspace"]["inboxes"]
        if one["group"] in groups
    ]


async def test_a_filter_is_shown_as_it_was_given(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    tag = await Tag.create(
        workspace_id=world.workspace.id, name="VIP", folded_name="vip", created_at=now()
    )
    vip = {"operator": "HAS_ALL_OF", "ids": [encode_id("Tag", tag.id)]}
    waits = {"operator": "IS_BETWEEN", "minutes": 30, "maxMinutes": 60}
    name = {"field": "FIRST_NAME", "operator": "HAS_ANY_OF", "values": ["Ann", "Bob"]}
    parts = [
        {"tag": vip},
        {"anyOf": [{"contactField": name}, {"timeSinceLastIncomingMessage": waits}]},
    ]

    inbox = await made(api, ada, world, name="  VIPs who wait ", filter={"allOf": parts})

    shown = inbox.pop("filter")
    either = [{**BLANK, "contactField": name}, {**BLANK, "timeSinceLastIncomingMessage": waits}]
    both = [{**BLANK, "tag": vip, "anyOf": []}, {**BLANK, "anyOf": either}]
    assert shown == {**BLANK, "anyOf": [], "allOf": both}
    assert inbox == {
        "id": encode_id("CustomInbox", 1),
        "kind": "CUSTOM",
        "group": "CREATED_BY_ME",
        "name": "VIPs who wait",
        "version": 1,
        "sharing": "PRIVATE",
        "viewerCanEdit": True,
        "creator": {"id": ada.id},
        "sharedWithMembers": [],
        "sharedWithTeams": [],
    }
    assert (await api.ask(ada, ONE, id=inbox["id"]))["inbox"] == inbox | {"filter": shown}


async def test_it_holds_what_meets_the_filter_and_may_be_seen(api: Api, world: World) -> None:
    ian = await world.add("Ian", visibility=Visibility.OWN)
    for name in ("one", "two", "three"):
        await world.hear("Hello", sender=name)
    rows = await Conversation.all().order_by("id")
    tag = await Tag.create(
        workspace_id=world.workspace.id, name="VIP", folded_name="vip", created_at=now()
    )
    for row in rows[:2]:
        await ContactTag.create(contact_id=row.contact_id, tag_id=tag.id)
    await Conversation.filter(id=rows[0].id).update(assignee_id=ian.member.id)
    vip = {"tag": {"operator": "HAS_ANY_OF", "ids": [encode_id("Tag", tag.id)]}}
    key = (await made(api, world.owner, world, filter=vip, sharing={"mode": "WORKSPACE"}))["id"]

    async def names(who: Person) -> list[str]:
        return [node["contact"]["firstName"] for node in await listed(api, who, key)]

    assert await names(world.owner) == ["Two", "One"]
    assert await names(ian) == ["One"]


async def test_who_has_it(api: Api, world: World) -> None:
    sales = await world.team("Sales")
    ada, tim = await world.add("Ada"), await world.add("Tim", team=sales)
    sue, program = await world.add("Sue"), await api_key(world)
    for name, sharing in (
        ("Mine", None),
        ("For Sue", {"mode": "SHARED", "memberIds": [sue.id]}),
        ("For Sales", {"mode": "SHARED", "teamIds": [encode_id("Team", sales.id)]}),
        ("For all", {"mode": "WORKSPACE"}),
    ):
        await made(api, ada, world, name=name, sharing=sharing)

    by_me = [(name, "CREATED_BY_ME") for name in ("For Sales", "For Sue", "For all", "Mine")]
    assert sorted(await own_inboxes(api, ada, world)) == by_me
    others = "CREATED_BY_OTHERS"
    assert await own_inboxes(api, tim, world) == [("For Sales", others), ("For all", others)]
    assert await own_inboxes(api, sue, world) == [("For Sue", others), ("For all", others)]
    assert await own_inboxes(api, world.owner, world) == [("For all", others)]
    assert await own_inboxes(api, program, world) == [("For all", others)]


async def test_changing_it(api: Api, world: World) -> None:
    ada, sue = await world.add("Ada"), await world.add("Sue")
    inbox = await made(api, ada, world, sharing={"mode": "SHARED", "memberIds": [sue.id]})
    given = {"inboxId": inbox["id"], "name": "Other", "sharing": {"mode": "WORKSPACE"}}

    changed = (await api.ask(ada, UPDATE, input=given | {"expectedVersion": 1}))["updateInbox"]

    assert changed["userErrors"] == []
    assert changed["inbox"] == inbox | {
        "name": "Other",
        "version": 2,
        "sharing": "WORKSPACE",
        "sharedWithMembers": [],
    }
    assert await CustomInboxShare.all().count() == 0
    before = await snapshot()
    same = (await api.ask(ada, UPDATE, input=given | {"expectedVersion": 2}))["updateInbox"]
    assert (same["inbox"]["version"], same["userErrors"]) == (2, [])
    late = (await api.ask(ada, UPDATE, input=given | {"expectedVersion": 1}))["updateInbox"]
    assert late["inbox"] == changed["inbox"]
    assert [error["code"] for error in late["userErrors"]] == ["CONFLICT"]
    assert await snapshot() == before
    facts = [fact for fact in await world.facts() if isinstance(fact, CustomInboxChanged)]
    assert facts == [
        CustomInboxChanged(world.workspace.id, 1, ada.member.id, False, (sue.member.id,), ()),
        CustomInboxChanged(world.workspace.id, 1, ada.member.id, True, (sue.member.id,), ()),
    ]


async def test_only_its_creator_changes_or_deletes_it(api: Api, world: World) -> None:
    ada, sue = await world.add("Ada"), await world.add("Sue")
    program, stranger = await api_key(world), (await make_world("Other")).owner
    shared = await made(api, ada, world, sharing={"mode": "WORKSPACE"})
    private = await made(api, ada, world)
    before = await snapshot()
    for operation, name, values in (
        (UPDATE, "updateInbox", {"name": "X"}),
        (DELETE, "deleteInbox", {}),
    ):
        for who, inbox, code in (
            (sue, shared, "FORBIDDEN"),
            (world.owner, shared, "FORBIDDEN"),
            (program, shared, "FORBIDDEN"),
            (sue, private, "NOT_FOUND"),
            (world.owner, private, "NOT_FOUND"),
            (stranger, shared, "NOT_FOUND"),
        ):
            given = {"inboxId": inbox["id"], **values}
            [error] = (await api.ask(who, operation, input=given))[name]["userErrors"]
            assert error["code"] == code
    assert await snapshot() == before
    payload = (await api.ask(ada, DELETE, input={"inboxId": shared["id"]}))["deleteInbox"]
    assert payload == {"deletedInboxId": shared["id"], "userErrors": []}
    assert [row.id for row in await CustomInbox.all()] == [2]
    again = (await api.ask(ada, DELETE, input={"inboxId": shared["id"]}))["deleteInbox"]
    assert [error["code"] for error in again["userErrors"]] == ["NOT_FOUND"]


async def test_the_list_costs_the_same_for_many(api: Api, world: World) -> None:
    await world.team()
    totals = []
    for _ in range(2):
        await made(api, world.owner, world, sharing={"mode": "WORKSPACE"})
        with sql.count_statements() as counter:
            counts = "openCount unreadCount unrepliedCount"
            text = f"query ($id: ID!) {{ workspace(id: $id) {{ inboxes {{ name {counts} }} }} }}"
            await api.ask(world.owner, text, id=world.id)
        totals.append(counter.total)
    assert totals[0] == totals[1]


async def test_a_member_who_is_gone_has_none(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    await made(api, ada, world, sharing={"mode": "WORKSPACE"})
    await change_member(ada.member.id, is_active=False)
    assert await own_inboxes(api, world.owner, world) == [("Own", "CREATED_BY_OTHERS")]
