"""Clients: the device and the network from which somebody asks."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

USER_AGENT_LENGTH = 200
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")
IPV6_NETWORK_BITS = 64
"""What one household or server gets: it has as many addresses as it likes."""


@dataclass(frozen=True, slots=True)
class Client:
    """From where an operation came."""

    address: str | None
    """As the server sees it, or as a proxy that it trusts says; None: nobody knows."""
    user_agent: str
    request_id: str | None = None
    """What a proxy calls the request."""

    @property
    def network(self) -> str | None:
        """Return what attempts are counted by: the address, or the network of an IPv6 one."""
        try:
            address = ip_address(self.address or "")
        except ValueError:
            return self.address
        if not isinstance(address, IPv6Address):
            return str(address)
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{int(address) >> (128 - IPV6_NETWORK_BITS):x}/{IPV6_NETWORK_BITS}"


def request_id_in(header: str | None) -> str | None:
    """Return what a proxy calls a request, unless it is no plain name of at most 64 characters."""
    return header if header and _REQUEST_ID.fullmatch(header) else None


UNKNOWN_CLIENT = Client(None, "")
