"""The proxy that the environment names for an address.

HTTP clients open a connection pool for every proxy in the environment, and fail on one they cannot use even if NO_PROXY
exempts the address. So the proxy is chosen here, and clients do not read these variables.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.request import getproxies

import httpx2

from octave_mcp.domain.addresses import PORTS, is_web_address
from octave_mcp.errors import SetupError

HTTP, SOCKS = frozenset({"http", "https"}), frozenset({"socks5", "socks5h"})


def proxy_for(address: str) -> str | None:
    """Return the URL of the proxy for the address; None if it is reached directly.

    Raises:
        SetupError: the proxy cannot be used; the text leaves out its address, which may contain a password.
    """
    target, named = httpx2.URL(address), {kind: value.strip() for kind, value in getproxies().items()}
    kind = next((kind for kind in (target.scheme, "all") if named.get(kind)), None)
    if kind is None or any(_covers(entry, target) for entry in re.split(r"[\s,]+", named.get("no", "")) if entry):
        return None
    return _usable(named[kind], _variable(f"{kind}_proxy"), _host(target))


def _usable(proxy: str, variable: str, host: str) -> str:
    scheme, separator, place = proxy.partition("://")
    if not separator:
        scheme, place = "http", proxy
    scheme = scheme.lower()
    if scheme not in HTTP | SOCKS or not _is_place(place):
        raise SetupError(
            f"{variable} cannot be used: it is not the address of a proxy; "
            f"set it to one like 'http://proxy.example:3128', unset it, or name {host} in NO_PROXY"
        )
    if scheme in SOCKS and not find_spec("socksio"):
        raise SetupError(
            f"{variable} cannot be used: it names a SOCKS proxy, which needs the package socksio; "
            f"run 'python -m pip install socksio', set {variable} to an HTTP proxy, or name {host} in NO_PROXY"
        )
    return f"{scheme}://{place}"


def _is_place(text: str) -> bool:
    """Whether it is a host, and perhaps a port: with a path, it is one of another form ('http:/127.0.0.1:3128')."""
    try:
        url = httpx2.URL(f"http://{text}")
        return is_web_address(f"http://{text}") and bool(_host(url)) and url.path in {"", "/"}
    except httpx2.InvalidURL:
        return False


def _covers(entry: str, target: httpx2.URL) -> bool:
    """Whether an entry of NO_PROXY exempts the target: '*', a name with or without a port, an address or a network."""
    scheme, _, place = entry.rpartition("://")
    if entry == "*" or scheme not in {"", "all", target.scheme}:
        return entry == "*"
    if network := _network(place):
        return _is_in(_host(target), network)
    try:
        named = httpx2.URL(f"all://{place}")
    except httpx2.InvalidURL:
        return False
    if named.port not in {None, target.port or PORTS[target.scheme]}:
        return False
    return _is_part_of(_host(target), _host(named).removeprefix("*"))


def _host(url: httpx2.URL) -> str:
    """In ASCII: some names in that form cannot be decoded."""
    return url.raw_host.decode("ascii").lower().rstrip(".")


def _is_part_of(host: str, name: str) -> bool:
    """'example.com' covers itself and its subdomains, '.example.com' only its subdomains."""
    if not name or _network(host):
        return host == name
    return host.endswith(name) if name.startswith(".") else f".{host}".endswith(f".{name}")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    bare = text.removeprefix("[").replace("]", "") if "]:" not in text else text
    try:
        return ip_network(bare, strict=False)
    except ValueError:
        return None


def _is_in(host: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(host) in network
    except ValueError:
        return False


def _variable(name: str) -> str:
    """The variable as the user wrote it; some systems also have proxies in their own settings."""
    written = [found for found, value in os.environ.items() if found.lower() == name and value]
    return name if name in written else next(iter(written), "the proxy in the system's settings")
