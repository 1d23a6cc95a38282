"""How each provider is reached: the HTTP client, and the headers that are sent only to its address.

The providers' SDKs read many environment variables: proxies, certificates, organisations, headers. This module decides
which of them apply to a provider, so that none stops a client from opening or reaches another provider's server.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx2
from pydantic import SecretStr

from octave_mcp.concurrency.proxies import proxy_for
from octave_mcp.concurrency.tls import tls_context
from octave_mcp.domain.addresses import PORTS
from octave_mcp.errors import SetupError
from octave_mcp.models.failures import Key
from octave_mcp.settings import headers_of, value_of

_NAME, _VALUE = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII), re.compile(r"[\t -~]*")
# The SDKs' own limits; the number of calls at once is limited elsewhere.
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
_OF_OPENAI = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}


class Header(NamedTuple):
    """A header that the user set, and the variable it comes from."""

    variable: str
    name: str
    value: SecretStr


@dataclass(frozen=True, slots=True)
class Client:
    """`variable` is the environment variable of the address; `own` are the user's headers for that address."""

    variable: str
    address: str
    key: Key
    own: tuple[Header, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        return {header.name: header.value.get_secret_value() for header in self.own}

    def check(self) -> None:
        """Raises: SetupError: no client can be opened for the address, or no request can carry the headers."""
        for variable, name, value in self.own:
            if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value.get_secret_value())):
                raise SetupError(
                    f"{variable} cannot be used: it contains a character that HTTP headers cannot have; "
                    f"remove it, and write several headers as one 'Name: value' per line"
                )
        tls_context()
        proxy_for(self.address)

    def http(self) -> httpx2.AsyncClient:
        """Return a client for the address. It does not read the environment.

        Raises:
            SetupError: as `check`.
        """
        self.check()
        tls, url = tls_context(), proxy_for(self.address)
        proxy = httpx2.Proxy(url, ssl_context=tls if url.startswith("https:") else None) if url else None
        return httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_LIMITS, proxy=proxy),
            timeout=None,  # each call has its own limit
            trust_env=False,
            follow_redirects=True,
            event_hooks={"response": [self._stay]},
        )

    async def _stay(self, response: httpx2.Response) -> None:
        """Refuse a redirect to another address: the prompt and all headers but 'Authorization' would go there."""
        if response.has_redirect_location:
            target = response.url.join(response.headers["location"])
            if not _is_same_place(response.url, target):
                place = f"{target.scheme}://{target.netloc.decode()}"
                raise SetupError(
                    f"{self.variable}: its server redirects to {place}, another address, which is not followed; "
                    f"set {self.variable} to the final address"
                )


def of_openai(address: str, key: Key) -> Client:
    """With the organisation, project and custom headers from OpenAI's variables."""
    return _client("OPENAI_BASE_URL", address, key, (*_single(), *_lines("OPENAI_CUSTOM_HEADERS")))


def of_anthropic(address: str, key: Key) -> Client:
    return _client("ANTHROPIC_BASE_URL", address, key, tuple(_lines("ANTHROPIC_CUSTOM_HEADERS")))


def of_compat(variable: str, address: str, key: Key) -> Client:
    """OpenAI's headers go only to the server at OPENAI_BASE_URL, and only together with OpenAI's key."""
    is_openais = variable == "OPENAI_BASE_URL" and key.name == "OPENAI_API_KEY"
    return _client(variable, address, key, tuple(_lines("OPENAI_CUSTOM_HEADERS")) if is_openais else ())


def openai_sdk(client: Client) -> Any:  # noqa: ANN401 - the SDK's client
    """Return the SDK without the headers it reads from the environment.

    Raises:
        SetupError: as `Client.check`.
    """
    import openai  # noqa: PLC0415 - over a second, and 50 MB

    class Sdk(openai.AsyncOpenAI):
        @property
        def default_headers(self) -> dict[str, Any]:
            fixed = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": self.user_agent}
            return {**fixed, **self.platform_headers(), **client.headers}

    return Sdk(**_options(client))


def anthropic_sdk(client: Client) -> Any:  # noqa: ANN401 - ditto
    """Return the SDK. What it reads from the environment is meant for the same address.

    Raises:
        SetupError: as `Client.check`.
    """
    import anthropic  # noqa: PLC0415 - nearly three seconds, and 70 MB

    return anthropic.AsyncAnthropic(**_options(client), default_headers=client.headers)


def _options(client: Client) -> dict[str, Any]:
    key = client.key.value.get_secret_value()
    base = {"api_key": key, "base_url": client.address, "http_client": client.http()}
    return {**base, "max_retries": 0, "timeout": None}


def _client(variable: str, address: str, key: Key, own: tuple[Header, ...]) -> Client:
    """With the address's user and password moved to a header: addresses appear in logs and errors."""
    parts = urlsplit(address)
    user, _, place = parts.netloc.rpartition("@")
    secrets = [word for one in own for word in one.value.get_secret_value().split()]
    if user:
        name, _, password = user.partition(":")
        basic = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
        others = (one for one in own if one.name.lower() != "authorization")
        own = (*others, Header(variable, "Authorization", SecretStr(f"Basic {basic}")))
        secrets += [basic, password, unquote(password)]
    known = key._replace(others=tuple(map(SecretStr, secrets)))
    return Client(variable, parts._replace(netloc=place).geturl(), known, own)


def _single() -> Iterator[Header]:
    for variable, name in _OF_OPENAI.items():
        if value := value_of(variable):
            yield Header(variable, name, value)


def _lines(variable: str) -> Iterator[Header]:
    for name, value in headers_of(variable).items():
        yield Header(variable, name, SecretStr(value))


def _is_same_place(source: httpx2.URL, target: httpx2.URL) -> bool:
    """Whether it is the same server, or an upgrade of the same host from http to https."""
    is_upgrade = (_place(source)[::2], _place(target)[::2]) == (("http", 80), ("https", 443))
    return source.host == target.host and (is_upgrade or _place(source) == _place(target))


def _place(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or PORTS.get(url.scheme)
