"""Rights: every field of the API, asked for by everybody, answers what their rights say."""

import asyncio
from contextlib import aclosing
from itertools import cycle
from typing import Any

import pytest

from models.member import Role
from realtime.attendance import PresenceState
from resolvers.audited import CHANGING, MAKING, NOT_KEPT, PERSONAL
from resolvers.presence import set_presence
from resolvers.rights import RIGHTS, Grant, Right, rights_of
from resolvers.typing_indicator import start_typing
from schema.context import ContextMaker
from schema.root import build_schema
from tests.access_matrix import ROWS
from tests.access_row import Row
from tests.access_stage import ALLOWED, Caller, Stage, ask, make_stage, outcome_of
from tests.streaming import repeating
from tests.world import Api

DEADLINE_SECONDS = 20
VIEWER_CAN = {
    "Conversation.viewerCanReply": Right.REPLY,
    "Conversation.viewerCanComment": Right.COMMENT,
    "Conversation.viewerCanAssign": Right.ASSIGN,
    "Conversation.viewerCanClose": Right.CLOSE,
    "Conversation.viewerCanSnooze": Right.SNOOZE,
    "Conversation.viewerCanBlock": Right.BLOCK,
    "Contact.viewerCanEdit": Right.EDIT_CONTACTS,
    "Contact.viewerCanDelete": Right.DELETE_CONTACTS,
    "Message.viewerCanRetry": Right.REPLY,
    "Workspace.viewerCanInviteMembers": Right.MANAGE_MEMBERS,
    "Workspace.viewerCanManageTeams": Right.MANAGE_TEAMS,
    "Workspace.viewerCanDeleteTeams": Right.DELETE_TEAMS,
    "Workspace.viewerCanManageChannels": Right.MANAGE_CHANNELS,
    "Workspace.viewerCanManageApiKeys": Right.MANAGE_API_KEYS,
    "Workspace.viewerCanManageSettings": Right.MANAGE_SETTINGS,
    "Workspace.viewerCanDeleteCustomFields": Right.DELETE_CUSTOM_FIELDS,
    "Workspace.viewerCanImportContacts": Right.IMPORT_CONTACTS,
    "Workspace.viewerCanViewAuditLog": Right.VIEW_AUDIT_LOG,
    "Workspace.viewerCanExportData": Right.EXPORT_DATA,
}
NOT_WHEN_OPEN = {
    "Attachment.viewerCanDelete",
    "CustomInbox.viewerCanEdit",
    "Member.viewerCanUpdate",
    "Comment.viewerCanEdit",
    "Conversation.viewerCanOpen",
    "Conversation.viewerCanReopen",
    "Conversation.viewerCanUnblock",
    "Conversation.viewerCanUnsnooze",
}
"""What needs another state than the stage's: `test_closing_again`, `test_snooze`, `test_block`,
`test_member`, `test_inbox_custom`, `test_attachment` and `test_comment` have it."""
WHAT_THEY_CAN = """
query($workspaceId: ID!, $conversationId: ID!, $messageId: ID!) {
  Workspace: workspace(id: $workspaceId) {
    viewerCanInviteMembers viewerCanManageTeams viewerCanDeleteTeams
    viewerCanManageChannels viewerCanManageApiKeys viewerCanManageSettings
    viewerCanDeleteCustomFields viewerCanImportContacts viewerCanViewAuditLog
    viewerCanExportData
  }
  Conversation: conversation(id: $conversationId) {
    viewerCanReply viewerCanAssign viewerCanClose viewerCanSnooze viewerCanBlock viewerCanComment
    contact { viewerCanEdit viewerCanDelete }
  }
  Message: message(id: $messageId) { viewerCanRetry }
}
"""


def expected(caller: Caller, row: Row) -> str:
    """Return what a caller's rights say of a field."""
    if row.is_open:
        return ALLOWED
    if caller.problem is not None:
        return caller.problem
    if row.right is not None:
        if caller.role is None or (row.of_conversation and not caller.sees):
            return "NOT_FOUND"
        grant = RIGHTS[row.right]
        if caller.role not in grant.roles or grant.unless in caller.restrictions:
            return "FORBIDDEN"
    if row.people_only and caller.is_program:
        return "FORBIDDEN"
    if row.only not in (None, caller.name):
        return "FORBIDDEN"
    return "NOT_FOUND" if row.of_owner and caller.name != "owner" else ALLOWED


def rows_of(kind: str) -> dict[str, Row]:
    """Return the rows of queries, mutations or subscriptions."""
    return {name: row for name, row in ROWS.items() if name.startswith(kind)}


