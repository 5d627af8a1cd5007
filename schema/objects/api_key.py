"""An API key, without its secret."""

from datetime import datetime

import strawberry

from models.api_key import ApiKey as ApiKeyRow
from models.api_key import ApiKeyScope
from models.member import Role
from schema.ids import encode_id


@strawberry.type
class ApiKey:
    """A program's way into one workspace."""

    id: strawberry.ID
    """The key's opaque global id."""
    name: str
    """What it is for."""
    role: Role
    """What it may do."""
    scopes: list[ApiKeyScope]
    """To what of its role it is limited; all of them where it is not."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None
    """When it ended; null while it is good."""


def api_key_of(key: ApiKeyRow) -> ApiKey:
    """Return a key as it is shown."""
    return ApiKey(
        id=encode_id("ApiKey", key.id),
        name=key.name,
        role=key.role,
        scopes=[ApiKeyScope(one) for one in key.scopes.split(",") if one] or list(ApiKeyScope),
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
