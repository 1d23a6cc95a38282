"""Combines two readers. A fallback reader reads the pages that the first reader cannot read."""

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

# Some reasons end with advice after a full stop or semicolon: 'The site responds with 403; check the domain'.
ADVICE_SEPARATOR = re.compile(r"[.;] ")
FEW_WORDS_REASON = "The page shows few words until its scripts run"


@dataclass(frozen=True, slots=True)
class Handover:
    """Decides when the fallback reader takes over.

    The fallback reader takes over if `is_due` is true for the first reader's result.

    If `is_lasting` is true, results of the fallback reader are cached. If `is_lasting` is false, the next run tries the
    first reader again. `home_seconds` are the time limits for reading a home page with each of the two readers. The two
    limits together must not exceed the run's time limit for a site.
    """

    is_due: Callable[[CacheEntry], bool]
    is_lasting: bool
    home_seconds: tuple[float, float]


class TwoReaders:
    """A `Reader` that uses the reader `first`, and `second` as a fallback for pages that `first` cannot read."""

    def __init__(self, name: str, first: TitledReader, second: TitledReader, handover: Handover) -> None:
        self.name, self.allow, self.access = name, first.allow, first.access
        self._first, self._second, self._handover = first, second, handover
        self.on_progress: Callable[[str], None] = ignore_progress
        first.on_progress = second.on_progress = self._forward_progress

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
        raise _unreachable(company, self._combined(first, second))

    async def home(self, company: Company, cached: CacheEntry | None = None) -> CacheEntry:
        first_seconds, second_seconds = self._handover.home_seconds
        copy = await _home(self._first, company, cached, first_seconds)
        if isinstance(copy.found, PageFailure) or self._handover.is_due(copy):
            self._report(company, copy)
            copy = self._better(copy, await _home(self._second, company, cached, second_seconds))
        if isinstance(copy.found, PageFailure):
            raise _unreachable(company, copy.found)
        return copy

    async def map(self, company: Company, home: Page) -> Addresses:
        known = await _map(self._first, company, home)
        if known is None or _may_be_incomplete(known, home):
            more = await _map(self._second, company, home)
            known = max(
                (addresses for addresses in (known, more) if addresses),
                key=lambda addresses: len(addresses.links),
                default=None,
            )
        return known or await computed(site_addresses, company, home, [], {})

    async def read(self, company: Company, requests: Sequence[PageRequest]) -> Sequence[CacheEntry]:
        copies = list(await self._first.read(company, requests))
        due = [at for at, copy in enumerate(copies) if self._handover.is_due(copy)]
        if due:
            self._report(company, copies[due[0]])
            others = await self._second.read(company, [requests[at] for at in due])
            for at, other in zip(due, others, strict=True):
                copies[at] = self._better(copies[at], other)
        return copies

    async def close(self) -> None:
        await self._first.close()
        await self._second.close()

    def _forward_progress(self, text: str) -> None:
        self.on_progress(text)

    def _report(self, company: Company, copy: CacheEntry) -> None:
        self.on_progress(f"pages of {company.domain} are {self._handed_over(copy)}")

    def _handed_over(self, copy: CacheEntry) -> str:
        why = _reason_of(copy.found) if isinstance(copy.found, PageFailure) else FEW_WORDS_REASON
        return f"read by {self._second.title}: {why}"

    def _better(self, first: CacheEntry, second: CacheEntry) -> CacheEntry:
        """Return the page with more words. If only one result is a page, return it.

        If both results are failures, combine them. If the fallback reader's page is returned, add a notice to this
        page.
        """
        first_content, second_content = first.found, second.found
        if isinstance(first_content, Page) and not (
            isinstance(second_content, Page) and second_content.words > first_content.words
        ):
            return first
        if isinstance(first_content, PageFailure) and isinstance(second_content, PageFailure):
            return CacheEntry(found=self._combined(first_content, second_content))
        is_lasting = self._handover.is_lasting
        return with_ref(
            second, notice=Notice(code="other_source", reason=self._handed_over(first), is_lasting=is_lasting)
        )

    def _combined(self, first: PageFailure, second: PageFailure) -> PageFailure:
        """Return one failure with the reasons of both readers.

        The failure code comes from a reader that actually tried to fetch the page.
        """
        attempts = [
            f"{reader.title[0].upper()}{reader.title[1:]}: {_reason_of(failure)}"
            for reader, failure in ((self._first, first), (self._second, second))
        ]
        return (second if first.code == DECLINED else first).model_copy(update={"reason": ". ".join(attempts)})


async def _home(reader: TitledReader, company: Company, cached: CacheEntry | None, seconds: float) -> CacheEntry:
    """Return the home page, or a failure with the reason why the reader cannot read it."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.home(company, cached)
    except TimeoutError:
        reason = f"No complete response within {seconds:g} seconds"
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


def _may_be_incomplete(known: Addresses, home: Page) -> bool:
    """Whether the first reader possibly missed pages, because it could read neither the home page nor a sitemap."""
    by_second = home.ref.notice is not None and home.ref.notice.code == "other_source"
    return by_second and all(link.origin != "sitemap" for link in known.links)


def _reason_of(failure: PageFailure) -> str:
    """Return the reason without advice.

    'The site responds with 403; check the domain' becomes 'The site responds with 403'.

    The advice is left out, because it does not apply if another reader can read the page.
    """
    return ADVICE_SEPARATOR.split(failure.reason, maxsplit=1)[0].removesuffix(".")
