"""How long a language model's answers are, measured in the recorded answers of this project."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parents[1]
RECORDINGS = (
    ROOT / "tests/recordings/posthog.com+supabase.com.json.gz",
    ROOT / "octave_mcp/demo/recordings/wrenhaul.example+hearthwain.example.json.gz",
)
CHARACTERS_PER_TOKEN = 4
# A model cites passages by number, but a recording stores the quotations.
CITE = {"passage": 123, "sentences": [1]}


@cache
def recorded_tokens() -> dict[str, int]:
    """Return the highest number of output tokens for each field of an answer, such as 'offerings' or 'cold_call'."""
    lengths = dict[str, int]()
    for path in RECORDINGS:
        for name, value in _fields(json.loads(gzip.decompress(path.read_bytes()))):
            lengths[name] = max(lengths.get(name, 0), tokens(value))
    return lengths


def tokens(value: object) -> int:
    return len(json.dumps(_cited(value), ensure_ascii=False, separators=(",", ":"))) // CHARACTERS_PER_TOKEN


def _fields(recording: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the fields of each answer. An answer with several drafts counts as several answers."""
    for answer in recording["answers"]:
        has_drafts = answer["step"].startswith("write_playbook/")
        for value in answer["value"].values() if has_drafts else (answer["value"],):
            yield from (value or {}).items()
    for persona in recording["personas"]:
        for draft in persona["value"].values():
            yield from draft.items()


def _cited(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_cited(part) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return CITE if "page_sha256" in fields else {name: _cited(part) for name, part in fields.items()}
    return value
