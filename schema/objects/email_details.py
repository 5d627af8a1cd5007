"""What a message has besides its text where it is a mail, or is to be one."""

import strawberry

from models.message_email import MessageEmail
from models.scheduled_message import ScheduledMessage
from resolvers.masking import without_addresses
from schema.context import Info
from schema.objects.masked_string import MaskedString, masked_string


@strawberry.type
class EmailDetails:
    """Subject, people and thread of a mail."""

    row: strawberry.Private[MessageEmail]
    workspace_id: strawberry.Private[int]

    @strawberry.field
    def subject(self, info: Info) -> str:
        """The subject; without addresses for who does not see those of contacts."""
        hidden = self._is_hidden(info)
        return without_addresses(self.row.subject) if hidden else self.row.subject

    @strawberry.field(name="from")
    def sender(self, info: Info) -> MaskedString:
        """The address that it is from, as it says."""
        return self._shown(self.row.sender, info)[0]

    @strawberry.field
    def to(self, info: Info) -> list[MaskedString]:
        """The addresses that it is to; where they are masked, one stands for all of them."""
        return self._shown(self.row.recipients, info)

    @strawberry.field
    def cc(self, info: Info) -> list[MaskedString]:
        """The addresses that get a copy, as everybody sees who gets the mail."""
        return self._shown(self.row.cc, info)

    @strawberry.field
    def bcc(self, info: Info) -> list[MaskedString]:
        """The addresses that get a copy without anybody seeing it; empty for what came in."""
        return self._shown(self.row.bcc, info)

    @strawberry.field
    def message_id(self, info: Info) -> str | None:
        """Its Message-ID; null if it has none, and for who does not see email addresses."""
        return None if self._is_hidden(info) else self.row.header_id

    @strawberry.field
    def in_reply_to(self, info: Info) -> str | None:
        """The Message-ID of the mail that it answers; null if it begins a thread, and for who does
        not see email addresses."""
        return None if self._is_hidden(info) else self.row.in_reply_to

    @strawberry.field
    def html(self, info: Info) -> str | None:
        """The HTML of what a contact wrote, without anything that runs, is fetched from elsewhere
        or hides something; null if it has none, and for who does not see email addresses."""
        return None if self._is_hidden(info) else self.row.html

    def _is_hidden(self, info: Info) -> bool:
        return info.context.masking(self.workspace_id).emails

    def _shown(self, lines: str, info: Info) -> list[MaskedString]:
        return _addresses(lines, is_hidden=self._is_hidden(info))


@strawberry.type
class ScheduledEmail:
    """What was said with a mail that is to be sent."""

    row: strawberry.Private[ScheduledMessage]

    @strawberry.field
    def subject(self, info: Info) -> str | None:
        """The subject, without addresses for who does not see those of contacts; null: it goes on
        with the thread of the newest mail by then."""
        subject = self.row.subject
        return without_addresses(subject) if subject and self._is_hidden(info) else subject

    @strawberry.field
    def cc(self, info: Info) -> list[MaskedString]:
        """The addresses that get a copy; where they are masked, one stands for all of them."""
        return _addresses(self.row.cc or "", is_hidden=self._is_hidden(info))

    @strawberry.field
    def bcc(self, info: Info) -> list[MaskedString]:
        """The addresses that get a copy without anybody seeing it."""
        return _addresses(self.row.bcc or "", is_hidden=self._is_hidden(info))

    def _is_hidden(self, info: Info) -> bool:
        return info.context.masking(self.row.workspace_id).emails


def _addresses(lines: str, *, is_hidden: bool) -> list[MaskedString]:
    addresses = lines.split()[: 1 if is_hidden else None]
    found = (masked_string(address, is_hidden=is_hidden) for address in addresses)
    return [one for one in found if one is not None]
