"""Which addresses of the network may be asked: our own list, since `is_global` has holes.

After the IANA registries of special-purpose addresses (RFC 6890 and its updates). Of IPv6 only what
is allocated to the world (2000::/3) is let through, less its exceptions: so every address that
carries an IPv4 one inside (NAT64, 6to4, Teredo, IPv4-compatible) is refused, and an IPv4-mapped one
is judged as the IPv4 address that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network

PORTS = frozenset({80, 443, 8080, 8443})
"""What is asked at public addresses; nothing else speaks HTTP to the world."""

_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # containers of Amazon
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # Amazon by IPv6
    )
)
_SPECIAL: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), kind)
    for kind, texts in {
        "an address of this very network": "0.0.0.0/8",
        "a private address": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
        "a carrier's shared address": "100.64.0.0/10",
        "a loopback address": "127.0.0.0/8 ::1/128",
        "an unspecified address": "::/128",
        "a link-local address": "169.254.0.0/16 fe80::/10",
        "a site-local address": "fec0::/10",
        "a documentation address": (
            "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"
        ),
        "a relay of 6to4": "192.88.99.0/24",
        "a benchmarking address": "198.18.0.0/15 2001:2::/48",
        "a multicast address": "224.0.0.0/4 ff00::/8",
        "a NAT64 address": "64:ff9b::/96 64:ff9b:1::/48",
        "a 6to4 address": "2002::/16",
        "a Teredo address": "2001::/32",
        "a reserved address": "192.0.0.0/24 240.0.0.0/4 2001::/23",
        "an IPv4-compatible address": "::/96",
    }.items()
    for text in texts.split()
)
_GLOBAL_V6 = IPv6Network("2000::/3")


def refusal(text: str, port: int, private: Sequence[Network] = ()) -> str:
    """Return why an address must not be asked, as "a loopback address"; "" where it may be.

    Addresses in `private` are let through, whatever the port. A cloud's metadata service is not,
    unless the network names that one address.
    """
    try:
        address = _plain(text)
    except ValueError:
        return "no address at all"
    if any(_allows(network, address) for network in private):
        return ""
    if address in _METADATA:
        return "the address of a cloud's metadata"
    for network, kind in _SPECIAL:
        if address in network:
            return kind
    if not address.is_global or (address.version == 6 and address not in _GLOBAL_V6):
        return "a reserved address"
    return "" if port in PORTS else f"an address with the port {port}"


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Return an address without its zone, an IPv4-mapped one as IPv4; raises ValueError."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _allows(network: Network, address: IPv4Address | IPv6Address) -> bool:
    if address in _METADATA:
        return network.num_addresses == 1 and address in network
    return address in network
