"""The connection to a site: its address is checked after the name is resolved, and what it sends is limited."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpcore2
import httpx2

from octave_mcp.concurrency.tls import tls_context
from octave_mcp.domain.addresses import NONE_SERVED, Allowed, Served, is_allowed, is_public_address
from octave_mcp.errors import HostNotAllowed, SetupError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

LOOPBACK = "127.0.0.1"

RESOLVE_SECONDS = 5
ADDRESSES_TRIED = 4
MAX_HEAD_BYTES = 200_000
MAX_WIRE_BYTES = 5_000_000
# The most parts of one body: each costs time, however small.
MAX_PARTS = 20_000

# A pool of its own: getaddrinfo cannot be cancelled, and would block other work in threads.
_RESOLVING = ThreadPoolExecutor(8, "names")


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, each once, in the resolver's order."""
    loop = asyncio.get_running_loop()
    found = loop.run_in_executor(_RESOLVING, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(entry[4][0]) for entry in await asyncio.wait_for(found, RESOLVE_SECONDS)))


class NameNotResolved(httpcore2.ConnectError):
    """The resolver does not know the name."""


class AddressCheckingBackend(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that it has checked, so a name that resolves differently later gains nothing."""

    def __init__(self, allow: Allowed, resolver: Resolver = resolve, served: Served = NONE_SERVED) -> None:
        self.network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self.allow = allow
        self.resolver = resolver
        self.served = served

    async def checked(self, host: str, port: int) -> Sequence[str]:
        """The addresses that may be connected to.

        Raises:
            HostNotAllowed: one of them is not public, and the host is not allowed.
            NameNotResolved: the name has none.
        """
        if host in self.served:
            return [LOOPBACK]
        addresses = await self._addresses(host, port)
        bare = host.strip("[]")
        if not is_allowed(bare, port, self.allow) and not all(map(is_public_address, addresses)):
            raise HostNotAllowed(
                f"{bare!r} leads to an address that is not public; give another domain, "
                f"or set OCTAVE_ALLOW_HOSTS={bare} if this host is intended"
            )
        return addresses[:ADDRESSES_TRIED]

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return [str(ipaddress.ip_address(host.strip("[]")))]
        except ValueError:
            pass
        try:
            return await self.resolver(host, port)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise NameNotResolved(f"{host!r} has no address") from error

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        last: Exception = httpcore2.ConnectError(f"{host!r} has no address")
        for address in await self.checked(host, port):
            try:
                return LimitedStream(
                    await self.network.connect_tcp(
                        address, self.served.get(host, port), timeout, local_address, socket_options
                    )
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        await self.network.sleep(seconds)


class ResponseTooLarge(httpx2.TransportError):
    """A server sends more than we read."""


class LimitedStream(httpcore2.AsyncNetworkStream):
    """A connection that ends when the head of a response, and then its body, exceed their limits.

    The limits are here because no layer above sees every byte: those of informational responses, of trailers, and of
    compressed bodies that expand to nothing.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self.stream = stream
        self.left = MAX_HEAD_BYTES

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's
        if self.left <= 0:
            raise ResponseTooLarge("a response that is larger than the limit")
        read = await self.stream.read(max_bytes, timeout)
        self.left -= len(read)
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - ditto
        self.left = MAX_HEAD_BYTES
        await self.stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - ditto
    ) -> httpcore2.AsyncNetworkStream:
        return LimitedStream(await self.stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - ditto
        return self.stream.get_extra_info(info)


class _LimitedBody(httpx2.AsyncByteStream):
    """A body of at most `MAX_PARTS` parts."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = 0
        async for part in self._stream:
            parts += 1
            if parts > MAX_PARTS:
                raise ResponseTooLarge("a body in more parts than allowed")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class LimitedTransport(httpx2.AsyncHTTPTransport):
    """Without usable certificates, only http sites can be read."""

    def __init__(self, backend: AddressCheckingBackend, limits: httpx2.Limits) -> None:
        tls, self._unusable = _tls()
        super().__init__(verify=tls, trust_env=False)
        if not hasattr(self, "_pool"):
            raise RuntimeError("httpx2 keeps its connections elsewhere now: addresses would not be checked")
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._unusable and request.url.scheme == "https":
            raise self._unusable
        response = await super().handle_async_request(request)
        stream = response.extensions.get("network_stream")
        if not isinstance(stream, LimitedStream) or not isinstance(response.stream, httpx2.AsyncByteStream):
            await response.aclose()
            raise httpx2.RemoteProtocolError("the response did not come over the limited connection")
        stream.left = MAX_WIRE_BYTES
        response.stream = _LimitedBody(response.stream)
        return response


def _tls() -> tuple[ssl.SSLContext, SetupError | None]:
    """The context, and the error if there are no usable certificates; the context then trusts no site."""
    try:
        return tls_context(), None
    except SetupError as unusable:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), unusable
