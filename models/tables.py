"""The modules that hold tables, in the order in which they depend on each other."""

MODEL_MODULES: tuple[str, ...] = tuple(
    f"models.{name}"
    for name in (
        "workspace",
        "user",
        "session",
        "rate_window",
        "password_reset",
        "identity",
        "openid_attempt",
        "log_in_code",
        "team",
        "member",
        "invitation",
        "ai_agent",
        "api_key",
        "channel",
        "lifecycle_stage",
        "contact",
        "tag",
        "custom_field",
        "custom_inbox",
        "contact_channel",
        "conversation",
        "episode",
        "closing_note_category",
        "message",
        "activity",
        "comment",
        "read_mark",
        "event",
        "job",
        "idempotency_key",
        "inbound_event",
        "transfer",
    )
)
