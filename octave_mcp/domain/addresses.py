"""Decides which URLs are allowed, which URLs lead to the same page, and which URLs belong to a company's site."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from octave_mcp.domain.company import Company, Role
from octave_mcp.domain.ip_addresses import NEVER_ALLOWED, is_address, is_never_allowed, is_public_address
from octave_mcp.errors import HostNotAllowed, InvalidDomain

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

Allowed = frozenset[str]
# Maps each host that this process serves itself, such as a demo site, to its loopback port. Settings cannot add hosts
# to this map, because requests to its hosts bypass the check for public IP addresses.
Served = Mapping[str, int]

NONE_SERVED: Served = MappingProxyType({})

PORTS = {"http": 80, "https": 443}
HOST_AND_PORT = re.compile(r"(?:\[[^\[\]]+\]|[^\[\]:]+)(?::\d*)?")
PUBLIC_PORTS = frozenset({80, 443, 8080, 8443})
MAX_URL_CHARACTERS = 2048
# Read at most this many query parameters of a URL, because hostile URLs can have hundreds of them.
MAX_FIELDS = 20
# The pages of a site link to the same few hundred URLs again and again.
CACHED_URLS = 1024
# Hosts with these top-level names are refused, because the names are reserved or are common in private networks and
# clusters.
SPECIAL_NAMES = frozenset(
    {"local", "localhost", "localdomain", "localnet", "internal", "intranet", "lan", "home", "corp", "private"}
).union({"svc", "cluster", "default", "consul", "docker", "onion", "alt", "arpa", "test", "invalid"})
# Characters that are invisible, or that URL parsers do not all treat in the same way, for example control characters
# (also percent-encoded), spaces, backslashes, zero-width characters, bidirectional marks, and lone surrogates.
UNSAFE = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164]|"
    r"[\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]|%(?:[01][0-9a-f]|7f)",
    re.IGNORECASE,
)
NETLOC = re.compile(r"(?:\[[0-9a-f:.]+\]|[^\[\]:]+)(?::[0-9]*)?", re.IGNORECASE)
IPV4 = re.compile(r"(?:\d+\.){3}\d+")
NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|\d+")
# Names of parameters that are always used for tracking. `ref` and `id` are not included, because some sites select a
# product with these parameters.
TRACKING_FIELD = re.compile(
    r"(?:utm_\w+|hsa_\w+|mc_[ce]id|[gd]clid|gbraid|wbraid|fbclid|msclkid|yclid|igshid|_hs\w+|_ga)(?:=.*)?",
    re.IGNORECASE,
)
# Path segments that browsers resolve as "." or "..", including the percent-encoded spellings (WHATWG URL standard).
DOT_SEGMENTS = {".": "", "%2e": "", "..": "..", ".%2e": "..", "%2e.": "..", "%2e%2e": ".."}
SAFE_IN_PATH = "/%:@!$&'()*+,;=~-._"
SAFE_IN_QUERY = SAFE_IN_PATH + "?[]|{}^`\\"


def parse_company(text: str, role: Role, allow: Allowed) -> Company:
    """Return the company that the domain or URL `text` belongs to. The path of a URL is ignored.

    Raises:
        InvalidDomain: If `text` does not name a website.
        HostNotAllowed: If the host is neither public nor in `allow`.
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
    """Return the URL to request, which is `url` without its fragment and tracking parameters.

    Raises:
        InvalidDomain: If `url` is not an http or https URL.
        HostNotAllowed: If the host is not public or the port is unusual. Hosts in `allow` are always accepted.
    """
    parts = _split(url)
    if not parts.scheme:
        raise InvalidDomain(f"{url!r} is not a web address; it must start with https:// or http://")
    host = _host(parts, url)
    _check_host(host, parts.port or PORTS[parts.scheme], allow)
    query = "&".join(field for field in parts.query.split("&") if not TRACKING_FIELD.fullmatch(field))
    return _address(parts, host, quote(query, safe=SAFE_IN_QUERY))


def without_scheme(address: str) -> str:
    """Return an address, as a person typed it, without the 'https://' and 'www.' that many addresses start with."""
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE)


