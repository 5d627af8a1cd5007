"""Contacts: the customers of a workspace, each born with a closed conversation."""

from collections.abc import Sequence

from tortoise.exceptions import IntegrityError

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.records import ContactRow
from models.refusal import Code, Refused, sentence
from realtime.events import ContactCreated, ContactUpdated
from realtime.transaction import Announce, transaction
from resolvers.access import get_contact, hold_contact
from resolvers.contact_details import DETAILS, NO_CLAIMS, Claims, Details, country_of, fold_details
from resolvers.custom_field_value import GivenValue, save_values
from resolvers.idempotency import claim_key
from resolvers.lifecycle import check_stage, keep_stage
from resolvers.viewer import Right, Viewer, require


async def create_contact(
    viewer: Viewer,
    workspace_id: int,
    details: Details,
    *,
    values: Sequence[GivenValue] = (),
    idempotency_key: str | None = None,
) -> ContactRow:
    """Add a contact, with a conversation in Closed; refuse a phone or email that is taken."""
    require(viewer, workspace_id, Right.EDIT_CONTACTS)
    async with transaction() as announce:
        said: list[object] = [str(getattr(details, name)) for name in DETAILS]
        said += values
        claim = await claim_key(viewer, workspace_id, "createContact", idempotency_key, said)
        if claim.first_result is not None:
            return await get_contact(viewer, claim.first_result)
        await _check_free(workspace_id, details)
        contact = await add_contact(workspace_id, details, announce)
        await save_values(contact, values)
        await claim.remember(contact.id)
    return contact


async def add_contact(
    workspace_id: int,
    details: Details,
    announce: Announce,
    *,
    country: str | None = None,
    picture_url: str | None = None,
    claims: Claims = NO_CLAIMS,
) -> Contact:
    """Write a new contact and its conversation, and announce it."""
    moment = now()
    contact = Contact(
        workspace_id=workspace_id,
        **{name: getattr(details, name) for name in DETAILS},
        country=country_of(details.phone) or country,
        picture_url=picture_url,
        claimed_phone=claims.phone,
        claimed_email=claims.email,
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

    Raises Conflict if somebody changed it meanwhile.
    """
    async with transaction() as announce:
        stage_workspace_id = await keep_stage(details.lifecycle_stage_id)
        contact = await hold_contact(
            viewer, contact_id, Right.EDIT_CONTACTS, expected_version=expected_version
        )
        check_stage(contact, details.lifecycle_stage_id, stage_workspace_id)
        changed = {
            name for name in details.given if getattr(contact, name) != getattr(details, name)
        }
        if changed:
            await _check_free(contact.workspace_id, details, except_id=contact.id)
        is_described_anew = await save_values(contact, values)
        if changed or is_described_anew:
            await _save_details(contact, details, changed, announce)
    return contact


async def _save_details(
    contact: Contact, details: Details, changed: set[str], announce: Announce
) -> None:
    """Write the changed details of a held contact, with what follows from them."""
    for name in changed:
        setattr(contact, name, getattr(details, name))
    if "phone" in changed:
        contact.country = country_of(contact.phone) or contact.country
    fold_details(contact)
    try:
        await save_update(contact, announce, *changed, "country", "search_text", "folded_name")
    except IntegrityError as error:
        raise taken("phone" if "phone" in changed else "email") from error


async def save_update(contact: Contact, announce: Announce, *changed: str) -> None:
    """Write the changed columns of a held contact with its next version, and announce it."""
    contact.version += 1
    await contact.save(update_fields=[*changed, "version"])
    announce(ContactUpdated(contact.workspace_id, contact.id, contact.conversation.id))


async def _check_free(workspace_id: int, details: Details, *, except_id: int = 0) -> None:
    """Refuse a phone or email of another contact: one statement."""
    rows = await sql.rows(
        "SELECT phone FROM contact WHERE workspace_id = ? AND id <> ?"
        " AND (phone = ? OR email = ?) LIMIT 1",
        workspace_id,
        except_id,
        details.phone,
        details.email,
    )
    if rows:
        raise taken("phone" if details.phone and rows[0]["phone"] == details.phone else "email")


def taken(field: str) -> Refused:
    """Return the refusal of a phone or email that another contact has."""
    sentences = {
        "phone": sentence("Another contact has this phone number."),
        "email": sentence("Another contact has this email address."),
    }
    return Refused(Code.TAKEN, sentences[field], field=(field,))
