"""The root of the contract: the table of contents, and the schema built from it."""

from types import ModuleType

from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from schema import (
    account,
    ai_agent,
    api_key,
    assignment,
    attachment,
    audit,
    block,
    bulk,
    channel,
    closing,
    comment,
    contact,
    contact_deletion,
    contact_export,
    contact_import,
    contact_merge,
    conversation,
    custom_field,
    draft,
    email_channel,
    enums,
    event,
    inbox,
    invitation,
    lifecycle,
    link,
    member,
    message,
    node,
    notification,
    password,
    presence,
    preview,
    read_mark,
    schedule,
    search,
    session,
    snippet,
    snooze,
    suggestion,
    tag,
    team,
    typing_indicator,
    workspace,
)
from schema.denials import keep_denials
from schema.descriptions import describe
from schema.execution import BoundedSchema
from schema.objects import comment_event, contact_event, notification_event, transfer_event
from schema.objects import event as events
from schema.objects import inbox as inboxes
from schema.objects import search as search_objects
from schema.scalars import SCALARS
from schema.sharing import share_events
from settings import Settings

TOPICS: tuple[ModuleType, ...] = (
    account,
    session,
    password,
    api_key,
    workspace,
    member,
    invitation,
    team,
    inbox,
    conversation,
    link,
    message,
    preview,
    schedule,
    snippet,
    suggestion,
    comment,
    draft,
    notification,
    attachment,
    assignment,
    closing,
    snooze,
    block,
    read_mark,
    bulk,
    typing_indicator,
    presence,
    contact,
    contact_deletion,
    contact_import,
    contact_export,
    contact_merge,
    tag,
    custom_field,
    lifecycle,
    channel,
    email_channel,
    ai_agent,
    audit,
    event,
    search,
    node,
)
"""Every topic of the product, in the order of its manual; the same stem names its resolver."""

TYPES = (
    inboxes.StandardInbox,
    inboxes.TeamInbox,
    inboxes.CustomInbox,
    inboxes.BlockedInbox,
    suggestion.SnippetSuggestion,
    suggestion.VariableSuggestion,
    suggestion.MentionSuggestion,
    search_objects.ContactResult,
    search_objects.MessageResult,
    search_objects.CommentResult,
    events.MessageAdded,
    events.MessageChanged,
    comment_event.CommentAdded,
    comment_event.CommentChanged,
    comment_event.CommentDeleted,
    events.ConversationChanged,
    events.SnoozeExpired,
    events.ContactChanged,
    contact_event.ContactDeleted,
    contact_event.ContactMerged,
    events.MemberChanged,
    events.TeamChanged,
    events.CustomInboxChanged,
    events.WorkspaceSettingsChanged,
    notification_event.NotificationAdded,
    notification_event.NotificationChanged,
    notification_event.NotificationsArchived,
    transfer_event.ImportProgressed,
    transfer_event.ExportProgressed,
)
"""The types that are reached only through an interface."""


def _root(name: str, description: str) -> type:
    parts = tuple(getattr(topic, name) for topic in TOPICS if hasattr(topic, name))
    merged = merge_types(name, parts)
    merged.__doc__ = description
    return merged


def build_schema(settings: Settings | None = None) -> BoundedSchema:
    """Build the executable schema with the limits of the settings."""
    schema = BoundedSchema(
        query=_root("Query", "Everything that can be read."),
        mutation=_root("Mutation", "Everything that can be done; refusals are `userErrors`."),
        subscription=_root("Subscription", "Everything that can be followed live."),
        types=TYPES,
        config=StrawberryConfig(scalar_map=SCALARS),
        settings=settings,
    )
    schema.execution_context_class = share_events(schema.execution_context_class)
    describe(schema)
    keep_denials(schema._schema)
    return schema


__all__ = ["TOPICS", "build_schema", "enums"]
