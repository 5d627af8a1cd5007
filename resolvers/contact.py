"""Contacts: the customers of a workspace, each born with a closed conversation."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from tortoise.exceptions import IntegrityError

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.records import ContactRow
from models.refusal import Code, Refused, sentence
from realtime.events import ContactCreated, ContactUpdated
from realtime.transaction import Announce, transaction
from resolvers.access import get_contact, hold_contact
from resolvers.contact_details import (
    DETAILS,
    FOLDED,
    NO_CLAIMS,
    Claims,
    Details,
    country_of,
    fold_details,
)
from resolvers.custom_field_value import GivenValue, save_values
from resolvers.idempotency import claim_key
from resolvers.lifecycle import check_stage, keep_stage
from resolvers.masking import Masking, blind_columns, email_of, phone_of, shown_name
from resolvers.rights import Right
from resolvers.viewer import Viewer, require

UNIQUE = ("phone", "email")
"""The details that one contact of a workspace has alone."""


async def create_contact(
    viewer: Viewer,
    workspace_id: int,
    details: Details,
    *,
    values: Sequence[GivenValue] = (),
    idempotency_key: str | None = None,
) -> ContactRow:
    """Add a contact, with a conversation in Closed; refuse a phone or email that is taken.

    From whom those are hidden must not learn that it is: it is kept as a claim.
    """
    masking = require(viewer, workspace_id, Right.EDIT_CONTACTS).masking
    async with _unseen(masking), transaction() as announce:
        said: list[object] = [str(getattr(details, name)) for name in DETAILS]
        said += values
        claim = await claim_key(viewer, workspace_id, "createContact", idempotency_key, said)
        if claim.first_result is not None:
            return await get_contact(viewer, claim.first_result)
        held = await _check_free(workspace_id, UNIQUE, details, masking)
        own = blind_columns(UNIQUE, details, masking, held)
        contact = await add_contact(workspace_id, details, announce, own=own)
        await save_values(contact, values)
        await claim.remember(contact.id)
    return contact


async def add_contact(
    workspace_id: int,
    details: Details,
    announce: Announce,
    *,
    own: Mapping[str, str | None] | None = None,
    country: str | None = None,
    picture_url: str | None = None,
    claims: Claims = NO_CLAIMS,
) -> Contact:
    """Write a new contact and its conversation, and announce it.

    `own` is what is written for phone and email, where it is not what the details say.
    """
    moment = now()
    contact = Contact(
        workspace_id=workspace_id,
        **{name: getattr(details, name) for name in DETAILS}
        | {"claimed_phone": claims.phone, "claimed_email": claims.email}
        | dict(own or {}),
        country=country_of(details.phone) or country,
        picture_url=picture_url,
        created_at=moment,
    )
    fold_details(contact)
    try:
        await contact.save(force_create=True)
    except IntegrityError as error:
        raise taken("phone" if details.phone else "email") from error
    conversation = await Conversation.create(
        workspace_id=workspace_id,
        contact_id=contact.id,
        status=ConversationStatus.CLOSED,
        last_message_at=moment,
        status_since=moment,
        created_at=moment,
    )
    announce(ContactCreated(workspace_id, contact.id, conversation.id))
    return contact


async def update_contact(
    viewer: Viewer,
    contact_id: int,
    details: Details,
    *,
    values: Sequence[GivenValue] = (),
    expected_version: int | None = None,
) -> Contact:
    """Change the given details of a contact, and what they have in the given custom fields.

    Raises Conflict if somebody changed it meanwhile. A phone or email that somebody gives from
    whom it is hidden counts as another one: they must not learn that it was there.
    """
    async with transaction() as announce:
        stage_workspace_id = await keep_stage(details.lifecycle_stage_id)
        contact = await hold_contact(
            viewer, contact_id, Right.EDIT_CONTACTS, expected_version=expected_version
        )
        check_stage(contact, details.lifecycle_stage_id, stage_workspace_id)
        masking = viewer.memberships[contact.workspace_id].masking
        changed = _changed(contact, details, masking)
        unique = changed.intersection(UNIQUE)
        held = await _check_free(
            contact.workspace_id, unique, details, masking, except_id=contact.id
        )
        is_described_anew = await save_values(contact, values)
        if changed or is_described_anew:
            new = {name: getattr(details, name) for name in changed}
            new |= blind_columns(unique, details, masking, held)
            async with _unseen(masking):
                await _save_details(contact, details, new, announce)
    return contact


def _changed(contact: Contact, details: Details, masking: Masking) -> set[str]:
    """Return which of the given details are others than before."""
    before = {
        "first_name": shown_name(contact.first_name, masking),
        "last_name": shown_name(contact.last_name, masking),
        "phone": phone_of(contact),
        "email": email_of(contact),
    }
    hidden = {"phone": masking.phones, "email": masking.emails}
    return {
        name
        for name in details.given
        if (hidden.get(name) and getattr(details, name) is not None)
        or getattr(details, name) != before.get(name, getattr(contact, name))
    }


async def _save_details(
    contact: Contact, details: Details, new: Mapping[str, object], announce: Announce
) -> None:
    """Write the changed columns of a held contact, with what follows from them."""
    for name, value in new.items():
        setattr(contact, name, value)
    if "phone" in new:
        contact.country = country_of(details.phone) or contact.country
    fold_details(contact)
    try:
        await save_update(contact, announce, *new, "country", *FOLDED)
    except IntegrityError as error:
        raise taken("phone" if "phone" in new else "email") from error


@asynccontextmanager
async def _unseen(masking: Masking) -> AsyncIterator[None]:
    """Answer TRY_AGAIN in place of TAKEN: what was taken at once is a claim the next time."""
    try:
        yield
    except Refused as error:
        if error.code is not Code.TAKEN or not masking.is_any:
            raise
        raise TransientDatabaseError(error) from error


async def save_update(contact: Contact, announce: Announce, *changed: str) -> None:
    """Write the changed columns of a held contact with its next version, and announce it."""
    contact.version += 1
    await contact.save(update_fields=[*changed, "version"])
    announce(ContactUpdated(contact.workspace_id, contact.id, contact.conversation.id))


async def _check_free(
    workspace_id: int,
    names: Collection[str],
    details: Details,
    masking: Masking,
    *,
    except_id: int = 0,
) -> set[str]:
    """Refuse a phone or email of another contact; return which are taken where that is hidden.

    One statement, and none where neither is given.
    """
    given = {name: getattr(details, name) for name in UNIQUE if name in names}
    if not any(given.values()):
        return set()
    rows = await sql.rows(
        "SELECT phone, email FROM contact WHERE workspace_id = ? AND id <> ?"
        " AND (phone = ? OR email = ?) LIMIT 2",
        workspace_id,
        except_id,
        given.get("phone"),
        given.get("email"),
    )
    held = {name for name, new in given.items() if new and new in [row[name] for row in rows]}
    if "phone" in held and not masking.phones:
        raise taken("phone")
    if "email" in held and not masking.emails:
        raise taken("email")
    return held


def taken(field: str) -> Refused:
    """Return the refusal of a phone or email that another contact has."""
    sentences = {
        "phone": sentence("Another contact has this phone number."),
        "email": sentence("Another contact has this email address."),
    }
    return Refused(Code.TAKEN, sentences[field], field=(field,))
