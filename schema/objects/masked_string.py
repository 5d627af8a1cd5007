"""A text that some viewers do not see."""

import strawberry

from resolvers.masking import HIDDEN


@strawberry.type
class MaskedString:
    """A phone number or an email address, as far as this viewer may see it."""

    value: str | None
    """The whole text; null where it is masked for this viewer."""
    masked: bool
    """Whether the viewer sees only `display`."""
    display: str
    """What to show: the text, or the same for all that are masked. Given to `updateContact` it
    changes nothing."""


def masked_string(text: str | None, *, is_hidden: bool) -> MaskedString | None:
    """Return a text as its viewer may see it; None where there is none."""
    if text is None:
        return None
    if is_hidden:
        return MaskedString(value=None, masked=True, display=HIDDEN)
    return MaskedString(value=text, masked=False, display=text)
