"""HTTP clients for the providers, with headers that are sent only to a provider's own address.

The providers' SDKs read many environment variables, for example for proxies, certificates and headers. This module
decides which of these variables apply to a provider. The value of one provider's variable must neither break another
provider's client nor be sent to another provider's server.
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

_HEADER_NAME, _HEADER_VALUE = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII), re.compile(r"[\t -~]*")
# The SDKs use the same limits by default. `limiter` limits the number of concurrent calls.
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
# Without these options, OpenAI's SDK would also use the key in OPENAI_ADMIN_KEY.
BEARER = {"security": {"bearer_auth": True}}
_OPENAI_VARIABLES = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}


class Header(NamedTuple):
    """A header that the user set in an environment variable."""

    variable: str
    name: str
    value: SecretStr


@dataclass(frozen=True, slots=True)
class Client:
    """Settings of the HTTP client for a provider.

    `variable` is the environment variable that sets the address. `own_headers` are the headers that the user set for
    that address.
    """

    variable: str
    address: str
    key: Key
    own_headers: tuple[Header, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        return {header.name: header.value.get_secret_value() for header in self.own_headers}

    def check(self) -> None:
        """Raise `SetupError` if the headers, the certificates or the proxy cannot be used."""
        for variable, name, value in self.own_headers:
            if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value.get_secret_value())):
                raise SetupError(
                    f"{variable} cannot be used: it contains a character that HTTP headers cannot have; "
                    f"remove that character, and write each header as 'Name: value' on its own line"
                )
        tls_context()
        proxy_for(self.address)

    def http(self) -> httpx2.AsyncClient:
        """Return an HTTP client that does not read the environment variables.

        Raises:
            SetupError: If `check` fails.
        """
        self.check()
        tls, url = tls_context(), proxy_for(self.address)
        proxy = httpx2.Proxy(url, ssl_context=tls if url.startswith("https:") else None) if url else None
        return httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_LIMITS, proxy=proxy),
            timeout=None,  # `remote` limits the time of each call
            trust_env=False,
            follow_redirects=True,
            event_hooks={"response": [self._refuse_redirect]},
        )

    async def _refuse_redirect(self, response: httpx2.Response) -> None:
        """Refuse redirects to other servers, which would get the prompt and all headers except 'Authorization'."""
        if response.has_redirect_location:
            target = response.url.join(response.headers["location"])
            if not _is_same_server(response.url, target):
                address = f"{target.scheme}://{target.netloc.decode()}"
                raise SetupError(
                    f"the server at {self.variable} redirects to {address}, which is another server; "
                    f"set {self.variable} to the final address"
                )


def of_openai(address: str, key: Key) -> Client:
    """Return OpenAI's client settings, with the organization, project and custom headers from OpenAI's variables."""
    return _client("OPENAI_BASE_URL", address, key, (*_openai_headers(), *_custom_headers("OPENAI_CUSTOM_HEADERS")))


def of_anthropic(address: str, key: Key) -> Client:
    return _client("ANTHROPIC_BASE_URL", address, key, tuple(_custom_headers("ANTHROPIC_CUSTOM_HEADERS")))


def of_compat(variable: str, address: str, key: Key) -> Client:
    """Return the client settings for a server that is compatible with OpenAI's API.

    OpenAI's key and headers are sent only to the server at OPENAI_BASE_URL.
    """
    is_openai_key = variable == "OPENAI_BASE_URL" and key.name == "OPENAI_API_KEY"
    return _client(variable, address, key, tuple(_custom_headers("OPENAI_CUSTOM_HEADERS")) if is_openai_key else ())


def openai_sdk(client: Client) -> Any:  # noqa: ANN401 - an SDK type
    """Return a client of OpenAI's SDK, without the headers that the SDK reads from the environment.

    Raises:
        SetupError: If `Client.check` fails.
    """
    import openai  # noqa: PLC0415 - importing takes over a second and 50 MB

    class Sdk(openai.AsyncOpenAI):
        @property
        def default_headers(self) -> dict[str, Any]:
            fixed = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": self.user_agent}
            return {**fixed, **self.platform_headers(), **client.headers}

    return Sdk(**_options(client))


def anthropic_sdk(client: Client) -> Any:  # noqa: ANN401 - an SDK type
    """Return a client of Anthropic's SDK.

    The SDK may read the ANTHROPIC_* environment variables itself, because they are meant for the server that this
    client calls.

    Raises:
        SetupError: If `Client.check` fails.
    """
    import anthropic  # noqa: PLC0415 - importing takes nearly three seconds and 70 MB

    return anthropic.AsyncAnthropic(**_options(client), default_headers=client.headers)


def _options(client: Client) -> dict[str, Any]:
    key = client.key.value.get_secret_value()
    base = {"api_key": key, "base_url": client.address, "http_client": client.http()}
    return {**base, "max_retries": 0, "timeout": None}  # if the SDK retried calls too, the retries would multiply


def _client(variable: str, address: str, key: Key, own_headers: tuple[Header, ...]) -> Client:
    """Move the user and password of the address to a header, because addresses appear in logs and errors."""
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    secrets = [word for header in own_headers for word in header.value.get_secret_value().split()]
    if user:
        name, _, password = user.partition(":")
        basic = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
        without_authorization = (header for header in own_headers if header.name.lower() != "authorization")
        own_headers = (*without_authorization, Header(variable, "Authorization", SecretStr(f"Basic {basic}")))
        secrets += [basic, password, unquote(password)]
    scrubbed_key = key._replace(others=tuple(map(SecretStr, secrets)))
    return Client(variable, parts._replace(netloc=host).geturl(), scrubbed_key, own_headers)


def _openai_headers() -> Iterator[Header]:
    for variable, name in _OPENAI_VARIABLES.items():
        if value := value_of(variable):
            yield Header(variable, name, value)


def _custom_headers(variable: str) -> Iterator[Header]:
    for name, value in headers_of(variable).items():
        yield Header(variable, name, SecretStr(value))


def _is_same_server(source: httpx2.URL, target: httpx2.URL) -> bool:
    """Whether a redirect stays on the same server. An upgrade from http to https on the same host is allowed."""
    is_upgrade = (_origin(source)[::2], _origin(target)[::2]) == (("http", 80), ("https", 443))
    return source.host == target.host and (is_upgrade or _origin(source) == _origin(target))


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or PORTS.get(url.scheme)
