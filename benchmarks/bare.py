"""The bare program: Starlette, a driver, orjson, one statement per page; nothing else is done."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.bare_database import Database, Postgres, open_database
from benchmarks.data import WORKSPACE
from benchmarks.work import global_id
from cli import make_server
from settings import get_settings

INBOX = """
SELECT c.id, c.status, c.last_message_at, ct.id, ct.first_name, ct.last_name, a.id, u.name,
       m.id, m.direction, m.text, m.created_at
FROM conversation c JOIN contact ct ON ct.id = c.contact_id
LEFT JOIN member a ON a.id = c.assignee_id LEFT JOIN account u ON u.id = a.user_id
LEFT JOIN message m ON m.id = c.last_message_id
WHERE c.workspace_id = ? AND c.status = 'OPEN'
ORDER BY c.last_message_at DESC, c.id DESC LIMIT 26"""

THREAD = """
SELECT m.id, m.seq, m.direction, m.status, m.text, m.created_at, a.id, u.name,
       ct.id, ct.first_name, ct.last_name
FROM message m JOIN conversation c ON c.id = m.conversation_id
JOIN contact ct ON ct.id = c.contact_id
LEFT JOIN member a ON a.id = m.author_id LEFT JOIN account u ON u.id = a.user_id
WHERE m.conversation_id = ? ORDER BY m.seq DESC LIMIT 51"""

AUTHOR = 1
"""The member who sends."""


def iso(value: str | datetime) -> str:
    """Return a moment as the API writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value.replace(" ", "T")


def stored(value: datetime, database: Database) -> str | datetime:
    """Return a moment as the database keeps it."""
    return value if isinstance(database, Postgres) else value.isoformat(" ", "microseconds")


def opaque(value: str) -> str:
    """Return a text as ids and cursors look."""
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def cursor(*key: object) -> str:
    """Return the cursor of a sort key."""
    return opaque(orjson.dumps(key).decode())


def person(kind: str, key: int, name: str) -> dict[str, str]:
    """Return a member or a contact."""
    return {"id": global_id(kind, key), "name": name}


async def inbox(database: Database, asked: dict[str, Any]) -> object:
    """Return the newest 25 open conversations."""
    rows = await database.read(INBOX, asked["workspace"])
    nodes = [
        {
            "id": global_id("Conversation", row[0]),
            "status": row[1],
            "lastMessageAt": iso(row[2]),
            "contact": person("Contact", row[3], f"{row[4]} {row[5]}"),
            "assignee": person("Member", row[6], row[7]) if row[6] is not None else None,
            "lastMessage": {
                "id": global_id("Message", row[8]),
                "direction": row[9],
                "text": row[10],
                "createdAt": iso(row[11]),
            },
        }
        for row in rows[:25]
    ]
    end = rows[len(nodes) - 1]
    page = {
        "hasNextPage": len(rows) > 25,
        "endCursor": cursor(iso(end[2]), end[0], "last_message_at"),
    }
    return {"inbox": {"conversations": {"nodes": nodes, "pageInfo": page}}}


async def thread(database: Database, asked: dict[str, Any]) -> object:
    """Return the newest 50 messages of a conversation, oldest first."""
    rows = await database.read(THREAD, asked["conversation"])
    page = rows[49::-1]
    nodes = [
        {
            "id": global_id("Message", row[0]),
            "seq": row[1],
            "direction": row[2],
            "status": row[3],
            "text": row[4],
            "createdAt": iso(row[5]),
            "author": (
                {"__typename": "Member", **person("Member", row[6], row[7])}
                if row[2] == "OUTGOING"
                else {"__typename": "Contact", **person("Contact", row[8], f"{row[9]} {row[10]}")}
            ),
        }
        for row in page
    ]
    info = {"hasPreviousPage": len(rows) > 50, "startCursor": cursor(page[0][1])}
    key = global_id("Conversation", asked["conversation"])
    return {"conversation": {"id": key, "messages": {"nodes": nodes, "pageInfo": info}}}


async def floor(database: Database, _asked: dict[str, Any]) -> object:
    """Return nothing after the least statement: what server and driver cost without any work."""
    await database.read("SELECT 1")
    return None


