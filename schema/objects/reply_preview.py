"""A reply preview: the line that stands above an answer."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from models.message import Direction
from models.records import MessageRecord
from resolvers.masking import display_name, message_text
from resolvers.reply_to import Reply, one_line
from resolvers.sentences import say, unshown
from schema.context import Info
from schema.ids import encode_id

if TYPE_CHECKING:
    from schema.objects.message import Message


@strawberry.type
class ReplyPreview:
    """The message that another one answers, in short."""

    found: strawberry.Private[Reply]

    @strawberry.field
    def message_id(self) -> strawberry.ID:
        """The message: `timelineAround` shows where it stands."""
        return encode_id("Message", self.found.message.id)

    @strawberry.field(graphql_type=Annotated["Message", strawberry.lazy("schema.objects.message")])
    def message(self) -> MessageRecord:
        """The message itself."""
        return self.found.message

    @strawberry.field
    def author_name(self, info: Info) -> str | None:
        """The contact's name, as far as the viewer may see it; of an outgoing message that of who
        looks after the conversation now, or else of the member who wrote it; null for neither."""
        row = self.found.conversation
        if self.found.message.direction is Direction.INCOMING:
            return display_name(row.contact, info.context.masking(row.workspace_id))
        if row.ai_agent is not None:
            return row.ai_agent.name
        member = row.assignee or self.found.author
        return member.user.name if member is not None else None

    @strawberry.field
    def text(self, info: Info) -> str:
        """The text on one line of at most 120 characters, cut with an ellipsis."""
        masking = info.context.masking(self.found.conversation.workspace_id)
        text = message_text(self.found.message, masking)
        if text is None:
            text = say(unshown(self.found.message.kind), info.context.language)
        return one_line(text)
