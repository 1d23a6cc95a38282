"""Which addresses may be read, which of them are one page, and which belong to a company.

Cheap to import: the parts that cost something are loaded on first use.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from octave_mcp.domain.company import Company, Role
from octave_mcp.errors import HostNotAllowed, InvalidDomain

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

Allowed = frozenset[str]
# The hosts that this process serves itself, by name, each with its port on loopback. No setting can say so.
Served = Mapping[str, int]

NONE_SERVED: Served = MappingProxyType({})

PORTS = {"http": 80, "https": 443}
# A host, with or without a port.
PLACE = re.compile(r"(?:\[[^\[\]]+\]|[^\[\]:]+)(?::\d*)?")
PUBLIC_PORTS = frozenset({80, 443, 8080, 8443})
LONGEST_URL = 2048
# The most fields of a query that are compared: hostile addresses have hundreds.
MAX_FIELDS = 20
SPECIAL_NAMES = frozenset(
    {"local", "localhost", "localdomain", "localnet", "internal", "intranet", "lan", "home", "corp", "private"}
).union({"svc", "cluster", "default", "consul", "docker", "onion", "alt", "arpa", "test", "invalid"})
# Controls, spaces, backslashes, what is not seen, and halves of characters; controls also where they are encoded.
UNSAFE = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164]|"
    r"[\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]|%(?:[01][0-9a-f]|7f)",
    re.IGNORECASE,
)
NETLOC = re.compile(r"(?:\[[0-9a-f:.]+\]|[^\[\]:]+)(?::[0-9]*)?", re.IGNORECASE)
IPV4 = re.compile(r"(?:\d+\.){3}\d+")
NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|\d+")
# Only names that mean nothing else: `ref`, `id` and the like name products on some sites.
TRACKING = re.compile(
    r"(?:utm_\w+|hsa_\w+|mc_[ce]id|[gd]clid|gbraid|wbraid|fbclid|msclkid|yclid|igshid|_hs\w+|_ga)(?:=.*)?",
    re.IGNORECASE,
)
DOTS = {".": "", "%2e": "", "..": "..", ".%2e": "..", "%2e.": "..", "%2e%2e": ".."}
KEPT = "/%:@!$&'()*+,;=~-._"
KEPT_IN_QUERY = KEPT + "?[]|{}^`\\"


def parse_company(text: str, role: Role, allow: Allowed) -> Company:
    """The company behind a domain or the address of its home page; a path is dropped.

    Raises:
        InvalidDomain: it names no website.
        HostNotAllowed: it names one that is not public, and is not among the hosts allowed.
    """
    parts = _split(text.strip())
    host = _host(parts, text)
    scheme = parts.scheme or ("https" if "." in host and not is_address(host) else "http")
    port = parts.port or PORTS[scheme]
    _check_host(host, port, allow)
    domain = site_of(host, port)
    if not domain:
        raise InvalidDomain(
            f"{text!r} is a suffix that many companies share; give one company's domain, like 'acme.com'"
        )
    return Company(role=role, domain=domain, url=_origin(scheme, host, port))


def check_url(url: str, allow: Allowed) -> str:
    """The address to request: as it is written, without its fragment and its tracking parameters.

    Raises:
        InvalidDomain: it is no web address.
        HostNotAllowed: its host or port is not public, and not among the hosts allowed.
    """
    parts = _split(url)
    if not parts.scheme:
        raise InvalidDomain(f"{url!r} is not a web address; one begins with https:// or http://")
    host = _host(parts, url)
    _check_host(host, parts.port or PORTS[parts.scheme], allow)
    query = "&".join(field for field in parts.query.split("&") if not TRACKING.fullmatch(field))
    return _address(parts, host, quote(query, safe=KEPT_IN_QUERY))


def url_key(url: str) -> str:
    """A key that is equal for addresses of one page. Never request it: a server may know only the exact address.

    It ignores www, the scheme, a trailing slash, tracking parameters, the fragment, and the query's order and escapes.
    """
    parts = _split(url)
    # Escapes that are not UTF-8 are those of an older encoding, and stay what they are.
    fields = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    kept = sorted(field for field in fields if not TRACKING.fullmatch(field[0]))
    canonical = _address(parts, _host(parts, url), urlencode(kept, errors="surrogateescape"))
    return canonical.partition("://")[2].removeprefix("www.").replace("/?", "?").rstrip("/")


def same_site(url: str, company: Company) -> bool:
    """Whether it is on the company's site, or on a sister site that its map has accepted."""
    return (site := site_at(url)) is not None and site in (company.domain, *company.beyond.sisters)


