"""How an action says no: `Refused`, with a lasting code and a translated sentence."""

from enum import Enum


def sentence(text: str) -> str:
    """Return a text as it is, marking it for the catalogue of translations."""
    return text


class Code(Enum):
    """Why an action was refused. Codes never change with the language."""

    NOT_FOUND = "NOT_FOUND"
    """The viewer sees nothing under this id; perhaps it never existed."""
    FORBIDDEN = "FORBIDDEN"
    """The viewer's role does not allow it."""
    CONFLICT = "CONFLICT"
    """Somebody was faster; the payload has the object as it is now."""
    INVALID = "INVALID"
    """A value is not one that is taken here."""
    TOO_LONG = "TOO_LONG"
    """A text is longer than allowed."""
    BLANK = "BLANK"
    """A text is empty."""
    TOO_LARGE = "TOO_LARGE"
    """A file is larger than allowed, or its picture is."""
    TOO_SLOW = "TOO_SLOW"
    """What is sent comes too slowly."""
    TYPE_NOT_ACCEPTED = "TYPE_NOT_ACCEPTED"
    """A file of this type is not taken, or its content is not what its name says."""
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    """The workspace has no room for another file of this size."""
    UNKNOWN_COLUMN = "UNKNOWN_COLUMN"
    """A column of a file means nothing here."""
    TAKEN = "TAKEN"
    """Another object has this value already."""
    TIME_IN_PAST = "TIME_IN_PAST"
    """The moment must be in the future."""
    TIME_TOO_FAR = "TIME_TOO_FAR"
    """The moment is too far ahead."""
    WRONG_STATE = "WRONG_STATE"
    """The object is not in a state in which this can be done."""
    NOTE_REQUIRED = "NOTE_REQUIRED"
    """The workspace wants a closing note, or more of one."""
    NOTE_NOT_ACCEPTED = "NOTE_NOT_ACCEPTED"
    """The workspace takes no closing notes from its members."""
    NO_CHANNEL = "NO_CHANNEL"
    """There is no connected channel on which the contact can be reached."""
    BLOCKED = "BLOCKED"
    """The contact is blocked: their conversation stays as it is until they no longer are."""
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    """The account of the channel cannot pay for messages."""
    AI_HANDLING = "AI_HANDLING"
    """An AI agent looks after the conversation; a member takes it over first."""
    WINDOW_CLOSED = "WINDOW_CLOSED"
    """The contact has not written on the channel for too long: it waits until they do again."""
    REPLY_TO_UNSUPPORTED = "REPLY_TO_UNSUPPORTED"
    """The channel does not take which message another one answers."""
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    """The key was used before, with another input."""
    TOO_BROAD = "TOO_BROAD"
    """What is looked for is found in too much to look through all of it."""
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    """The email address, the password or the token is not right."""


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

    def __init__(self, current: object, *, field: str = "expectedVersion") -> None:
        super().__init__(
            Code.CONFLICT, sentence("Somebody changed this in the meantime."), field=(field,)
        )
        self.current = current


class RateLimited(Exception):  # noqa: N818 - as Refused
    """It was tried too often: nothing was looked at, whether it exists or not."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many attempts: {retry_after_seconds} s left")
        self.retry_after_seconds = retry_after_seconds
