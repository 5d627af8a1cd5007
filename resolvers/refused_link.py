"""Refused links: who is not let in any more by a good link of theirs is in the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.refusal import Code, Refused
from resolvers.client import Client
from resolvers.deed import Deed, Target
from resolvers.signed_link import Link, Purpose
from resolvers.viewer import hidden

DEEDS: Mapping[Purpose, tuple[str, str]] = {
    Purpose.UPLOAD: ("uploadContactImport", "ContactImport"),
    Purpose.REPORT: ("downloadImportReport", "ContactImport"),
    Purpose.FILE: ("downloadContactExport", "ContactExport"),
    Purpose.ATTACH: ("uploadAttachment", "Attachment"),
    Purpose.ATTACHMENT: ("downloadAttachment", "Attachment"),
    Purpose.PREVIEW: ("downloadThumbnail", "Attachment"),
}
"""What the audit log calls the use of a link, and the GraphQL type of what it is used on.

A channel, which has links to files, too, is nobody who acts in a workspace.
"""


@dataclass(frozen=True, slots=True)
class _From:
    """From where a link was used."""

    client: Client


async def no_longer(link: Link, workspace_id: int, client: Client) -> Refused:
    """Return the refusal of a link whose holder has lost the right to it, and keep that.

    Only of a link whose signature is good: it proves for whom it was made, also where they have
    been removed or their session has ended. Any other says nothing of who uses it and is refused
    without an entry, and so is one whose time has come: nobody has denied anything.
    """
    action, kind = DEEDS[link.purpose]
    target = Target(kind, link.row_id)
    deed = Deed(action, None, _From(client), lambda: target, holder=link.holder)
    await deed.keep_denial(workspace_id, Code.NOT_FOUND)
    return hidden()
