"""Composed: what is written to a contact, checked as a whole when it is sent, or scheduled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.channels import Capabilities
from models.attachment import Attachment
from models.records import ConversationRecord, MessageRow
from models.refusal import Code, Refused
from resolvers.attaching import claim_files
from resolvers.channel_target import Way, target_of
from resolvers.email_message import Envelope, Mail, address_mail, clean_envelope
from resolvers.reply_to import find_parent
from resolvers.thread import Target
from resolvers.variables import TEXT_LENGTH, Filled, check_length, fill_in
from resolvers.viewer import Viewer

ANYHOW = Way()


@dataclass(frozen=True, slots=True)
class Composed:
    """What is written to a contact, and how it is to go out."""

    text: str
    way: Way = ANYHOW
    file_ids: tuple[int, ...] = ()
    email: Envelope | None = None

    def cleaned(self) -> "Composed":
        """Return it without what means nothing; refuse what no message says."""
        text = check_text(self.text, has_files=bool(self.file_ids))
        email = clean_envelope(self.email) if self.email is not None else None
        return Composed(text, self.way, self.file_ids, email)


@dataclass(frozen=True, slots=True)
class Ready:
    """What can be sent to a contact now."""

    target: Target
    capabilities: Capabilities
    filled: Filled
    files: Sequence[Attachment] = ()
    parent: MessageRow | None = None
    mail: Mail | None = None


def check_text(text: str, *, has_files: bool = False) -> str:
    """Return a message's text; refuse one longer than 7,000 characters or, without files, blank."""
    if not text.strip():
        if has_files:
            return ""
        raise Refused(Code.BLANK, "Write a message first.", field=("text",))
    check_length(text)
    return text


async def make_ready(
    viewer: Viewer,
    conversation: ConversationRecord,
    composed: Composed,
    *,
    held: Collection[int] = (),
    is_trial: bool = False,
    found: Sequence[Any] | None = None,
) -> Ready:
    """Return what can be sent to a locked conversation, its files claimed; refuse what cannot.

    The files that are held for it need not be the viewer's own. At a trial, who is not known on the
    channel yet has no identity there. What is refused is so before anything is announced. What
    `identity_of` has found may be known already.
    """
    membership = viewer.memberships[conversation.workspace_id]
    target, can = await target_of(
        conversation, composed.way, membership, is_trial=is_trial, found=found
    )
    parent, target = await find_parent(conversation, composed.way.reply_to_id, target)
    mail = await address_mail(conversation, target, can, composed.email, parent)
    files = await claim_files(viewer, conversation.workspace_id, composed.file_ids, can, held=held)
    limit = min(TEXT_LENGTH, can.text_max_characters)
    filled = await fill_in(composed.text, conversation, membership.masking, limit)
    return Ready(target, can, filled, files, parent, mail)
