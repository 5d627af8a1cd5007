"""A composer: whether, and why not, the viewer can write to a contact at the moment."""

from typing import Any

import strawberry

from resolvers.composer import ComposerRestriction, Reach, known_to, restriction_of
from resolvers.variables import Variable, called, variables_of_workspaces
from resolvers.viewer import Right
from schema.context import Info
from schema.relation import relation


@strawberry.type
class ComposerVariable:
    """A variable: written into a text, it is replaced when that is sent."""

    @strawberry.field
    def name(root: strawberry.Parent[Variable]) -> str:
        """How it is written, as in `$contact.name`."""
        return f"${root.key}"

    @strawberry.field
    def label(root: strawberry.Parent[Variable], info: Info) -> str:
        """What it is called, in the viewer's language; a custom field's name."""
        return called(root, info.context.language)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, Variable)


@strawberry.type
class Composer:
    """Where the viewer writes to a contact, on the channel used last."""

    workspace_id: strawberry.Private[int]
    reach: strawberry.Private[Reach | None]
    is_blocked: strawberry.Private[bool]
    is_ai_handled: strawberry.Private[bool]

    @strawberry.field
    def restriction(self, info: Info) -> ComposerRestriction | None:
        """What keeps the viewer from using `sendMessage`, the most pressing reason; null: nothing
        does."""
        return self.found_for(info)

    @strawberry.field
    def can_take_over(self, info: Info) -> bool:
        """Whether `takeOverConversation` is what it takes for the viewer to write: an AI agent has
        the conversation, and no other restriction is more pressing."""
        allowed = info.context.may(self.workspace_id, Right.ASSIGN)
        return allowed and self.found_for(info) is ComposerRestriction.AI_HANDLING

    @relation(list[ComposerVariable], variables_of_workspaces)
    def variables(self) -> int:
        """What can be written into a text to be replaced when it is sent; with `previewMessage` one
        sees by what."""
        return self.workspace_id

    def found_for(self, info: Info) -> ComposerRestriction | None:
        """Return what keeps the viewer from writing."""
        return restriction_of(
            known_to(self.reach, info.context.masking(self.workspace_id)),
            is_blocked=self.is_blocked,
            is_ai_handled=self.is_ai_handled,
            is_member=info.context.is_member(self.workspace_id),
        )
