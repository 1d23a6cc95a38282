"""Reads job boards on Recruitee (API: docs.recruitee.com/reference/intro-to-careers-site-api)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult

from octave_mcp.sources.boards.board import Board, Job, day, first_group, joined, listed, text

HOST = re.compile(r"(?!(?:www|api|app|docs|help|support|auth|careers|cdn|assets)\.)([a-z0-9-]+)\.recruitee\.com")


def _page(parts: SplitResult) -> str | None:
    company = first_group(HOST, parts.hostname or "")
    return f"https://{company}.recruitee.com/" if company else None


def _feeds(page: str) -> tuple[str, ...]:
    return (f"{page}api/offers/",)


def _jobs(body: bytes) -> Iterator[Job]:
    for offer in listed(body, "offers"):
        place = text(offer.get("location")) or joined(offer.get("city"), offer.get("country"))
        published = day(offer.get("published_at")) or day(offer.get("created_at"))
        yield Job(text(offer.get("title")), text(offer.get("department")), place, published)


BOARD = Board("Recruitee", "recruitee.com", _page, _feeds, _jobs)
