"""Files of snippets: kept with them, sent as they are, and kept by what was sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextvars import Context
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models.attachment import Attachment, AttachmentState
from models.engine import sql
from models.member import Role, Visibility
from models.refusal import Code, Refused
from realtime.transaction import transaction
from resolvers.message import send_message
from resolvers.snippet import delete_snippet
from schema.ids import decode_id, encode_id
from tests.acting import conversation_id
from tests.test_attachment_messages import codes, comment, send, texts
from tests.uploading import NODE, announce, bring, file_doors, kept, path_of
from tests.world import Api, World, make_world, run_jobs, snapshot

SNIPPET = "id text version attachmentCount attachments { id fileName url viewerCanDelete }"
MAKE = f"""mutation ($input: CreateSnippetInput!) {{ createSnippet(input: $input) {{
  snippet {{ {SNIPPET} }} userErrors {{ code message field }} }} }}"""
CHANGE = MAKE.replace("CreateSnippet", "UpdateSnippet").replace("createSnippet", "updateSnippet")
LIST = f"query ($id: ID!) {{ workspace(id: $id) {{ snippets {{ nodes {{ {SNIPPET} }} }} }} }}"
SUGGEST = f"""query ($id: ID!) {{
  composerSuggestions(conversationId: $id, trigger: SNIPPET, text: "PR") {{
    ... on SnippetSuggestion {{ snippet {{ {SNIPPET} }} }} }} }}"""
FILES = "query ($id: ID!) { message(id: $id) { attachments { fileName url } } }"
TABLES = ("attachment", "snippet", "snippet_attachment", "message_attachment", "event")


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


async def make(api: Api, world: World, who: Any, ids: Sequence[str], **values: Any) -> Any:
    """Make a snippet; return the payload."""
    given = {"workspaceId": world.id, "name": "Prices", "attachmentIds": ids, **values}
    return (await api.ask(who, MAKE, input=given))["createSnippet"]


async def change(api: Api, who: Any, key: str, **values: Any) -> Any:
    """Change a snippet; return the payload."""
    return (await api.ask(who, CHANGE, input={"snippetId": key, **values}))["updateSnippet"]


def ids_of(payload: Any) -> list[str]:
    """Return the ids of a snippet's files."""
    return [one["id"] for one in payload["snippet"]["attachments"]]