def test_every_field_has_its_row() -> None:
    schema = build_schema()._schema
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    fields = {f"{root.name}.{name}" for root in roots if root for name in root.fields}
    assert set(ROWS) == fields


def test_of_every_mutation_it_is_said_whether_the_audit_log_keeps_it() -> None:
    schema = build_schema()._schema
    assert schema.mutation_type is not None
    lists = [set(MAKING), set(CHANGING), set(PERSONAL), set(NOT_KEPT)]
    assert sorted(name for one in lists for name in one) == sorted(schema.mutation_type.fields)
    assert all(NOT_KEPT.values())


@pytest.mark.parametrize("kind", ["Query", "Mutation"])
async def test_everybody_gets_what_their_rights_say(api: Api, kind: str) -> None:
    stage = await make_stage()
    answers, wanted = {}, {}
    for name, row in rows_of(kind).items():
        for caller in stage.callers:
            answers[name, caller.name] = await ask(api, caller, row, stage.ids)
            wanted[name, caller.name] = expected(caller, row)
            await stage.restore()
    assert len(answers) >= 11 * 11
    assert answers == wanted


async def test_everybody_follows_what_their_rights_say(api: Api) -> None:
    stage = await make_stage()

    states = cycle((PresenceState.AWAY, PresenceState.ONLINE))

    async def somebody_types() -> None:
        for person, conversation_id in stage.typists:
            viewer = await person.viewer()
            await start_typing(viewer, conversation_id, surface="MESSAGE")
            await set_presence(viewer, state=next(states))

    for caller in stage.callers:  # an export is told to nobody but who has started it
        await ask(api, caller, ROWS["Mutation.exportContacts"], stage.ids)
        await stage.restore()
    answers, wanted = {}, {}
    for name, row in rows_of("Subscription").items():
        for caller in stage.callers:
            async with repeating(somebody_types):
                answers[name, caller.name] = await first_answer(api, caller, row, stage)
            wanted[name, caller.name] = expected(caller, row)
    assert answers == wanted


async def first_answer(api: Api, caller: Caller, row: Row, stage: Stage) -> str:
    """Return the outcome of the first thing that a subscription tells."""
    context = await ContextMaker(api.hub)(caller.token, "")
    async with asyncio.timeout(DEADLINE_SECONDS):
        results: Any = await api.schema.subscribe(
            row.document, variable_values=row.values(stage.ids), context_value=context
        )
        if hasattr(results, "errors"):
            return outcome_of({"errors": [error.formatted for error in results.errors]})
        async with aclosing(results):
            result = await anext(results)
            errors = [error.formatted for error in result.errors or []]
            return outcome_of({"data": result.data, "errors": errors})


def test_every_can_is_compared_with_a_right() -> None:
    schema: Any = build_schema()._schema
    fields = {
        f"{kind.name}.{name}"
        for kind in schema.type_map.values()
        for name in getattr(kind, "fields", {})
        if name.startswith("viewerCan")
    }
    assert set(VIEWER_CAN) | NOT_WHEN_OPEN == fields
    assert {row.right for row in ROWS.values()} - {None, Right.VIEW} == set(VIEWER_CAN.values())


async def test_the_table_of_rights_moves_the_cans_and_the_refusals(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await make_stage()
    for right in set(VIEWER_CAN.values()):
        for allowed in (frozenset(Role), frozenset({Role.OWNER, Role.MANAGER}) - _but(right)):
            with monkeypatch.context() as patch:
                patch.setitem(RIGHTS, right, Grant(allowed))
                patch.setattr("resolvers.viewer.rights_of", rights_of.__wrapped__)
                for caller in stage.callers[:3]:
                    await compare(api, stage, caller, right)


def _but(right: Right) -> frozenset[Role]:
    """Return whom to leave out so that the table is another than the real one."""
    return frozenset({Role.MANAGER}) if RIGHTS[right].roles != frozenset(Role) else frozenset()


async def compare(api: Api, stage: Stage, caller: Caller, right: Right) -> None:
    """Hold what a caller is told that they can, and what they then may, to the table."""
    await stage.restore()
    asked = {key: stage.ids[key] for key in ("workspaceId", "conversationId", "messageId")}
    data = (await api.run(caller.token, WHAT_THEY_CAN, **asked))["data"]
    data["Contact"] = data["Conversation"].pop("contact")
    cans = {f"{kind}.{name}": can for kind in data for name, can in data[kind].items()}
    assert cans == {
        name: caller.role in RIGHTS[needed].roles for name, needed in VIEWER_CAN.items()
    }
    for name, row in ROWS.items():
        if row.right is right and not name.startswith("Subscription"):
            answer = await ask(api, caller, row, stage.ids)
            assert answer == expected(caller, row), name
            await stage.restore()
