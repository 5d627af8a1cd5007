"""API keys: a program's way into one workspace."""

from models.api_key import ApiKey
from models.clock import now
from models.member import Role
from models.refusal import Code, Refused
from realtime.events import CredentialRevoked
from realtime.transaction import transaction
from resolvers.idempotency import claim_key
from resolvers.tokens import API_KEY_PREFIX, hash_token, new_token
from resolvers.viewer import Right, Viewer, hidden, require

NAME_LENGTH = 100


async def create_api_key(
    viewer: Viewer, workspace_id: int, *, name: str, role: Role, idempotency_key: str | None = None
) -> tuple[ApiKey, str | None]:
    """Create a key for a program; return it with its secret, which is shown only this once."""
    membership = require(viewer, workspace_id, Right.MANAGE_API_KEYS)
    if role is Role.OWNER and membership.role is not Role.OWNER:
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.", field=("role",))
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Refused(
            Code.INVALID,
            "A name has 1 to {limit} characters.",
            field=("name",),
            limit=NAME_LENGTH,
        )
    secret = new_token(API_KEY_PREFIX)
    values = [name, role.value]
    async with transaction():
        claim = await claim_key(viewer, workspace_id, "createApiKey", idempotency_key, values)
        if claim.first_result is not None:
            return await ApiKey.get(id=claim.first_result), None
        key = await ApiKey.create(
            workspace_id=workspace_id,
            name=name,
            key_hash=hash_token(secret),
            role=role,
            created_by_id=membership.member_id,
            created_at=now(),
        )
        await claim.remember(key.id)
    return key, secret


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
