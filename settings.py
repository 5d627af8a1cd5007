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
    """The address that this server listens on."""
    port: int = 8000
    """The port that this server listens on."""
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
    """Where the server keeps files of its own."""

    embedded_worker: bool = True
    """Run durable jobs inside the server process; false where `parley worker` does it."""
    compiled_execution: bool = True
    """Execute operations by compiled plans; false leaves all of them to graphql-core."""
    graphiql: bool = True
    """Whether browsers that open `/graphql` get GraphiQL."""
    introspection: bool = True
    """Whether the schema can be asked for, and errors suggest names."""
    persisted_documents: Path | None = None
    """The manifest of registered documents, as `parley schema persist` writes it."""
    persisted_only: bool = False
    """Execute registered documents only; GraphiQL and introspection are refused, too."""
    log_format: Literal["console", "json"] = "console"
    """For people or for programs."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""

    access_token_seconds: int = 12 * 3600
    """How long an access token is good."""
    refresh_token_seconds: int = 30 * 86400
    """How long a session can be renewed."""
    log_in_window_seconds: int = Field(default=900, ge=1)
    """How long attempts to log in are counted, from the first one on."""
    log_in_failures_per_account: int = Field(default=10, ge=1)
    """The most that fail for one account name in that time, whether the account exists or not."""
    log_in_attempts_per_account: int = Field(default=100, ge=1)
    """The most for one account name, successful ones included."""
    log_in_failures_per_address: int = Field(default=50, ge=1)
    """The most that fail from one address; behind a proxy, FORWARDED_ALLOW_IPS must name it."""
    log_in_attempts_per_address: int = Field(default=500, ge=1)
    """The most from one address, successful ones included."""
    password_reset_window_seconds: int = Field(default=3600, ge=1)
    """How long requests for another password are counted, from the first one on."""
    password_resets_per_account: int = Field(default=3, ge=1)
    """The most for one account name in that time, whether the account exists or not."""
    password_resets_per_address: int = Field(default=20, ge=1)
    """The most from one address."""
    smtp_url: SecretStr = SecretStr("")
    """`smtp://user:password@host:port` (with STARTTLS where the server has it) or `smtps://…`;
    empty: a server whose `public_url` is this machine logs its mail instead."""
    oidc_discovery_url: str = ""
    """`https://provider/.well-known/openid-configuration`; empty: nobody logs in that way."""
    oidc_client_id: str = ""
    """As the provider knows us; it must know `public_url`/auth/oidc/callback, too."""
    oidc_client_secret: SecretStr = SecretStr("")
    """What proves to the provider who we are."""
    oidc_creates_accounts: bool = False
    """Whether who has no account gets one, in no workspace; else they are refused."""
    mail_from: str = "Parley <parley@localhost>"
    """Who mail is from."""
    event_retention_days: int = Field(default=7, ge=7)
    """How long events are kept, and cursors with them."""
    audit_retention_days: int = Field(default=365, ge=90)
    """How long the audit log's entries are kept; the database lets nobody delete them earlier than
    after 90 days."""
    idempotency_retention_days: int = Field(default=7, ge=7)
    """How long the result of an idempotency key is kept."""

    max_body_bytes: int = 1024 * 1024
    """The largest body of a request."""
    import_max_bytes: int = 50 * 1024 * 1024
    """The largest file of an import."""
    file_max_bytes: int = Field(default=20 * 1024 * 1024, ge=1)
    """The largest file of a message or a comment."""
    incoming_file_max_bytes: int = Field(default=100 * 1024 * 1024, ge=1)
    """The largest file that is taken from a channel."""
    file_quota_bytes: int = Field(default=20 * 1024**3, ge=0)
    """How much the files of one workspace may have together."""
    file_url: str = ""
    """Where files are kept: `s3://bucket/prefix`; empty: in `files` of the data directory."""
    file_s3_endpoint: str = ""
    """The address of an S3-compatible server; empty: Amazon's."""
    file_s3_region: str = "us-east-1"
    """The bucket's region."""
    file_s3_access_key: str = ""
    """The key's id; with an empty one, what the environment or the machine's role gives."""
    file_s3_secret_key: SecretStr = SecretStr("")
    """The key."""
    upload_idle_seconds: float = Field(default=15.0, gt=0)
    """How long an upload may pause."""
    upload_seconds: float = Field(default=900.0, gt=0)
    """How long an upload may take in all."""
    max_tokens: int = 2000
    """The most tokens of a document."""
    max_depth: int = 10
    """The deepest nesting of fields."""
    max_aliases: int = 15
    """The most aliases of an operation."""
    max_directives: int = 50
    """The most directives of an operation."""
    max_root_fields: int = 20
    """The most fields at the root of an operation."""
    max_cost: int = 5000
    """The most that an operation may cost: about the number of objects it can return."""
    operation_timeout_seconds: float = 10.0
    """How long one operation, or one event, may take."""
    connection_init_timeout_seconds: float = 10.0
    """How long a socket may take to say who it is."""
    max_subscriptions_per_socket: int = 50
    """The most operations that one socket runs at once."""
    max_sockets_per_user: int = 20
    """The most sockets and event streams of one person or API key, in each process."""
    stream_queue_events: int = 256
    """The most events that wait for one slow client before it is closed."""
    shutdown_seconds: float = 15.0
    """How long a server takes to stop, at most."""

    email_max_bytes: int = 10 * 1024 * 1024
    """The largest mail that is taken from a mail server."""
    outbound_timeout_seconds: float = 15.0
    """How long a request to a channel's server may take."""
    outbound_private_hosts: str = ""
    """Comma-separated `host` or `host:port` names that channels may reach although they are not
    public addresses (an integrator beside this server; the demo's customer)."""
    demo_password: SecretStr = SecretStr("parley-demo")
    """The password of everybody in the demo workspace."""


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process, read once from the environment and `.env`."""
    return Settings()
