"""Every setting of Parley, typed, with its unit and default, read from `PARLEY_<NAME>`."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may decide, in bytes and seconds unless a name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="PARLEY_", env_file=".env", extra="ignore")

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    """Where people and channels reach this server; links and webhook addresses begin with it."""
    allowed_hosts: str = "*"
    """Comma-separated `Host` names that are answered; `*` answers all."""
    allowed_origins: str = ""
    """Comma-separated browser origins, besides our own, that may call the API and open sockets."""

    database_url: str = "sqlite://parley.db"
    """`sqlite://path` or `postgres://user:password@host:port/database`."""
    database_pool_size: int = Field(default=10, ge=1, le=200)
    """PostgreSQL connections, or SQLite read connections, of one process."""
    bus_url: str = ""
    """`memory://`, `redis://…` or `postgres://…`; empty: the database if PostgreSQL, or memory."""
    data_directory: Path = Path(".parley")

    embedded_worker: bool = True
    """Run durable jobs inside the server process; false where `parley worker` does it."""
    graphiql: bool = True
    introspection: bool = True
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    access_token_seconds: int = 12 * 3600
    refresh_token_seconds: int = 30 * 86400
    event_retention_days: int = Field(default=7, ge=7)
    idempotency_retention_days: int = Field(default=7, ge=7)

    max_body_bytes: int = 1024 * 1024
    max_tokens: int = 2000
    max_depth: int = 10
    max_aliases: int = 15
    max_directives: int = 50
    max_root_fields: int = 20
    max_cost: int = 5000
    operation_timeout_seconds: float = 10.0
    connection_init_timeout_seconds: float = 10.0
    max_subscriptions_per_socket: int = 50
    max_sockets_per_user: int = 20
    stream_queue_events: int = 256
    stream_queue_bytes: int = 1024 * 1024
    shutdown_seconds: float = 15.0

    outbound_timeout_seconds: float = 15.0
    outbound_private_hosts: str = ""
    """Comma-separated `host` or `host:port` names that channels may reach although they are not
    public addresses (an integrator beside this server; the demo's customer)."""
    demo_password: SecretStr = SecretStr("parley-demo")


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process, read once from the environment and `.env`."""
    return Settings()
