"""Clients: the device and the network from which somebody asks."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

USER_AGENT_LENGTH = 200
IPV6_NETWORK_BITS = 64
"""What one household or server gets: it has as many addresses as it likes."""


@dataclass(frozen=True, slots=True)
class Client:
    """From where an operation came."""

    address: str | None
    """As the server sees it, or as a proxy that it trusts says; None: nobody knows."""
    user_agent: str

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


UNKNOWN_CLIENT = Client(None, "")