@lru_cache(maxsize=CACHED_URLS)
def url_key(url: str) -> str:
    """Return a key that is the same for all URLs that lead to the same page.

    The key ignores www, the scheme, a trailing slash, tracking parameters, the fragment, and the order and escaping of
    query parameters. Always request the URL and never the key, because some servers respond only to the exact URL.
    """
    parts = _split(url)
    # Some old sites percent-encode URLs in charsets other than UTF-8, and `surrogateescape` keeps such bytes unchanged.
    fields = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    sorted_fields = sorted(field for field in fields if not TRACKING_FIELD.fullmatch(field[0]))
    canonical = _address(parts, _host(parts, url), urlencode(sorted_fields, errors="surrogateescape"))
    return canonical.partition("://")[2].removeprefix("www.").replace("/?", "?").rstrip("/")


def same_site(url: str, company: Company) -> bool:
    """Whether the URL is on the company's site or on an accepted sister site.

    A sister site is another site of the same organisation.
    """
    return (site := site_at(url)) is not None and site in (company.domain, *company.beyond.sisters)


@lru_cache(maxsize=CACHED_URLS)
def site_at(url: str) -> str | None:
    """Return the site of a URL, in the same form as `Company.domain`; None if the URL is not a web address."""
    try:
        parts = _split(url)
        host = _host(parts, url)
    except InvalidDomain:
        return None
    return site_of(host, parts.port or PORTS[parts.scheme]) if parts.scheme else None


def company_at(url: str, company: Company) -> Company:
    """Return the site at `url` as a company with the same role as `company`. `beyond` stays empty."""
    parts = _split(url)
    host = _host(parts, url)
    port = parts.port or PORTS[parts.scheme]
    return Company(role=company.role, domain=site_of(host, port), url=_origin(parts.scheme, host, port))


def site_of(host: str, port: int) -> str:
    """Return the registrable domain of a host, such as 'acme.com'.

    If the host is an IP address or has no dot, return host:port. For a public suffix such as 'co.uk', return ''.
    """
    if is_address(host) or "." not in host:
        return f"{host}:{port}"
    # wordpress.com is a public suffix, because each of its customers has a site of its own, but it is also a company's
    # site. If the first lookup finds no site, look only at ICANN suffixes, which do not include wordpress.com.
    return _suffixes().privatesuffix(host) or _suffixes(only_icann=True).privatesuffix(host) or ""


def is_registrable(host: str) -> bool:
    """Whether `host` ends in a known public suffix and has a name before it: 'acme.co.uk', but not 'co.uk'."""
    return bool(_suffixes(accept_unknown=False).privatesuffix(host.lower()))


def is_allowed(host: str, port: int, allow: Allowed) -> bool:
    return host in allow or host.strip("[]") in allow or f"{host}:{port}" in allow


