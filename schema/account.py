"""Accounts: logging in, and who is logged in."""

import strawberry

from models.records import UserRow
from resolvers import account
from resolvers.batches import users_by_id
from schema.context import Info, viewer_of
from schema.objects.session import SessionTokens, session_tokens
from schema.objects.user import User
from schema.payload import Payload, mutation


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
class LogInWithCodeInput:
    """What a log-in by the provider brought home."""

    code: str
    """What stands behind `#code=`: good for a minute, and once."""


@strawberry.type
class LogInWithCodePayload(Payload):
    """The opened session."""

    tokens: SessionTokens | None = None
    """The tokens."""


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
    """Opening sessions."""

    @mutation
    async def log_in(self, info: Info, input: LogInInput) -> LogInPayload:
        """Open a session; the same answer whether the account exists or not.

        Too many attempts are refused with `RATE_LIMITED` and `extensions.retryAfterSeconds`.
        """
        tokens = await account.log_in(input.email, input.password, info.context.client)
        return LogInPayload(tokens=session_tokens(tokens))

    @mutation
    async def log_in_with_code(self, info: Info, input: LogInWithCodeInput) -> LogInWithCodePayload:
        """Open a session after a log-in at `/auth/oidc/start`."""
        tokens = await account.log_in_with_code(input.code, info.context.client)
        return LogInWithCodePayload(tokens=session_tokens(tokens))
