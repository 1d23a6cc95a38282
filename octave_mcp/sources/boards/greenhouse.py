"""Reads job boards on Greenhouse (API: developers.greenhouse.io/job-board.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from octave_mcp.sources.boards.board import ACCOUNT, Board, Job, day, first_group, listed, text
from octave_mcp.sources.html.json_ld import name, nodes_in

HOST = re.compile(r"(?:job-boards|boards|boards-api|api)(\.eu)?\.greenhouse\.io")
PATH = re.compile(rf"/v1/boards/({ACCOUNT})(?:/.*)?|/(?!embed(?:/|$)|v1(?:/|$))({ACCOUNT})(?:/.*)?")


def _page(parts: SplitResult) -> str | None:
    match = HOST.fullmatch(parts.hostname or "")
    if not match:
        return None
    # The URLs of embedded boards contain the account name in the query: /embed/job_board?for=acme.
    named = parse_qs(parts.query).get("for", [""])[0] if parts.path.startswith("/embed/") else parts.path
    token = named if re.fullmatch(ACCOUNT, named) else first_group(PATH, named)
    return f"https://job-boards{match[1] or ''}.greenhouse.io/{token}" if token else None


def _feeds(page: str) -> tuple[str, ...]:
    """Return the URL of the job list with departments, and as a fallback the URL of the list without departments.

    The fallback is needed because a list with departments also contains all job descriptions, so it can exceed the size
    limit.
    """
    parts = urlsplit(page)
    region = ".eu" if ".eu." in parts.netloc else ""
    jobs = f"https://boards-api{region}.greenhouse.io/v1/boards{parts.path}/jobs"
    return f"{jobs}?content=true", jobs


def _jobs(body: bytes) -> Iterator[Job]:
    for job in listed(body, "jobs"):
        team = next((text(name(department)) for department in nodes_in(job.get("departments"))), "")
        published = day(job.get("first_published")) or day(job.get("updated_at"))
        yield Job(text(job.get("title")), team, text(name(job.get("location"))), published)


BOARD = Board("Greenhouse", "greenhouse.io", _page, _feeds, _jobs)
