"""A copy of the product in which a test makes a change by hand, as a contributor would, to see where it shows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

from conftest import ROOT, Ended, command

PARTS = ("octave_mcp", "prompts", "docs")


@dataclass(frozen=True)
class ProductCopy:
    """`edited` are the files that were changed or added by hand, as paths below `root`."""

    root: Path
    edited: set[str] = field(default_factory=set[str])

    def add(self, file: str, text: str) -> None:
        path = self.root / file
        assert not path.exists(), f"{file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.edited.add(file)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replaces the only place in the file that has this text."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), "utf-8")
        self.edited.add(file)

    def insert_before(self, file: str, text: str, new: str) -> None:
        self.replace(file, text, new + text)

    async def run(self, *arguments: str) -> Ended:
        """Runs python with these arguments: what it imports is this copy."""
        return await command(*arguments, cwd=self.root, root=self.root)

    async def octave(self, *arguments: str) -> Ended:
        return await self.run("-m", "octave_mcp", *arguments)

    async def told(self, program: str) -> Any:  # noqa: ANN401 - JSON
        """What a program prints, as JSON."""
        ended = await self.run("-c", program)
        assert ended.code == 0, ended.err
        return json.loads(ended.out)


def product_copy(root: Path) -> ProductCopy:
    """A copy of the package, the prompts and the docs in a new folder below `root`."""
    copy = ProductCopy(root / "product")
    for part in PARTS:
        copytree(ROOT / part, copy.root / part, ignore=ignore_patterns("__pycache__"))
    return copy
