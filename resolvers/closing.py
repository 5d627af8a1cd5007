"""Closing: ending the episode of a conversation, with a note where the workspace wants one."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.activity import ActivityKind
from models.clock import now
from models.closing_note_category import ClosingNoteCategory
from models.conversation import ConversationStatus
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.records import ConversationRecord, ConversationRow
from models.refusal import Code, Refused
from models.workspace import ClosingNoteMode
from realtime.events import ConversationClosed, WorkspaceSettingsChanged
from realtime.transaction import Announce, transaction
from resolvers.access import hold_conversation, hold_workspace
from resolvers.batches import closing_note_categories_by_id
from resolvers.conversation import Cause, caused_by, clear_snooze, open_now, record, save_state
from resolvers.idempotency import claim_key
from resolvers.names import check_name
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden

SUMMARY_LENGTH = 2000
DESCRIPTION_LENGTH = 500
MAX_CATEGORIES = 100
"""How many reasons for closing a workspace has: they are one list, never in pages."""


@dataclass(frozen=True, slots=True)
class ClosingNote:
    """What was said when an episode was closed; the category is a copy."""

    category: str | None = None
    description: str | None = None
    summary: str | None = None

    def columns(self) -> dict[str, str | None]:
        """Return it as an episode keeps it."""
        return {
            "note_category": self.category,
            "note_description": self.description,
            "note_summary": self.summary,
        }


NO_NOTE = ClosingNote()


def can_be_closed(conversation: ConversationRow) -> bool:
    """Tell whether closing would change anything: a closed conversation stays as it is."""
    return conversation.status is not ConversationStatus.CLOSED


def can_be_reopened(conversation: ConversationRow) -> bool:
    """Tell whether reopening would change anything: only a closed conversation is reopened."""
    return conversation.status is ConversationStatus.CLOSED


def ends_episode(conversation: ConversationRow) -> bool:
    """Tell whether closing ends an episode: not of one that was snoozed while it was closed."""
    return ConversationStatus.OPEN in (conversation.status, conversation.status_before_snooze)


def wanted_note(mode: ClosingNoteMode, conversation: ConversationRow) -> ClosingNoteMode:
    """Return what is wanted of a note: it may be left out where no episode ends."""
    if mode is ClosingNoteMode.OFF or ends_episode(conversation):
        return mode
    return ClosingNoteMode.OPTIONAL


def check_note(mode: ClosingNoteMode, source: ChangeSource, note: ClosingNote) -> None:
    """Refuse a note that is not taken from a member, or that lacks what the workspace wants.

    Only members are bound to it: programs and the server may add a note, or none, in every mode.
    """
    if note.summary is not None and len(note.summary) > SUMMARY_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=("summary",), limit=SUMMARY_LENGTH
        )
    if source is not ChangeSource.USER:
        return
    if mode is ClosingNoteMode.OFF and note != NO_NOTE:
        given = "summary" if note.category is None else "categoryId"
        raise Refused(
            Code.NOTE_NOT_ACCEPTED,
            "Closing notes are turned off in this workspace.",
            field=(given,),
        )
    wants_summary = mode is ClosingNoteMode.CATEGORY_AND_SUMMARY_REQUIRED
    wants_category = wants_summary or mode is ClosingNoteMode.CATEGORY_REQUIRED
    if wants_category and note.category is None:
        raise Refused(
            Code.NOTE_REQUIRED, "Choose a category for the closing note.", field=("categoryId",)
        )
    if wants_summary and note.summary is None:
        raise Refused(
            Code.NOTE_REQUIRED, "Write a summary for the closing note.", field=("summary",)
        )


async def close_conversation(
    viewer: Viewer,
    conversation_id: int,
    *,
    category_id: int | None = None,
    summary: str | None = None,
    expected_version: int | None = None,
) -> ConversationRecord:
    """Move a conversation to Closed and end its episode; a closed one stays as it is.

    A snooze ends, nothing waits for a reply any more, and the assignee stays. The note is kept
    with the episode; what of it is required depends on the workspace's settings. Where none is
    open, as the conversation was snoozed while closed, a note is that of the newest one.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.CLOSE, expected_version=expected_version
        )
        if can_be_closed(conversation):
            cause = caused_by(viewer, conversation.workspace_id)
            mode, note = await _note(conversation.workspace_id, category_id, summary)
            check_note(wanted_note(mode, conversation), cause.source, note)
            if note != NO_NOTE and not ends_episode(conversation):
                await _amend_note(conversation.id, note)
            await close_now(conversation, cause, announce, note)
    return conversation


async def close_now(
    conversation: ConversationRecord,
    cause: Cause,
    announce: Announce,
    note: ClosingNote = NO_NOTE,
) -> None:
    """Close a locked conversation that is not closed, and have it saved."""
    moment = now()
    conversation.status = ConversationStatus.CLOSED
    conversation.idle_since = None
    clear_snooze(conversation, announce)
    conversation.closed_at = moment
    conversation.unreplied_since = None
    await Episode.filter(conversation_id=conversation.id, closed_at=None).update(
        closed_at=moment,
        closed_source=cause.source,
        closed_by_id=cause.member_id,
        **note.columns(),
    )
    record(conversation, announce, ActivityKind.CLOSED, cause)
    save_state(conversation, announce)
    announce(ConversationClosed(conversation.workspace_id, conversation.id))


