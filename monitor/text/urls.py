"""Addresses: `link_url`, which still opens the page, and `canonical_url`, which tells pages apart.

Both follow RFC 3986 section 6.2 (case, default ports, dot segments, percent-encoding) and the
URL Standard where it forgives more (backslashes, missing slashes, control characters).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import idna

from monitor.text.percent import PATH_LITERALS, QUERY_LITERALS, USER_LITERALS, normalised_escapes
from monitor.text.tracking import is_tracking

MAX_URL = 2_048
"""The longest address that is kept, in characters; a longer one cannot be cut and is dropped."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_AMPERSAND = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?:[/\\]*)*(https?):[/\\]*", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+-]*:(?!\d)|[a-zA-Z][a-zA-Z0-9+.-]*://")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_NAMED_HOST = re.compile(r"[^/?#]*\w\.(?:[^\W\d_]{2,}|xn--[\w-]+)\.?(?::\d+)?(?=[/?#]|$)")
_FILE_NAME = re.compile(r"\.(?:html?|php|aspx?|jsp|xml|txt|pdf|jpe?g|png|gif)(?=[/?#]|$)")
_SLASHES = re.compile(r"(?<!:)/{2,}")
_SESSION = re.compile(r";(?:jsessionid|phpsessid)=[^/;?]*", re.IGNORECASE)
_MARKUP = re.compile(r"[\"<>].*", re.DOTALL)

_FRONT = re.compile(r"^(?!www\.www\.)(?:(?:www\d?|m|mobile|amp)\.)+(?=[^.]+\.[^.])")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php\d?|aspx?|jsp)$", re.IGNORECASE)
_AMP_SUFFIX = re.compile(r"(?:\.amp|/amp|/amp\.html)$", re.IGNORECASE)
_AMP_CACHE = re.compile(r"https://(?:[\w-]+\.cdn\.ampproject\.org/[cv]|google\.[\w.]+/amp)")


@dataclass(frozen=True, slots=True)
class _Parts:
    """An http(s) address in normal form; `query` holds keys and values, `route` a `#/path`, `user`
    a name with or without a password; `asks` tells whether there was a `?`."""

    scheme: str
    host: str
    port: str
    path: str
    query: tuple[tuple[str, str], ...]
    route: str
    user: str
    asks: bool


def link_url(url: str) -> str:
    """Return an address that opens the same page, without tracking; "" for anything but http(s).

    The scheme, the host and the path stay the site's own. Addresses with a user name are refused.
    """
    parts = _parts(url)
    if parts is None or parts.user:
        return ""
    bare = parts.host.removeprefix("www.")
    query = [(key, value) for key, value in parts.query if not is_tracking(key, value, bare)]
    return _joined(parts.scheme, parts.host, _port(parts), parts.path or "/", query, parts.route)


@lru_cache(maxsize=512)  # an item's id and its hash both ask for it
def canonical_url(url: str) -> str:
    """Return the one spelling of all addresses of a page: an identity, not a link to follow.

    Beyond `link_url`, it drops what sites vary for one page: http or https, `www.` and the hosts
    for phones, AMP forms, index files, a last slash, the order of parameters. A user's name and an
    empty query stay, as RFC 3986 6.2.3 has it; no link has them. What is no http(s) address
    (`urn:…`, a path) is its own identity, in ASCII. Idempotent; "" for nothing and for what is too
    long.
    """
    parts = _parts(url)
    if parts is None:
        return _opaque(url)
    host = _FRONT.sub("", parts.host)
    query = {(key, value) for key, value in parts.query if not is_tracking(key, value, host)}
    port = "" if parts.port in ("80", "443") else parts.port
    path = _bare_path(parts.path) or "/"
    if parts.user:
        host = f"{parts.user}@{host}"
    if parts.asks and not parts.query:
        path += "?"
    canonical = _joined("https", host, port, path, sorted(query), parts.route)
    original = _without_amp_cache(canonical)
    return canonical if original == canonical else canonical_url(original)


def _opaque(url: str) -> str:
    """Return the identity of what is no http(s) address, in ASCII; of a path, without dots."""
    text = _tidy(url)
    if text.startswith("/") and not text.startswith(("//", "/\\")):
        path, mark, query = text.partition("#")[0].partition("?")
        text = (_path(path) or "/") + mark + query
    head, colon, rest = text.partition(":")
    text = head.lower() + colon + rest if _OTHER_SCHEME.match(text) else text
    text = "".join(
        char if "!" <= char <= "~" else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in text
    )
    return text if len(text) <= MAX_URL else ""


def _tidy(url: str) -> str:
    return _AMPERSAND.sub("&", _CONTROLS.sub("", url[: 2 * MAX_URL].strip()).strip())


