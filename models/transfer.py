"""A transfer: an import or export of contacts as CSV, done in portions, and all that it needs."""

from enum import Enum
from typing import cast

from tortoise import fields
from tortoise.models import Model

from models.member import Member
from models.workspace import Workspace


class TransferKind(Enum):
    """Which way contacts go."""

    IMPORT = "IMPORT"
    EXPORT = "EXPORT"


class TransferState(Enum):
    """How far an import or export is."""

    WAITING = "WAITING"
    """Its file has not come whole."""
    RUNNING = "RUNNING"
    """It is being done, portion after portion."""
    DONE = "DONE"
    """All of it is done."""
    FAILED = "FAILED"
    """It ended before its end: who started it lost the right, what they see was hidden or shown
    meanwhile, or something broke."""


class ImportMode(Enum):
    """What becomes of lines whose phone number or email address a contact has already."""

    ADD = "ADD"
    """Only new contacts are added; lines of known ones are skipped."""
    UPDATE = "UPDATE"
    """Only known contacts are changed; lines of new ones are skipped."""
    ADD_AND_UPDATE = "ADD_AND_UPDATE"
    """New contacts are added, and known ones changed."""


class Transfer(Model):
    """What was asked for and how far it is: the counts are those of committed portions."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="transfers"
    )
    workspace_id: int
    kind = fields.CharEnumField(TransferKind, max_length=16)
    state = fields.CharEnumField(TransferState, max_length=16)
    actor = fields.CharField(max_length=64)
    """Who started it: `member:5` or `api_key:7`."""
    member: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="transfers", null=True, on_delete=fields.SET_NULL
    )
    member_id: int | None
    """The member who started it; null for a program."""
    sight = fields.CharField(max_length=512, default="")
    """What was hidden from them when it started: an export is made for those eyes."""
    secret = fields.CharField(max_length=64)
    """The key with which links to its files are signed."""
    file_name = fields.CharField(max_length=200)
    mode = cast(
        "fields.Field[ImportMode | None]",
        fields.CharEnumField(ImportMode, max_length=16, null=True),
    )
    is_dry_run = fields.BooleanField(default=False)
    columns = fields.TextField(default="[]")
    """What each column of an import means, with its name in the file, as JSON."""
    attempt = fields.IntField(default=0)
    """Counts the uploads that were begun: only the last one can become the file."""
    line_count = fields.IntField(null=True)
    """How many lines or contacts there are in all; null while nobody knows."""
    done_count = fields.IntField(default=0)
    created_count = fields.IntField(default=0)
    updated_count = fields.IntField(default=0)
    skipped_count = fields.IntField(default=0)
    refused_count = fields.IntField(default=0)
    portion = fields.IntField(default=0)
    """How many portions are done."""
    last_contact_id = fields.BigIntField(default=0)
    """The contact that was exported last."""
    created_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(db_index=True)
    """When it is forgotten, with its files and its report."""

    class Meta:
        table = "transfer"
        indexes = (("workspace_id", "kind", "created_at", "id"),)


class TransferChunk(Model):
    """A part of a file, as JSON: lines that are to be imported, or exported ones by contact."""

    id = fields.BigIntField(primary_key=True)
    transfer: fields.ForeignKeyRelation[Transfer] = fields.ForeignKeyField(
        "models.Transfer", related_name="chunks"
    )
    transfer_id: int
    attempt = fields.IntField(default=0)
    number = fields.IntField()
    last_contact_id = fields.BigIntField(null=True)
    """The last contact that was exported into it."""
    content = fields.TextField()

    class Meta:
        table = "transfer_chunk"
        unique_together = (("transfer", "attempt", "number"),)


class TransferRefusal(Model):
    """A line that was not imported, and why."""

    id = fields.BigIntField(primary_key=True)
    transfer: fields.ForeignKeyRelation[Transfer] = fields.ForeignKeyField(
        "models.Transfer", related_name="refusals"
    )
    transfer_id: int
    line = fields.IntField()
    """Its first line in the file, from 1."""
    code = fields.CharField(max_length=32)
    column_name = fields.CharField(max_length=100, null=True)
    """The column at fault, as the file names it."""
    message = fields.TextField()
    """The English sentence, with its placeholders."""
    details = fields.TextField(default="{}")
    """What fills them, as JSON."""

    class Meta:
        table = "transfer_refusal"
        unique_together = (("transfer", "line"),)


class TransferGuess(Model):
    """What a dry run would have made of who has a phone number or an email address."""

    id = fields.BigIntField(primary_key=True)
    transfer: fields.ForeignKeyRelation[Transfer] = fields.ForeignKeyField(
        "models.Transfer", related_name="guesses"
    )
    transfer_id: int
    key = fields.CharField(max_length=260)
    """`p:+33612345678` or `e:a@b.example`."""
    identity = fields.BigIntField()
    """The contact. Negative: the line that would have added one. 0: nobody has it any more."""
    content = fields.TextField(default="")
    """What the contact would be by then, as JSON."""

    class Meta:
        table = "transfer_guess"
        unique_together = (("transfer", "key"),)
