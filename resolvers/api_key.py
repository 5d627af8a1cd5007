"""API keys: a program's way into one workspace."""

from collections.abc import Collection

from models.api_key import ApiKey, ApiKeyScope
from models.clock import now
from models.member import Role
from models.refusal import Code, Refused
from realtime.events import CredentialRevoked
from realtime.transaction import transaction
from resolvers.access import hold_workspace
from resolvers.idempotency import claim_key
from resolvers.rights import Right
from resolvers.tokens import API_KEY_PREFIX, hash_token, new_token
from resolvers.viewer import Viewer, hidden, require

NAME_LENGTH = 100
MAX_KEYS = 100
"""How many keys of a workspace can be good at once."""


def clean_name(name: str) -> str:
    """Return the name of a key as it is kept; refuse one that is empty or too long."""
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Refused(
            Code.INVALID, "A name has 1 to {limit} characters.", field=("name",), limit=NAME_LENGTH
        )
    return name


def written_scopes(scopes: Collection[ApiKeyScope] | None, own: str) -> str:
    """Return the scopes of a new key as its column has them; refuse more than `own` has.

    Every key may read. None are all scopes, also for the maker's `own`, which are written alike.
    """
    if scopes is None:
        chosen = ""
    elif not scopes:
        raise Refused(
            Code.INVALID, "Choose scopes, or leave them out to have them all.", field=("scopes",)
        )
    else:
        wanted = {ApiKeyScope.READ, *scopes}
        chosen = ",".join(scope.value for scope in ApiKeyScope if scope in wanted)
    if own and not (chosen and set(chosen.split(",")) <= set(own.split(","))):
        raise Refused(
            Code.FORBIDDEN, "A key makes no key that may do more than itself.", field=("scopes",)
        )
    return chosen


async def create_api_key(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    role: Role,
    scopes: Collection[ApiKeyScope] | None = None,
    idempotency_key: str | None = None,
) -> tuple[ApiKey, str | None]:
    """Create a key for a program; return it with its secret, which is shown only this once."""
    membership = require(viewer, workspace_id, Right.MANAGE_API_KEYS)
    chosen = written_scopes(scopes, membership.scopes)
    if role is Role.OWNER and membership.role is not Role.OWNER:
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.", field=("role",))
    name = clean_name(name)
    secret = new_token(API_KEY_PREFIX)
    values = [name, role.value, *([chosen] if chosen else [])]
    async with transaction():
        await hold_workspace(viewer, workspace_id, Right.MANAGE_API_KEYS)
        claim = await claim_key(viewer, workspace_id, "createApiKey", idempotency_key, values)
        if claim.first_result is not None:
            return await ApiKey.get(id=claim.first_result), None
        if len(await api_keys(workspace_id)) >= MAX_KEYS:
            raise Refused(
                Code.WRONG_STATE, "A workspace has at most {limit} API keys.", limit=MAX_KEYS
            )
        key = await ApiKey.create(
            workspace_id=workspace_id,
            name=name,
            key_hash=hash_token(secret),
            role=role,
            scopes=chosen,
            created_by_id=membership.member_id,
            created_at=now(),
        )
        await claim.remember(key.id)
    return key, secret


async def api_keys(workspace_id: int) -> list[ApiKey]:
    """Return the keys of a workspace of the viewer that are good, the newest first."""
    return await ApiKey.filter(workspace_id=workspace_id, revoked_at=None).order_by("-id")


async def revoke_api_key(viewer: Viewer, api_key_id: int) -> ApiKey:
    """End a key at once; streams opened with it close. Revoking it again changes nothing."""
    async with transaction() as announce:
        key = await ApiKey.filter(id=api_key_id).first()
        if key is None or key.workspace_id not in viewer.memberships:
            raise hidden(("apiKeyId",))
        require(viewer, key.workspace_id, Right.MANAGE_API_KEYS)
        if key.revoked_at is None:
            key.revoked_at = now()
            await key.save(update_fields=["revoked_at"])
            announce(CredentialRevoked(key.workspace_id, f"api_key:{key.id}"))
    return key