async def _amend_note(conversation_id: int, note: ClosingNote) -> None:
    """Give the newest episode, which has ended, another note."""
    newest = await Episode.filter(conversation_id=conversation_id).order_by("-id").first()
    if newest is None:
        raise Refused(
            Code.NOTE_NOT_ACCEPTED,
            "It has never been open: there is nothing to note.",
            field=("summary" if note.category is None else "categoryId",),
        )
    await Episode.filter(id=newest.id).update(**note.columns())


async def _note(
    workspace_id: int, category_id: int | None, summary: str | None
) -> tuple[ClosingNoteMode, ClosingNote]:
    """Return the workspace's mode, and a note with a copy of the category; one statement."""
    [(mode, name, description)] = await sql.records(
        "SELECT w.closing_note_mode, n.name, n.description FROM workspace w"
        " LEFT JOIN closing_note_category n ON n.workspace_id = w.id AND n.id = ?"
        " WHERE w.id = ?",
        category_id,
        workspace_id,
    )
    if category_id is not None and name is None:
        raise hidden(("categoryId",))
    return ClosingNoteMode(mode), ClosingNote(name, description, (summary or "").strip() or None)


async def reopen_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Move a closed conversation to Open, where a new episode begins; any other stays as it is.

    Unlike `open_conversation`, it leaves a snoozed one where it is.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.CLOSE, expected_version=expected_version
        )
        if can_be_reopened(conversation):
            cause = caused_by(viewer, conversation.workspace_id)
            await open_now(conversation, cause, announce)
            save_state(conversation, announce)
    return conversation


def check_category(name: str | None, description: str | None) -> tuple[str, str]:
    """Return name and description without blanks around them; refuse what does not fit."""
    name, description = check_name(name), (description or "").strip()
    if len(description) > DESCRIPTION_LENGTH:
        raise Refused(
            Code.TOO_LONG,
            "At most {limit} characters.",
            field=("description",),
            limit=DESCRIPTION_LENGTH,
        )
    return name, description


async def create_closing_note_category(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    description: str = "",
    idempotency_key: str | None = None,
) -> ClosingNoteCategory:
    """Offer a reason for closing; refuse a name that is taken, and more than 100 of them."""
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        values = [name, description]
        claim = await claim_key(
            viewer, workspace_id, "createClosingNoteCategory", idempotency_key, values
        )
        if claim.first_result is not None:
            return await _category(viewer, claim.first_result)
        name, description = check_category(name, description)
        await _check_room(workspace_id, name)
        category = await ClosingNoteCategory.create(
            workspace_id=workspace_id, name=name, description=description, created_at=now()
        )
        await claim.remember(category.id)
        announce(WorkspaceSettingsChanged(workspace_id))
    return category


async def update_closing_note_category(
    viewer: Viewer, category_id: int, changes: Mapping[str, str | None]
) -> ClosingNoteCategory:
    """Change the given ones of `name` and `description`; older notes keep what they have."""
    async with transaction() as announce:
        category = await _hold_category(viewer, category_id)
        before = {"name": category.name, "description": category.description}
        name, description = check_category(**before | dict(changes))
        if before != {"name": name, "description": description}:
            await _check_room(category.workspace_id, name, except_id=category.id)
            category.name, category.description = name, description
            await category.save(update_fields=["name", "description"])
            announce(WorkspaceSettingsChanged(category.workspace_id))
    return category


async def delete_closing_note_category(viewer: Viewer, category_id: int) -> int:
    """Offer a reason for closing no more and return its id; older notes keep what they have."""
    async with transaction() as announce:
        category = await _hold_category(viewer, category_id)
        await category.delete()
        announce(WorkspaceSettingsChanged(category.workspace_id))
    return category_id


async def _category(viewer: Viewer, category_id: int) -> ClosingNoteCategory:
    """Return a category of one of the viewer's workspaces."""
    category = (await closing_note_categories_by_id([category_id])).get(category_id)
    if category is None or category.workspace_id not in viewer.memberships:
        raise hidden(("categoryId",))
    return category


async def _hold_category(viewer: Viewer, category_id: int) -> ClosingNoteCategory:
    """Return a category to be changed: its workspace is locked until the transaction ends."""
    category = await _category(viewer, category_id)
    await hold_workspace(viewer, category.workspace_id, Right.MANAGE_SETTINGS)
    return await _category(viewer, category_id)


async def _check_room(workspace_id: int, name: str, *, except_id: int = 0) -> None:
    """Refuse a name that another category of a held workspace has, or one category too many."""
    others = await sql.records(
        "SELECT name FROM closing_note_category WHERE workspace_id = ? AND id <> ?",
        workspace_id,
        except_id,
    )
    if name in [row[0] for row in others]:
        raise Refused(Code.TAKEN, "Another category has this name.", field=("name",))
    if len(others) >= MAX_CATEGORIES:
        raise Refused(
            Code.WRONG_STATE,
            "A workspace has at most {limit} closing-note categories.",
            limit=MAX_CATEGORIES,
        )
