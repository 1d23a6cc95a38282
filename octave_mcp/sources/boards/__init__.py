"""Job boards whose open jobs are public, in JSON or XML, without a key.

Each board is one module, listed below.
"""

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
    """The page for applicants of the company whose job board this address belongs to; None if it is of no board."""
    try:
        parts = urlsplit(urljoin(base, url.strip()))
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"}:
        return None
    return next((page for board in BOARDS if (page := board.page(parts))), None)


def board_at(page: str) -> Board | None:
    """The board with this page for applicants, if it is one that `board_page` gives."""
    parts = urlsplit(page)
    return next((board for board in BOARDS if board.page(parts) == page), None)
