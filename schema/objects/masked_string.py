"""A text that some viewers see only in part."""

import strawberry


@strawberry.type
class MaskedString:
    """A phone number, as far as this viewer may see it."""

    value: str | None
    """The whole text; null where it is masked for this viewer."""
    masked: bool
    """Whether the viewer sees only `display`."""
    display: str
    """What to show."""
