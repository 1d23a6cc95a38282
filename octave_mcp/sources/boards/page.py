"""Converts the list of open jobs on a job board to a page."""

from __future__ import annotations

from datetime import datetime

from octave_mcp.domain.page import Page
from octave_mcp.sources.boards.board import Board, Job
from octave_mcp.sources.feeds.dated import by_day, page_of_list
from octave_mcp.sources.feeds.records import NotAFeed

MAX_JOBS = 300


def board_jobs_page(board: Board, url: str, body: bytes, fetched_at: datetime) -> Page:
    """Return the page with the open jobs.

    Raises:
        NotAFeed: If the response is not a list of jobs, or the list is empty.
    """
    jobs = [job for job in board.jobs(body) if job.title]
    if not jobs:
        raise NotAFeed("The board lists no open jobs")
    entries = [(job.published_on, _entry(job)) for job in jobs[:MAX_JOBS]]
    return page_of_list(url, f"Open jobs on {board.name}", "careers", by_day(entries, "Open jobs"), fetched_at)


def _entry(job: Job) -> str:
    """Return a line such as '- Data Engineer — Platform, Berlin'."""
    where = ", ".join(filter(None, (job.team, job.location)))
    return f"- {job.title} — {where}" if where else f"- {job.title}"
