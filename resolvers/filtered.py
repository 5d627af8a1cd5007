"""What filters look at, for many conversations at once."""

from collections import defaultdict
from collections.abc import Collection

from models.engine import sql
from models.records import ConversationRecord
from resolvers.inbox_filter import Filtered


async def filtered(conversations: Collection[ConversationRecord]) -> list[Filtered]:
    """Return conversations with their contacts' tags, channels and fields; three statements."""
    contacts = sql.group({row.contact_id for row in conversations})
    tags: dict[int, set[int]] = defaultdict(set)
    channels: dict[int, dict[int, int]] = defaultdict(dict)
    fields: dict[int, dict[int, tuple[str | None, float | None]]] = defaultdict(dict)
    among = sql.among("contact_id")
    for contact_id, tag_id in await sql.records(
        f"SELECT contact_id, tag_id FROM contact_tag WHERE {among}", contacts
    ):
        tags[contact_id].add(tag_id)
    for contact_id, identity_id, channel_id in await sql.records(
        f"SELECT contact_id, id, channel_id FROM contact_channel WHERE {among}", contacts
    ):
        channels[contact_id][identity_id] = channel_id
    for contact_id, field_id, text, number in await sql.records(
        f"SELECT contact_id, field_id, text, number FROM custom_field_value WHERE {among}",
        contacts,
    ):
        fields[contact_id][field_id] = (text, number)
    return [
        Filtered(
            row, frozenset(tags[row.contact_id]), channels[row.contact_id], fields[row.contact_id]
        )
        for row in conversations
    ]
