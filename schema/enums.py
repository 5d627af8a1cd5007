"""The closed sets of the contract: the enums of the floors below, made known to GraphQL."""

from enum import Enum

import strawberry

from models.activity import ActivityKind
from models.channel import ChannelKind
from models.conversation import ConversationStatus
from models.episode import ChangeSource
from models.member import Restriction, Role, Visibility
from models.message import Direction, MessageKind, MessageSource, MessageStatus
from models.refusal import Code
from models.workspace import ClosingNoteMode
from resolvers.inbox import ConversationSort, InboxKind
from resolvers.snooze import SnoozePreset

NAMES: dict[type[Enum], str] = {
    ActivityKind: "ActivityKind",
    ChangeSource: "ChangeSource",
    ChannelKind: "ChannelKind",
    ClosingNoteMode: "ClosingNoteMode",
    Code: "UserErrorCode",
    ConversationSort: "ConversationSort",
    ConversationStatus: "ConversationStatus",
    Direction: "MessageDirection",
    MessageKind: "MessageKind",
    MessageSource: "MessageSource",
    MessageStatus: "MessageStatus",
    SnoozePreset: "SnoozePreset",
    Restriction: "MemberRestriction",
    Role: "MemberRole",
    InboxKind: "InboxKind",
    Visibility: "ContactVisibility",
}

for kind, name in NAMES.items():
    strawberry.enum(kind, name=name)
