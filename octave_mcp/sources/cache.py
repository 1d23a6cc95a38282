"""A source with a cache. All runs and processes that use the same database share the cache."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, CacheEntry, Notice, Page, PageFailure
from octave_mcp.domain.places import mapped
from octave_mcp.domain.value import Value
from octave_mcp.errors import SiteUnreachable
from octave_mcp.ports import CACHE_MAX_AGE, PageCache
from octave_mcp.sources.code_digest import code_digest
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.memory import RunMemory
from octave_mcp.sources.reader import PageRequest, Reader, own_url, with_ref, without_duplicates
from octave_mcp.sources.single_flight import SingleFlight

# Failures expire after at most this time, because a missing page could be published at any time.
FAILURE_MAX_AGE = timedelta(minutes=10)
# A lease expires after this time, and another process can then take over the fetch. A running process renews its leases
# every second, so usually only the leases of a dead process expire.
LEASE_SECONDS = 3.0
POLL_SECONDS = 0.2

V = TypeVar("V", bound=Value)
Fetch = Callable[[Sequence[PageRequest]], Awaitable[Sequence[CacheEntry]]]


class CachedSource:
    """A `Source` that caches the pages that its reader fetches.

    With `refresh`, every page is fetched again, and the new copy is cached.

    `code` lists the modules of the reader. If a cached page was parsed by a different version of these modules, the
    page is read again. `cache` stores new copies, so that all runs can use them. If storing a copy fails, the page is
    returned anyway.
    """

    def __init__(
        self,
        reader: Reader,
        memory: RunMemory,
        supervisor: Supervisor,
        *,
        code: Sequence[str],
        max_age_seconds: float,
        refresh: bool = False,
        cache: PageCache | None = None,
    ) -> None:
        self._reader, self._memory, self._copies, self._refresh = reader, memory, memory.store, refresh
        self._cache = cache or memory.store
        self._supervisor = supervisor
        self._code, self._digest = code, ""
        self._max_age = timedelta(seconds=max_age_seconds)
        self._started_at = datetime.now(UTC)
        self._owner = secrets.token_hex(16)
        self._flights: SingleFlight[CacheEntry] = SingleFlight(self._cache, refresh=refresh)

    @property
    def credits(self) -> int:
        return self._reader.credits

    def listen(self, on_progress: Callable[[str], None]) -> None:
        self._reader.on_progress = on_progress

    async def open(self, company: Company) -> Company:
        return await self._reader.open(company)

    async def home(self, company: Company) -> Page:
        async def fetch(requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
            return [await self._reader.home(company, request.cached) for request in requests]

        (copy,) = await self._get("home", company, [company.url], fetch)
        return _content(copy, Page)

    async def map(self, company: Company, home: Page) -> Site:
        async def fetch(requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
            return [CacheEntry(found=await self._reader.map(company, home)) for _ in requests]

        (copy,) = await self._get(f"map {company.role} {home.ref.sha256}", company, [company.url], fetch)
        return mapped(company, home, _content(copy, Addresses))

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        return without_duplicates(await self.read(site.company, urls), site.home)

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        checked = [own_url(url, company, self._reader.allow) for url in urls]
        own = [url for url in checked if isinstance(url, str)]
        copies = await self._get("page", company, own, lambda requests: self._reader.read(company, requests))
        by_url = dict(zip(own, copies, strict=True))
        return tuple(
            _page_of(by_url[own_or_failure], url) if isinstance(own_or_failure, str) else own_or_failure
            for url, own_or_failure in zip(urls, checked, strict=True)
        )

    async def close(self) -> None:
        await self._flights.close()
        await self._reader.close()

    async def _get(self, kind: str, company: Company, urls: Sequence[str], fetch: Fetch) -> list[CacheEntry]:
        """Return a copy of the page at each URL, either from the cache or newly fetched."""
        self._digest = self._digest or await computed(code_digest, *self._code)
        prefix = f"{self._digest} {self._reader.name} {kind} {company.domain}"
        keys = {url: sha256(f"{prefix} {url_key(url)}".encode()).hexdigest() for url in urls}
        by_key = {key: url for url, key in keys.items()}
        await self._memory.use(by_key)
        copies = await self._flights.get(
            list(by_key), lambda missing: self._cached_or_fetched({key: by_key[key] for key in missing}, fetch)
        )
        return [copies[keys[url]] for url in urls]

    async def _cached_or_fetched(self, urls: Mapping[str, str], fetch: Fetch) -> dict[str, CacheEntry]:
        """Return a fresh copy for each key.

        If the cache has no fresh copy, the page is fetched by the process that first gets the lease.
        """
        cached = await self._copies.cached(list(urls), since=self._earliest(CACHE_MAX_AGE))
        fresh = {key: copy for key, copy in cached.items() if self._is_fresh(copy)}
        while missing := [key for key in urls if key not in fresh]:
            leased = await self._copies.lease(missing, self._owner, seconds=LEASE_SECONDS)
            if leased:
                fresh |= await self._fetch_leased([key for key in missing if key in leased], urls, cached, fetch)
            elif fetched_by_others := await self._fresh(missing):
                fresh |= fetched_by_others
            else:
                await asyncio.sleep(POLL_SECONDS)
        return fresh

    async def _fetch_leased(
        self, keys: list[str], urls: Mapping[str, str], cached: Mapping[str, CacheEntry], fetch: Fetch
    ) -> dict[str, CacheEntry]:
        """Fetch the pages whose keys this process has leased, cache the copies, and release the leases."""
        cacheable: dict[str, CacheEntry] = {}
        try:
            async with self._renewed(keys):
                # Another process could have cached the page after we checked the cache and before we acquired the
                # lease.
                fresh = await self._fresh(keys)
                requests = {
                    key: PageRequest(urls[key], self._usable(cached.get(key))) for key in keys if key not in fresh
                }
                copies = await _fetched(list(requests.values()), fetch) if requests else list[CacheEntry]()
                new = dict(zip(requests, copies, strict=True))
            cacheable = {key: copy for key, copy in new.items() if _is_cacheable(copy)}
            return fresh | {key: _or_stale(copy, requests[key].cached) for key, copy in new.items()}
        finally:
            # The shield ensures that a cancelled run releases its leases, so that other processes need not wait until
            # the leases expire.
            await asyncio.shield(self._supervisor.once("page cache", lambda: self._store_and_release(cacheable, keys)))

    async def _store_and_release(self, cacheable: Mapping[str, CacheEntry], leased: Sequence[str]) -> None:
        await self._cache.put_cached(cacheable, owner=self._owner, leased=leased, run_id=self._memory.run_id)

    @asynccontextmanager
    async def _renewed(self, keys: Sequence[str]) -> AsyncGenerator[None]:
        async def renew() -> None:
            await self._cache.lease(keys, self._owner, seconds=LEASE_SECONDS)

        interval = LEASE_SECONDS / 3
        renewing = self._supervisor.start("page leases", renew, every_seconds=interval, delay_seconds=interval)
        try:
            yield
        finally:
            renewing.cancel()

    async def _fresh(self, keys: Sequence[str]) -> dict[str, CacheEntry]:
        cached = await self._copies.cached(keys, since=self._earliest(self._max_age))
        return {key: copy for key, copy in cached.items() if self._is_fresh(copy)}

    def _earliest(self, max_age: timedelta) -> datetime:
        """Return the time from which a copy must be, so that it is not older than `max_age`.

        With `refresh`, a copy must have been fetched after this source was created, by this or another process.
        """
        return self._started_at if self._refresh else datetime.now(UTC) - max_age

    def _is_fresh(self, copy: CacheEntry) -> bool:
        is_failure = isinstance(copy.found, PageFailure)
        max_age = min(FAILURE_MAX_AGE, self._max_age) if is_failure else self._max_age
        return copy.kept_at >= self._earliest(max_age)

    def _usable(self, copy: CacheEntry | None) -> CacheEntry | None:
        """Return the expired copy if it can still be used. Otherwise, return None.

        Expired copies are used for conditional requests, and in place of pages that cannot be read.
        """
        return None if copy is None or self._refresh or isinstance(copy.found, PageFailure) else copy


def _page_of(copy: CacheEntry, url: str) -> Page | PageFailure:
    """Return the page or the failure that a cached copy contains.

    If the copy is a failure, replace its URL with the URL that the caller has passed.
    """
    if isinstance(copy.found, PageFailure):
        return copy.found.model_copy(update={"url": url})
    return _content(copy, Page)


def _content(copy: CacheEntry, kind: type[V]) -> V:
    if not isinstance(copy.found, kind):
        raise TypeError(f"expected a cached {kind.__name__}, found a {type(copy.found).__name__}")
    return copy.found


async def _fetched(requests: Sequence[PageRequest], fetch: Fetch) -> Sequence[CacheEntry]:
    """Fetch the pages.

    If the home page fails, the error is raised. But if the failure is temporary and there is an expired copy for every
    request, return the failure instead, so that the caller can use the expired copies.
    """
    try:
        return await fetch(requests)
    except SiteUnreachable as failed:
        copy = CacheEntry(found=failed.__cause__.failure) if isinstance(failed.__cause__, PageFailed) else None
        if copy is None or not _is_temporary(copy) or not all(request.cached for request in requests):
            raise
        return [copy for _ in requests]


def _or_stale(copy: CacheEntry, cached: CacheEntry | None) -> CacheEntry:
    """If the fetch failed temporarily and there is an expired copy, return the expired copy with a notice."""
    if cached is None or not _is_temporary(copy):
        return copy
    why = copy.found.reason if isinstance(copy.found, PageFailure) else ""
    reason = f"read on {cached.kept_at:%Y-%m-%d}, and not available now ({why})"
    return with_ref(cached, notice=Notice(code="stale_copy", reason=reason))


def _is_cacheable(copy: CacheEntry) -> bool:
    notice = copy.found.ref.notice if isinstance(copy.found, Page) else None
    return not _is_temporary(copy) and (notice is None or notice.is_lasting)


def _is_temporary(copy: CacheEntry) -> bool:
    content = copy.found
    failures = (
        content.failures if isinstance(content, Addresses) else (content,) if isinstance(content, PageFailure) else ()
    )
    return any(failure.may_pass for failure in failures)
