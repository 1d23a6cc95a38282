"""Connects to sites. Checks addresses after name resolution, and limits the amount of data that a server can send."""

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
from octave_mcp.domain.addresses import NONE_SERVED, Allowed, Served, is_allowed
from octave_mcp.domain.ip_addresses import NEVER_ALLOWED, is_never_allowed, is_public_address
from octave_mcp.errors import HostNotAllowed, SetupError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

LOOPBACK = "127.0.0.1"

RESOLVE_SECONDS = 5
ADDRESSES_TRIED = 4
MAX_HEAD_BYTES = 200_000
MAX_WIRE_BYTES = 5_000_000
# A body that arrives in very many tiny chunks would occupy the CPU, even if the body is small.
MAX_PARTS = 20_000

# Lookups use a separate thread pool. getaddrinfo cannot be cancelled, so slow lookups would block other work in a
# shared pool.
_RESOLVING = ThreadPoolExecutor(8, "names")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host name without duplicates, in the order of the resolver."""
    loop = asyncio.get_running_loop()
    lookup = loop.run_in_executor(_RESOLVING, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(entry[4][0]) for entry in await asyncio.wait_for(lookup, RESOLVE_SECONDS)))


class NameNotResolved(httpcore2.ConnectError):
    """The host name cannot be resolved."""


class AddressCheckingBackend(httpcore2.AsyncNetworkBackend):
    """A network backend that checks each address before it connects to it.

    The host name is resolved only once. A second lookup for the connection would make DNS rebinding possible.
    """

    def __init__(self, allow: Allowed, resolver: Resolver = resolve, served: Served = NONE_SERVED) -> None:
        self.network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self.allow = allow
        self.resolver = resolver
        self.served = served

    async def checked(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses to which connections are allowed.

        Raises:
            HostNotAllowed: If an address is not public and the settings do not allow the host, or is never allowed.
            NameNotResolved: If the host name has no address.
        """
        if host in self.served:
            return [LOOPBACK]
        addresses = await self._addresses(host, port)
        name = host.strip("[]")
        if any(map(is_never_allowed, addresses)):
            raise HostNotAllowed(f"{name!r} resolves to {NEVER_ALLOWED}; give another domain")
        if not is_allowed(name, port, self.allow) and not all(map(is_public_address, addresses)):
            raise HostNotAllowed(
                f"{name!r} resolves to an address that is not public; give another domain, "
                f"or set OCTAVE_ALLOW_HOSTS={name} if this host is intended"
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
    """The server sends more data than the size limit allows."""


class LimitedStream(httpcore2.AsyncNetworkStream):
    """A connection that fails if the headers or the body of a response exceed the size limit.

    The limits are applied here, because only this layer sees every byte. For example, higher layers do not see
    informational responses and trailers.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self.stream = stream
        self.left = MAX_HEAD_BYTES

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's
        if self.left <= 0:
            raise ResponseTooLarge("the response exceeds the size limit")
        read = await self.stream.read(max_bytes, timeout)
        self.left -= len(read)
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - ditto
        # Connections are reused, so the limit is reset for each request.
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
    """A response body that fails if it arrives in more than `MAX_PARTS` parts."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = 0
        async for part in self._stream:
            parts += 1
            if parts > MAX_PARTS:
                raise ResponseTooLarge(f"the body has more than {MAX_PARTS:,} parts")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class LimitedTransport(httpx2.AsyncHTTPTransport):
    """A transport that checks addresses and limits responses. If no certificates are usable, only http sites work."""

    def __init__(self, backend: AddressCheckingBackend, limits: httpx2.Limits) -> None:
        tls, self._unusable = _tls()
        super().__init__(verify=tls, trust_env=False)
        # httpx2 has no public way to set a network backend, so its private connection pool is replaced.
        if not hasattr(self, "_pool"):
            raise RuntimeError("httpx2 no longer has the attribute _pool, so addresses would not be checked")
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
        # The headers have been read, so the limit for the body applies from here on.
        stream.left = MAX_WIRE_BYTES
        response.stream = _LimitedBody(response.stream)
        return response


def _tls() -> tuple[ssl.SSLContext, SetupError | None]:
    """Return the TLS context, and an error if no certificates can be used. The context then trusts no site."""
    try:
        return tls_context(), None
    except SetupError as unusable:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), unusable