async def test_who_sees_snippets_sees_their_files(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    message, own = await world.hear("Hello"), await world.add("Own", visibility=Visibility.OWN)
    manager, ada = await world.add("Mia", role=Role.MANAGER), await world.add("Ada")
    first, second = await texts(api, world, door, manager, 2)
    key = {"idempotencyKey": "k"}
    made = await make(api, world, manager, [second, first], **key)
    assert (made["userErrors"], made["snippet"]["text"]) == ([], "")
    assert ids_of(made) == [second, first]
    assert await make(api, world, manager, [second, first], **key) == made
    offers = await api.ask(ada, SUGGEST, id=conversation_id(message))
    [offer] = offers["composerSuggestions"]
    names = [one["fileName"] for one in offer["snippet"]["attachments"]]
    assert (offer["snippet"]["attachmentCount"], names) == (2, ["1.txt", "0.txt"])
    seen = (await api.ask(own, NODE, id=second))["node"]  # who sees this conversation not
    assert (await door.get(path_of(seen["url"]))).content == b"file 1"
    assert seen["viewerCanDelete"] is False
    assert codes(await send(api, ada, message, second)) == []
    await delete_snippet(await manager.viewer(), decode_id(made["snippet"]["id"], "Snippet"))
    assert (await door.get(path_of(seen["url"]))).status_code == 404


async def test_what_was_sent_keeps_its_files_whatever_becomes_of_the_snippet(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    message, ada = await world.hear("Hello"), await world.add("Ada")
    first, second, third, fourth = await texts(api, world, door, world.owner, 4)
    made = await make(api, world, world.owner, [second, first, third])
    mine = await bring(api, world, door, ada, "mine.txt", b"mine")
    key = {"idempotencyKey": "k"}
    sent = await send(api, ada, message, second, mine["id"], first, **key)
    assert sent["userErrors"] == []
    again = await send(api, ada, message, second, mine["id"], first, **key)
    assert again["message"]["id"] == sent["message"]["id"]
    assert codes(await send(api, world.owner, message, second)) == []
    assert codes(await comment(api, ada, message, second, third)) == []
    snippet = made["snippet"]["id"]
    given = {"attachmentIds": [fourth, third]}
    changed = await change(api, world.owner, snippet, **given, expectedVersion=1)
    assert (ids_of(changed), changed["snippet"]["version"]) == ([fourth, third], 2)
    assert await change(api, world.owner, snippet, **given) == changed
    await delete_snippet(await world.owner.viewer(), decode_id(snippet, "Snippet"))
    await run_jobs()
    states = {row.id: row.state for row in await Attachment.all()}
    assert decode_id(fourth, "Attachment") not in states  # nothing else had it
    assert set(states.values()) == {AttachmentState.READY}
    assert len(kept(tmp_path)) == 4
    shown = (await api.ask(ada, FILES, id=sent["message"]["id"]))["message"]["attachments"]
    assert [one["fileName"] for one in shown] == ["1.txt", "mine.txt", "0.txt"]
    assert (await door.get(path_of(shown[0]["url"]))).content == b"file 1"
    late = await send(api, ada, message, second)
    assert codes(late) == [("NOT_FOUND", ["attachmentIds", "0"])]


async def test_refusals_name_the_file_and_change_nothing(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    message, ada = await world.hear("Hello"), await world.add("Ada")
    had, good, used = await texts(api, world, door, world.owner, 3)
    [theirs] = await texts(api, world, door, ada, 1)
    waiting = (await announce(api, world, world.owner, "w.txt", 5))["attachment"]["id"]
    elsewhere = await make_world("Elsewhere")
    [foreign] = await texts(api, elsewhere, door, elsewhere.owner, 1)
    away = await make(api, elsewhere, elsewhere.owner, [foreign])
    assert codes(await send(api, world.owner, message, used)) == []
    key = (await make(api, world, world.owner, [had], name="Old"))["snippet"]["id"]
    missing = encode_id("Attachment", 999_999)
    before = await snapshot(*TABLES)
    for ids, refusal in (
        ([good, waiting], ("WRONG_STATE", ["attachmentIds", "1"])),
        ([good, used], ("WRONG_STATE", ["attachmentIds", "1"])),
        ([theirs], ("NOT_FOUND", ["attachmentIds", "0"])),
        ([foreign], ("NOT_FOUND", ["attachmentIds", "0"])),
        ([good, missing], ("NOT_FOUND", ["attachmentIds", "1"])),
        ([good, good], ("INVALID", ["attachmentIds", "1"])),
        ([good] * 51, ("INVALID", ["attachmentIds"])),
        ([], ("BLANK", ["text"])),
    ):
        assert codes(await make(api, world, world.owner, ids)) == [refusal], ids
        assert codes(await change(api, world.owner, key, attachmentIds=ids)) == [refusal], ids
    assert codes(await make(api, world, world.owner, [had])) == [
        ("WRONG_STATE", ["attachmentIds", "0"])
    ]  # a file is in one snippet
    assert codes(await make(api, world, ada, [theirs])) == [("FORBIDDEN", [])]
    for act in (send, comment):
        assert codes(await act(api, ada, message, had, foreign)) == [
            ("NOT_FOUND", ["attachmentIds", "1"])
        ]
    hidden = await api.run(elsewhere.owner, NODE, id=had)
    assert hidden["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert await snapshot(*TABLES) == before
    assert codes(away) == []


async def waiting_for(task: asyncio.Task[Any]) -> None:
    """Wait as long as something would need that did not wait."""
    await asyncio.wait([task], timeout=0.3)
    assert not task.done()


@pytest.mark.parametrize("is_sent_first", [True, False])
async def test_who_deletes_a_snippet_waits_for_who_sends_it_and_the_other_way_round(
    api: Api, world: World, door: httpx2.AsyncClient, is_sent_first: bool
) -> None:
    message = await world.hear("Hello")
    ids = await texts(api, world, door, world.owner, 2)
    made = await make(api, world, world.owner, ids)
    owner, ada = await world.owner.viewer(), await (await world.add("Ada")).viewer()
    snippet_id = decode_id(made["snippet"]["id"], "Snippet")

    async def send_it() -> None:
        keys = [decode_id(one, "Attachment") for one in ids]
        await send_message(ada, message.conversation_id, attachment_ids=keys)

    async def delete_it() -> None:
        await delete_snippet(owner, snippet_id)

    first, then = (send_it, delete_it) if is_sent_first else (delete_it, send_it)
    async with transaction():
        await first()
        task = asyncio.create_task(then(), context=Context())
        await waiting_for(task)
    if is_sent_first:
        await task
    else:
        with pytest.raises(Refused) as refusal:
            await task
        assert (refusal.value.code, refusal.value.field) == (Code.NOT_FOUND, ("attachmentIds", "0"))
    await run_jobs()
    assert await Attachment.all().count() == (2 if is_sent_first else 0)


async def test_many_who_send_change_and_delete_at_once(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    rows = [await world.hear(sender=name) for name in ("anna", "bert", "carl")]
    ada = await world.add("Ada")
    for turn in range(3):
        ids = await texts(api, world, door, world.owner, 3)
        made = await make(api, world, world.owner, ids[:2], name=f"Prices {turn}")
        key = made["snippet"]["id"]
        answers = await asyncio.gather(
            *(send(api, ada, row, *reversed(ids[:2])) for row in rows),
            change(api, world.owner, key, attachmentIds=[ids[2], ids[1]]),
            send(api, world.owner, rows[0], ids[2], ids[0]),
            delete_snippet(await world.owner.viewer(), decode_id(key, "Snippet")),
            return_exceptions=True,
        )
        for answer in answers[:5]:
            assert isinstance(answer, dict), answer
            assert {code for code, _ in codes(answer)} <= {"NOT_FOUND", "WRONG_STATE"}
        assert answers[5] == decode_id(key, "Snippet")
        await run_jobs()
    links = await sql.records("SELECT DISTINCT attachment_id FROM message_attachment")
    loose = await Attachment.filter(loose_since__not_isnull=True).count()
    assert {row.state for row in await Attachment.all()} <= {AttachmentState.READY}
    assert len(kept(tmp_path)) == await Attachment.all().count() == len(links) + loose


async def test_files_cost_a_constant_number_of_statements(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    message, counts = await world.hear("Hello"), []
    for turn, many in enumerate((1, 4)):
        ids = await texts(api, world, door, world.owner, many)
        for place, one in enumerate(ids):
            await make(api, world, world.owner, [one], name=f"{turn} {place}")
        with sql.count_statements() as reading:
            await api.ask(world.owner, LIST, id=world.id)
        with sql.count_statements() as sending:
            assert codes(await send(api, world.owner, message, *ids)) == []
        written = sum("message_attachment" in one for one in sending.statements)
        counts.append((reading.total, sending.total - written))
    assert counts[0] == counts[1]
