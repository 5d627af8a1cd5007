"""The closed sets of the contract: the enums of the floors below, made known to GraphQL."""

from enum import Enum

import strawberry

from models.activity import ActivityKind
from models.api_key import ApiKeyScope
from models.attachment import AttachmentKind, AttachmentState
from models.audit_entry import AuditOutcome
from models.channel import ChannelKind
from models.conversation import ConversationStatus
from models.custom_field import CustomFieldKind
from models.custom_inbox import InboxSharing
from models.draft import DraftSurface
from models.email_account import SmtpSecurity
from models.episode import ChangeSource
from models.member import Restriction, Role, Visibility
from models.message import Direction, MessageKind, MessageSource, MessageStatus
from models.refusal import Code
from models.scheduled_message import CancelReason, ScheduleState
from models.transfer import ImportMode, TransferState
from models.workspace import ClosingNoteMode
from realtime.attendance import PresenceState
from resolvers.composer import ComposerRestriction
from resolvers.inbox_filter import ChoiceOperator, ContactField, OrderOperator
from resolvers.inbox_kinds import InboxGroup, InboxKind
from resolvers.inbox_pages import ConversationSort
from resolvers.inbox_view import Move
from resolvers.merged_state import MergedDetail
from resolvers.snooze import SnoozePreset
from resolvers.suggestion import SuggestionTrigger
from resolvers.working_hours import Weekday

NAMES: dict[type[Enum], str] = {
    ActivityKind: "ActivityKind",
    ApiKeyScope: "ApiKeyScope",
    AttachmentKind: "AttachmentKind",
    AttachmentState: "AttachmentState",
    AuditOutcome: "AuditOutcome",
    CancelReason: "ScheduleCancelReason",
    ChangeSource: "ChangeSource",
    ChannelKind: "ChannelKind",
    ClosingNoteMode: "ClosingNoteMode",
    ChoiceOperator: "ChoiceOperator",
    Code: "UserErrorCode",
    ContactField: "ContactField",
    ComposerRestriction: "ComposerRestriction",
    ConversationSort: "ConversationSort",
    ConversationStatus: "ConversationStatus",
    CustomFieldKind: "CustomFieldKind",
    Direction: "MessageDirection",
    DraftSurface: "DraftSurface",
    ImportMode: "ImportMode",
    MergedDetail: "MergedDetail",
    MessageKind: "MessageKind",
    MessageSource: "MessageSource",
    MessageStatus: "MessageStatus",
    ScheduleState: "ScheduleState",
    SmtpSecurity: "SmtpSecurity",
    SnoozePreset: "SnoozePreset",
    SuggestionTrigger: "SuggestionTrigger",
    PresenceState: "PresenceState",
    Restriction: "MemberRestriction",
    TransferState: "TransferState",
    Role: "MemberRole",
    InboxGroup: "InboxGroup",
    InboxKind: "InboxKind",
    Move: "InboxChange",
    InboxSharing: "InboxSharing",
    OrderOperator: "OrderOperator",
    Weekday: "Weekday",
    Visibility: "ContactVisibility",
}

for kind, name in NAMES.items():
    strawberry.enum(kind, name=name)
