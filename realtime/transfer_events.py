"""The facts about imports and exports, of which `realtime/events.py` is the whole list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportProgressed:
    """An import started, a portion of it was done, or it ended; the counts are as of then."""

    workspace_id: int
    transfer_id: int
    actor: str
    """Who started it: `member:5` or `api_key:7`."""
    state: str
    line_count: int
    done_count: int
    created_count: int
    updated_count: int
    skipped_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class ExportProgressed:
    """An export started, a portion of it was done, or it ended; the counts are as of then."""

    workspace_id: int
    transfer_id: int
    actor: str
    """Who started it: `member:5` or `api_key:7`."""
    state: str
    contact_count: int
    done_count: int


TransferFact = ImportProgressed | ExportProgressed
