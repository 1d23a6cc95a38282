"""Reads job boards on Workable.

The list of jobs comes from the API of Workable's widget for careers pages. www.workable.com/api/accounts/ACCOUNT
redirects to this API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from octave_mcp.sources.boards.board import ACCOUNT, Board, Job, day, first_group, joined, listed, text
from octave_mcp.sources.html.json_ld import Node, nodes_in

PATH = re.compile(rf"/api/v1/widget/accounts/({ACCOUNT})/?|/(?!api(?:/|$)|j(?:/|$))({ACCOUNT})(?:/.*)?")
API = re.compile(rf"/api/accounts/({ACCOUNT})/?")
HOST = re.compile(r"([a-z0-9-]+)\.workable\.com")
# Workable itself uses these subdomains, so they are not company accounts. Every other subdomain counts as the name of
# an account.
OWN_SUBDOMAINS = frozenset(
    {"apply", "www", "help", "jobs", "referrals", "resources", "api", "support", "careers", "developers"}
)


def _page(parts: SplitResult) -> str | None:
    host = first_group(HOST, parts.hostname or "")
    if host == "apply":
        account = first_group(PATH, parts.path)
    else:
        account = first_group(API, parts.path) if host == "www" else None if host in OWN_SUBDOMAINS else host
    return f"https://apply.workable.com/{account}" if account else None


def _feeds(page: str) -> tuple[str, ...]:
    return (f"https://apply.workable.com/api/v1/widget/accounts{urlsplit(page).path}",)


def _jobs(body: bytes) -> Iterator[Job]:
    for job in listed(body, "jobs"):
        place = joined(job.get("city"), job.get("country")) or next(map(_place, nodes_in(job.get("locations"))), "")
        published = day(job.get("published_on")) or day(job.get("created_at"))
        yield Job(text(job.get("title")), text(job.get("department")), place, published)


def _place(location: Node) -> str:
    return "" if location.get("hidden") else joined(location.get("city"), location.get("country"))


BOARD = Board("Workable", "workable.com", _page, _feeds, _jobs)