SEND_STEPS = {
    "key": "INSERT INTO idempotency_key (workspace_id, actor, mutation, key, input_hash,"
    " created_at) VALUES (?, 'bare', 'sendMessage', ?, '-', ?) ON CONFLICT DO NOTHING RETURNING id",
    "lock": "SELECT c.last_seq, c.incoming_count, t.id, t.channel_id FROM conversation c"
    " JOIN contact_channel t ON t.id = c.last_channel_id WHERE c.id = ?",
    "message": "INSERT INTO message (workspace_id, conversation_id, contact_channel_id, channel_id,"
    " seq, incoming_count, direction, kind, source, author_id, text, status, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, 'OUTGOING', 'TEXT', 'USER', ?, ?, 'PENDING', ?) RETURNING id",
    "conversation": "UPDATE conversation SET last_seq = ?, last_message_id = ?,"
    " last_message_at = ?, last_channel_id = ? WHERE id = ?",
    "result": "UPDATE idempotency_key SET result_id = ? WHERE id = ?",
    "job": "INSERT INTO job (kind, payload, state, run_at, attempts, ordering_key, fence,"
    " created_at) VALUES ('deliver_message', ?, 'READY', ?, 0, ?, 0, ?)",
    "counter": "UPDATE event_counter SET seq = seq + 1 WHERE workspace_id = ? RETURNING seq",
    "event": "INSERT INTO event (workspace_id, seq, kind, payload, created_at)"
    " VALUES (?, ?, 'MessageAdded', ?, ?)",
    "told": "SELECT c.id, c.status, ct.id, ct.first_name, ct.last_name, a.id, u.name, n.name"
    " FROM conversation c JOIN contact ct ON ct.id = c.contact_id"
    " LEFT JOIN member a ON a.id = c.assignee_id LEFT JOIN account u ON u.id = a.user_id"
    " JOIN account n ON n.id = ? WHERE c.id = ?",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was written, and the number of its event."""

    id: int
    seq: int
    event: int
    at: datetime
    asked: dict[str, Any]


async def send(database: Database, asked: dict[str, Any]) -> Sent:
    """Write a message with its key, conversation, job and event, in one transaction."""
    one, at = asked["conversation"], datetime.now(UTC)
    moment = stored(at, database)
    lock = " FOR UPDATE OF c" if isinstance(database, Postgres) else ""
    async with database.write() as run:
        [[key]] = await run(SEND_STEPS["key"], WORKSPACE, asked["key"], moment)
        [[last, incoming, target, channel]] = await run(SEND_STEPS["lock"] + lock, one)
        head = (WORKSPACE, one, target, channel, last + 1, incoming)
        message = (*head, AUTHOR, asked["text"], moment)
        [[number]] = await run(SEND_STEPS["message"], *message)
        await run(SEND_STEPS["conversation"], last + 1, number, moment, target, one)
        await run(SEND_STEPS["result"], number, key)
        job = orjson.dumps({"message_id": number}).decode()
        await run(SEND_STEPS["job"], job, moment, f"conversation:{one}", moment)
        [[event]] = await run(SEND_STEPS["counter"], WORKSPACE)
        fact = {"workspace_id": WORKSPACE, "conversation_id": one, "message_id": number}
        await run(SEND_STEPS["event"], WORKSPACE, event, orjson.dumps(fact).decode(), moment)
    return Sent(number, last + 1, event, at, asked)


def sent_message(sent: Sent) -> dict[str, object]:
    """Return the answer to `send`."""
    text = sent.asked["text"]
    head = {"id": global_id("Message", sent.id), "status": "PENDING", "seq": sent.seq}
    return {"sendMessage": {"message": {**head, "text": text}, "userErrors": []}}


async def ready_frame(database: Database, sent: Sent) -> str:
    """Return what every subscriber gets about a message; one statement."""
    [row] = await database.read(SEND_STEPS["told"], AUTHOR, sent.asked["conversation"])
    event = {
        "eventId": global_id("WorkspaceEvent", f"{WORKSPACE}.{sent.event}"),
        "cursor": opaque(f"benchmark.{sent.event}"),
        "occurredAt": iso(sent.at),
        "message": {
            "id": global_id("Message", sent.id),
            "seq": sent.seq,
            "direction": "OUTGOING",
            "status": "PENDING",
            "text": sent.asked["text"],
            "createdAt": iso(sent.at),
            "author": person("Member", AUTHOR, row[7]),
        },
        "conversation": {
            "id": global_id("Conversation", row[0]),
            "status": row[1],
            "contact": person("Contact", row[2], f"{row[3]} {row[4]}"),
            "assignee": person("Member", row[5], row[6]) if row[5] is not None else None,
        },
    }
    payload = {"data": {"messageAdded": event}}
    return orjson.dumps({"id": "1", "type": "next", "payload": payload}).decode()


class Broadcast:
    """Every socket that has subscribed, each sent the same ready frame."""

    def __init__(self) -> None:
        self.sockets: set[WebSocket] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def tell(self, database: Database, sent: Sent) -> None:
        """Send a message to all, beside the answer to who wrote it."""
        if self.sockets:
            task = asyncio.create_task(self._send(database, sent))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _send(self, database: Database, sent: Sent) -> None:
        frame = await ready_frame(database, sent)
        for socket in list(self.sockets):
            await socket.send_text(frame)

    async def serve(self, socket: WebSocket) -> None:
        """Speak as much of graphql-transport-ws as a subscriber needs."""
        await socket.accept(subprotocol="graphql-transport-ws")
        try:
            while True:
                message = orjson.loads(await socket.receive_text())
                if message["type"] == "connection_init":
                    await socket.send_text('{"type":"connection_ack"}')
                elif message["type"] == "subscribe":
                    self.sockets.add(socket)
        except WebSocketDisconnect:
            self.sockets.discard(socket)


def create_bare(url: str, size: int) -> Starlette:
    """Return the bare application."""
    opened: list[Database] = []
    broadcast = Broadcast()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        opened.append(await open_database(url, size))
        yield
        await opened.pop().close()

    def page(answer: Callable[[Database, dict[str, Any]], Awaitable[object]]) -> Any:
        async def respond(request: Request) -> Response:
            return _json(await answer(opened[0], orjson.loads(await request.body())))

        return respond

    async def respond_send(request: Request) -> Response:
        sent = await send(opened[0], orjson.loads(await request.body()))
        broadcast.tell(opened[0], sent)
        return _json(sent_message(sent))

    return Starlette(
        routes=[
            Route("/inbox", page(inbox), methods=["POST"]),
            Route("/thread", page(thread), methods=["POST"]),
            Route("/floor", page(floor), methods=["POST"]),
            Route("/send", respond_send, methods=["POST"]),
            WebSocketRoute("/graphql", broadcast.serve),
        ],
        lifespan=lifespan,
    )


def _json(data: object) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")


def main() -> None:
    """Serve with the settings and the server options of Parley."""
    settings = get_settings()
    app = create_bare(settings.database_url, settings.database_pool_size)
    uvicorn.Server(make_server(app, settings).config).run()


if __name__ == "__main__":
    main()
