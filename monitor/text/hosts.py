"""Hosts of addresses: the domain that answers for them, and the origin of RFC 6454.

A registrable domain is a public suffix and one label more (https://publicsuffix.org), so that the
hosts of one publisher are one, and those of a platform's customers are many.
"""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import idna
from publicsuffixlist import PublicSuffixList

from monitor.text.urls import normalised_name

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST = 253
"""Characters of a name (RFC 1035)."""


def registrable_domain(url: str) -> str:
    """Return the domain that an address belongs to, in ASCII and in lower case; "" without a host.

    An IP address, a single label and a public suffix are themselves; IPv6 stands without brackets.
    """
    host = _host(_split(url))
    if not host or is_address(host):
        return host
    return _suffixes().privatesuffix(host) or host


def origin(url: str) -> str:
    """Return `scheme://host`, with the port where it is not the scheme's own; "" without a host."""
    parts = _split(url)
    host = _host(parts)
    if parts is None or not host:
        return ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port
    tail = "" if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{shown}{tail}"


def is_address(host: str) -> bool:
    """Return whether a host, without brackets, is an address of IP."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()  # some 10,000 rules: read when first asked for


def _split(url: str) -> SplitResult | None:
    """Return the parts of an address, None where it is none."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises where it is not a number
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult | None) -> str:
    host = normalised_name((parts.hostname or "") if parts else "")
    if ":" in host or host.isascii():
        return host if len(host) <= _LONGEST else ""
    try:
        return idna.encode(host, uts46=True).decode()
    except UnicodeError:
        return ""
