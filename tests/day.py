"""A day in one conversation, as a front-end has it: a server, its sockets, and its files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from connectors.storage import Storage
from resolvers.file_store import keep_files_in
from settings import Settings
from tests.streaming import Client, Server, served
from tests.uploading import path_of
from tests.world import World, run_jobs

THREAD = """
query($id: ID!) { conversation(id: $id) {
  permalink composer { variables { name } }
  messages(last: 1) { nodes {
    id text permalink canReplyTo replyTo { authorName text }
    attachments { fileName contentType byteSize url }
  } }
} }
"""


class Day:
    """A conversation that people work in through one server."""

    def __init__(self, server: Server, world: World, conversation: str = "") -> None:
        self.server = server
        self.world = world
        self.conversation = conversation

    async def do(self, who: Any, action: str, shown: str, /, **given: Any) -> Mapping[str, Any]:
        """Use a mutation that must not be refused; return its payload."""
        payload = await self.try_to(who, action, shown, **given)
        assert payload["userErrors"] == []
        return payload

    async def try_to(self, who: Any, action: str, shown: str, /, **given: Any) -> Mapping[str, Any]:
        """Use a mutation; return its payload."""
        kind = action[:1].upper() + action[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {action}(input: $input) {{ {shown}"
            " userErrors { code field } } }"
        )
        payload: Mapping[str, Any] = (await self.server.ask(who, document, input=given))[action]
        return payload

    async def refusal(self, who: Any, action: str, /, **given: Any) -> list[Mapping[str, Any]]:
        """Return why a mutation is refused."""
        errors: list[Mapping[str, Any]] = (await self.try_to(who, action, "", **given))[
            "userErrors"
        ]
        return errors

    async def last(self, who: Any) -> Mapping[str, Any]:
        """Return the newest message."""
        data = await self.server.ask(who, THREAD, id=self.conversation)
        found: Mapping[str, Any] = data["conversation"]["messages"]["nodes"][0]
        return found

    async def bring(self, who: Any, name: str, content: bytes) -> str:
        """Upload a file by its signed link; return its id."""
        given = {"workspaceId": self.world.id, "fileName": name, "byteSize": len(content)}
        made = await self.do(who, "createUpload", "attachment { id } uploadUrl", **given)
        async with self.client() as door:
            answer = await door.put(path_of(made["uploadUrl"]), content=content)
        assert answer.status_code == 201, answer.text
        key: str = made["attachment"]["id"]
        return key

    async def fetch(self, url: str) -> bytes:
        """Return the file behind a link."""
        async with self.client() as door:
            answer = await door.get(path_of(url))
        assert answer.status_code == 200, answer.text
        return answer.content

    async def receive(self, address: Mapping[str, Any], body: bytes) -> int:
        """Bring what a contact writes to the door of a connected channel; return the status."""
        headers = {"authorization": f"Bearer {address['token']}"}
        async with self.client() as door:
            answer = await door.post(path_of(address["webhookUrl"]), content=body, headers=headers)
        await run_jobs()
        return answer.status_code

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client of the server."""
        return httpx2.AsyncClient(base_url=self.server.url, trust_env=False)


async def hear_kind(client: Client, kind: str) -> Any:
    """Return the next event of a kind."""
    while (told := await client.hear())["__typename"] != kind:
        pass
    return told


@pytest.fixture
async def door(database_url: str, stack_bus_url: str, tmp_path: Path) -> Any:
    """Give a server that keeps its files in a folder of this test."""
    keep_files_in(Storage.from_settings(Settings(data_directory=tmp_path)))
    try:
        async with served(database_url, stack_bus_url) as server:
            yield server
    finally:
        keep_files_in(None)
