"""Firecrawl's SDK with our own HTTP client, which ignores proxy settings in environment variables.

The SDK's own client is not used, because it fails if an environment variable names an unusable proxy, even if NO_PROXY
exempts the address.
"""

from __future__ import annotations

import httpx
from firecrawl.v2.client_async import AsyncFirecrawlClient
from firecrawl.v2.utils.http_client_async import AsyncHttpClient

from octave_mcp.concurrency.proxies import proxy_for
from octave_mcp.concurrency.tls import tls_context

ORIGIN = "octave-mcp"


class Sdk(AsyncFirecrawlClient):
    """The SDK's client.

    Raises:
        SetupError: If the proxy or the certificates cannot be used.
    """

    def __init__(self, key: str | None, url: str, *, timeout_seconds: float) -> None:
        self.async_http_client = _Http(key, url, timeout_seconds)


class _Http(AsyncHttpClient):
    def __init__(self, key: str | None, url: str, timeout_seconds: float) -> None:
        self.api_key, self.api_url, self.origin = key, url, ORIGIN
        self.timeout, self.max_retries, self.backoff_factor = timeout_seconds, 1, 0.0
        tls, proxy = tls_context(), proxy_for(url)
        proxy_tls = tls if proxy and proxy.startswith("https:") else None
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            transport=httpx.AsyncHTTPTransport(
                verify=tls,
                trust_env=False,
                limits=httpx.Limits(max_keepalive_connections=0),
                proxy=httpx.Proxy(proxy, ssl_context=proxy_tls) if proxy else None,
            ),
            trust_env=False,
        )
