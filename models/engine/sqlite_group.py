"""Group commit: transactions that follow each other closely share one COMMIT, and its fsync.

Whoever ends while another one waits leaves the database's transaction open for it and is told,
once the last of them commits, that it lasts. Each later member is a savepoint: it can fail alone.
"""

import asyncio

MAX_MEMBERS = 16
"""How many transactions share a COMMIT: none of them waits for more than these."""
MEMBER = "member"
"""The savepoint of a member that is not the first."""


class Group:
    """The transactions whose COMMIT is yet to come, and how many others wait for their turn."""

    def __init__(self) -> None:
        self.waiting = 0
        self._members = 0
        self._done: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether somebody waits for the COMMIT."""
        return self._done is not None

    @property
    def has_room(self) -> bool:
        """Tell whether one that ends now may leave the COMMIT to another."""
        return self.waiting > 0 and self._members < MAX_MEMBERS - 1

    def join(self) -> "asyncio.Future[None]":
        """Leave the COMMIT to the next one; return what tells that it is done."""
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
            # nobody may be left to ask, and that is no mistake
            self._done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._members += 1
        return self._done

    def settle(self, error: Exception | None = None) -> None:
        """Tell the members that their COMMIT is done, or why it failed."""
        done, self._done, self._members = self._done, None, 0
        if done is not None:
            done.set_exception(error) if error is not None else done.set_result(None)
