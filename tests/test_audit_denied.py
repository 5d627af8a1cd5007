"""What nobody may read: queries and subscriptions that are refused are in the audit log too."""

from contextlib import aclosing
from typing import Any

from models.member import Restriction, Role, Visibility
from schema.context import ContextMaker
from schema.ids import encode_id
from tests.acting import api_key
from tests.test_audit import LOG, log
from tests.world import Api, Person, World, make_world

EXPORTS = "query($id: ID!) { contactExports(workspaceId: $id) { nodes { id } } }"
FOLLOWED = "subscription($id: ID!) { exportProgressed(workspaceId: $id) { eventId } }"


async def begin(api: Api, who: Person, document: str, **given: Any) -> list[str]:
    """Subscribe; return the codes with which that is refused."""
    context = await ContextMaker(api.hub)(who.token, "")
    stream: Any = await api.schema.subscribe(document, variable_values=given, context_value=context)
    async with aclosing(stream):
        result = await anext(stream)
        return [error.extensions["code"] for error in result.errors or []]


async def refused(api: Api, who: Person | str, document: str, **given: Any) -> list[str]:
    """Query; return the codes with which that is refused."""
    answer = await api.run(who, document, **given)
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_reading_and_following_without_the_right_is_kept(api: Api, world: World) -> None:
    agent = await world.add("Ada", restrictions={Restriction.DATA_EXPORT})
    program = await api_key(world, Role.AGENT)
    assert await refused(api, agent, EXPORTS, id=world.id) == ["FORBIDDEN"]
    assert await begin(api, agent, FOLLOWED, id=world.id) == ["FORBIDDEN"]
    assert await refused(api, program, LOG, workspaceId=world.id) == ["FORBIDDEN"]
    [(key, *by_program), *others] = await log(api, world)
    assert by_program == ["auditLog", world.id, "FORBIDDEN"]
    assert key.startswith(encode_id("ApiKey", "")[:6])
    assert others == [
        (agent.id, "exportProgressed", world.id, "FORBIDDEN"),
        (agent.id, "contactExports", world.id, "FORBIDDEN"),
    ]


async def test_looking_for_what_is_hidden_is_kept_and_for_what_never_was_is_not(
    api: Api, world: World
) -> None:
    agent = await world.add("Ada", visibility=Visibility.OWN)
    other = await make_world("Other")
    conversation, theirs = await world.conversation(), await other.conversation()
    for kind, key, foreign in (
        ("Conversation", conversation.id, theirs.id),
        ("Contact", conversation.contact_id, theirs.contact_id),
    ):
        name = kind.lower()
        for number in (key, foreign, 999_999):
            for field in (f"mine: {name}", "node"):
                document = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"
                given = encode_id(kind, number)
                assert await refused(api, agent, document, id=given) == ["NOT_FOUND"]
    assert await refused(api, agent, "{ conversation(id: 7) { id } }") == ["NOT_FOUND"]
    assert await refused(api, agent, EXPORTS, id=other.id) == ["NOT_FOUND"]
    assert await log(api, world) == [
        (agent.id, "node", encode_id("Contact", conversation.contact_id), "NOT_FOUND"),
        (agent.id, "contact", encode_id("Contact", conversation.contact_id), "NOT_FOUND"),
        (agent.id, "node", encode_id("Conversation", conversation.id), "NOT_FOUND"),
        (agent.id, "conversation", encode_id("Conversation", conversation.id), "NOT_FOUND"),
    ]
    assert await log(api, other) == []
