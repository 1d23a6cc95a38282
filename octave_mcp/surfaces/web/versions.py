"""The versions of a playbook, and the changes between two of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.diffs import Change
from octave_mcp.surfaces.web.paths import PLAYBOOKS
from octave_mcp.surfaces.web.site import Site
from octave_mcp.tools.text_changes import CHECKED, is_text_change

# Fields of a changed part that people do not read.
NOT_READ = CHECKED | {"kind", "persona_id", "id"}
MAX_CHANGES = 200
MAX_WORDS = 2000


class Piece(NamedTuple):
    """A piece of a changed text. `kind` is 'same', 'old' or 'new'."""

    kind: str
    text: str


class ShownChange(NamedTuple):
    path: str
    pieces: tuple[Piece, ...]


async def listed(site: Site, request: Request) -> Response:
    run_id = request.path_params["run_id"]
    versions = await site.call("list_versions", {"run_id": run_id})
    record = await (await site.app()).runs.get(run_id)
    return await site.page(
        request,
        "versions",
        record=record,
        versions=versions.versions,
        personas=await site.personas(run_id),
        at=f"{PLAYBOOKS}{run_id}",
    )


async def diff(site: Site, request: Request) -> Response:
    run_id = request.path_params["run_id"]
    pair = {name: request.query_params.get(name, "") for name in ("from", "to")}
    found = await site.call("diff_versions", pair | {"run_id": run_id})
    versions = await site.call("list_versions", {"run_id": run_id})
    record = await (await site.app()).runs.get(run_id)
    texts = [change for change in found.changes if is_text_change(change)]
    return await site.page(
        request,
        "diff",
        record=record,
        found=found,
        versions=versions.versions,
        changes=await computed(_shown, texts[:MAX_CHANGES]),
        personas=await site.personas(run_id),
        cut=len(texts[MAX_CHANGES:]),
        left_out=len(found.changes) - len(texts),
        at=f"{PLAYBOOKS}{run_id}",
    )


def _shown(changes: Sequence[Change]) -> list[ShownChange]:
    return [ShownChange(change.path, tuple(_pieces(change))) for change in changes]


def _pieces(change: Change) -> Iterator[Piece]:
    """Compare the texts word by word."""
    old, new = _words(change.before), _words(change.after)
    if len(old) + len(new) > MAX_WORDS:
        yield from (Piece(kind, "".join(words)) for kind, words in (("old", old), ("new", new)) if words)
        return
    for kind, old_at, old_end, new_at, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(old[old_at:old_end]))
            continue
        if old_end > old_at:
            yield Piece("old", "".join(old[old_at:old_end]))
        if new_end > new_at:
            yield Piece("new", "".join(new[new_at:new_end]))


def _words(value: object) -> list[str]:
    """Split a value into words that can be joined again without a loss."""
    return [word for line in _lines(value) for word in [*(f"{word} " for word in line.split(" ")), "\n"]]


def _lines(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the texts in a JSON value that people read."""
    if isinstance(value, str):
        yield from value.split("\n") if value else ()
    elif isinstance(value, list):
        for entry in cast("list[Any]", value):
            yield from _lines(entry)
    elif isinstance(value, dict):
        for name, entry in cast("dict[str, Any]", value).items():
            if name not in NOT_READ:
                yield from _lines(entry)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
