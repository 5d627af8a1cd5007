"""How the access matrix says what a field takes, and how it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resolvers.rights import Right

Ids = Mapping[str, str]
OF_A_CONVERSATION = {
    "conversationId",
    "messageId",
    "contactId",
    "commentId",
    "scheduledMessageId",
}


@dataclass(frozen=True)
class Row:
    """How a field is asked for, and what it takes to get an answer."""

    document: str
    values: Callable[[Ids], dict[str, Any]]
    right: Right | None = Right.VIEW
    """The right in the workspace; None where who asks needs none there."""
    is_open: bool = False
    """Whether nobody needs to be logged in."""
    of_conversation: bool = False
    """Whether it takes a conversation that the viewer sees."""
    of_owner: bool = False
    """Whether it takes what is the owner's own, and nobody else's."""
    people_only: bool = False
    """Whether programs are refused."""
    only: str | None = None
    """The one caller to whom the object belongs; others see it and may not change it."""


def act(name: str, *ids: str, right: Right | None, **options: Any) -> Row:
    """Declare a mutation with ids, and other values, in its input; `many` are lists of ids."""
    values = options.pop("values", {})
    many: Mapping[str, str] = options.pop("many", {})
    of_conversation = bool(OF_A_CONVERSATION & set(ids))
    document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
      {name}(input: $input) {{ userErrors {{ code message field }} }}
    }}"""
    return Row(
        document,
        lambda known: {
            "input": {key: known[key] for key in ids}
            | {key: [known[one]] for key, one in many.items()}
            | values
        },
        right,
        of_conversation=of_conversation,
        **options,
    )


def bulk(name: str, *ids: str, right: Right, **options: Any) -> Row:
    """Declare a mutation of a list of conversations, here of one."""
    values, many = options.pop("values", {}), options.pop("many", {})
    document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
      {name}(input: $input) {{
        userErrors {{ code message field }} results {{ userErrors {{ code message field }} }}
      }}
    }}"""

    def given(known: Ids) -> dict[str, Any]:
        listed = {"conversationIds": [known["conversationId"]]}
        listed |= {key: [known[one]] for key, one in many.items()}
        return {"input": listed | {key: known[key] for key in ids} | values}

    return Row(document, given, right, of_conversation=True, **options)


def opened(name: str, **values: str) -> Row:
    """Declare a mutation of those who need not be logged in."""
    return act(name, right=None, is_open=True, values=values)


def by_id(field_name: str, key: str, **options: Any) -> Row:
    document = f"query($id: ID!) {{ {field_name}(id: $id) {{ __typename id }} }}"
    return Row(document, lambda known: {"id": known[key]}, **options)


def listed(field_name: str, right: Right = Right.VIEW) -> Row:
    """Declare a list of a workspace."""
    return Row(
        "query($workspaceId: ID!) {"
        f" {field_name}(workspaceId: $workspaceId) {{ nodes {{ id }} }} }}",
        lambda known: {"workspaceId": known["workspaceId"]},
        right,
    )


def stream(field_name: str, selection: str, after: bool = True) -> Row:
    given = "$workspaceId: ID!, $after: String" if after else "$workspaceId: ID!"
    passed = "workspaceId: $workspaceId, after: $after" if after else "workspaceId: $workspaceId"
    keys = ("workspaceId", "after") if after else ("workspaceId",)
    return Row(
        f"subscription({given}) {{ {field_name}({passed}) {{ {selection} }} }}",
        lambda known: {key: known[key] for key in keys},
    )
