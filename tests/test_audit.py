"""The audit log: who did what to whom, what was refused, and who reads it."""

from typing import Any

from models.audit_entry import AuditEntry
from models.engine import sql
from models.member import Role, Visibility
from resolvers.deed import DENIED_PER_MINUTE
from schema.ids import encode_id
from tests.acting import api_key
from tests.world import PASSWORD, Api, Person, World, make_world, run_jobs

LOG = """
query($workspaceId: ID!, $filter: AuditLogFilter, $first: Int, $after: String, $last: Int,
      $before: String) {
  auditLog(workspaceId: $workspaceId, filter: $filter, first: $first, after: $after, last: $last,
           before: $before) {
    nodes {
      action outcome code targetId address requestId
      actor { __typename ... on Member { id } ... on ApiKey { id name } }
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def page(api: Api, world: World, **given: Any) -> Any:
    """Return a page of the log, as the owner reads it."""
    return (await api.ask(world.owner, LOG, workspaceId=world.id, **given))["auditLog"]


async def log(api: Api, world: World, **given: Any) -> list[tuple[Any, ...]]:
    """Return the log, newest first, in short: who, what, to what, and why not."""
    return [
        (
            node["actor"] and node["actor"]["id"],
            node["action"],
            node["targetId"],
            node["code"] or node["outcome"],
        )
        for node in (await page(api, world, **given))["nodes"]
    ]


async def do(api: Api, who: Person | str | None, action: str, **given: Any) -> Any:
    """Use a mutation; return the codes of its refusal."""
    kind = action[0].upper() + action[1:]
    document = (
        f"mutation ($input: {kind}Input!) {{ {action}(input: $input) {{ userErrors {{ code }} }} }}"
    )
    payload = (await api.ask(who, document, input=given))[action]
    return [error["code"] for error in payload["userErrors"]]


async def test_what_is_made_changed_and_removed_is_kept(api: Api, world: World) -> None:
    ben = await world.add("Ben")
    assert await do(api, world.owner, "createTag", workspaceId=world.id, name="VIP") == []
    [row] = await sql.rows("SELECT id FROM tag")
    tag = encode_id("Tag", row["id"])
    assert await do(api, world.owner, "updateTag", tagId=tag, name="Star") == []
    assert await do(api, world.owner, "deleteTag", tagId=tag) == []
    assert await do(api, world.owner, "updateMember", memberId=ben.id, role="MANAGER") == []
    assert await do(api, ben, "leaveWorkspace", workspaceId=world.id) == []
    settings = {"workspaceId": world.id, "name": "Other"}
    assert await do(api, world.owner, "updateWorkspaceSettings", **settings) == []
    me = world.owner.id
    assert await log(api, world) == [
        (me, "updateWorkspaceSettings", world.id, "ALLOWED"),
        (ben.id, "leaveWorkspace", world.id, "ALLOWED"),
        (me, "updateMember", ben.id, "ALLOWED"),
        (me, "deleteTag", tag, "ALLOWED"),
        (me, "updateTag", tag, "ALLOWED"),
        (me, "createTag", tag, "ALLOWED"),
    ]


async def test_a_repeated_call_is_kept_once(api: Api, world: World) -> None:
    for _ in range(2):
        given = {"workspaceId": world.id, "name": "VIP", "idempotencyKey": "k"}
        assert await do(api, world.owner, "createTag", **given) == []
    assert [entry[1] for entry in await log(api, world)] == ["createTag"]


async def test_a_new_workspace_and_a_new_member_begin_with_their_entry(
    api: Api, world: World
) -> None:
    assert await do(api, world.owner, "createWorkspace", name="Second") == []
    [row] = await sql.rows("SELECT id FROM workspace WHERE name = 'Second'")
    made = encode_id("Workspace", row["id"])
    answer = await api.ask(world.owner, LOG, workspaceId=made)
    [node] = answer["auditLog"]["nodes"]
    assert (node["action"], node["targetId"]) == ("createWorkspace", made)
    invite = """mutation($input: InviteMemberInput!) {
      inviteMember(input: $input) { token invitation { id } } }"""
    given = {"workspaceId": world.id, "email": "new@parley.test", "role": "AGENT"}
    invited = (await api.ask(world.owner, invite, input=given))["inviteMember"]
    accept = {"token": invited["token"], "name": "New", "password": "a good password"}
    assert await do(api, None, "acceptInvitation", **accept) == []
    [row] = await sql.rows("SELECT MAX(id) AS id FROM member")
    invitation = invited["invitation"]["id"]
    assert await log(api, world) == [
        (encode_id("Member", row["id"]), "acceptInvitation", invitation, "ALLOWED"),
        (world.owner.id, "inviteMember", invitation, "ALLOWED"),
    ]


async def test_what_a_program_does_is_its_own(api: Api, world: World) -> None:
    secret = await api_key(world, Role.MANAGER)
    assert await do(api, secret, "createTag", workspaceId=world.id, name="VIP") == []
    assert await do(api, secret, "logOut") == ["FORBIDDEN"]
    nodes = (await page(api, world))["nodes"]
    assert [(node["action"], node["outcome"], node["actor"]["__typename"]) for node in nodes] == [
        ("logOut", "DENIED", "ApiKey"),
        ("createTag", "ALLOWED", "ApiKey"),
    ]
    assert {node["actor"]["name"] for node in nodes} == {"Program"}


async def test_sessions_are_kept_in_every_workspace_of_the_person(api: Api, world: World) -> None:
    other = await make_world("Other")
    ben = await world.add("Ben")
    await sql.affected(
        "UPDATE member SET user_id = ? WHERE id = ?", ben.user.id, other.owner.member.id
    )
    given = {"email": ben.user.email, "password": PASSWORD}
    assert await do(api, None, "logIn", **given) == []
    assert await do(api, None, "logIn", **given | {"password": "wrong"}) == ["INVALID_CREDENTIALS"]
    nobody = {"email": "nobody@parley.test", "password": "wrong"}
    assert await do(api, None, "logIn", **nobody) == ["INVALID_CREDENTIALS"]
    wrong = {"currentPassword": "wrong", "newPassword": "another horse"}
    assert await do(api, ben, "changePassword", **wrong) == ["INVALID_CREDENTIALS"]
    assert await do(api, ben, "logOutEverywhere") == []
    await run_jobs()
    entries = await AuditEntry.all().order_by("workspace_id", "action", "outcome")
    assert [
        (one.workspace_id, one.actor, one.action, one.target_id, one.code) for one in entries
    ] == [
        (world_id, actor, action, target, code)
        for world_id, member in (
            (world.workspace.id, ben.member.id),
            (other.workspace.id, other.owner.member.id),
        )
        for actor, action, target, code in (
            (f"member:{member}", "changePassword", None, "INVALID_CREDENTIALS"),
            (f"member:{member}", "logIn", None, None),
            (None, "logIn", member, "INVALID_CREDENTIALS"),
            (f"member:{member}", "logOutEverywhere", None, None),
        )
    ]


async def test_conversations_tagged_in_bulk_have_an_entry_each(api: Api, world: World) -> None:
    assert await do(api, world.owner, "createTag", workspaceId=world.id, name="VIP") == []
    [row] = await sql.rows("SELECT id FROM tag")
    ids = [encode_id("Conversation", (await world.conversation(name)).id) for name in "AB"]
    tagged = {"conversationIds": ids, "tagIds": [encode_id("Tag", row["id"])]}
    assert await do(api, world.owner, "tagConversations", **tagged) == []
    found = await log(api, world, filter={"action": "tagConversations"})
    assert [entry[2] for entry in found] == ids[::-1]


async def test_what_history_says_is_not_repeated(api: Api, world: World) -> None:
    conversation = encode_id("Conversation", (await world.hear()).conversation_id)
    sent = {"conversationId": conversation, "text": "Hi", "idempotencyKey": "k"}
    assert await do(api, world.owner, "sendMessage", **sent) == []
    assert await do(api, world.owner, "closeConversation", conversationId=conversation) == []
    assert await log(api, world) == []


async def test_a_refusal_for_want_of_a_right_is_kept(api: Api, world: World) -> None:
    agent = await world.add("Ada")
    assert await do(api, agent, "createTag", workspaceId=world.id, name="VIP") == ["FORBIDDEN"]
    assert await do(api, agent, "removeMember", memberId=world.owner.id) == ["FORBIDDEN"]
    assert await do(api, world.owner, "createTag", workspaceId=world.id, name="") == ["BLANK"]
    assert await log(api, world) == [
        (agent.id, "removeMember", world.owner.id, "FORBIDDEN"),
        (agent.id, "createTag", world.id, "FORBIDDEN"),
    ]


async def test_a_hidden_row_is_kept_and_one_that_never_was_is_not(api: Api, world: World) -> None:
    agent = await world.add("Ada", visibility=Visibility.OWN)
    other = await make_world("Other")
    hidden = encode_id("Conversation", (await world.conversation()).id)
    foreign = encode_id("Conversation", (await other.conversation()).id)
    for key in (hidden, foreign, encode_id("Conversation", 999_999), "nonsense"):
        sent = {"conversationId": key, "text": "Hi", "idempotencyKey": "k"}
        assert await do(api, agent, "sendMessage", **sent) == ["NOT_FOUND"]
        assert await do(api, agent, "closeConversations", conversationIds=[key]) == []
    assert await log(api, world) == [
        (agent.id, "closeConversations", hidden, "NOT_FOUND"),
        (agent.id, "sendMessage", hidden, "NOT_FOUND"),
    ]
    assert await log(api, other) == []


async def test_a_flood_of_refusals_is_cut_off(api: Api, world: World) -> None:
    agent, other = await world.add("Ada"), await world.add("Ben")
    for _ in range(DENIED_PER_MINUTE + 5):
        assert await do(api, agent, "deleteTag", tagId=encode_id("Tag", 1)) == ["NOT_FOUND"]
        assert await do(api, agent, "createTag", workspaceId=world.id, name="x") == ["FORBIDDEN"]
    assert await AuditEntry.all().count() == DENIED_PER_MINUTE
    assert await do(api, other, "createTag", workspaceId=world.id, name="x") == ["FORBIDDEN"]
    assert await AuditEntry.all().count() == DENIED_PER_MINUTE + 1
