"""Mentions: who is notified of one, as a rule without a database."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from models.member import Restriction, Role, Visibility
from models.records import ConversationRecord, MemberRecord, UserRecord
from resolvers.mention import to_notify

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
AUTHOR, ASSIGNEE, TEAM = 1, 2, 7


def member(key: int, **given: Any) -> MemberRecord:
    """Return an active agent of the workspace who sees all."""
    values = {
        "workspace_id": 1,
        "team_id": None,
        "role": Role.AGENT,
        "visibility": Visibility.ALL,
        "restrictions": "",
        "is_active": True,
        "created_at": MOMENT,
        "user": UserRecord(key, f"{key}@example.com", "Ada", None),
    }
    return MemberRecord(id=key, user_id=key, **values | given)


def conversation(*, is_blocked: bool = False) -> ConversationRecord:
    """Return one that a member of a team looks after."""
    row = SimpleNamespace(
        workspace_id=1,
        assignee_id=ASSIGNEE,
        assignee=member(ASSIGNEE, team_id=TEAM),
        team_id=None,
        blocked_at=MOMENT if is_blocked else None,
    )
    return cast(ConversationRecord, row)


OWN, OF_TEAM = {"visibility": Visibility.OWN}, {"visibility": Visibility.TEAM}
WARY = {"restrictions": Restriction.BLOCKED_CONTACTS.value}


@pytest.mark.parametrize(
    ("key", "given", "is_blocked", "is_notified"),
    [
        (3, {}, False, True),
        (AUTHOR, {}, False, False),  # nobody notifies themselves
        (9, {}, False, False),  # was mentioned before
        (3, {"is_active": False}, False, False),
        (ASSIGNEE, OWN, False, True),
        (3, OWN, False, False),
        (3, OWN | {"role": Role.MANAGER}, False, True),  # only agents are kept from anything
        (3, OF_TEAM | {"team_id": TEAM}, False, True),
        (3, OF_TEAM | {"team_id": 8}, False, False),
        (3, OF_TEAM, False, False),
        (3, WARY, False, True),
        (3, WARY, True, False),
        (3, {}, True, True),
        (3, {"workspace_id": 2}, False, False),
    ],
)
def test_who_is_notified(
    key: int, given: dict[str, Any], is_blocked: bool, is_notified: bool
) -> None:
    row = conversation(is_blocked=is_blocked)
    members = [member(key, **given)]
    told = to_notify(members, row, author_id=AUTHOR, before={9})
    assert told == [key] * is_notified
