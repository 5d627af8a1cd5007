"""Invitations by mail: what stands in it, its own token, and when none is sent."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs
from tortoise.exceptions import IntegrityError

from models.clock import now
from models.invitation import Invitation
from models.job import Job
from models.member import Member, Role
from models.workspace import Workspace
from resolvers.invitation_mail import mail
from settings import get_settings
from tests import post as post_office
from tests.acting import api_key
from tests.post import Post
from tests.test_invitation import codes, invite, join, revoke
from tests.world import Api, World, let_time_pass, run_jobs, snapshot

post = post_office.post

UNTIL = datetime(2100, 1, 5, 22, 30, tzinfo=UTC)
KEPT = ("invitation", "job", "event", "audit_entry", "idempotency_key")
ENDED = [("INVALID_CREDENTIALS", "token")]
ENGLISH = """Olga invites you to Parley Ltd. Accept the invitation by January 5, 2100, {time} (UTC):

{link}

The link is good once. If you expected no invitation, you need do nothing.
"""
FRENCH = """Olga vous invite à rejoindre Chez Léon. \
Acceptez l’invitation avant le 5 janvier 2100 à 23:30 (Europe/Paris) :

{link}

Le lien ne sert qu’une fois. Si vous n’attendiez pas d’invitation, vous n’avez rien à faire.
"""


async def mailed(api: Api, world: World, who: Any = None) -> Any:
    """Invite an address, until a known moment, and run the job; return the payload."""
    made = await invite(api, world, who=who)
    await Invitation.all().update(expires_at=UNTIL)
    assert await run_jobs() == 1
    return made


def link_of(post: Post) -> str:
    return f"{get_settings().public_url}/accept-invitation#token={post.token()}"


async def test_what_stands_in_the_mail(api: Api, world: World, post: Post) -> None:
    await Workspace.all().update(name="Parley\r\nLtd")
    await mailed(api, world)
    await Workspace.all().update(name="Chez Léon", language="fr", time_zone="Europe/Paris")
    await mailed(api, world)
    english, french = post.mails
    assert (english["To"], english["Subject"]) == ("zoe@example.com", "Join Parley Ltd")
    assert (french["To"], french["Subject"]) == ("zoe@example.com", "Rejoignez Chez Léon")
    first, second = (one.get_content().replace("\r\n", "\n") for one in post.mails)
    link = first.split("\n\n")[1]
    assert first == ENGLISH.format(time="10:30\N{NARROW NO-BREAK SPACE}PM", link=link)
    assert second == FRENCH.format(link=link_of(post))
    assert await Job.all().count() == 0, "what was taken is not sent again"


async def test_a_program_and_who_has_left_invite_too(api: Api, world: World, post: Post) -> None:
    await mailed(api, world, who=await api_key(world, Role.OWNER))
    assert post.mails[0].get_content().startswith("You are invited to ")
    made = await invite(api, world)
    await Member.filter(id=world.owner.member.id).update(is_active=False)
    assert await run_jobs() == 1
    assert post.mails[1].get_content().startswith("Olga invites you to ")
    assert post.token() != made["token"]


def test_the_moment_is_told_in_the_zone_of_the_workspace() -> None:
    until = UNTIL.astimezone(ZoneInfo("Asia/Tokyo"))
    _, text = mail(workspace="W", inviter=None, token="t", until=until, language="fr")
    assert "avant le 6 janvier 2100 à 07:30 (Asia/Tokyo)" in text


@pytest.mark.parametrize("is_mailed", [True, False])
async def test_either_token_opens_and_both_together_once(
    api: Api, world: World, post: Post, is_mailed: bool
) -> None:
    made = await mailed(api, world)
    tokens = [made["token"], post.token()]
    used = tokens.pop(is_mailed)
    assert (await join(api, used))["member"]["user"] == {"email": "zoe@example.com"}
    members = await Member.all().count()
    for token in (used, *tokens):
        assert codes(await join(api, token)) == ENDED
    assert await Member.all().count() == members


async def test_of_both_tokens_at_once_one_joins(api: Api, world: World, post: Post) -> None:
    made = await mailed(api, world)
    before = await Member.all().count()
    answers = await asyncio.gather(*(join(api, one) for one in (made["token"], post.token()) * 2))
    assert sorted(len(answer["userErrors"]) for answer in answers) == [0, 1, 1, 1]
    assert await Member.all().count() == before + 1


async def test_the_end_of_an_invitation_ends_both_tokens(
    api: Api, world: World, post: Post
) -> None:
    made = await mailed(api, world)
    first = post.token()
    replacing = await mailed(api, world)
    second = post.token()
    await revoke(api, world.owner, replacing["invitation"]["id"])
    await mailed(api, world)
    await Invitation.filter(revoked_at=None).update(expires_at=now())
    for token in (made["token"], first, replacing["token"], second, post.token()):
        assert codes(await join(api, token)) == ENDED


@pytest.mark.parametrize("end", ["accepted", "revoked", "expired", "replaced", "gone"])
async def test_what_has_ended_is_not_sent(api: Api, world: World, post: Post, end: str) -> None:
    made = await invite(api, world)
    if end == "accepted":
        assert (await join(api, made["token"]))["userErrors"] == []
    elif end == "revoked":
        await revoke(api, world.owner, made["invitation"]["id"])
    elif end == "expired":
        await Invitation.all().update(expires_at=now())
    elif end == "replaced":
        await invite(api, world)
    else:
        await Invitation.all().delete()
    before = await snapshot("invitation")
    jobs = 2 if end == "replaced" else 1
    assert await run_jobs() == jobs
    assert len(post.mails) == jobs - 1
    assert await Job.all().count() == 0
    if end != "replaced":
        assert await snapshot("invitation") == before


async def test_a_server_that_refuses_is_tried_again_with_another_token(
    api: Api, world: World, post: Post
) -> None:
    post.answer = "451 not now"
    made = await invite(api, world)
    await run_jobs()
    job, first = await Job.get(), (await Invitation.get()).mailed_token_hash
    assert (job.state.value, job.last_error) == ("READY", "mail: the server answered 451")
    post.answer = "250 OK"
    await let_time_pass(60)
    assert await run_jobs() == 1
    assert len(post.mails) == 1
    assert (await Invitation.get()).mailed_token_hash != first
    await let_time_pass(3600)
    assert await run_jobs() == 0
    assert (await join(api, post.token()))["userErrors"] == []
    assert codes(await join(api, made["token"])) == ENDED


async def test_a_second_mail_ends_the_token_of_the_first(
    api: Api, world: World, post: Post
) -> None:
    made = await invite(api, world)
    job, due = await Job.get(), now() - timedelta(seconds=5)
    await run_jobs()
    lost = post.token()
    # As if the worker had died between the mail and the end of the job.
    await Job.create(kind=job.kind, payload=job.payload, run_at=due, created_at=due)
    await run_jobs()
    assert len(post.mails) == 2
    before = await snapshot(*KEPT)
    assert codes(await join(api, lost)) == ENDED
    assert await snapshot(*KEPT) == before
    assert (await join(api, made["token"]))["userErrors"] == []


async def test_after_a_day_a_mail_is_given_up(api: Api, world: World, post: Post) -> None:
    post.answer = "451 not now"
    made = await invite(api, world)
    await Job.all().update(created_at=now() - timedelta(hours=25))
    await run_jobs()
    assert (await Job.get()).state.value == "DEAD"
    assert (await join(api, made["token"]))["userErrors"] == []


async def test_no_token_stands_anywhere_but_in_the_mail(
    api: Api, world: World, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        made = await invite(api, world, idempotencyKey="k")
        kept = str(await snapshot(*KEPT))
        assert "send_invitation" in kept
        await run_jobs()
        kept += str(await snapshot(*KEPT))
    for token in (made["token"], post.token()):
        assert token not in kept + str(logs) + caplog.text


async def test_without_a_server_the_mail_is_logged(api: Api, world: World) -> None:
    await invite(api, world)
    with capture_logs() as logs:
        await run_jobs()
    [text] = [line["text"] for line in logs if "recipient" in line]
    assert "/accept-invitation#token=pi_" in text


async def test_what_is_refused_or_repeated_sends_nothing(
    api: Api, world: World, post: Post
) -> None:
    agent = await world.add("Ada")
    assert codes(await invite(api, world, who=agent)) == [("FORBIDDEN",)]
    assert codes(await invite(api, world, email="nobody")) == [("INVALID", "email")]
    assert await Job.all().count() == 0
    for _ in range(2):
        await invite(api, world, idempotencyKey="k")
    assert await run_jobs() == 1
    assert len(post.mails) == 1


async def test_a_mailed_token_is_of_one_invitation(api: Api, world: World, post: Post) -> None:
    await mailed(api, world)
    await invite(api, world, email="ben@example.com")
    known = (await Invitation.get(email="zoe@example.com")).mailed_token_hash
    with pytest.raises(IntegrityError):
        await Invitation.filter(email="ben@example.com").update(mailed_token_hash=known)
