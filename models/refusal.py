"""How an action says no: `Refused`, with a lasting code and a translated sentence."""

from enum import Enum


class Code(Enum):
    """Why an action was refused. Codes never change with the language."""

    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    INVALID = "INVALID"
    TOO_LONG = "TOO_LONG"
    BLANK = "BLANK"
    TAKEN = "TAKEN"
    TIME_IN_PAST = "TIME_IN_PAST"
    TIME_TOO_FAR = "TIME_TOO_FAR"
    WRONG_STATE = "WRONG_STATE"
    NO_CHANNEL = "NO_CHANNEL"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"


class Refused(Exception):  # noqa: N818 - the word of the house, not an error of the program
    """An expected refusal: nothing was changed and nothing announced.

    `message` is an English sentence with `{placeholders}` filled from `values`; it is also the
    key of the catalogue in `resolvers/sentences.py`. `field` is the path of the argument at
    fault, in GraphQL names.
    """

    def __init__(
        self, code: Code, message: str, *, field: tuple[str, ...] = (), **values: object
    ) -> None:
        super().__init__(message.format(**values))
        self.code = code
        self.message = message
        self.field = field
        self.values = values


class Conflict(Refused):
    """Somebody changed the object since the caller read it; `current` is what it is now."""

    def __init__(self, current: object) -> None:
        super().__init__(
            Code.CONFLICT,
            "Somebody changed this in the meantime.",
            field=("expectedVersion",),
        )
        self.current = current
