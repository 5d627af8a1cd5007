"""What is hidden interferes with nothing: two worlds that differ in it give the same bytes."""

import random
import secrets
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models import clock
from models import database as models_database
from models.clock import now
from resolvers.masking import HIDDEN
from tests.masked_play import Play, Side
from tests.vendor import vendor_server
from tests.world import api_on, make_world

SEED = 7
LONG = 500
SIGNS = (
    *(HIDDEN.encode(), b"FORBIDDEN", b"NO_CHANNEL", b"IDEMPOTENCY_KEY_REUSED"),
    *(b"MessageAdded", b"TOO_LONG", b"unresolvedVariables"),
)
"""What a long play must have met, and the first one every play."""


class Clock:
    """A clock that stands still but between calls, in place of `datetime`."""

    moment: datetime

    @classmethod
    def now(cls, _zone: Any) -> datetime:
        """Return the moment of the present call."""
        return cls.moment


def stop_chance(patch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Make clock, ids and secrets what they are in the other world at the same call."""
    dice = random.Random(1)
    Clock.moment = moment
    patch.setattr(clock, "datetime", Clock)
    patch.setattr(secrets, "token_hex", lambda size=16: dice.randbytes(size).hex())
    patch.setattr(secrets, "token_urlsafe", lambda size=32: dice.randbytes(size).hex())
    patch.setattr("schema.errors.uuid4", lambda: UUID(bytes=dice.randbytes(16)))


@pytest.fixture
def emptied(
    database_url: str, sqlite_template: Path, request: pytest.FixtureRequest
) -> Callable[[], None]:
    """Give a function that empties the database, so that all ids begin anew."""

    def empty() -> None:
        if database_url.startswith("sqlite"):
            path = Path(database_url.removeprefix("sqlite://").partition("?")[0])
            for end in ("-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            shutil.copyfile(sqlite_template, path)
        else:
            request.getfixturevalue("emptier").empty()

    return empty


Transcript = list[tuple[str, bytes]]
Sides = Callable[..., Awaitable[Transcript]]


async def play(database_url: str, calls: int, *options: Any) -> Transcript:
    """Play in a world of its own; return what was called and answered."""
    await models_database.connect(database_url, pool_size=10)
    try:
        async with api_on("memory://") as api:
            one = Play(api, await make_world(), random.Random(SEED), *options)
            await one.begin()
            for _ in range(calls):
                Clock.moment += timedelta(seconds=1)
                await one.step()
            return one.transcript
    finally:
        await models_database.disconnect()


@pytest.fixture
def play_both(
    database_url: str, emptied: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Sides:
    """Give a function that plays in both worlds and returns the transcript, which is the same."""

    async def both(
        calls: int, *, differ: tuple[bool, bool], masks: tuple[bool, bool]
    ) -> Transcript:
        # yesterday: the database, whose clock goes on, is to find all jobs due
        beginning, transcript = now() - timedelta(days=1), None
        async with vendor_server() as vendor:
            for is_other in (False, True):
                emptied()
                vendor.received.clear()
                side = Side(is_other, *differ)
                with monkeypatch.context() as patch:
                    stop_chance(patch, beginning)
                    options = (vendor, side, masks, transcript)
                    transcript = await play(database_url, calls, *options)
        assert transcript is not None
        return transcript

    return both


@pytest.mark.parametrize(
    ("calls", "masks"),
    [(LONG, (True, True)), (150, (True, False)), (150, (False, True))],
    ids=["both", "phones", "emails"],
)
async def test_two_worlds_give_the_same_bytes(
    play_both: Sides, calls: int, masks: tuple[bool, bool]
) -> None:
    transcript = await play_both(calls, differ=masks, masks=masks)
    assert len(transcript) >= calls
    whole = b"".join(answer for _, answer in transcript)
    for sign in SIGNS if calls == LONG else SIGNS[:1]:
        assert sign in whole, sign


@pytest.mark.parametrize("masks", [(True, False), (False, True)], ids=["phones", "emails"])
async def test_what_is_not_hidden_makes_the_difference(
    play_both: Sides, masks: tuple[bool, bool]
) -> None:
    with pytest.raises(AssertionError, match="call "):
        await play_both(60, differ=(not masks[0], not masks[1]), masks=masks)
