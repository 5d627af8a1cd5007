"""What is refused of custom inboxes, and that nothing happens then or twice."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.custom_inbox import CustomInbox
from models.tag import Tag
from resolvers.inbox import MAX_INBOXES
from schema.ids import encode_id
from tests.acting import api_key
from tests.test_inbox_custom import CREATE, OPEN, create, made
from tests.world import Api, World, make_world, snapshot


async def test_a_program_makes_none(api: Api, world: World) -> None:
    before = await snapshot()
    payload = await create(api, await api_key(world), world)
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]
    assert await snapshot() == before


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"name": " "}, "BLANK", "name"),
        ({"name": "x" * 101}, "TOO_LONG", "name"),
        ({"filter": {"allOf": []}}, "BLANK", "filter"),
        ({"filter": {"tag": {"operator": "HAS_ANY_OF", "ids": []}}}, "INVALID", "filter"),
        ({"filter": {"allOf": [OPEN] * 21}}, "INVALID", "filter"),
    ],
)
async def test_what_is_refused(
    api: Api, world: World, values: dict[str, Any], code: str, field: str
) -> None:
    before = await snapshot()
    payload = await create(api, world.owner, world, **values)
    assert payload["inbox"] is None
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [(code, [field])]
    assert await snapshot() == before


async def test_a_filter_of_two_conditions_in_one_part_is_malformed(api: Api, world: World) -> None:
    both = OPEN | {"tag": {"operator": "EXISTS"}}
    given = {"workspaceId": world.id, "name": "Own", "filter": both}
    answer = await api.run(world.owner, CREATE, input=given)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_what_it_names_must_be_of_the_workspace(api: Api, world: World) -> None:
    other = await make_world("Other")
    theirs = await Tag.create(
        workspace_id=other.workspace.id, name="x", folded_name="x", created_at=now()
    )
    before = await snapshot()
    answers = set()
    for tag_id in (encode_id("Tag", theirs.id), encode_id("Tag", 999_999), "no id"):
        part = {"tag": {"operator": "HAS_ANY_OF", "ids": [tag_id]}}
        answers.add(repr(await create(api, world.owner, world, filter=part)))
    assert len(answers) == 1 and "NOT_FOUND" in answers.pop()
    for condition in (
        {"assignee": {"operator": "HAS_ANY_OF", "ids": [other.owner.id]}},
        {"customNumber": {"fieldId": encode_id("CustomField", 5), "operator": "EXISTS"}},
    ):
        payload = await create(api, world.owner, world, filter=condition)
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    shared = {"mode": "SHARED", "memberIds": [other.owner.id]}
    payload = await create(api, world.owner, world, sharing=shared)
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    assert await snapshot() == before


async def test_a_key_makes_it_once(api: Api, world: World) -> None:
    first = await made(api, world.owner, world, idempotencyKey="k1")
    again = await made(api, world.owner, world, idempotencyKey="k1")
    assert (again, await CustomInbox.all().count()) == (first, 1)
    other = await create(api, world.owner, world, name="Other", idempotencyKey="k1")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]


async def test_a_member_keeps_so_many(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_INBOXES == 200
    monkeypatch.setattr("resolvers.inbox.MAX_INBOXES", 3)
    payloads = await asyncio.gather(*(create(api, world.owner, world) for _ in range(6)))
    codes = [error["code"] for payload in payloads for error in payload["userErrors"]]
    assert codes == ["WRONG_STATE"] * 3
    assert await CustomInbox.all().count() == 3