def site_at(url: str) -> str | None:
    """The site that an absolute address is on, as in `Company.domain`; None if it is no web address."""
    try:
        parts = _split(url)
        host = _host(parts, url)
    except InvalidDomain:
        return None
    return site_of(host, parts.port or PORTS[parts.scheme]) if parts.scheme else None


def company_at(url: str, company: Company) -> Company:
    """The company with only the host of this address as its site."""
    parts = _split(url)
    host = _host(parts, url)
    port = parts.port or PORTS[parts.scheme]
    return Company(role=company.role, domain=site_of(host, port), url=_origin(parts.scheme, host, port))


def site_of(host: str, port: int) -> str:
    """The registrable domain, or host:port where there is none; empty for a public suffix."""
    if is_address(host) or "." not in host:
        return f"{host}:{port}"
    # Some suffixes under which customers have sites of their own (wordpress.com) are companies too.
    return _suffixes().privatesuffix(host) or _suffixes(only_icann=True).privatesuffix(host) or ""


def is_registrable(host: str) -> bool:
    """Whether a name may be a host of the public web: it ends in a suffix that is known, and is none itself."""
    return bool(_suffixes(accept_unknown=False).privatesuffix(host.lower()))


def is_allowed(host: str, port: int, allow: Allowed) -> bool:
    return host in allow or host.strip("[]") in allow or f"{host}:{port}" in allow


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_web_address(text: str) -> bool:
    """Whether an HTTP client can send requests to it, as to the base URL of a service; any host or user will do."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if ":" in host or IPV4.fullmatch(host):
            ipaddress.ip_address(host)
        elif not host.isascii():
            _idna(host)
    except ValueError:
        return False
    is_whole = bool(host and PLACE.fullmatch(parts.netloc.rpartition("@")[2]))
    return parts.scheme in PORTS and is_whole and port != 0 and text.isprintable() and " " not in text


@cache
def _suffixes(*, only_icann: bool = False, accept_unknown: bool = True) -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - reading the list costs more than a help text

    return PublicSuffixList(only_icann=only_icann, accept_unknown=accept_unknown)


def _not_a_domain(text: str, why: str) -> InvalidDomain:
    return InvalidDomain(f"{text[:200]!r} is not a company's domain: {why}; give one like 'acme.com'")


def _split(text: str) -> SplitResult:
    """The parts of an address; the scheme is empty where none was given, and else http or https."""
    if len(text) > LONGEST_URL:
        raise _not_a_domain(text, f"it has more than {LONGEST_URL} characters")
    if UNSAFE.search(text):
        raise _not_a_domain(text, "a space, a backslash or a character that is not seen stands in it")
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError as error:
        raise _not_a_domain(text, f"{error}".lower()) from None
    if wrong := _fault(parts, port):
        raise _not_a_domain(text, wrong)
    return parts


def _fault(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme not in {"", *PORTS}:
        return f"{parts.scheme} is not read, only http and https"
    if "@" in parts.netloc:
        return "it names a user"
    if "%" in parts.netloc:
        return "its host has a percent sign"
    if port == 0 or not NETLOC.fullmatch(parts.netloc):
        return "it has no host, or its host or port is none"
    return None


def _host(parts: SplitResult, text: str) -> str:
    """The host in lower-case ASCII, an IPv6 address in brackets."""
    host = (parts.hostname or "").removesuffix(".")
    if ":" in host:
        if not is_address(host):
            raise _not_a_domain(text, "its host is no IPv6 address")
        return f"[{ipaddress.ip_address(host)}]"
    return _ascii(host, text)


@cache
def _idna(host: str) -> str:
    import idna  # noqa: PLC0415 - its tables are large, and most names are ASCII

    return idna.encode(host, uts46=True).decode("ascii").lower()


def _ascii(host: str, text: str) -> str:
    try:
        name = host if re.fullmatch(r"[a-z0-9.-]+", host) and "xn--" not in host else _idna(host)
    except UnicodeError:
        raise _not_a_domain(text, "its host is no name that can be registered") from None
    labels = name.split(".")
    if not all(re.fullmatch(r"(?!-)[a-z0-9-]{1,63}(?<!-)", label) for label in labels) or len(name) > 253:  # noqa: PLR2004
        raise _not_a_domain(text, "its host is not made of letters, digits and single dots")
    return name


def _check_host(host: str, port: int, allow: Allowed) -> None:
    if is_allowed(host, port, allow):
        return
    shown = host if port in PORTS.values() else f"{host}:{port}"
    if _is_bare_name(host, port):
        raise HostNotAllowed(
            f"{shown!r} is a name and no domain; give that of its website, like '{host}.com', "
            f"or set OCTAVE_ALLOW_HOSTS={shown} if a host of your own network is intended"
        )
    if not _is_public_name(host):
        raise HostNotAllowed(
            f"{shown!r} is not on the public web; give a domain like 'acme.com', "
            f"or set OCTAVE_ALLOW_HOSTS={shown} if this host is intended"
        )
    if port not in PUBLIC_PORTS:
        raise HostNotAllowed(
            f"Port {port} of {host!r} is not one that websites use; leave it out, "
            f"or set OCTAVE_ALLOW_HOSTS={shown} if this port is intended"
        )


def _is_bare_name(host: str, port: int) -> bool:
    """Whether it may be a company's name, rather than that of a machine."""
    return port in PORTS.values() and "." not in host and host != "localhost" and not is_address(host)