def _bare_path(path: str) -> str:
    """Return a path without index file, AMP form and last slash, however often they occur."""
    while True:
        shorter = _INDEX.sub("", path).rstrip("/")
        shorter = _AMP_SUFFIX.sub("", shorter)
        if shorter.lower().endswith(".amp.html"):
            shorter = shorter[: -len(".amp.html")] + shorter[-len(".html") :]
        if shorter == path:
            return path
        path = shorter


def _without_amp_cache(url: str) -> str:
    """Return the publisher's address where this is a copy in a cache of AMP pages."""
    cache = _AMP_CACHE.match(url)
    if not cache:
        return url
    rest = url[cache.end() :].removeprefix("/s")
    return "https:/" + rest if rest.startswith("/") and "." in rest else url


def _port(parts: _Parts) -> str:
    return "" if (parts.scheme, parts.port) in (("http", "80"), ("https", "443")) else parts.port


def _joined(
    scheme: str,
    host: str,
    port: str,
    path: str,
    query: list[tuple[str, str]],
    route: str,
) -> str:
    pairs = "&".join(f"{key}={value}" if value else key for key, value in query)
    url = (
        f"{scheme}://{host}{':' + port if port else ''}{path}{'?' + pairs if pairs else ''}{route}"
    )
    return url if len(url) <= MAX_URL else ""


@lru_cache(maxsize=512)  # most links are as they should be, and are asked for their identity next
def _parts(url: str) -> _Parts | None:
    """Return the parts of an http(s) address, None where it is none."""
    text = _tidy(url)
    known = _SCHEME.match(text)
    if known:
        scheme, rest = known[1].lower(), text[known.end() :]
    elif text.startswith("//"):
        scheme, rest = "https", text.lstrip("/")
    elif _NAMED_HOST.match(text) and not _FILE_NAME.search(text.partition("/")[0]):
        scheme, rest = "https", text
        if _OTHER_SCHEME.match(text):
            return None
    else:
        return None
    rest, _, fragment = rest.partition("#")
    rest, asks, query = rest.partition("?")
    netloc, slash, path = rest.replace("\\", "/").partition("/")
    userinfo, _, hostport = netloc.rpartition("@")
    host, port = _host(hostport)
    if not host or port is None:
        return None
    user = normalised_escapes(userinfo, USER_LITERALS) if userinfo.strip(":") else ""
    path = _path(slash + path)
    return _Parts(scheme, host, port, path, _query(query), _route(fragment), user, bool(asks))


def _host(hostport: str) -> tuple[str, str | None]:
    """Return the host in ASCII, "" where it is none, and the port, None where it is none."""
    literal = re.fullmatch(r"(\[[0-9a-fA-F:.]+\])(?::(\d*))?", hostport)
    if literal:
        return literal[1].lower(), (literal[2] or "").lstrip("0")
    name, _, port = hostport.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) < 65_536):
        return "", None
    name = _ascii_name(normalised_name(name))
    return (name if _HOST.fullmatch(name) else ""), port.lstrip("0")


def normalised_name(name: str) -> str:
    """Return a host's name decoded, in lower case, without the dots of the root."""
    if "%" in name:
        try:
            name = bytes(re.sub(r"%([0-9A-Fa-f]{2})", _latin, name), "latin-1").decode()
        except UnicodeError:
            return ""
    return name.strip().lower().rstrip(".")


def _latin(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def _ascii_name(name: str) -> str:
    """Return an internationalised name in ASCII (UTS 46, then the older IDNA 2003)."""
    if name.isascii() or len(name) > 253:
        return name if len(name) <= 253 else ""
    try:
        return idna.encode(name, uts46=True).decode()
    except UnicodeError:
        # IDNA 2008 has no symbols; domains with them exist all the same.
        try:
            return name.encode("idna").decode().lower()
        except UnicodeError:
            return ""


def _path(path: str) -> str:
    """Return a path in normal form, "" for the root."""
    path = _SESSION.sub("", _MARKUP.sub("", path))
    path = _SLASHES.sub("/", normalised_escapes(path, PATH_LITERALS))
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    joined = _SLASHES.sub("/", "/" + "/".join(kept))
    return "" if joined == "/" else joined


def _query(query: str) -> tuple[tuple[str, str], ...]:
    """Return keys and values in normal form, in their order.

    A key without a value stays: `?1750` names a page in older systems.
    """
    pairs = []
    for part in query.split("&"):
        key, _, value = part.partition("=")
        key = normalised_escapes(key.replace("+", " ").strip(), QUERY_LITERALS)
        if key:
            value = normalised_escapes(value.replace("+", " "), QUERY_LITERALS | {"="})
            pairs.append((key, value))
    return tuple(pairs)


def _route(fragment: str) -> str:
    """Return the fragment where it names a page of an application (`#/…`, `#!/…`), else ""."""
    route = fragment.removeprefix("!")
    if not route.startswith("/") or not route.strip("/"):
        return ""
    return "#" + fragment[: len(fragment) - len(route)] + normalised_escapes(route, PATH_LITERALS)
