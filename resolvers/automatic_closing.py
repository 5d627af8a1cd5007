"""Automatic closing: what nobody has written in for the workspace's time is closed, once."""

from models.engine import sql
from models.episode import ChangeSource
from models.queries import lock_conversation
from models.records import ConversationRecord
from realtime.jobs import ClaimedJob
from realtime.transaction import transaction
from resolvers.closing import close_now
from resolvers.conversation import Cause
from resolvers.idle_clock import closes_at, watch

BY_AUTO_CLOSE = Cause(ChangeSource.AUTO_CLOSE)


async def close_idle(job: ClaimedJob) -> None:
    """Close a conversation whose clock has run out by the database's; else wait on, if it runs.

    The state, its event and the end of the job commit together: it happens exactly once.
    """
    async with transaction() as announce:
        conversation = await lock_conversation(job.payload["conversation_id"])
        due = closes_at(conversation) if conversation is not None else None
        if conversation is not None and due is not None:
            [clock] = await sql.rows(f"SELECT {sql.database_now()} AS now")
            if due > sql.moment(clock["now"]):
                watch(conversation, announce)
            elif await _is_meant(conversation):
                await close_now(conversation, BY_AUTO_CLOSE, announce)
        await job.complete()


async def _is_meant(conversation: ConversationRecord) -> bool:
    """Tell whether automatic closing is on, and was when the running episode began."""
    found = await sql.records(
        "SELECT 1 FROM workspace WHERE id = ? AND auto_close_since <= ?",
        conversation.workspace_id,
        conversation.opened_at,
    )
    return bool(found)
