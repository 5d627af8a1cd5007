"""Passwords: changed by who knows the old one, or by who reads the account's mail."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from connectors.mail import Mailer, MailFailed
from models.clock import now
from models.engine import sql
from models.job import Job
from models.password_reset import PasswordReset
from models.refusal import Refused
from realtime.events import CredentialRevoked
from resolvers.password import check_new_password
from settings import Settings, get_settings
from tests import post as post_office
from tests.acting import api_key
from tests.post import Post
from tests.test_account import code_of, log_in
from tests.test_session import ENDED, refresh
from tests.world import PASSWORD, Api, World, run_jobs, snapshot

ERRORS = "userErrors { code message field }"
CHANGE = f"""mutation($input: ChangePasswordInput!) {{ changePassword(input: $input) {{
  endedSessionCount {ERRORS} }} }}"""
REQUEST = f"""mutation($input: RequestPasswordResetInput!) {{ requestPasswordReset(input: $input) {{
  isAccepted {ERRORS} }} }}"""
RESET = f"""mutation($input: ResetPasswordInput!) {{ resetPassword(input: $input) {{
  endedSessionCount {ERRORS} }} }}"""
NEW = "another horse battery staple"
TABLES = ("account", "session", "event", "password_reset")
ACCEPTED = {"isAccepted": True, "userErrors": []}


post = post_office.post


async def change(api: Api, who: Any, current: str = PASSWORD, new: str = NEW) -> Any:
    given = {"currentPassword": current, "newPassword": new}
    return (await api.ask(who, CHANGE, input=given))["changePassword"]


async def request(api: Api, email: str, **options: Any) -> Any:
    return (await api.ask(None, REQUEST, input={"email": email}, **options))["requestPasswordReset"]


async def reset(api: Api, token: str, new: str = NEW) -> Any:
    given = {"token": token, "newPassword": new}
    return (await api.ask(None, RESET, input=given))["resetPassword"]


def refused(code: str, message: str, *field: str) -> dict[str, Any]:
    errors = [{"code": code, "message": message, "field": list(field)}]
    return {"endedSessionCount": None, "userErrors": errors}


NO_LINK = refused("INVALID_CREDENTIALS", "This link is no longer good. Ask for another.", "token")


@pytest.mark.parametrize("password", ["x" * 10, "x" * 200, " " * 10, "nobody@parley.test!"])
def test_a_good_password(password: str) -> None:
    check_new_password(password, "nobody@parley.test")


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 201, " Nobody@Parley.test"])
def test_a_bad_password(password: str) -> None:
    with pytest.raises(Refused):
        check_new_password(password, "nobody@parley.test")


async def test_a_changed_password_ends_the_other_sessions(api: Api, world: World) -> None:
    email = world.owner.user.email
    other = (await log_in(api, email))["tokens"]
    facts = len(await world.facts())

    assert await change(api, world.owner) == {"endedSessionCount": 1, "userErrors": []}

    assert await code_of(api, world.owner.token) is None
    assert await code_of(api, other["accessToken"]) == "UNAUTHENTICATED"
    assert await refresh(api, other["refreshToken"]) == ENDED
    assert (await log_in(api, email))["tokens"] is None
    assert (await log_in(api, email, NEW))["tokens"] is not None
    [told] = (await world.facts())[facts:]
    assert isinstance(told, CredentialRevoked)


async def test_who_does_not_know_the_password_changes_nothing(api: Api, world: World) -> None:
    secret = await api_key(world)
    before = await snapshot(*TABLES)
    assert await change(api, world.owner, "wrong") == refused(
        "INVALID_CREDENTIALS", "The current password is not right.", "currentPassword"
    )
    assert await change(api, world.owner, new="short") == refused(
        "INVALID", "A password has 10 to 200 characters.", "newPassword"
    )
    assert await change(api, world.owner, new=world.owner.user.email) == refused(
        "INVALID", "A password is not the email address.", "newPassword"
    )
    assert await change(api, secret) == refused("FORBIDDEN", "A program has no account.")
    assert await snapshot(*TABLES) == before


async def test_guessing_the_current_password_is_limited(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "log_in_failures_per_account", 2)
    for _ in range(2):
        assert (await change(api, world.owner, "wrong"))["userErrors"]
    given = {"currentPassword": PASSWORD, "newPassword": NEW}
    answer = await api.run(world.owner, CHANGE, input=given)
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_of_two_changes_at_once_one_wins(api: Api, world: World) -> None:
    answers = await asyncio.gather(
        *(change(api, world.owner, new=f"{NEW} {number}") for number in range(2))
    )
    assert sorted(len(answer["userErrors"]) for answer in answers) == [0, 1]


async def test_a_password_is_chosen_anew_by_mail(api: Api, world: World, post: Post) -> None:
    email = world.owner.user.email
    assert await request(api, f" {email.upper()} ") == ACCEPTED
    assert await run_jobs() == 1

    [mail] = post.mails
    assert (mail["To"], mail["Subject"]) == (email, "Choose another password")
    assert "Hello Olga," in mail.get_content()
    token = post.token()
    assert token not in str(await sql.rows("SELECT * FROM password_reset"))
    assert await reset(api, token) == {"endedSessionCount": 1, "userErrors": []}
    assert await code_of(api, world.owner.token) == "UNAUTHENTICATED"
    assert (await log_in(api, email))["tokens"] is None
    assert (await log_in(api, email, NEW))["tokens"] is not None
    assert isinstance((await world.facts())[-1], CredentialRevoked)
    assert await reset(api, token, f"{NEW} 2") == NO_LINK
    assert (await log_in(api, email, NEW))["tokens"] is not None


async def test_the_mail_is_in_the_readers_language(api: Api, world: World, post: Post) -> None:
    agent = await world.add(language="fr")
    await request(api, agent.user.email)
    await request(api, world.owner.user.email, language="fr")
    await run_jobs()
    assert ["Bonjour" in mail.get_content() for mail in post.mails] == [True, True]


async def test_only_the_newest_token_is_good_and_for_an_hour(
    api: Api, world: World, post: Post
) -> None:
    tokens = []
    for _ in range(2):
        await request(api, world.owner.user.email)
        await run_jobs()
        tokens.append(post.token())
    before = await snapshot(*TABLES)
    assert await reset(api, tokens[0]) == NO_LINK
    assert await reset(api, "pp_nonsense") == NO_LINK
    assert await reset(api, tokens[1], "short") == refused(
        "INVALID", "A password has 10 to 200 characters.", "newPassword"
    )
    assert await snapshot(*TABLES) == before
    left = (await PasswordReset.get()).expires_at - now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    await PasswordReset.all().update(expires_at=now() - timedelta(seconds=1))
    assert await reset(api, tokens[1]) == NO_LINK


async def test_a_token_is_used_once_however_many_try(api: Api, world: World, post: Post) -> None:
    await request(api, world.owner.user.email)
    await run_jobs()
    token = post.token()
    answers = await asyncio.gather(*(reset(api, token, f"{NEW} {n}") for n in range(3)))
    assert sorted(len(answer["userErrors"]) for answer in answers) == [0, 1, 1]


async def test_a_changed_password_ends_the_token(api: Api, world: World, post: Post) -> None:
    await request(api, world.owner.user.email)
    await run_jobs()
    await change(api, world.owner)
    assert await reset(api, post.token()) == NO_LINK


async def test_an_unknown_account_is_answered_alike(api: Api, world: World, post: Post) -> None:
    emails = (world.owner.user.email, "nobody@parley.test")
    counts, payloads = [], []
    for email in emails:
        with sql.count_statements(everywhere=True) as counter:
            payloads.append(await request(api, email))
        counts.append(len(counter.statements))
    assert payloads == [ACCEPTED, ACCEPTED]
    assert counts[0] == counts[1]
    assert {job.kind for job in await Job.all()} == {"send_password_reset"}
    assert await run_jobs() == 2
    assert [mail["To"] for mail in post.mails] == [world.owner.user.email]
    assert await PasswordReset.all().count() == 1


@pytest.mark.parametrize("is_known", [True, False])
async def test_requests_are_limited(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    monkeypatch.setattr(get_settings(), "password_resets_per_account", 2)
    email = world.owner.user.email if is_known else "nobody@parley.test"
    for _ in range(2):
        assert await request(api, email) == ACCEPTED
    answer = await api.run(None, REQUEST, input={"email": email})
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < error["extensions"]["retryAfterSeconds"] <= 3600
    assert await Job.all().count() == 1, "one mail waits at a time"


async def test_a_server_that_refuses_is_tried_again(api: Api, world: World, post: Post) -> None:
    post.answer = "451 not now"
    await request(api, world.owner.user.email)
    with capture_logs() as logs:
        await run_jobs()
    job = await Job.get()
    assert (job.state.value, job.last_error) == ("READY", "mail: the server answered 451")
    post.answer = "250 OK"
    await Job.all().update(run_at=now() - timedelta(seconds=5))
    await run_jobs()
    assert (await reset(api, post.token()))["userErrors"] == []
    assert post.token() not in str(logs)


async def test_a_token_stands_in_no_log_and_in_no_job(
    api: Api, world: World, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        await request(api, world.owner.user.email)
        jobs = str(await sql.rows("SELECT * FROM job"))
        await run_jobs()
    token = post.token()
    assert token not in str(logs) + jobs + caplog.text


async def test_without_a_server_the_mail_is_logged_on_this_machine_only() -> None:
    local = Mailer(Settings(smtp_url=SecretStr(""), public_url="http://localhost:8000"))
    with capture_logs() as logs:
        await local.send("a@b.c", "Hello", "the text")
    assert [(line["recipient"], line["text"]) for line in logs] == [("a@b.c", "the text")]
    public = Mailer(Settings(smtp_url=SecretStr(""), public_url="https://inbox.example.com"))
    with capture_logs() as logs, pytest.raises(MailFailed):
        await public.send("a@b.c", "Hello", "the text")
    assert logs == []


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    away = Mailer(Settings(smtp_url=SecretStr("smtp://127.0.0.1:9")))
    with pytest.raises(MailFailed, match="ConnectionRefusedError"):
        await away.send("a@b.c", "Hello", "the text")
