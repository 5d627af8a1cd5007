"""Accounts: logging in and out, and the keys of programs."""

from datetime import datetime

import strawberry

from models.api_key import ApiKey as ApiKeyRow
from models.member import Role
from models.records import UserRow
from resolvers import account
from resolvers.batches import users_by_id
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.user import User
from schema.payload import Payload, mutation


@strawberry.type
class SessionTokens:
    """The tokens of a session: shown only this once."""

    access_token: str
    """The bearer token of requests and of `connection_init`."""
    expires_at: datetime
    """When the access token ends."""
    refresh_token: str
    """What `refreshSession` takes, once."""
    refresh_expires_at: datetime
    """When the refresh token ends."""


@strawberry.input
class LogInInput:
    """Who logs in."""

    email: str
    """The account's address."""
    password: str
    """The account's password."""


@strawberry.type
class LogInPayload(Payload):
    """The opened session."""

    tokens: SessionTokens | None = None
    """The tokens."""


@strawberry.input
class RefreshSessionInput:
    """Which session goes on."""

    refresh_token: str
    """The newest refresh token of the session."""


@strawberry.type
class RefreshSessionPayload(Payload):
    """The renewed session."""

    tokens: SessionTokens | None = None
    """The new tokens; the old ones have ended."""


@strawberry.input
class LogOutInput:
    """Ending the session that asks."""

    client_mutation_id: str | None = None
    """Any text of the client's; it has no effect."""


@strawberry.type
class LogOutPayload(Payload):
    """The end of the session."""

    is_logged_out: bool | None = None
    """True: the token no longer opens anything."""


@strawberry.type
class ApiKey:
    """A program's way into one workspace."""

    id: strawberry.ID
    """The key's opaque global id."""
    name: str
    """What it is for."""
    role: Role
    """What it may do."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None
    """When it ended; null while it is good."""


@strawberry.input
class CreateApiKeyInput:
    """What the key is for."""

    workspace_id: strawberry.ID
    """The workspace that it opens."""
    name: str
    """1 to 100 characters."""
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


def _tokens(tokens: account.Tokens) -> SessionTokens:
    return SessionTokens(
        access_token=tokens.access_token,
        expires_at=tokens.session.expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.session.refresh_expires_at,
    )


def _api_key(key: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=encode_id("ApiKey", key.id),
        name=key.name,
        role=key.role,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )


@strawberry.type
class Query:
    """Who asks."""

    @strawberry.field(graphql_type=User | None)
    async def viewer(self, info: Info) -> UserRow | None:
        """The person who asks; null for a program."""
        user_id = viewer_of(info).user_id
        return None if user_id is None else (await users_by_id([user_id])).get(user_id)


@strawberry.type
class Mutation:
    """Sessions and keys."""

    @mutation
    async def log_in(self, info: Info, input: LogInInput) -> LogInPayload:
        """Open a session; the same answer whether the account exists or not."""
        return LogInPayload(tokens=_tokens(await account.log_in(input.email, input.password)))

    @mutation
    async def refresh_session(
        self, info: Info, input: RefreshSessionInput
    ) -> RefreshSessionPayload:
        """Renew a session's tokens, also after the access token has expired."""
        tokens = await account.refresh_session(input.refresh_token)
        return RefreshSessionPayload(tokens=_tokens(tokens))

    @mutation
    async def log_out(self, info: Info, input: LogOutInput) -> LogOutPayload:
        """End the session that asks; its streams close."""
        await account.log_out(viewer_of(info))
        return LogOutPayload(is_logged_out=True)

    @mutation
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
        """Make a key for a program."""
        key, secret = await account.create_api_key(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            role=input.role,
            idempotency_key=input.idempotency_key,
        )
        return CreateApiKeyPayload(api_key=_api_key(key), secret=secret)

    @mutation
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        """End a key at once; its streams close."""
        key = await account.revoke_api_key(
            viewer_of(info), decode_id(input.api_key_id, "ApiKey", "apiKeyId")
        )
        return RevokeApiKeyPayload(api_key=_api_key(key))
