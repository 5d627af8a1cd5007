"""Passwords: changing one, and choosing another by mail."""

import strawberry

from resolvers import password
from schema.context import Info, viewer_of
from schema.payload import Payload, mutation


@strawberry.input
class ChangePasswordInput:
    """The old password and the new one."""

    current_password: str
    """The password of now."""
    new_password: str
    """10 to 200 characters, and not the email address."""


@strawberry.type
class ChangePasswordPayload(Payload):
    """The change."""

    ended_session_count: int | None = None
    """How many other sessions of the viewer have ended."""


@strawberry.input
class RequestPasswordResetInput:
    """Who wants another password."""

    email: str
    """The account's address."""


@strawberry.type
class RequestPasswordResetPayload(Payload):
    """The same for every address."""

    is_accepted: bool | None = None
    """True: if there is such an account, a mail is on its way."""


@strawberry.input
class ResetPasswordInput:
    """The token of the mail, and the new password."""

    token: str
    """What stands behind `#token=` in the mail's link: good for an hour, and once."""
    new_password: str
    """10 to 200 characters, and not the email address."""


@strawberry.type
class ResetPasswordPayload(Payload):
    """The change."""

    ended_session_count: int | None = None
    """How many sessions have ended: all of the account."""


@strawberry.type
class Mutation:
    """Passwords."""

    @mutation
    async def change_password(
        self, info: Info, input: ChangePasswordInput
    ) -> ChangePasswordPayload:
        """Change the viewer's password; their other sessions end, and their streams close."""
        ended = await password.change_password(
            viewer_of(info),
            current_password=input.current_password,
            new_password=input.new_password,
            client=info.context.client,
        )
        return ChangePasswordPayload(ended_session_count=ended)

    @mutation
    async def request_password_reset(
        self, info: Info, input: RequestPasswordResetInput
    ) -> RequestPasswordResetPayload:
        """Send a mail with which another password can be chosen; the answer is always the same.

        Too many requests are refused with `RATE_LIMITED` and `extensions.retryAfterSeconds`.
        """
        await password.request_password_reset(
            input.email, language=info.context.language, client=info.context.client
        )
        return RequestPasswordResetPayload(is_accepted=True)

    @mutation
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> ResetPasswordPayload:
        """Choose another password by the token of a mail; all sessions of the account end."""
        ended = await password.reset_password(input.token, input.new_password)
        return ResetPasswordPayload(ended_session_count=ended)
