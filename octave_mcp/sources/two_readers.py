"""Two readers of one site: the second reads what the first cannot, and the page says so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Addresses, CacheEntry, Notice, Page, PageFailure
from octave_mcp.errors import NoAccess, SiteUnreachable, UpstreamError
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.reader import (
    DECLINED,
    PageRequest,
    TitledReader,
    ignore_progress,
    site_addresses,
    with_ref,
)

ADVICE = re.compile(r"[.;] ")
SHOWS_LITTLE = "The page shows few words until its scripts run"


@dataclass(frozen=True, slots=True)
class Handover:
    """When the second reader is asked for a page: if `is_due` is true of what the first found.

    With `is_lasting`, the second is the right reader for them, and what it reads is cached. Otherwise it only stands
    in, and the next run asks the first reader again. `home_seconds` are what each may take for a home page, so that
    a failure comes in time to say what both have tried.
    """

    is_due: Callable[[CacheEntry], bool]
    is_lasting: bool
    home_seconds: tuple[float, float]


class TwoReaders:
    """The `Reader` called `name` that uses `first`, and `second` for what `first` fails to read."""

    def __init__(self, name: str, first: TitledReader, second: TitledReader, handover: Handover) -> None:
        self.name, self.allow, self.access = name, first.allow, first.access
        self._first, self._second, self._handover = first, second, handover
        self.on_progress: Callable[[str], None] = ignore_progress
        first.on_progress = second.on_progress = self._tell

    @property
    def credits(self) -> int:
        return self._first.credits + self._second.credits

    async def open(self, company: Company) -> Company:
        try:
            return await self._first.open(company)
        except UpstreamError as failed:
            first = _failure(failed, company)
        try:
            return await self._second.open(company)
        except UpstreamError as failed:
            second = _failure(failed, company)
            if second.reason == first.reason:
                raise
        raise _unreachable(company, self._both(first, second))

    async def home(self, company: Company, cached: CacheEntry | None = None) -> CacheEntry:
        first_seconds, second_seconds = self._handover.home_seconds
        found = await _home(self._first, company, cached, first_seconds)
        if isinstance(found.found, PageFailure) or self._handover.is_due(found):
            self._report(company, found)
            found = self._better(found, await _home(self._second, company, cached, second_seconds))
        if isinstance(found.found, PageFailure):
            raise _unreachable(company, found.found)
        return found

    async def map(self, company: Company, home: Page) -> Addresses:
        found = await _map(self._first, company, home)
        if found is None or _may_be_short(found, home):
            more = await _map(self._second, company, home)
            found = max((one for one in (found, more) if one), key=lambda one: len(one.links), default=None)
        return found or await computed(site_addresses, company, home, [], {})

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        found = list(await self._first.read(company, requests))
        due = [at for at, one in enumerate(found) if self._handover.is_due(one)]
        if due:
            self._report(company, found[due[0]])
            others = await self._second.read(company, [requests[at] for at in due])
            for at, other in zip(due, others, strict=True):
                found[at] = self._better(found[at], other)
        return found

    async def close(self) -> None:
        await self._first.close()
        await self._second.close()

    def _tell(self, text: str) -> None:
        self.on_progress(text)

    def _report(self, company: Company, found: CacheEntry) -> None:
        self.on_progress(f"pages of {company.domain} are {self._handed_over(found)}")

    def _handed_over(self, found: CacheEntry) -> str:
        why = _why(found.found) if isinstance(found.found, PageFailure) else SHOWS_LITTLE
        return f"read by {self._second.title}: {why}"

    def _better(self, first: CacheEntry, second: CacheEntry) -> CacheEntry:
        """What the second reader found, with a notice, if it is more than the first found."""
        ours, theirs = first.found, second.found
        if isinstance(ours, Page) and not (isinstance(theirs, Page) and theirs.words > ours.words):
            return first
        if isinstance(ours, PageFailure) and isinstance(theirs, PageFailure):
            return CacheEntry(found=self._both(ours, theirs))
        is_lasting = self._handover.is_lasting
        return with_ref(
            second, notice=Notice(code="other_source", reason=self._handed_over(first), is_lasting=is_lasting)
        )

    def _both(self, first: PageFailure, second: PageFailure) -> PageFailure:
        """One failure that says what each has tried, with the code of the reader that tried to fetch the page."""
        told = [
            f"{reader.title[0].upper()}{reader.title[1:]}: {_why(failure)}"
            for reader, failure in ((self._first, first), (self._second, second))
        ]
        return (second if first.code == DECLINED else first).model_copy(update={"reason": ". ".join(told)})


async def _home(reader: TitledReader, company: Company, cached: CacheEntry | None, seconds: float) -> CacheEntry:
    """The home page, or why the reader cannot read it."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.home(company, cached)
    except TimeoutError:
        reason = f"No complete answer within {seconds:g} seconds"
        return CacheEntry(found=PageFailure(url=f"{company.url}/", code="timeout", reason=reason))
    except NoAccess:
        raise
    except UpstreamError as failed:
        return CacheEntry(found=_failure(failed, company))


async def _map(reader: TitledReader, company: Company, home: Page) -> Addresses | None:
    try:
        return await reader.map(company, home)
    except NoAccess:
        raise
    except UpstreamError:
        return None


def _failure(failed: UpstreamError, company: Company) -> PageFailure:
    error = failed if isinstance(failed, PageFailed) else failed.__cause__
    if isinstance(error, PageFailed):
        return error.failure
    return PageFailure(url=f"{company.url}/", code=DECLINED, reason=str(failed))


def _unreachable(company: Company, failure: PageFailure) -> SiteUnreachable:
    error = SiteUnreachable(f"{company.url} cannot be read. {failure.reason}. Check the domain, or try again later")
    error.__cause__ = PageFailed(failure.url, failure.code, failure.reason)
    return error


def _may_be_short(found: Addresses, home: Page) -> bool:
    """Whether the first reader found only what the home page links to, of a site whose home page it could not read."""
    by_second = home.ref.notice is not None and home.ref.notice.code == "other_source"
    return by_second and all(link.origin != "sitemap" for link in found.links)


def _why(failure: PageFailure) -> str:
    """The reason without the advice that follows it, which is for those who have one reader."""
    return ADVICE.split(failure.reason, maxsplit=1)[0].removesuffix(".")
