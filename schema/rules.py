"""The rules that a document is held to: the specification's, strawberry's and our settings'."""

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    StringValueNode,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from settings import Settings

# graphql-core compares fields for most of a second before it gives up; no honest query needs that.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000


NO_NUL = "The character NUL (U+0000) is not accepted."


class NoNulRule(ASTValidationRule):
    """No text in a document may hold NUL, in whatever way it is escaped: no database keeps it."""

    def enter_string_value(self, node: StringValueNode, *_args: object) -> None:
        """Report a text that does."""
        if "\x00" in node.value:
            self.report_error(GraphQLError(NO_NUL, node))


def errors_of(
    schema: GraphQLSchema, document: DocumentNode, settings: Settings
) -> list[GraphQLError]:
    """Return what validation says of a document."""
    rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule, NoNulRule]
    if not settings.introspection:
        rules.append(NoSchemaIntrospectionCustomRule)
    return validate(schema, document, rules, hide_suggestions=not settings.introspection)
