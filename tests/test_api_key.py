"""The keys of programs: who may make them, what they may do, and how they end."""

from typing import Any

from models.engine import sql
from models.member import Role
from models.message import Message, MessageSource
from realtime.events import CredentialRevoked
from tests.test_channel import connect
from tests.test_message import send
from tests.world import Api, World, make_world

CREATE = """
mutation Create($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey { id name role revokedAt }
    secret
    userErrors { code message field }
  }
}
"""
REVOKE = """
mutation Revoke($input: RevokeApiKeyInput!) {
  revokeApiKey(input: $input) { apiKey { id revokedAt } userErrors { code message field } }
}
"""
WHO = "{ viewer { email } workspaces { name viewerMember { id } } }"


async def create(api: Api, who: Any, world: World, **given: Any) -> Any:
    values = {"workspaceId": world.id, "name": "Bot", **given}
    return (await api.ask(who, CREATE, input=values))["createApiKey"]


async def revoke(api: Api, who: Any, key_id: str) -> Any:
    return (await api.ask(who, REVOKE, input={"apiKeyId": key_id}))["revokeApiKey"]


def refused(code: str, message: str, *field: str) -> dict[str, Any]:
    errors = [{"code": code, "message": message, "field": list(field)}]
    return {"apiKey": None, "secret": None, "userErrors": errors}


async def keys() -> list[dict[str, Any]]:
    return await sql.rows("SELECT * FROM api_key ORDER BY id")


async def test_a_key_opens_one_workspace_for_a_program(api: Api, world: World) -> None:
    payload = await create(api, world.owner, world, name=" Bot ")

    key, secret = payload["apiKey"], payload["secret"]
    assert payload["userErrors"] == []
    assert (key["name"], key["role"], key["revokedAt"]) == ("Bot", "AGENT", None)
    assert secret.startswith("pk_")
    assert secret not in str(await keys())
    assert await api.ask(secret, WHO) == {
        "viewer": None,
        "workspaces": [{"name": "Acme", "viewerMember": None}],
    }


async def test_what_a_program_sends_is_marked_as_its_own(api: Api, world: World) -> None:
    heard = await world.hear()
    secret = (await create(api, world.owner, world))["secret"]

    payload = await send(api, secret, heard.conversation_id)

    assert (payload["message"]["source"], payload["message"]["author"]) == ("API", None)
    row = await Message.get(direction="OUTGOING")
    assert (row.source, row.author_id) == (MessageSource.API, None)


async def test_a_key_has_the_rights_of_its_role(api: Api, world: World) -> None:
    agent = (await create(api, world.owner, world, role="AGENT"))["secret"]
    manager = (await create(api, world.owner, world, role="MANAGER"))["secret"]
    before = await keys()

    answer = await connect(api, agent, world)
    assert answer["userErrors"][0]["code"] == "FORBIDDEN"
    forbidden = await create(api, agent, world)
    assert forbidden == refused("FORBIDDEN", "Your role does not allow this.")
    assert await keys() == before
    assert (await connect(api, manager, world))["userErrors"] == []


async def test_only_an_owner_makes_a_key_of_an_owner(api: Api, world: World) -> None:
    manager = await world.add("Max", Role.MANAGER)
    before = await keys()
    payload = await create(api, manager, world, role="OWNER")
    assert payload == refused("FORBIDDEN", "Your role does not allow this.", "role")
    assert await keys() == before
    assert (await create(api, world.owner, world, role="OWNER"))["userErrors"] == []


async def test_a_key_needs_a_name_and_a_workspace_of_ones_own(api: Api, world: World) -> None:
    stranger = await make_world("Other")
    for name in ("", "  ", "x" * 101):
        payload = await create(api, world.owner, world, name=name)
        assert payload == refused("INVALID", "A name has 1 to 100 characters.", "name")
    payload = await create(api, stranger.owner, world)
    nothing = "Nothing was found under this id."
    assert payload == refused("NOT_FOUND", nothing, "workspaceId")
    assert await keys() == []


async def test_a_revoked_key_opens_nothing(api: Api, world: World) -> None:
    payload = await create(api, world.owner, world)
    key_id, secret = payload["apiKey"]["id"], payload["secret"]

    first = await revoke(api, world.owner, key_id)

    assert first["userErrors"] == []
    assert (first["apiKey"]["id"], first["apiKey"]["revokedAt"] is None) == (key_id, False)
    answer = await api.run(secret, WHO)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    [row] = await keys()
    facts = await world.facts()
    assert facts[-1] == CredentialRevoked(world.workspace.id, f"api_key:{row['id']}")
    assert await revoke(api, world.owner, key_id) == first
    assert (await keys(), await world.facts()) == ([row], facts)


async def test_a_key_is_revoked_only_by_who_may(api: Api, world: World) -> None:
    payload = await create(api, world.owner, world)
    key_id, secret = payload["apiKey"]["id"], payload["secret"]
    agent, stranger = await world.add("Ada"), await make_world("Other")
    before = await keys()

    forbidden = await revoke(api, agent, key_id)
    hidden = await revoke(api, stranger.owner, key_id)
    itself = await revoke(api, secret, key_id)

    assert [answer["userErrors"][0]["code"] for answer in (forbidden, hidden, itself)] == [
        "FORBIDDEN",
        "NOT_FOUND",
        "FORBIDDEN",
    ]
    assert await keys() == before


async def test_a_key_is_not_logged_out(api: Api, world: World) -> None:
    secret = (await create(api, world.owner, world))["secret"]
    answer = await api.ask(
        secret, "mutation { logOut(input: {}) { isLoggedOut userErrors { code message } } }"
    )
    assert answer["logOut"] == {
        "isLoggedOut": None,
        "userErrors": [{"code": "FORBIDDEN", "message": "An API key is revoked, not logged out."}],
    }
    assert (await api.ask(secret, WHO))["viewer"] is None
