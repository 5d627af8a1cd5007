"""Tokens: random secrets that are shown once and kept as hashes."""

import hashlib
import secrets

SESSION_PREFIX = "ps_"
REFRESH_PREFIX = "pr_"
API_KEY_PREFIX = "pk_"
RESET_PREFIX = "pp_"
CODE_PREFIX = "pc_"
INVITATION_PREFIX = "pi_"


def hash_token(token: str) -> str:
    """Return the hash under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str) -> str:
    """Return a token that nobody can guess."""
    return prefix + secrets.token_urlsafe(32)
