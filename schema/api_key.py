"""API keys: a program's way into one workspace."""

import strawberry

from models.api_key import ApiKeyScope
from models.member import Role
from resolvers import api_key
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.api_key import ApiKey, api_key_of
from schema.payload import Payload, mutation


@strawberry.input
class CreateApiKeyInput:
    """What the key is for."""

    workspace_id: strawberry.ID
    """The workspace that it opens."""
    name: str
    """1 to 100 characters."""
    scopes: list[ApiKeyScope] | None = None
    """To what of its role it is limited; READ is always among them. Omitted: all of its role."""
    role: Role = Role.AGENT
    """What it may do; it sees every conversation of the workspace."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateApiKeyPayload(Payload):
    """The new key."""

    api_key: ApiKey | None = None
    """The key."""
    secret: str | None = None
    """The bearer token: shown only this once, and null where a repeated key finds its first
    result."""


@strawberry.input
class RevokeApiKeyInput:
    """Which key ends."""

    api_key_id: strawberry.ID
    """The key."""


@strawberry.type
class RevokeApiKeyPayload(Payload):
    """The ended key."""

    api_key: ApiKey | None = None
    """The key."""


@strawberry.type
class Mutation:
    """The keys of programs."""

    @mutation
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
        """Make a key for a program."""
        key, secret = await api_key.create_api_key(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            role=input.role,
            scopes=input.scopes,
            idempotency_key=input.idempotency_key,
        )
        return CreateApiKeyPayload(api_key=api_key_of(key), secret=secret)

    @mutation
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        """End a key at once; its streams close."""
        key = await api_key.revoke_api_key(
            viewer_of(info), decode_id(input.api_key_id, "ApiKey", "apiKeyId")
        )
        return RevokeApiKeyPayload(api_key=api_key_of(key))
