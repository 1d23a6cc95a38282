"""A source with a memory: what was found is used again for a while, in every process that has the same database."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TypeVar

from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Addresses, Copy, Notice, Page, PageFailure
from octave_mcp.domain.value import Value
from octave_mcp.errors import SiteUnreachable, StoreFailed
from octave_mcp.ports import COPIES_KEPT, Copies
from octave_mcp.sources.reader import Reader, Wanted, permitted, with_ref, without_copies
from octave_mcp.sources.single_flight import Flights
from octave_mcp.sources.web.failures import Unread

FAILURES_KEPT = timedelta(minutes=10)
LEASE_SECONDS = 3.0
"""After so long, others fetch what a process that has died began to; one that is at it renews its leases."""
LOOK_SECONDS = 0.2

V = TypeVar("V", bound=Value)
Fetch = Callable[[Sequence[Wanted]], Awaitable[Sequence[Copy]]]


class Kept:
    """The `Source` of a reader. `refresh` has everything fetched anew, and kept."""

    def __init__(self, reader: Reader, copies: Copies, *, max_age_seconds: float, refresh: bool = False) -> None:
        self._reader, self._copies, self._refresh = reader, copies, refresh
        self._max_age = timedelta(seconds=max_age_seconds)
        self._began = datetime.now(UTC)
        self._owner = secrets.token_hex(16)
        self._flights: Flights[Copy] = Flights(copies, anew=refresh)

    @property
    def credits(self) -> int:
        return self._reader.credits

    def listen(self, tell: Callable[[str], None]) -> None:
        self._reader.tell = tell

    async def open(self, company: Company) -> Company:
        return await self._reader.open(company)

    async def home(self, company: Company) -> Page:
        async def fetch(wanted: Sequence[Wanted]) -> Sequence[Copy]:
            return [await self._reader.home(company, one.known) for one in wanted]

        (copy,) = await self._get("home", company, [company.url], fetch)
        return _found(copy, Page)

    async def map(self, company: Company, home: Page) -> Site:
        async def fetch(wanted: Sequence[Wanted]) -> Sequence[Copy]:
            return [Copy(found=await self._reader.map(company, home)) for _ in wanted]

        (copy,) = await self._get(f"map {home.ref.sha256}", company, [company.url], fetch)
        return Site(company=company, home=home, **dict(_found(copy, Addresses)))

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        allowed = [permitted(url, site.company, self._reader.allow) for url in urls]
        own = [one for one in allowed if isinstance(one, str)]
        copies = await self._get("page", site.company, own, lambda wanted: self._reader.read(site, wanted))
        read = dict(zip(own, copies, strict=True))
        found = [
            _page_of(read[one], url) if isinstance(one, str) else one for url, one in zip(urls, allowed, strict=True)
        ]
        return without_copies(found, site.home)

    async def close(self) -> None:
        await self._flights.close()
        await self._reader.close()

    async def _get(self, kind: str, company: Company, urls: Sequence[str], fetch: Fetch) -> list[Copy]:
        """A copy for each address: one that is kept, or what is fetched."""
        what = f"{_reading()} {self._reader.name} {kind} {company.domain}"
        keys = {url: sha256(f"{what} {url_key(url)}".encode()).hexdigest() for url in urls}
        by_key = {key: url for url, key in keys.items()}
        copies = await self._flights.get(
            list(by_key), lambda mine: self._looked_up({k: by_key[k] for k in mine}, fetch)
        )
        return [copies[keys[url]] for url in urls]

    async def _looked_up(self, urls: Mapping[str, str], fetch: Fetch) -> dict[str, Copy]:
        """By key: what is kept and young enough, else what is fetched, by us or by another process."""
        known = await self._copies.copies(list(urls))
        found = {key: copy for key, copy in known.items() if self._is_young(copy)}
        while missing := [key for key in urls if key not in found]:
            mine = await self._copies.lease(missing, self._owner, seconds=LEASE_SECONDS)
            if mine:
                found |= await self._leased([key for key in missing if key in mine], urls, known, fetch)
            elif found_by_others := await self._young(missing):
                found |= found_by_others
            else:
                await asyncio.sleep(LOOK_SECONDS)
        return found

    async def _leased(
        self, keys: list[str], urls: Mapping[str, str], known: Mapping[str, Copy], fetch: Fetch
    ) -> dict[str, Copy]:
        keep: dict[str, Copy] = {}
        try:
            async with self._renewed(keys):
                found = await self._young(keys)  # another may have kept it since we looked
                wanted = {key: Wanted(urls[key], self._usable(known.get(key))) for key in keys if key not in found}
                new = dict(zip(wanted, await _fetched(list(wanted.values()), fetch), strict=True)) if wanted else {}
            keep = {key: copy for key, copy in new.items() if _is_lasting(copy)}
            return found | {key: _or_stale(copy, wanted[key].known) for key, copy in new.items()}
        finally:
            await asyncio.shield(self._copies.keep_copies(keep, owner=self._owner, leased=keys))

    @asynccontextmanager
    async def _renewed(self, keys: Sequence[str]) -> AsyncGenerator[None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE_SECONDS / 3)
                with suppress(StoreFailed):
                    await self._copies.lease(keys, self._owner, seconds=LEASE_SECONDS)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def _young(self, keys: Sequence[str]) -> dict[str, Copy]:
        return {key: copy for key, copy in (await self._copies.copies(keys)).items() if self._is_young(copy)}

    def _is_young(self, copy: Copy) -> bool:
        if self._refresh:
            return copy.kept_at >= self._began
        is_failure = isinstance(copy.found, PageFailure)
        return copy.kept_at > datetime.now(UTC) - (min(FAILURES_KEPT, self._max_age) if is_failure else self._max_age)

    def _usable(self, copy: Copy | None) -> Copy | None:
        """A copy that may be confirmed by its site, or stand for a page that cannot be read."""
        if copy is None or self._refresh or isinstance(copy.found, PageFailure):
            return None
        return copy if copy.kept_at > datetime.now(UTC) - COPIES_KEPT else None


@cache
def _reading() -> str:
    """Names how pages are read: a digest of the code that does it, so that no older reading is taken for this one."""
    folders = (files("octave_mcp.sources"), files("octave_mcp.sources.crawler"), files("octave_mcp.domain"))
    code = sorted((one.name, one.read_bytes()) for folder in folders for one in folder.iterdir() if one.is_file())
    return sha256(b"".join(text for _, text in code)).hexdigest()[:16]


def _page_of(copy: Copy, url: str) -> Page | PageFailure:
    """The page; a failure goes by the address that was asked for."""
    if isinstance(copy.found, PageFailure):
        return copy.found.model_copy(update={"url": url})
    return _found(copy, Page)


def _found(copy: Copy, kind: type[V]) -> V:
    if not isinstance(copy.found, kind):
        raise TypeError(f"a {kind.__name__} was asked for, and a {type(copy.found).__name__} found")
    return copy.found


async def _fetched(wanted: Sequence[Wanted], fetch: Fetch) -> Sequence[Copy]:
    """What is fetched. A home page that cannot be had is a failure here, where a copy of it is known."""
    try:
        return await fetch(wanted)
    except SiteUnreachable as failed:
        copy = Copy(found=failed.__cause__.failure) if isinstance(failed.__cause__, Unread) else None
        if copy is None or not _is_shaky(copy) or not all(one.known for one in wanted):
            raise
        return [copy for _ in wanted]


def _or_stale(copy: Copy, known: Copy | None) -> Copy:
    """What is known, and a notice that says so, where what was fetched is a failure that may be over in a moment."""
    if known is None or not _is_shaky(copy):
        return copy
    why = copy.found.reason if isinstance(copy.found, PageFailure) else ""
    reason = f"read on {known.kept_at:%Y-%m-%d}, and not to be had now ({why})"
    return with_ref(known, notice=Notice(code="stale_copy", reason=reason))


def _is_lasting(copy: Copy) -> bool:
    """Whether it is worth keeping: what came from elsewhere than asked for is not."""
    return not _is_shaky(copy) and not (isinstance(copy.found, Page) and copy.found.ref.notice)


def _is_shaky(copy: Copy) -> bool:
    found = copy.found
    failures = found.failures if isinstance(found, Addresses) else (found,) if isinstance(found, PageFailure) else ()
    return any(failure.may_pass for failure in failures)
