"""Serving the demo workspace: `parley serve --demo`, and with customers `parley demo`."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from app import create_app
from cli import make_server
from demo.page import DemoPage
from demo.processes import Programs, leave_on_sigterm, need_port, url_of
from demo.seed import Demo, find_demo, move_channel, seed
from demo.shop import COLLEAGUES, SHOP, Colleague
from models.api_key import ApiKey
from models.database import connect, disconnect
from models.member import Role, Visibility
from resolvers.api_key import create_api_key, revoke_api_key
from settings import Settings

KEY_NAME = "Printed at the demo's start"
NOT_EMPTY = "This database has a workspace of its own, so the demo was left out."
VISIBILITIES = {Visibility.TEAM: ", sees their team's", Visibility.OWN: ", sees their own"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A seeded demo, and a program's way into it."""

    demo: Demo
    api_key: str


async def prepare(settings: Settings, customers_url: str | None = None) -> Prepared | None:
    """Seed the migrated database and make this start's API key; None where others live there.

    From now on the shop's messages go to the customers of this start, if it has some.
    """
    await connect(settings.database_url)
    try:
        demo = await seed(settings.demo_password.get_secret_value())
        if demo is None:
            return None
        if customers_url is not None:
            demo = await move_channel(demo, customers_url)
        # Only its hash was kept, so each start makes a key and ends the one before it.
        for key in await ApiKey.filter(
            workspace_id=demo.workspace_id, name=KEY_NAME, revoked_at=None
        ):
            await revoke_api_key(demo.owner, key.id)
        _, secret = await create_api_key(
            demo.owner, demo.workspace_id, name=KEY_NAME, role=Role.MANAGER
        )
        assert secret is not None  # noqa: S101 - only a repeated call gets none
        return Prepared(demo, secret)
    finally:
        await disconnect()


def with_reach(settings: Settings, base_url: str) -> Settings:
    """Return settings under which messages may go to the customers, who are on this machine."""
    hosts = [settings.outbound_private_hosts, urlsplit(base_url).netloc]
    allowed = ",".join(host for host in hosts if host)
    return settings.model_copy(update={"outbound_private_hosts": allowed})


def local_url(settings: Settings) -> str:
    """Return where this server is found from this machine."""
    anywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    host = "127.0.0.1" if anywhere else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def serve_demo(settings: Settings, *, with_customers: bool = False) -> None:
    """Seed an empty database, serve it, and print what to open; until Ctrl-C or SIGTERM."""
    need_port(settings.host, settings.port)
    leave_on_sigterm()
    with suppress(KeyboardInterrupt), Programs() as programs:
        listener = socket.create_server(("127.0.0.1", 0)) if with_customers else None
        prepared = asyncio.run(prepare(settings, url_of(listener) if listener else None))
        if prepared is None:
            print(NOT_EMPTY, flush=True)
            make_server(create_app(settings), settings).run()
            return
        demo = prepared.demo
        if listener is not None:
            programs.start_customers(local_url(settings), demo.channel, listener)
        settings = with_reach(settings, demo.channel.base_url)
        server = make_server(create_app(settings, page_data=DemoPage(demo)), settings)
        text = welcome(settings, [local_url(settings)], prepared, with_customers=with_customers)
        server.when_listening = lambda: print(text, flush=True)
        server.run()
    print("Stopped.", flush=True)


def welcome(
    settings: Settings, urls: Iterable[str], prepared: Prepared, *, with_customers: bool
) -> str:
    """Return what to open and how to get in."""
    hint = (
        "Customers write now and then, and answer what you send: run the tab MessageAdded."
        if with_customers
        else "Nobody takes what you send yet: `make demo` adds customers who write and answer."
    )
    lines = [
        "",
        f"Parley serves the demo workspace {SHOP}.",
        "",
        *(f"  Open       {url}/graphql" for url in urls),
        f"  Log in as  {_login(COLLEAGUES[0])}",
        *(f"             {_login(colleague)}" for colleague in COLLEAGUES[1:]),
        f"  Password   {settings.demo_password.get_secret_value()}",
        f"  API key    {prepared.api_key}",
        "",
        f"{hint} Ctrl-C stops.",
    ]
    if not _is_this_machine(settings.host):
        lines.append("Everybody who reaches this address may use the demo workspace.")
    return "\n".join([*lines, ""])


def _login(colleague: Colleague) -> str:
    seen = VISIBILITIES.get(colleague.visibility, "")
    return f"{colleague.email:<22}{colleague.role.value.title()}{seen}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main() -> None:
    """Serve an already seeded demo without a word: one of a cluster's servers."""
    from cli import configure_logging
    from settings import get_settings

    settings = get_settings()
    configure_logging(settings)

    async def find() -> Demo | None:
        await connect(settings.database_url)
        try:
            return await find_demo()
        finally:
            await disconnect()

    demo = asyncio.run(find())
    page_data = DemoPage(demo) if demo is not None else None
    with suppress(KeyboardInterrupt):
        make_server(create_app(settings, page_data=page_data), settings).run()


if __name__ == "__main__":
    main()
