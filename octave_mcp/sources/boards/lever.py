"""Reads job boards on Lever (API: github.com/lever/postings-api)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from octave_mcp.sources.boards.board import ACCOUNT, Board, Job, day, first_group, joined, listed, text
from octave_mcp.sources.html.json_ld import NOTHING, many, nodes_in

HOST = re.compile(r"(?:jobs|api)(\.eu)?\.lever\.co")
PATH = re.compile(rf"/v0/postings/({ACCOUNT})(?:/.*)?|/(?!v[01](?:/|$))({ACCOUNT})(?:/.*)?")


def _page(parts: SplitResult) -> str | None:
    match = HOST.fullmatch(parts.hostname or "")
    site = first_group(PATH, parts.path) if match else None
    return f"https://jobs{match[1] or ''}.lever.co/{site}" if match and site else None


def _feeds(page: str) -> tuple[str, ...]:
    parts = urlsplit(page)
    return (f"https://{parts.netloc.replace('jobs', 'api', 1)}/v0/postings{parts.path}?mode=json",)


def _jobs(body: bytes) -> Iterator[Job]:
    for posting in listed(body):
        about = next(iter(nodes_in(posting.get("categories"))), NOTHING)
        team = text(about.get("team")) or text(about.get("department"))
        location = text(about.get("location")) or joined(*many(about.get("allLocations")))
        yield Job(text(posting.get("text")), team, location, day(posting.get("createdAt")))


BOARD = Board("Lever", "lever.co", _page, _feeds, _jobs)
