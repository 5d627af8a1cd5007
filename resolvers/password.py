"""Passwords: hashed with argon2, in threads."""

import asyncio

from pwdlib import PasswordHash

from models.engine import sql

_passwords = PasswordHash.recommended()
_NOBODY = _passwords.hash("a password that nobody has")


async def hash_password(password: str) -> str:
    """Return the argon2 hash of a password, computed in a thread."""
    return await asyncio.to_thread(_passwords.hash, password)


async def matches(password: str, known: str | None) -> bool:
    """Tell whether a password is that of a hash; as much work where there is none."""
    is_right = await asyncio.to_thread(_passwords.verify, password, known or _NOBODY)
    return is_right and known is not None


async def still_has(user_id: int, password_hash: str) -> bool:
    """Tell whether a user's password is the one just proved; it stays so in this transaction."""
    lock = " FOR SHARE" if sql.dialect() == "postgres" else ""
    query = f"SELECT 1 FROM account WHERE id = ? AND password_hash = ?{lock}"
    return bool(await sql.rows(query, user_id, password_hash))