def _is_public_name(host: str) -> bool:
    if is_address(host):
        return is_public_address(host.strip("[]"))
    labels = host.split(".")
    return len(labels) > 1 and labels[-1] not in SPECIAL_NAMES and not NUMERIC_LABEL.fullmatch(labels[-1])


V4_REFUSED = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
V6_PUBLIC = ipaddress.ip_network("2000::/3")
V6_REFUSED = tuple(ipaddress.ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


def is_public_address(text: str) -> bool:
    """Whether anyone may reach it: cloud metadata, tunnels and reserved blocks are not public."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in block for block in V4_REFUSED)
    return not address.scope_id and address in V6_PUBLIC and not any(address in block for block in V6_REFUSED)


def _origin(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{host}" if port == PORTS[scheme] else f"{scheme}://{host}:{port}"


def _address(parts: SplitResult, host: str, query: str) -> str:
    scheme = parts.scheme or "https"
    path = _without_dots(quote(parts.path, safe=KEPT)) or "/"
    return _origin(scheme, host, parts.port or PORTS[scheme]) + path + (f"?{query}" if query else "")


def _without_dots(path: str) -> str:
    """The path as browsers resolve it."""
    if "." not in path and "%2" not in path:
        return path
    kept: list[str] = []
    *folders, name = path.split("/")[1:]
    for part in folders:
        if DOTS.get(part.lower()) == "..":
            kept[-1:] = []
        elif part.lower() not in DOTS:
            kept.append(part)
    if DOTS.get(name.lower()) == "..":
        kept[-1:] = []
    return "/" + "/".join([*kept, "" if name.lower() in DOTS else name])


def path_of(url: str) -> str:
    """Lower-case, decoded, without a trailing slash; '/' for the home page."""
    return unquote(urlsplit(url).path).lower().rstrip("/") or "/"


def fields_of(query: str) -> list[tuple[str, str]]:
    """The first names and values of a query, decoded."""
    return parse_qsl("&".join(query.split("&", MAX_FIELDS)[:MAX_FIELDS]), keep_blank_values=True)
