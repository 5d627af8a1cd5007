"""What nobody may read: queries, subscriptions and links that are refused are in the log too."""

from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from models.api_key import ApiKey
from models.attachment import Attachment
from models.audit_entry import AuditEntry
from models.clock import now
from models.member import Member, Restriction, Role, Visibility
from models.session import Session
from models.transfer import Transfer
from models.workspace import Workspace
from resolvers.attachment import sign_for_vendor
from resolvers.invitation import invite_member
from schema.context import ContextMaker
from schema.ids import encode_id
from tests import importing
from tests.acting import api_key
from tests.exporting import exported, opened
from tests.test_attachment_media import jpeg
from tests.test_attachment_messages import send
from tests.test_audit import LOG, log
from tests.uploading import announce, bring, file_doors, path_of
from tests.world import Api, Person, World, make_world, run_jobs

EXPORTS = "query($id: ID!) { contactExports(workspaceId: $id) { nodes { id } } }"
NODE = "query($id: ID!) { node(id: $id) { id } }"
EMAILS = "Email\nnot an address\n"
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


async def test_so_is_what_is_known_through_it(api: Api, world: World, tmp_path: Path) -> None:
    ada = await world.add("Ada", visibility=Visibility.OWN)
    await world.hear()
    async with file_doors(tmp_path) as door:
        file = await bring(api, world, door, world.owner, "a.jpg", jpeg(9, 9))
    owner, to = await world.owner.viewer(), "new@parley.test"
    await invite_member(owner, world.workspace.id, email=to, role=Role.AGENT)
    ids = [file["id"], (await exported(api, world))["id"]]
    ids.append((await importing.imported(api, world, EMAILS))["id"])
    ids += [encode_id(kind, 1) for kind in ("Activity", "Episode", "ContactChannel", "Invitation")]
    never = [encode_id("ContactExport", 2), encode_id("ContactImport", 1)]  # each is the other
    before = await log(api, world)
    for one in (*ids, *never):
        assert await refused(api, ada, NODE, id=one) == ["NOT_FOUND"]
    found = await log(api, world)
    assert found == [*((ada.id, "node", one, "NOT_FOUND") for one in reversed(ids)), *before]


async def answered(door: httpx2.AsyncClient, path: str, body: bytes | None = None) -> Any:
    """Use a link; return all of the answer but its moment."""
    if body is None:
        answer = await door.get(path, headers={"x-request-id": "r-1"})
    else:
        answer = await door.request("POST" if "/imports/" in path else "PUT", path, content=body)
    answer.headers.pop("date")
    return answer.status_code, answer.content, sorted(answer.headers.items())


def forged(path: str) -> str:
    """Return a link with a signature that is not ours."""
    return path[:-1] + ("0" if path[-1] != "0" else "1")


