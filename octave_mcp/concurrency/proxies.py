"""Choose the proxy for a URL from the environment.

By default, an HTTP client opens a connection pool for every proxy in the environment. The client fails if one of these
proxies is unusable, even if NO_PROXY exempts the requested address. Therefore this module chooses the proxy, and the
clients ignore the environment variables.
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
    """Return the URL of the proxy for `address`, or None if no proxy is needed.

    Raises:
        SetupError: If the proxy cannot be used. The error text omits the proxy's URL, which can contain a password.
    """
    target, proxies = httpx2.URL(address), {scheme: value.strip() for scheme, value in getproxies().items()}
    scheme = next((scheme for scheme in (target.scheme, "all") if proxies.get(scheme)), None)
    if scheme is None or any(_covers(entry, target) for entry in re.split(r"[\s,]+", proxies.get("no", "")) if entry):
        return None
    return _usable(proxies[scheme], _variable(f"{scheme}_proxy"), _host(target))


def _usable(proxy: str, variable: str, host: str) -> str:
    scheme, separator, authority = proxy.partition("://")
    if not separator:
        scheme, authority = "http", proxy
    scheme = scheme.lower()
    if scheme not in HTTP | SOCKS or not _is_authority(authority):
        raise SetupError(
            f"{variable} cannot be used: it is not the URL of a proxy; "
            f"set it to a URL like 'http://proxy.example:3128', unset it, or add {host} to NO_PROXY"
        )
    if scheme in SOCKS and not find_spec("socksio"):
        raise SetupError(
            f"{variable} cannot be used: it names a SOCKS proxy, which needs the package socksio; "
            f"run 'python -m pip install socksio', set {variable} to an HTTP proxy, or add {host} to NO_PROXY"
        )
    return f"{scheme}://{authority}"


def _is_authority(text: str) -> bool:
    """Whether `text` is a host with an optional port.

    Text with a path is rejected: in 'http:/127.0.0.1:3128', a slash is missing.
    """
    try:
        url = httpx2.URL(f"http://{text}")
        return is_web_address(f"http://{text}") and bool(_host(url)) and url.path in {"", "/"}
    except httpx2.InvalidURL:
        return False


def _covers(entry: str, target: httpx2.URL) -> bool:
    """Whether a NO_PROXY entry exempts the target.

    An entry is '*', a host, 'host:port', an IP address or a network.
    """
    scheme, _, authority = entry.rpartition("://")
    if entry == "*" or scheme not in {"", "all", target.scheme}:
        return entry == "*"
    if network := _network(authority):
        return _is_in(_host(target), network)
    try:
        exempt = httpx2.URL(f"all://{authority}")
    except httpx2.InvalidURL:
        return False
    if exempt.port not in {None, target.port or PORTS[target.scheme]}:
        return False
    return _is_part_of(_host(target), _host(exempt).removeprefix("*"))


def _host(url: httpx2.URL) -> str:
    # Use the ASCII form of the host, because `url.host` decodes Punycode names.
    return url.raw_host.decode("ascii").lower().rstrip(".")


def _is_part_of(host: str, name: str) -> bool:
    """Whether the name from NO_PROXY applies to the host.

    The name 'example.com' applies to that host and its subdomains. The name '.example.com' applies only to the
    subdomains.
    """
    if not name or _network(host):
        return host == name
    return host.endswith(name) if name.startswith(".") else f".{host}".endswith(f".{name}")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    # Remove the brackets from '[::1]' and '[fd00::]/8', but not from '[::1]:8080', which has a port.
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
    """Return the environment variable's name as the user wrote it, in upper or lower case."""
    written = [variable for variable, value in os.environ.items() if variable.lower() == name and value]
    # On macOS and Windows, `getproxies` also reads the system settings, so the proxy does not always come from a
    # variable.
    return name if name in written else next(iter(written), "the proxy in the system's settings")
