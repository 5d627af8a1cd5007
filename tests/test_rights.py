"""Rights: one table from which refusals, cans and the README come, and what takes a right away."""

from pathlib import Path

import pytest

from models.member import Restriction, Role, Visibility
from models.refusal import Code, Refused
from resolvers.rights import RESTRICTABLE, RIGHTS, Right, rights_table
from resolvers.viewer import Membership, Viewer, may, require
from tests.acting import api_key
from tests.world import Api, World

README = Path(__file__).parent.parent / "README.md"
SETTINGS = """
mutation ($id: ID!) {
  updateWorkspaceSettings(input: {workspaceId: $id}) { userErrors { code message } }
}
"""
CANS = "query ($id: ID!) { workspace(id: $id) { viewerCanManageSettings viewerCanManageApiKeys } }"


def _viewer(role: Role, *restrictions: Restriction) -> Viewer:
    written = ",".join(sorted(restriction.value for restriction in restrictions))
    membership = Membership(1, 2, role, Visibility.ALL, None, written, None)
    return Viewer("session:1", 3, {1: membership}, None, None)


def test_every_right_has_its_line() -> None:
    assert set(RIGHTS) == set(Right)


def test_the_readme_has_the_table() -> None:
    assert f"\n{rights_table()}\n" in README.read_text()


def test_a_right_is_taken_only_from_roles_that_have_it() -> None:
    """Every restriction but the one that hides rows takes a right from each role it is for."""
    takers = {grant.unless for grant in RIGHTS.values() if grant.unless}
    assert takers == set(Restriction) - {Restriction.BLOCKED_CONTACTS}
    for role, restrictions in RESTRICTABLE.items():
        for restriction in restrictions - {Restriction.BLOCKED_CONTACTS}:
            taken = [grant for grant in RIGHTS.values() if grant.unless is restriction]
            assert any(role in grant.roles for grant in taken), (role, restriction)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", list(Right))
def test_a_restriction_takes_its_rights_and_no_others(role: Role, right: Right) -> None:
    grant = RIGHTS[right]
    assert may(_viewer(role), 1, right) is (role in grant.roles)
    for restriction in Restriction:
        viewer = _viewer(role, restriction, Restriction.BLOCKED_CONTACTS)
        left = role in grant.roles and grant.unless is not restriction
        assert may(viewer, 1, right) is left
        if left:
            assert require(viewer, 1, right) is viewer.memberships[1]
        else:
            with pytest.raises(Refused) as refused:
                require(viewer, 1, right)
            assert refused.value.code is Code.FORBIDDEN
    assert may(_viewer(role), 2, right) is False


async def test_a_restricted_manager_is_told_so_and_cannot(api: Api, world: World) -> None:
    taken = [Restriction.INTEGRATIONS, Restriction.WORKSPACE_SETTINGS]
    manager = await world.add("Mia", Role.MANAGER, restrictions=taken)
    cans = (await api.ask(manager, CANS, id=world.id))["workspace"]
    assert cans == {"viewerCanManageSettings": False, "viewerCanManageApiKeys": False}
    payload = (await api.ask(manager, SETTINGS, id=world.id))["updateWorkspaceSettings"]
    assert payload["userErrors"] == [
        {"code": "FORBIDDEN", "message": "Your access is restricted: this is not part of it."}
    ]
    program = await api_key(world, Role.MANAGER)
    payload = (await api.ask(program, SETTINGS, id=world.id))["updateWorkspaceSettings"]
    assert payload["userErrors"] == []
