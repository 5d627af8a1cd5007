"""Presence: who may say what, and what the signs of several processes come to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from models.member import Role
from realtime import attendance
from realtime.attendance import (
    PRESENCE_TTL_SECONDS,
    SIGNS_AT_ONCE,
    Attendance,
    PresenceState,
    choose,
    enter,
    presence_of,
)
from realtime.broker import SIGNAL_BYTES, Signal
from tests.acting import api_key
from tests.world import Api, World, make_world, snapshot

SET = """
mutation ($state: ChosenPresence!) {
  setPresence(input: {state: $state}) { expiresAt userErrors { code message field } }
}
"""
LIST = "query ($id: ID!) { workspace(id: $id) { members { name presence } } }"
ONLINE, AWAY, OFFLINE = PresenceState.ONLINE, PresenceState.AWAY, PresenceState.OFFLINE
START = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANN = (1, 7)


class Clock:
    """The clock of the attendance."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.moment

    def at(self, seconds: float) -> datetime:
        """Return a moment that many seconds after the start."""
        return START + timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Give the hands of the attendance's clock."""
    made = Clock()
    monkeypatch.setattr("realtime.attendance.now", made)
    yield made


async def states(api: Api, world: World, who: Any = None) -> dict[str, str]:
    """Return the presence of each member as somebody sees it."""
    data = await api.ask(who or world.owner, LIST, id=world.id)
    return {one["name"]: one["presence"] for one in data["workspace"]["members"]}


def test_somebody_is_there_as_long_as_any_sign_holds(clock: Clock) -> None:
    known = Attendance()
    assert known.state_of(ANN) is OFFLINE
    assert known.note(ANN, "one", (1, ONLINE), clock.at(10)) is True
    assert known.note(ANN, "one", (1, ONLINE), clock.at(10)) is False
    assert known.note(ANN, "two", (1, ONLINE), clock.at(13)) is False
    assert known.until(ANN) == clock.at(13)
    assert known.note(ANN, "two", (1, ONLINE), clock.at(0)) is False
    assert known.state_of(ANN) is ONLINE
    clock.moment = clock.at(10)
    assert (known.state_of(ANN), known.until(ANN)) == (OFFLINE, None)
    assert known.sweep() == [ANN]
    assert known.sweep() == []
    assert not known


def test_the_last_choice_counts_in_whatever_order_it_is_heard(clock: Clock) -> None:
    known = Attendance()
    known.note(ANN, "one", (5, AWAY), clock.at(10))
    assert known.note(ANN, "two", (3, ONLINE), clock.at(10)) is False
    assert known.state_of(ANN) is AWAY
    assert known.note(ANN, "two", (6, ONLINE), clock.at(10)) is True
    assert known.note(ANN, "one", (5, AWAY), clock.at(12)) is False
    assert known.choice_of(ANN) == (6, ONLINE)


def test_who_was_gone_comes_back_without_an_old_choice(clock: Clock) -> None:
    known = Attendance()
    known.note(ANN, "one", (99, AWAY), clock.at(10))
    clock.moment = clock.at(11)
    assert known.choice_of(ANN) is None
    assert known.note(ANN, "two", (7, ONLINE), clock.at(20)) is True
    assert known.state_of(ANN) is ONLINE


async def test_sockets_are_counted_and_the_last_one_ends_it(api: Api) -> None:
    first, second = enter([ANN]), enter([ANN, (2, 8)])
    assert [presence_of(*place)[0] for place in (ANN, (2, 8), (2, 7))] == [ONLINE, ONLINE, OFFLINE]
    choose([ANN], AWAY)
    assert presence_of(*ANN)[0] is AWAY
    first()
    assert presence_of(*ANN)[0] is AWAY
    third = enter([ANN])
    assert presence_of(*ANN)[0] is AWAY
    for leave in (second, third):
        leave()
    assert [presence_of(*place)[0] for place in (ANN, (2, 8))] == [OFFLINE, OFFLINE]
    enter([ANN])
    assert presence_of(*ANN)[0] is ONLINE


async def test_a_choice_without_a_socket_ends_by_itself(api: Api, clock: Clock) -> None:
    expires_at = choose([ANN], AWAY)
    assert expires_at == clock.at(PRESENCE_TTL_SECONDS) == clock.at(10)
    assert presence_of(*ANN) == (AWAY, expires_at)
    clock.moment = expires_at
    assert presence_of(*ANN) == (OFFLINE, expires_at)


async def test_a_thousand_signs_fit_into_signals(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Signal] = []
    broker = attendance._Roll.broker
    assert broker is not None
    send = broker.signal

    def signal(workspace_id: int, payload: Any) -> None:
        told.append(Signal(workspace_id, payload))
        send(workspace_id, payload)

    monkeypatch.setattr(broker, "signal", signal)
    leave = enter([(1, 10**17 + number) for number in range(1000)])
    assert len(told) == ceil(1000 / SIGNS_AT_ONCE)
    assert max(len(str(signal.payload["signs"])) for signal in told) < SIGNAL_BYTES
    leave()


async def test_members_say_so_in_all_their_workspaces(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    before = await snapshot()
    assert await states(api, world) == {"Ada": "OFFLINE", "Olga": "OFFLINE"}
    payload = (await api.ask(ada, SET, state="AWAY"))["setPresence"]
    assert payload["userErrors"] == []
    assert datetime.fromisoformat(payload["expiresAt"]) > datetime.now(UTC)
    assert await states(api, world, ada) == {"Ada": "AWAY", "Olga": "OFFLINE"}
    await api.ask(ada, SET, state="ONLINE")
    assert (await states(api, world))["Ada"] == "ONLINE"
    assert await snapshot() == before
    other = await make_world("Other")
    assert await states(api, other) == {"Olga": "OFFLINE"}


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_may_but_no_program(api: Api, world: World, role: Role) -> None:
    person = await world.add("Pat", role)
    assert (await api.ask(person, SET, state="AWAY"))["setPresence"]["userErrors"] == []
    refused = (await api.ask(await api_key(world, role), SET, state="AWAY"))["setPresence"]
    error = {"code": "FORBIDDEN", "message": "Only members are present.", "field": []}
    assert refused == {"expiresAt": None, "userErrors": [error]}
    answer = await api.run(None, SET, state="AWAY")
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["UNAUTHENTICATED"]
    assert (await api.run(person, SET, state="OFFLINE"))["data"] is None
