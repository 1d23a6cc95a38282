"""Runs in memory; the text of pages in files named by their digest, so that a quotation can be checked later."""

from __future__ import annotations

import asyncio
from pathlib import Path

from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord


class MemoryStore:
    """Runs end with the process; pages stay under `home/pages`."""

    def __init__(self, home: Path) -> None:
        self._pages = home / "pages"
        self._runs: dict[str, RunRecord] = {}
        self._playbooks: dict[str, Playbook] = {}

    async def put_run(self, record: RunRecord) -> None:
        self._runs[record.run_id] = record

    async def get_run(self, run_id: str) -> RunRecord | None:
        return self._runs.get(run_id)

    async def put_playbook(self, run_id: str, playbook: Playbook) -> None:
        self._playbooks[run_id] = playbook

    async def get_playbook(self, run_id: str) -> Playbook | None:
        return self._playbooks.get(run_id)

    async def put_page(self, page: Page) -> None:
        await asyncio.to_thread(self._write, page)

    async def page_text(self, sha256: str) -> str | None:
        path = self._pages / f"{sha256}.md"
        return await asyncio.to_thread(_read, path) if sha256.isalnum() else None

    def _write(self, page: Page) -> None:
        path = self._pages / f"{page.ref.sha256}.md"
        if not path.exists():
            self._pages.mkdir(parents=True, exist_ok=True)
            path.write_bytes(page.text.encode())


def _read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.exists() else None
