"""Copies of the product for tests. A test edits its copy as a contributor would, and checks what the edit affects."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx2
from conftest import ROOT, Ended, command
from web import new_client

PARTS = ("octave_mcp", "prompts", "docs")


@dataclass(frozen=True)
class ProductCopy:
    """A copy of the product in the folder `root`. `edited` lists the files that a test has changed or added."""

    root: Path
    edited: set[str] = field(default_factory=set[str])

    def add(self, file: str, text: str) -> None:
        path = self.root / file
        assert not path.exists(), f"{file} already exists"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.edited.add(file)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace a text that must occur exactly once in the file."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{file} contains {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), "utf-8")
        self.edited.add(file)

    def insert_before(self, file: str, text: str, new: str) -> None:
        self.replace(file, text, new + text)

    async def run(self, *arguments: str) -> Ended:
        """Run Python with these arguments, and import the product from its copy in `root`."""
        return await command(*arguments, cwd=self.root, root=self.root)

    async def octave(self, *arguments: str) -> Ended:
        return await self.run("-m", "octave_mcp", *arguments)

    async def json_output(self, program: str) -> Any:  # noqa: ANN401 - JSON
        ended = await self.run("-c", program)
        assert ended.code == 0, ended.err
        return json.loads(ended.out)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[httpx2.AsyncClient]:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "octave_mcp", "serve", "--transport", "http", "--port", "0"),
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root)},
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        assert server.stderr
        while (line := json.loads(await server.stderr.readline()))["message"] != "listening":
            pass
        log = asyncio.create_task(server.stderr.read())
        try:
            async with new_client(line["url"]) as client:
                yield client
        finally:
            server.terminate()
            await server.wait()
            await log


def product_copy(root: Path) -> ProductCopy:
    """Copy the package, the prompts and the documents to a new folder inside `root`."""
    copy = ProductCopy(root / "product")
    for part in PARTS:
        # The copies keep the modification times of the files, so the copied byte code stays valid.
        copytree(ROOT / part, copy.root / part)
    return copy
