"""The scopes of API keys: each takes away what is not in it, and no key makes a stronger one."""

from typing import Any

import pytest

from models.api_key import ApiKeyScope
from models.engine import sql
from models.member import Role
from models.refusal import Refused
from resolvers.api_key import MAX_KEYS, written_scopes
from resolvers.rights import RIGHTS, SCOPES, Right
from tests.access_matrix import ROWS
from tests.access_stage import ALLOWED, Caller, ask, make_stage
from tests.test_api_key import keys, revoke
from tests.world import Api, World

CREATE = """
mutation Create($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey { id role scopes } secret userErrors { code message field }
  }
}
"""
LIST = "query($id: ID!) { workspace(id: $id) { apiKeys { id name role scopes revokedAt } } }"
ALL = [scope.value for scope in ApiKeyScope]


async def create(api: Api, who: Any, world: World, **given: Any) -> Any:
    values = {"workspaceId": world.id, "name": "Bot", **given}
    return (await api.ask(who, CREATE, input=values))["createApiKey"]


@pytest.mark.parametrize("scope", list(ApiKeyScope))
async def test_a_scope_allows_its_rights_and_no_others(api: Api, scope: ApiKeyScope) -> None:
    stage = await make_stage()
    made = await create(api, stage.world.owner, stage.world, role="OWNER", scopes=[scope.value])
    caller = Caller("limited", made["secret"], role=Role.OWNER, sees=True, is_program=True)
    answers, wanted = {}, {}
    for name, row in ROWS.items():
        if row.right is None or name.startswith("Subscription"):
            continue
        if row.people_only or row.only:
            continue
        answers[name] = await ask(api, caller, row, stage.ids)
        needed = {SCOPES.get(row.right, ApiKeyScope.MANAGE)} - {ApiKeyScope.READ}
        wanted[name] = ALLOWED if needed <= {scope} else "FORBIDDEN"
        await stage.restore()
    if scope is ApiKeyScope.MANAGE:  # a limited key makes only limited ones
        assert answers.pop("Mutation.createApiKey") == "FORBIDDEN"
        del wanted["Mutation.createApiKey"]
    assert answers == wanted


def test_what_a_right_needs() -> None:
    manage = {right for right in RIGHTS if right not in SCOPES}
    assert {Right.MANAGE_API_KEYS, Right.VIEW_AUDIT_LOG} <= manage
    others = manage - {Right.VIEW_AUDIT_LOG}
    assert all(right.value.startswith(("MANAGE", "DELETE")) for right in others), others


def test_every_key_may_read_and_scopes_have_one_order() -> None:
    assert written_scopes(None, "") == ""
    assert written_scopes([ApiKeyScope.MANAGE], "") == "READ,MANAGE"
    given = [ApiKeyScope.WRITE_CONTACTS, ApiKeyScope.WRITE_MESSAGES]
    assert written_scopes(given * 2, "") == "READ,WRITE_MESSAGES,WRITE_CONTACTS"
    with pytest.raises(Refused):
        written_scopes([], "")


async def test_a_key_tells_its_scopes(api: Api, world: World) -> None:
    limited = (await create(api, world.owner, world, scopes=["WRITE_CONTACTS"]))["apiKey"]
    assert limited["scopes"] == ["READ", "WRITE_CONTACTS"]
    assert (await create(api, world.owner, world))["apiKey"]["scopes"] == ALL


async def test_a_key_makes_no_stronger_key(api: Api, world: World) -> None:
    given: dict[str, Any] = {"role": "MANAGER", "scopes": ["MANAGE", "WRITE_CONTACTS"]}
    secret = (await create(api, world.owner, world, **given))["secret"]
    before = await keys()
    for scopes in (None, ALL, ["WRITE_MESSAGES"]):
        payload = await create(api, secret, world, scopes=scopes)
        assert payload["userErrors"] == [
            {
                "code": "FORBIDDEN",
                "message": "A key makes no key that may do more than itself.",
                "field": ["scopes"],
            }
        ]
    assert await keys() == before
    assert (await create(api, secret, world, scopes=["WRITE_CONTACTS"]))["userErrors"] == []


async def test_an_empty_choice_is_refused(api: Api, world: World) -> None:
    payload = await create(api, world.owner, world, scopes=[])
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID"]
    assert await keys() == []


async def test_a_limited_key_says_so(api: Api, world: World) -> None:
    given: dict[str, Any] = {"role": "MANAGER", "scopes": ["READ"]}
    secret = (await create(api, world.owner, world, **given))["secret"]
    payload = await create(api, secret, world)
    [error] = payload["userErrors"]
    assert error["message"] == "The scopes of this API key do not allow this."


async def test_managers_see_the_keys_that_are_good(api: Api, world: World) -> None:
    agent = await world.add()
    made = [(await create(api, world.owner, world, name=name))["apiKey"] for name in "abc"]
    await revoke(api, world.owner, made[1]["id"])
    for who, names in ((world.owner, ["c", "a"]), (agent, [])):
        with sql.count_statements() as counter:
            data = await api.ask(who, LIST, id=world.id)
        assert [key["name"] for key in data["workspace"]["apiKeys"]] == names
        assert len(counter.statements) <= 3


async def test_a_workspace_has_so_many_keys(api: Api, world: World) -> None:
    await create(api, world.owner, world)
    for number in range(MAX_KEYS - 1):
        await sql.affected(
            "INSERT INTO api_key (workspace_id, name, key_hash, role, scopes, created_at)"
            " SELECT workspace_id, name, ?, role, '', created_at FROM api_key WHERE name = 'Bot'"
            " AND id = (SELECT MIN(id) FROM api_key)",
            f"{number}",
        )
    payload = await create(api, world.owner, world)
    assert [error["code"] for error in payload["userErrors"]] == ["WRONG_STATE"]
    assert len(await keys()) == MAX_KEYS
