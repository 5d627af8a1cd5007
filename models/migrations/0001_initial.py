from tortoise import migrations
from tortoise.migrations import operations as ops
from models.activity import ActivityKind
from models.channel import ChannelKind
from models.conversation import ConversationStatus
from models.episode import ChangeSource
from models.job import JobState
from models.member import Role, Visibility
from models.message import Direction, MessageKind, MessageSource, MessageStatus
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("workspace_id", fields.BigIntField()),
                ("seq", fields.BigIntField()),
                ("kind", fields.CharField(max_length=64)),
                ("payload", fields.TextField(unique=False)),
                (
                    "created_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "event",
                "app": "models",
                "unique_together": (("workspace_id", "seq"),),
                "pk_attr": "id",
                "table_description": "One fact: `payload` is its dataclass of `realtime/events.py` as JSON.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EventCounter",
            fields=[
                (
                    "workspace_id",
                    fields.BigIntField(
                        generated=False, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("seq", fields.BigIntField(default=0)),
                ("oldest_seq", fields.BigIntField(default=1)),
                ("epoch", fields.CharField(max_length=32)),
            ],
            options={
                "table": "event_counter",
                "app": "models",
                "pk_attr": "workspace_id",
                "table_description": "The last number given out in a workspace.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("workspace_id", fields.BigIntField()),
                ("actor", fields.CharField(max_length=64)),
                ("mutation", fields.CharField(max_length=64)),
                ("key", fields.CharField(max_length=255)),
                ("input_hash", fields.CharField(max_length=64)),
                ("result_id", fields.BigIntField(null=True)),
                (
                    "created_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "idempotency_key",
                "app": "models",
                "unique_together": (("workspace_id", "actor", "mutation", "key"),),
                "pk_attr": "id",
                "table_description": "The first result of a key, for seven days.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("kind", fields.CharField(max_length=64)),
                ("payload", fields.TextField(unique=False)),
                (
                    "state",
                    fields.CharEnumField(
                        default=JobState.READY,
                        description="READY: READY\nRUNNING: RUNNING\nDEAD: DEAD",
                        enum_type=JobState,
                        max_length=16,
                    ),
                ),
                ("run_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField(default=0)),
                ("ordering_key", fields.CharField(null=True, max_length=128)),
                ("dedupe_key", fields.CharField(null=True, unique=True, max_length=128)),
                ("fence", fields.BigIntField(default=0)),
                (
                    "lease_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("last_error", fields.TextField(null=True, unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "job",
                "app": "models",
                "indexes": [
                    Index(fields=["state", "run_at", "id"]),
                    Index(fields=["ordering_key", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "Work to be done at or after `run_at`, by one worker at a time.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("email", fields.CharField(unique=True, max_length=254)),
                ("name", fields.CharField(max_length=100)),
                ("password_hash", fields.CharField(max_length=255)),
                ("language", fields.CharField(null=True, max_length=16)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "account",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A person with a password: what they may do is written on their memberships.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("refresh_hash", fields.CharField(unique=True, max_length=64)),
                ("previous_refresh_hash", fields.CharField(null=True, unique=True, max_length=64)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "refresh_expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "session",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A pair of opaque tokens: one that opens the API, one that renews the pair once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Workspace",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("time_zone", fields.CharField(default="UTC", max_length=64)),
                ("language", fields.CharField(default="en", max_length=16)),
                ("unreplied_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "workspace",
                "app": "models",
                "pk_attr": "id",
                "table_description": "One customer's world: nothing of another workspace can be seen from it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="channels",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="CUSTOM: CUSTOM", enum_type=ChannelKind, max_length=32
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("handle", fields.CharField(unique=True, max_length=50)),
                ("base_url", fields.CharField(max_length=2000)),
                ("token", fields.CharField(max_length=255)),
                ("signing_secret", fields.CharField(null=True, max_length=255)),
                ("accepts_idempotency_key", fields.BooleanField(default=False)),
                ("is_connected", fields.BooleanField(default=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "channel",
                "app": "models",
                "pk_attr": "id",
                "table_description": "Where a vendor is reached and how it proves itself.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="contacts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("first_name", fields.CharField(max_length=100)),
                ("last_name", fields.CharField(default="", max_length=100)),
                ("phone", fields.CharField(null=True, max_length=16)),
                ("email", fields.CharField(null=True, max_length=254)),
                ("language", fields.CharField(null=True, max_length=16)),
                ("country", fields.CharField(null=True, max_length=2)),
                ("picture_url", fields.CharField(null=True, max_length=2000)),
                ("search_text", fields.TextField(default="", unique=False)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "contact",
                "app": "models",
                "unique_together": (("workspace", "phone"), ("workspace", "email")),
                "indexes": [Index(fields=["workspace_id", "created_at", "id"])],
                "pk_attr": "id",
                "table_description": "Who writes to us: phone in E.164 and email in lower case are unique in a workspace.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ContactChannel",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contact",
                    fields.ForeignKeyField(
                        "models.Contact",
                        source_field="contact_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="channels",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "channel",
                    fields.ForeignKeyField(
                        "models.Channel",
                        source_field="channel_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="contacts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("external_id", fields.CharField(max_length=255)),
                (
                    "last_incoming_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "last_message_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "contact_channel",
                "app": "models",
                "unique_together": (("channel", "external_id"),),
                "pk_attr": "id",
                "table_description": "The vendor's name for a contact, and when they last wrote there.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InboundEvent",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "channel",
                    fields.ForeignKeyField(
                        "models.Channel",
                        source_field="channel_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="inbound_events",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("dedupe_key", fields.CharField(max_length=128)),
                ("kind", fields.CharField(max_length=32)),
                ("item", fields.TextField(unique=False)),
                ("payload", fields.TextField(unique=False)),
                (
                    "received_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
                ("handled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("problem", fields.CharField(null=True, max_length=500)),
            ],
            options={
                "table": "inbound_event",
                "app": "models",
                "unique_together": (("channel", "dedupe_key"),),
                "pk_attr": "id",
                "table_description": "Committed before the vendor gets its 2xx, also what cannot be understood.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Team",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="teams",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
            ],
            options={
                "table": "team",
                "app": "models",
                "unique_together": (("workspace", "name"),),
                "pk_attr": "id",
                "table_description": "A named group of members of one workspace.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="members",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="members",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "team",
                    fields.ForeignKeyField(
                        "models.Team",
                        source_field="team_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="members",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                (
                    "role",
                    fields.CharEnumField(
                        default=Role.AGENT,
                        description="OWNER: OWNER\nMANAGER: MANAGER\nAGENT: AGENT",
                        enum_type=Role,
                        max_length=16,
                    ),
                ),
                (
                    "visibility",
                    fields.CharEnumField(
                        default=Visibility.ALL,
                        description="ALL: ALL\nTEAM: TEAM\nOWN: OWN",
                        enum_type=Visibility,
                        max_length=16,
                    ),
                ),
                ("is_active", fields.BooleanField(default=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "member",
                "app": "models",
                "unique_together": (("workspace", "user"),),
                "pk_attr": "id",
                "table_description": "A user's place in a workspace: inactive members keep their history and lose all rights.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="api_keys",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("key_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "role",
                    fields.CharEnumField(
                        default=Role.AGENT,
                        description="OWNER: OWNER\nMANAGER: MANAGER\nAGENT: AGENT",
                        enum_type=Role,
                        max_length=16,
                    ),
                ),
                (
                    "created_by",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="created_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="api_keys",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_key",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A key acts with a role, sees every conversation of its workspace, and signs as source API.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Conversation",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="conversations",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "contact",
                    fields.OneToOneField(
                        "models.Contact",
                        source_field="contact_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="conversation",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="OPEN: OPEN\nCLOSED: CLOSED\nSNOOZED: SNOOZED",
                        enum_type=ConversationStatus,
                        max_length=16,
                    ),
                ),
                (
                    "assignee",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="assignee_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="conversations",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                (
                    "team",
                    fields.ForeignKeyField(
                        "models.Team",
                        source_field="team_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="conversations",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("last_seq", fields.BigIntField(default=0)),
                ("incoming_count", fields.BigIntField(default=0)),
                ("last_message_id", fields.BigIntField(null=True)),
                ("last_message_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_channel_id", fields.BigIntField(null=True)),
                (
                    "unreplied_since",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("opened_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "status_before_snooze",
                    fields.CharEnumField(
                        null=True,
                        description="OPEN: OPEN\nCLOSED: CLOSED\nSNOOZED: SNOOZED",
                        enum_type=ConversationStatus,
                        max_length=16,
                    ),
                ),
                ("snoozed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "snoozed_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "snoozed_by",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="snoozed_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="snoozes",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "conversation",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "last_message_at", "id"]),
                    Index(fields=["workspace_id", "status", "last_message_at", "id"]),
                    Index(
                        fields=["workspace_id", "assignee_id", "status", "last_message_at", "id"]
                    ),
                    Index(fields=["workspace_id", "assignee_id", "last_message_at", "id"]),
                    Index(fields=["workspace_id", "status", "assignee_id", "incoming_count"]),
                ],
                "pk_attr": "id",
                "table_description": "State of a contact's thread: `last_seq` numbers its messages and activities.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Activity",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "conversation",
                    fields.ForeignKeyField(
                        "models.Conversation",
                        source_field="conversation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="activities",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("seq", fields.BigIntField()),
                (
                    "kind",
                    fields.CharEnumField(
                        description="OPENED: OPENED\nCLOSED: CLOSED\nASSIGNED: ASSIGNED\nUNASSIGNED: UNASSIGNED\nSNOOZED: SNOOZED\nUNSNOOZED: UNSNOOZED\nSNOOZE_EXPIRED: SNOOZE_EXPIRED",
                        enum_type=ActivityKind,
                        max_length=32,
                    ),
                ),
                (
                    "source",
                    fields.CharEnumField(
                        description="USER: USER\nCONTACT: CONTACT\nAPI: API\nSYSTEM: SYSTEM",
                        enum_type=ChangeSource,
                        max_length=16,
                    ),
                ),
                ("actor_id", fields.BigIntField(null=True)),
                ("assignee_id", fields.BigIntField(null=True)),
                ("until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "activity",
                "app": "models",
                "unique_together": (("conversation", "seq"),),
                "pk_attr": "id",
                "table_description": "Who changed what and when: numbered together with the messages.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Episode",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "conversation",
                    fields.ForeignKeyField(
                        "models.Conversation",
                        source_field="conversation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="episodes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "opened_source",
                    fields.CharEnumField(
                        description="USER: USER\nCONTACT: CONTACT\nAPI: API\nSYSTEM: SYSTEM",
                        enum_type=ChangeSource,
                        max_length=16,
                    ),
                ),
                ("opened_by_id", fields.BigIntField(null=True)),
                (
                    "first_response_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "closed_source",
                    fields.CharEnumField(
                        null=True,
                        description="USER: USER\nCONTACT: CONTACT\nAPI: API\nSYSTEM: SYSTEM",
                        enum_type=ChangeSource,
                        max_length=16,
                    ),
                ),
                ("closed_by_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "episode",
                "app": "models",
                "indexes": [Index(fields=["conversation_id", "opened_at", "id"])],
                "pk_attr": "id",
                "table_description": "The open episode has no closing time, and a conversation has at most one.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("workspace_id", fields.BigIntField()),
                (
                    "conversation",
                    fields.ForeignKeyField(
                        "models.Conversation",
                        source_field="conversation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="messages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "contact_channel",
                    fields.ForeignKeyField(
                        "models.ContactChannel",
                        source_field="contact_channel_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="messages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("channel_id", fields.BigIntField()),
                ("seq", fields.BigIntField()),
                ("incoming_count", fields.BigIntField()),
                (
                    "direction",
                    fields.CharEnumField(
                        description="INCOMING: INCOMING\nOUTGOING: OUTGOING",
                        enum_type=Direction,
                        max_length=16,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="TEXT: TEXT\nUNSUPPORTED: UNSUPPORTED",
                        enum_type=MessageKind,
                        max_length=32,
                    ),
                ),
                (
                    "source",
                    fields.CharEnumField(
                        description="CONTACT: CONTACT\nUSER: USER\nAPI: API\nECHO: ECHO",
                        enum_type=MessageSource,
                        max_length=16,
                    ),
                ),
                (
                    "author",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="author_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="messages",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("text", fields.TextField(null=True, unique=False)),
                ("payload", fields.TextField(null=True, unique=False)),
                ("external_id", fields.CharField(null=True, max_length=255)),
                (
                    "status",
                    fields.CharEnumField(
                        description="RECEIVED: RECEIVED\nPENDING: PENDING\nSENT: SENT\nDELIVERED: DELIVERED\nREAD: READ\nFAILED: FAILED\nUNCERTAIN: UNCERTAIN",
                        enum_type=MessageStatus,
                        max_length=16,
                    ),
                ),
                ("retry_of_id", fields.BigIntField(null=True, db_index=True)),
                (
                    "attempt_started_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("failure_code", fields.CharField(null=True, max_length=64)),
                ("failure_text", fields.CharField(null=True, max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "delivered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "provider_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "message",
                "app": "models",
                "unique_together": (("conversation", "seq"), ("channel_id", "external_id")),
                "pk_attr": "id",
                "table_description": "One message of a conversation: `seq` is its place, the same for everybody.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReadMark",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="read_marks",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "conversation",
                    fields.ForeignKeyField(
                        "models.Conversation",
                        source_field="conversation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="read_marks",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("incoming_read", fields.BigIntField()),
            ],
            options={
                "table": "read_mark",
                "app": "models",
                "unique_together": (("member", "conversation"),),
                "pk_attr": "id",
                "table_description": "The number of incoming messages that a member has read: it never moves back by reading.",
            },
            bases=["Model"],
        ),
    ]
