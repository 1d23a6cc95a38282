"""Reads job boards on Ashby (API: developers.ashbyhq.com/docs/public-job-posting-api)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from octave_mcp.sources.boards.board import ACCOUNT, Board, Job, day, first_group, joined, listed, text
from octave_mcp.sources.html.json_ld import nodes_in

HOSTS = frozenset({"jobs.ashbyhq.com", "api.ashbyhq.com"})
PATH = re.compile(rf"/posting-api/job-board/({ACCOUNT})/?|/(?!posting-api(?:/|$)|api(?:/|$))({ACCOUNT})(?:/.*)?")


def _page(parts: SplitResult) -> str | None:
    company = first_group(PATH, parts.path) if parts.hostname in HOSTS else None
    return f"https://jobs.ashbyhq.com/{company}" if company else None


def _feeds(page: str) -> tuple[str, ...]:
    return (f"https://api.ashbyhq.com/posting-api/job-board{urlsplit(page).path}",)


def _jobs(body: bytes) -> Iterator[Job]:
    for job in listed(body, "jobs"):
        # Unlisted jobs are skipped, because the company does not show them on its public job board.
        if job.get("isListed") is not False:
            further = (place.get("location") for place in nodes_in(job.get("secondaryLocations")))
            team = text(job.get("team")) or text(job.get("department"))
            yield Job(text(job.get("title")), team, joined(job.get("location"), *further), day(job.get("publishedAt")))


BOARD = Board("Ashby", "ashbyhq.com", _page, _feeds, _jobs)
