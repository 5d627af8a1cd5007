"""The rows that the benchmarks read: one large workspace, the same on both databases."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

WORKSPACE = 1
MEMBERS = 60
LONG_EVERY = 100
"""Every so manieth conversation is long; all others have SHORT_MESSAGES."""
SHORT_MESSAGES = 8
LONG_MESSAGES = 208
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2126, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=10)
"""The time between two messages of the workspace."""
EVENTS_KEPT = 1000
TEXT = "Hello, my order has not arrived yet. Could you please look where it is now? Thanks."

Row = tuple[Any, ...]


def token(member: int) -> str:
    """Return the bearer token of a member."""
    return f"ps_benchmark-{member}"


def stretch(conversation: int) -> tuple[str, str]:
    """Return the status of a conversation and the kind of its last activity."""
    if conversation % 50 == 1:
        return "SNOOZED", "SNOOZED"
    return ("OPEN", "OPENED") if conversation % 10 < 3 else ("CLOSED", "CLOSED")


def assignee(conversation: int) -> int | None:
    """Return the member who looks after a conversation; a third have none."""
    return None if conversation % 3 == 0 else conversation % MEMBERS + 1


def moment(message: int) -> datetime:
    """Return when a message was written."""
    return BEGIN + message * STEP


def is_incoming(place: int) -> bool:
    """Tell whether the contact wrote the message at a place of its conversation, from 0."""
    return place % 2 == 0


@dataclass(frozen=True)
class World:
    """So many conversations; each hundredth is long, and by default messages average ten."""

    conversations: int
    short: int = SHORT_MESSAGES
    """How many messages the others have."""

    @property
    def name(self) -> str:
        """Return what tells its rows from those of other worlds."""
        return f"{self.conversations}_{self.short}"

    @property
    def messages(self) -> int:
        """Return the number of messages."""
        extra = (LONG_MESSAGES - self.short) * len(self.long_ones)
        return self.short * self.conversations + extra

    @property
    def long_ones(self) -> range:
        """Return the conversations with LONG_MESSAGES."""
        return range(LONG_EVERY, self.conversations + 1, LONG_EVERY)

    @property
    def open_ones(self) -> range:
        """Return conversations that are open: a message to one changes no state."""
        return range(2, self.conversations + 1, 10)

    def length(self, conversation: int) -> int:
        """Return how many messages a conversation has."""
        return self.short if conversation % LONG_EVERY else LONG_MESSAGES

    @cached_property
    def written(self) -> list[tuple[int, int]]:
        """Return (conversation, place in it) of each message, by time, well mixed."""
        rounds = LONG_MESSAGES - self.short
        early = [(one, place) for place in range(rounds) for one in self.long_ones]
        stride = next(s for s in (7919, 7907, 7901) if self.conversations % s)
        mixed = [index * stride % self.conversations + 1 for index in range(self.conversations)]
        late = [
            (one, place + (0 if one % LONG_EVERY else rounds))
            for place in range(self.short)
            for one in mixed
        ]
        return early + late

    @cached_property
    def span(self) -> tuple[list[int], list[int]]:
        """Return the first and the last message of each conversation, at its number."""
        first, last = [0] * (self.conversations + 1), [0] * (self.conversations + 1)
        for message, (conversation, _) in enumerate(self.written, start=1):
            first[conversation] = first[conversation] or message
            last[conversation] = message
        return first, last

    def tables(self) -> Iterator[tuple[str, tuple[str, ...], Iterator[Row]]]:
        """Yield each table with its columns and rows, parents before children."""
        parts: list[Callable[[], tuple[str, str, Iterator[Row]]]] = [
            self._workspace, self._people, self._sessions, self._members, self._channel,
            self._contacts, self._contact_channels, self._conversations, self._episodes,
            self._messages, self._activities, self._read_marks, self._counter, self._events,
        ]  # fmt: skip
        for part in parts:
            table, columns, rows = part()
            yield table, tuple(columns.split()), rows

    def _each(self) -> range:
        return range(1, self.conversations + 1)

    def _workspace(self) -> tuple[str, str, Iterator[Row]]:
        row = (WORKSPACE, "Benchmark", "UTC", "en", BEGIN, BEGIN)
        return "workspace", "id name time_zone language unreplied_since created_at", iter([row])

    def _people(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id email name password_hash language created_at"
        rows = (
            (one, f"agent{one}@bench.test", f"Agent {one}", "-", None, BEGIN)
            for one in range(1, MEMBERS + 1)
        )
        return "account", columns, rows

    def _sessions(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id user_id token_hash refresh_hash expires_at refresh_expires_at created_at"
        rows = (
            (one, one, hashlib.sha256(token(one).encode()).hexdigest(), str(one), END, END, BEGIN)
            for one in range(1, MEMBERS + 1)
        )
        return "session", columns, rows

    def _members(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id workspace_id user_id role visibility is_active created_at"
        rows = (
            (one, WORKSPACE, one, "OWNER" if one == 1 else "AGENT", "ALL", True, BEGIN)
            for one in range(1, MEMBERS + 1)
        )
        return "member", columns, rows

    def _channel(self) -> tuple[str, str, Iterator[Row]]:
        columns = (
            "id workspace_id kind name handle base_url token accepts_idempotency_key"
            " is_connected created_at"
        )
        url = "http://127.0.0.1:9"
        row = (1, WORKSPACE, "CUSTOM", "Shop", "bench", url, "bench", False, True, BEGIN)
        return "channel", columns, iter([row])

    def _contacts(self) -> tuple[str, str, Iterator[Row]]:
        columns = (
            "id workspace_id first_name last_name phone email search_text folded_name version"
            " created_at"
        )
        first, _ = self.span
        rows = (
            (one, WORKSPACE, f"Contact{one}", "Example", f"+336{one:08}", f"c{one}@example.test",
             f"contact{one} example +336{one:08} c{one}@example.test",
             f"contact{one} example", 1, moment(first[one]))
            for one in self._each()
        )  # fmt: skip
        return "contact", columns, rows

    def _contact_channels(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id contact_id channel_id external_id last_incoming_at last_message_at created_at"
        first, last = self.span
        rows = (
            (one, one, 1, f"+336{one:08}", moment(last[one]), moment(last[one]), moment(first[one]))
            for one in self._each()
        )
        return "contact_channel", columns, rows

    def _conversations(self) -> tuple[str, str, Iterator[Row]]:
        columns = (
            "id workspace_id contact_id status assignee_id last_seq incoming_count last_message_id"
            " last_message_at last_channel_id last_incoming_at opened_at closed_at status_since"
            " status_before_snooze snoozed_at"
            " snoozed_until snoozed_by_id version created_at"
        )
        return "conversation", columns, map(self._conversation, self._each())

    def _conversation(self, one: int) -> Row:
        first, last = self.span
        opened, ended = moment(first[one]), moment(last[one])
        status, _ = stretch(one)
        snooze: Row = ("OPEN", ended, END, 1) if status == "SNOOZED" else (None,) * 4
        seq = self.length(one) + (1 if status == "OPEN" else 2)
        closed = ended if status == "CLOSED" else None
        since = opened if status == "OPEN" else ended
        return (
            one, WORKSPACE, one, status, assignee(one), seq, self.length(one) // 2, last[one],
            ended, one, ended, opened, closed, since, *snooze, 1 if status == "OPEN" else 2, opened,
        )  # fmt: skip

    def _episodes(self) -> tuple[str, str, Iterator[Row]]:
        columns = (
            "id conversation_id opened_at opened_source first_response_at closed_at"
            " closed_source closed_by_id"
        )
        first, last = self.span
        rows = (
            (one, one, moment(first[one]), "CONTACT", moment(last[one]), *(
                (moment(last[one]), "USER", 1) if stretch(one)[0] == "CLOSED" else (None,) * 3
            ))
            for one in self._each()
        )  # fmt: skip
        return "episode", columns, rows

    def _messages(self) -> tuple[str, str, Iterator[Row]]:
        columns = (
            "id workspace_id conversation_id contact_channel_id channel_id seq incoming_count"
            " direction kind source author_id text external_id status created_at sent_at"
            " delivered_at provider_at"
        )
        return "message", columns, map(self._message, range(1, self.messages + 1), self.written)

    def _message(self, number: int, written: tuple[int, int]) -> Row:
        one, place = written
        when = moment(number)
        # the first line of a conversation says that it was opened
        head = (number, WORKSPACE, one, one, 1, place + 2, place // 2 + 1)
        text = TEXT[: 37 + number % 50]
        if is_incoming(place):
            return (*head, "INCOMING", "TEXT", "CONTACT", None, text, f"i{number}", "RECEIVED",
                    when, None, None, when)  # fmt: skip
        author = assignee(one) or one % MEMBERS + 1
        return (*head, "OUTGOING", "TEXT", "USER", author, text, f"o{number}", "DELIVERED",
                when, when, when, None)  # fmt: skip

    def _activities(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id conversation_id seq kind source actor_id until created_at"
        first, last = self.span

        def rows() -> Iterator[Row]:
            for one in self._each():
                yield 2 * one, one, 1, "OPENED", "CONTACT", None, None, moment(first[one])
                status, kind = stretch(one)
                if status != "OPEN":
                    seq, until = self.length(one) + 2, END if status == "SNOOZED" else None
                    yield 2 * one + 1, one, seq, kind, "USER", 1, until, moment(last[one])

        return "activity", columns, rows()

    def _read_marks(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id member_id conversation_id incoming_read"
        rows = (
            (one, one % MEMBERS + 1, one, self.length(one) // 2 - one % 2) for one in self._each()
        )
        return "read_mark", columns, rows

    def _counter(self) -> tuple[str, str, Iterator[Row]]:
        row = (WORKSPACE, min(EVENTS_KEPT, self.messages), 1, "benchmark")
        return "event_counter", "workspace_id seq oldest_seq epoch", iter([row])

    def _events(self) -> tuple[str, str, Iterator[Row]]:
        columns = "id workspace_id seq kind payload created_at"
        kept = min(EVENTS_KEPT, self.messages)
        before = self.messages - kept

        def payload(number: int) -> str:
            conversation, _ = self.written[number - 1]
            ids = f'"conversation_id":{conversation},"message_id":{number}'
            return f'{{"workspace_id":{WORKSPACE},{ids}}}'

        rows = (
            (seq, WORKSPACE, seq, "MessageAdded", payload(before + seq), moment(before + seq))
            for seq in range(1, kept + 1)
        )
        return "event", columns, rows
