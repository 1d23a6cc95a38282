"""Job boards that publish a company's open jobs as JSON or XML and require no API key."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from octave_mcp.sources.boards import ashby, greenhouse, lever, personio, recruitee, workable
from octave_mcp.sources.boards.board import Board

BOARDS: tuple[Board, ...] = (
    greenhouse.BOARD,
    lever.BOARD,
    ashby.BOARD,
    workable.BOARD,
    recruitee.BOARD,
    personio.BOARD,
)


def board_page(url: str, base: str = "") -> str | None:
    """Return the URL of the company's page on a job board, given any URL on the board. Return None for other URLs."""
    try:
        parts = urlsplit(urljoin(base, url.strip()))
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"}:
        return None
    return next((page for board in BOARDS if (page := board.page(parts))), None)


def board_at(page: str) -> Board | None:
    """Return the job board to which this page belongs. `page` must be a result of `board_page`."""
    parts = urlsplit(page)
    return next((board for board in BOARDS if board.page(parts) == page), None)