async def test_a_link_that_proves_nobody_or_is_late_is_not_kept(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    file = path_of((await exported(api, world, ada))["downloadUrl"])
    before = await log(api, world)
    async with opened() as door:
        assert (await answered(door, file))[0] == 200
        never = await answered(door, "/exports/nonsense")
        with patch("resolvers.signed_link.now", lambda: now() + timedelta(seconds=3601)):
            assert await answered(door, file) == never
        await Member.filter(id=ada.member.id).update(is_active=False)
        with patch("resolvers.signed_link.now", lambda: now() + timedelta(seconds=3601)):
            assert await answered(door, file) == never
        assert await answered(door, forged(file)) == never
        await Transfer.all().update(expires_at=now())
        assert await answered(door, file) == never
    assert (never[0], await log(api, world)) == (404, before)


async def test_a_link_to_a_transfer_without_the_right_is_kept(api: Api, world: World) -> None:
    await world.contact("Ann")
    ada, mia = await world.add("Ada"), await world.add("Mia", Role.MANAGER)
    mine, theirs = await exported(api, world, ada), await exported(api, world, await api_key(world))
    done = await importing.imported(api, world, EMAILS, mia)
    begun = (await importing.start(api, world, None, mia))["contactImport"]
    file, programs = path_of(mine["downloadUrl"]), path_of(theirs["downloadUrl"])
    report, up = path_of(done["reportUrl"]), path_of(begun["uploadUrl"])
    row, place = Member.filter(id=ada.member.id), Workspace.filter(id=world.workspace.id)
    before = await log(api, world)
    async with opened() as door:
        for path in (file, programs, report):
            assert (await answered(door, path))[0] == 200
        never = await answered(door, forged(file))
        await row.update(restrictions=Restriction.DATA_EXPORT.value)
        assert await answered(door, file) == never
        await row.update(restrictions="")
        await place.update(masks_emails=True)
        assert await answered(door, file) == never
        await place.update(masks_emails=False)
        await row.update(is_active=False)
        assert await answered(door, file) == never
        await ApiKey.all().update(revoked_at=now())
        assert await answered(door, programs) == never
        await Member.filter(id=mia.member.id).update(role=Role.AGENT)
        assert await answered(door, report) == never
        assert await answered(door, up, b"Email\n") == never
    [_, _, (key, *by_program), *others] = (await log(api, world))[: -len(before)]
    assert by_program == ["downloadContactExport", theirs["id"], "NOT_FOUND"]
    assert key == encode_id("ApiKey", (await ApiKey.get()).id)
    assert others == [(ada.id, "downloadContactExport", mine["id"], "NOT_FOUND")] * 3
    assert (await log(api, world))[:2] == [
        (mia.id, "uploadContactImport", begun["id"], "NOT_FOUND"),
        (mia.id, "downloadImportReport", done["id"], "NOT_FOUND"),
    ]
    one = await AuditEntry.filter(action="downloadContactExport").first()
    assert one is not None
    assert (one.address, one.request_id) == ("127.0.0.1", "r-1")


async def test_a_link_to_a_file_that_is_no_longer_seen_is_kept(
    api: Api, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, ada = await world.hear(), await world.add("Ada")
    row = Member.filter(id=ada.member.id)
    async with file_doors(tmp_path) as door:
        one = await bring(api, world, door, ada, "a.jpg", jpeg(900, 600))
        made = await announce(api, world, ada, "b.pdf", 8)
        file, small, up = (
            path_of(url) for url in (one["url"], one["thumbnailUrl"], made["uploadUrl"])
        )
        never = await answered(door, forged(file))
        unsent = sign_for_vendor(message.channel_id, await Attachment.get(id=1))
        assert await answered(door, f"/files/{unsent}") == never
        assert (await send(api, ada, message, one["id"]))["userErrors"] == []
        await run_jobs()
        assert [(await answered(door, path))[0] for path in (file, small)] == [200, 200]
        await Session.filter(user_id=ada.user.id).update(expires_at=now())
        for path, body in ((file, None), (small, None), (forged(small), None), (up, b"")):
            assert await answered(door, path, body) == never
        assert await log(api, world) == []
        await Session.filter(user_id=ada.user.id).update(expires_at=now() + timedelta(hours=1))
        await row.update(visibility=Visibility.OWN)
        for path in (file, small):
            assert await answered(door, path) == never
        await row.update(is_active=False)
        assert await answered(door, up, b"%PDF-1.4") == never
        await row.update(is_active=True, visibility=Visibility.ALL)
        assert (await answered(door, file))[0] == 200
        await Session.filter(user_id=ada.user.id).delete()
        monkeypatch.setattr("resolvers.deed.DENIED_PER_MINUTE", 6)
        for path, body in [(up, b"%PDF-1.4"), *[(file, None)] * 5]:
            assert await answered(door, path, body) == never
    sent, announced = (ada.id, "downloadAttachment", one["id"], "NOT_FOUND"), made["attachment"]
    unbrought = (ada.id, "uploadAttachment", announced["id"], "NOT_FOUND")
    thumbnail = (ada.id, "downloadThumbnail", one["id"], "NOT_FOUND")
    assert await log(api, world) == [sent, sent, unbrought, unbrought, thumbnail, sent]
