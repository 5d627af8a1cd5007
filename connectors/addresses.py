"""Which addresses are on the public internet, and which private ones an operator allows."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NEVER = (
    IPv4Network("168.63.129.16/32"),  # Azure's host channel: a public number, a private service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, withdrawn
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them
    IPv6Network("3fff::/20"),  # documentation; newer than Python 3.11's tables
)


def is_public(address: str) -> bool:
    """Tell whether an address literal is on the public internet, also when wrapped in IPv6."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        embedded = _embedded(ip)
        if embedded is not None:
            return is_public(str(embedded))
        # Everything outside 2000::/3 is local, multicast, reserved, or translation that we cannot
        # see through (64:ff9b:1::/48 hides an IPv4 address where only its network knows).
        if ip not in _GLOBAL_UNICAST:
            return False
    if ip.is_multicast or ip.is_reserved or ip.is_unspecified or not ip.is_global:
        return False
    return not any(ip in network for network in _NEVER if network.version == ip.version)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip in _SIX_TO_FOUR:
        return IPv4Address((int(ip) >> 80) & 0xFFFFFFFF)
    return None


def parse_private_hosts(text: str) -> frozenset[tuple[str, int | None]]:
    """Read `host, host:port, [v6]:port` into pairs; no port means every port of the host."""
    pairs: set[tuple[str, int | None]] = set()
    for entry in filter(None, (part.strip().lower() for part in text.split(","))):
        bracketed = entry.startswith("[")
        host, _, port = entry[1:].partition("]") if bracketed else (entry, "", "")
        if bracketed:
            port = port.removeprefix(":")
        elif entry.count(":") == 1:
            host, _, port = entry.partition(":")
        pairs.add((host, int(port) if port else None))
    return frozenset(pairs)
