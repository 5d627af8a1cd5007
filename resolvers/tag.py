"""Tags: the words that a workspace puts on its contacts."""

from collections.abc import Collection

from models.clock import now
from models.contact import Contact
from models.engine import sql
from models.refusal import Code, Refused
from models.tag import Tag
from realtime.events import WorkspaceSettingsChanged
from realtime.transaction import transaction
from resolvers.access import hold_contact, hold_workspace
from resolvers.contact import save_update
from resolvers.idempotency import claim_key
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden
from resolvers.vocabulary import get_word, hold_word, keep_words, tags_by_id

NAME_LENGTH = 100
FOLDED_LENGTH = 200
"""Folding makes three letters of some; only odd names come to more than twice their length."""
MAX_TAGS = 1000
"""How many tags a workspace has: they are one list, never in pages."""
MAX_TAGS_OF_CONTACT = 50


def check_name(name: str | None) -> tuple[str, str]:
    """Return a tag's name without blanks around it, and case-folded; refuse what does not fit."""
    name = (name or "").strip()
    folded = name.casefold()
    if not name or len(name) > NAME_LENGTH or len(folded) > FOLDED_LENGTH:
        raise Refused(
            Code.BLANK if not name else Code.TOO_LONG,
            "A name has 1 to {limit} characters.",
            field=("name",),
            limit=NAME_LENGTH,
        )
    return name, folded


def check_number(tag_ids: Collection[int], *, of_contact: int = 0) -> None:
    """Refuse more tags than a contact has, counting those `of_contact` that stay."""
    if len(tag_ids) + of_contact > MAX_TAGS_OF_CONTACT:
        raise Refused(
            Code.WRONG_STATE,
            "A contact has at most {limit} tags.",
            field=("tagIds",),
            limit=MAX_TAGS_OF_CONTACT,
        )


async def create_tag(
    viewer: Viewer, workspace_id: int, *, name: str, idempotency_key: str | None = None
) -> Tag:
    """Add a tag; refuse a name that is taken, whatever its case, and more than 1,000 of them."""
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.MANAGE_SETTINGS)
        claim = await claim_key(viewer, workspace_id, "createTag", idempotency_key, [name])
        if claim.first_result is not None:
            return await get_word(viewer, tags_by_id, claim.first_result, "tagId")
        name, folded = check_name(name)
        await _check_free(workspace_id, folded)
        await _check_room(workspace_id)
        tag = await Tag.create(
            workspace_id=workspace_id, name=name, folded_name=folded, created_at=now()
        )
        await claim.remember(tag.id)
        announce(WorkspaceSettingsChanged(workspace_id))
    return tag


async def update_tag(viewer: Viewer, tag_id: int, *, name: str | None) -> Tag:
    """Rename a tag, on every contact that has it."""
    async with transaction() as announce:
        tag = await hold_word(viewer, tags_by_id, tag_id, "tagId")
        name, folded = check_name(name)
        if name != tag.name:
            await _check_free(tag.workspace_id, folded, except_id=tag.id)
            tag.name, tag.folded_name = name, folded
            await tag.save(update_fields=["name", "folded_name"])
            announce(WorkspaceSettingsChanged(tag.workspace_id))
    return tag


async def delete_tag(viewer: Viewer, tag_id: int) -> int:
    """Take a tag off every contact, for ever, and return its id."""
    async with transaction() as announce:
        tag = await hold_word(viewer, tags_by_id, tag_id, "tagId")
        await tag.delete()
        announce(WorkspaceSettingsChanged(tag.workspace_id))
    return tag_id


async def tag_contact(
    viewer: Viewer,
    contact_id: int,
    tag_ids: Collection[int],
    *,
    expected_version: int | None = None,
) -> Contact:
    """Put tags on a contact; those that they have already stay."""
    async with transaction() as announce:
        contact = await hold_contact(
            viewer, contact_id, Right.EDIT_CONTACTS, expected_version=expected_version
        )
        check_number(set(tag_ids))
        wanted = await _keep_tags(contact, tag_ids)
        had = await _tags_of(contact)
        if new := wanted - had:
            check_number(new, of_contact=len(had))
            await sql.affected(
                "INSERT INTO contact_tag (contact_id, tag_id)"
                f" SELECT cast(? as bigint), id FROM tag WHERE {sql.among('id')}",
                contact.id,
                sql.group(new),
            )
            await save_update(contact, announce)
    return contact


async def untag_contact(
    viewer: Viewer,
    contact_id: int,
    tag_ids: Collection[int],
    *,
    expected_version: int | None = None,
) -> Contact:
    """Take tags off a contact; those that they do not have change nothing."""
    async with transaction() as announce:
        contact = await hold_contact(
            viewer, contact_id, Right.EDIT_CONTACTS, expected_version=expected_version
        )
        check_number(set(tag_ids))
        unwanted = await _keep_tags(contact, tag_ids)
        removed = await sql.affected(
            f"DELETE FROM contact_tag WHERE contact_id = ? AND {sql.among('tag_id')}",
            contact.id,
            sql.group(unwanted),
        )
        if removed:
            await save_update(contact, announce)
    return contact


async def _keep_tags(contact: Contact, tag_ids: Collection[int]) -> set[int]:
    """Return the ids of tags of the contact's workspace, each once; refuse any other."""
    found = await keep_words("tag", contact.workspace_id, tag_ids)
    if found != set(tag_ids):
        raise hidden(("tagIds",))
    return found


async def _tags_of(contact: Contact) -> set[int]:
    rows = await sql.records("SELECT tag_id FROM contact_tag WHERE contact_id = ?", contact.id)
    return {row[0] for row in rows}


async def _check_free(workspace_id: int, folded_name: str, *, except_id: int = 0) -> None:
    """Refuse a name that another tag of a held workspace has, whatever its case."""
    others = await sql.records(
        "SELECT 1 FROM tag WHERE workspace_id = ? AND folded_name = ? AND id <> ?",
        workspace_id,
        folded_name,
        except_id,
    )
    if others:
        raise Refused(Code.TAKEN, "Another tag has this name.", field=("name",))


async def _check_room(workspace_id: int) -> None:
    """Refuse one tag too many in a held workspace."""
    [[count]] = await sql.records("SELECT COUNT(*) FROM tag WHERE workspace_id = ?", workspace_id)
    if count >= MAX_TAGS:
        raise Refused(Code.WRONG_STATE, "A workspace has at most {limit} tags.", limit=MAX_TAGS)