def is_web_address(text: str) -> bool:
    """Whether `text` is usable as the base URL of a service. Private hosts and user names are accepted."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if ":" in host or IPV4.fullmatch(host):
            ipaddress.ip_address(host)
        elif not host.isascii():
            _idna(host)
    except ValueError:
        return False
    is_whole = bool(host and HOST_AND_PORT.fullmatch(parts.netloc.rpartition("@")[2]))
    return parts.scheme in PORTS and is_whole and port != 0 and text.isprintable() and " " not in text


@cache
def _suffixes(*, only_icann: bool = False, accept_unknown: bool = True) -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - slow, and many commands do not need it

    return PublicSuffixList(only_icann=only_icann, accept_unknown=accept_unknown)


def _not_a_domain(text: str, why: str) -> InvalidDomain:
    return InvalidDomain(f"{text[:200]!r} is not a company's domain: {why}; give a domain like 'acme.com'")


def _split(text: str) -> SplitResult:
    """Split a URL or a domain into its parts. For a domain, the scheme is ''.

    Raises:
        InvalidDomain: If `text` is too long or malformed, if it contains an unsafe character or a user name, or if its
            scheme is neither http nor https.
    """
    if len(text) > MAX_URL_CHARACTERS:
        raise _not_a_domain(text, f"the URL is longer than {MAX_URL_CHARACTERS} characters")
    if UNSAFE.search(text):
        raise _not_a_domain(text, "the URL contains a space, a backslash or an invisible character")
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError as error:
        raise _not_a_domain(text, f"{error}".lower()) from None
    if problem := _problem(parts, port):
        raise _not_a_domain(text, problem)
    return parts


def _problem(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme not in {"", *PORTS}:
        return f"{parts.scheme} is not supported; use http or https"
    if "@" in parts.netloc:
        return "the URL contains a user name"
    if "%" in parts.netloc:
        return "the host contains a percent sign"
    if port == 0 or not NETLOC.fullmatch(parts.netloc):
        return "the host or port is missing or invalid"
    return None


def _host(parts: SplitResult, text: str) -> str:
    """Return the host in lower-case ASCII. International names are in Punycode, and IPv6 addresses are in brackets."""
    host = (parts.hostname or "").removesuffix(".")
    if ":" in host:
        if not is_address(host):
            raise _not_a_domain(text, "the host is not a valid IPv6 address")
        return f"[{ipaddress.ip_address(host)}]"
    return _ascii(host, text)


@lru_cache(maxsize=CACHED_URLS)
def _idna(host: str) -> str:
    import idna  # noqa: PLC0415 - large tables that ASCII names, which are most, do not need

    return idna.encode(host, uts46=True).decode("ascii").lower()


def _ascii(host: str, text: str) -> str:
    # A name with "xn--" is already ASCII, but it is also passed to idna, which rejects malformed Punycode.
    try:
        name = host if re.fullmatch(r"[a-z0-9.-]+", host) and "xn--" not in host else _idna(host)
    except UnicodeError:
        raise _not_a_domain(text, "the host is not a valid domain name") from None
    labels = name.split(".")
    if not all(re.fullmatch(r"(?!-)[a-z0-9-]{1,63}(?<!-)", label) for label in labels) or len(name) > 253:  # noqa: PLR2004
        raise _not_a_domain(text, "the host must consist of letters, digits, hyphens and single dots")
    return name


def _check_host(host: str, port: int, allow: Allowed) -> None:
    if is_address(host) and is_never_allowed(host.strip("[]")):
        raise HostNotAllowed(f"{host!r} is {NEVER_ALLOWED}; give a domain like 'acme.com'")
    if is_allowed(host, port, allow):
        return
    shown = host if port in PORTS.values() else f"{host}:{port}"
    if _is_bare_name(host, port):
        raise HostNotAllowed(
            f"{shown!r} is a name, not a domain; give the domain of the website, like '{host}.com', "
            f"or set OCTAVE_ALLOW_HOSTS={shown} if you mean a host on your own network"
        )
    if not _is_public_name(host):
        raise HostNotAllowed(
            f"{shown!r} is not on the public web; give a domain like 'acme.com', "
            f"or set OCTAVE_ALLOW_HOSTS={shown} if this host is intended"
        )
    if port not in PUBLIC_PORTS:
        raise HostNotAllowed(
            f"port {port} of {host!r} is not a usual port for websites; leave the port out, "
            f"or set OCTAVE_ALLOW_HOSTS={shown} if this port is intended"
        )


def _is_bare_name(host: str, port: int) -> bool:
    """Whether the host is probably the name of a company ('acme') and not the name of a machine."""
    return port in PORTS.values() and "." not in host and host != "localhost" and not is_address(host)


def _is_public_name(host: str) -> bool:
    if is_address(host):
        return is_public_address(host.strip("[]"))
    labels = host.split(".")
    return len(labels) > 1 and labels[-1] not in SPECIAL_NAMES and not NUMERIC_LABEL.fullmatch(labels[-1])


def _origin(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{host}" if port == PORTS[scheme] else f"{scheme}://{host}:{port}"


def _address(parts: SplitResult, host: str, query: str) -> str:
    scheme = parts.scheme or "https"
    path = _without_dots(quote(parts.path, safe=SAFE_IN_PATH)) or "/"
    return _origin(scheme, host, parts.port or PORTS[scheme]) + path + (f"?{query}" if query else "")


def _without_dots(path: str) -> str:
    """Resolve "." and ".." segments as browsers do."""
    if "." not in path and "%2" not in path:
        return path
    resolved: list[str] = []
    *folders, name = path.split("/")[1:]
    for part in folders:
        if DOT_SEGMENTS.get(part.lower()) == "..":
            resolved[-1:] = []
        elif part.lower() not in DOT_SEGMENTS:
            resolved.append(part)
    if DOT_SEGMENTS.get(name.lower()) == "..":
        resolved[-1:] = []
    return "/" + "/".join([*resolved, "" if name.lower() in DOT_SEGMENTS else name])


def path_of(url: str) -> str:
    """Return the decoded path of `url` in lower case, without a trailing slash. For the home page, return '/'."""
    return unquote(urlsplit(url).path).lower().rstrip("/") or "/"


def fields_of(query: str) -> list[tuple[str, str]]:
    """Decode the first `MAX_FIELDS` parameters of a query."""
    return parse_qsl("&".join(query.split("&", MAX_FIELDS)[:MAX_FIELDS]), keep_blank_values=True)
