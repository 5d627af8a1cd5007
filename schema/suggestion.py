"""Suggestions: what a composer offers while somebody types after `/`, `$` or `@`."""

from typing import Annotated

import strawberry

from models.records import MemberRecord
from models.snippet import SnippetRecord
from resolvers import suggestion
from resolvers.suggestion import Suggestion, SuggestionTrigger
from resolvers.variables import Variable
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.composer import ComposerVariable
from schema.objects.member import Member
from schema.objects.snippet import Snippet


@strawberry.interface
class ComposerSuggestion:
    """What a composer offers."""

    name: str
    """What it begins with, or a later word of it, is what was typed; a variable as it is
    written."""


@strawberry.type
class SnippetSuggestion(ComposerSuggestion):
    """A snippet that is offered."""

    snippet: SnippetRecord = strawberry.field(graphql_type=Snippet)
    """The snippet."""


@strawberry.type
class VariableSuggestion(ComposerSuggestion):
    """A variable that is offered."""

    variable: Variable = strawberry.field(graphql_type=ComposerVariable)
    """The variable."""


@strawberry.type
class MentionSuggestion(ComposerSuggestion):
    """A member who may see the conversation, and so can be mentioned."""

    member: MemberRecord = strawberry.field(graphql_type=Member)
    """The member."""


def _offered(found: Suggestion) -> ComposerSuggestion:
    if isinstance(found, SnippetRecord):
        return SnippetSuggestion(name=found.name, snippet=found)
    if isinstance(found, Variable):
        return VariableSuggestion(name=f"${found.key}", variable=found)
    return MentionSuggestion(name=found.user.name, member=found)


@strawberry.type
class Query:
    """What a composer offers."""

    @strawberry.field
    async def composer_suggestions(
        self,
        info: Info,
        conversation_id: strawberry.ID,
        trigger: SuggestionTrigger,
        text: Annotated[str, strawberry.argument(description="What was typed after it.")] = "",
    ) -> list[ComposerSuggestion]:
        """At most 20 of what a name begins with, or a later word of it, whatever its case and
        accents; the former first. Members are those who may see the conversation."""
        found = await suggestion.composer_suggestions(
            viewer_of(info),
            decode_id(conversation_id, "Conversation", "conversationId"),
            trigger=trigger,
            text=text,
            language=info.context.language,
        )
        return [_offered(one) for one in found]
