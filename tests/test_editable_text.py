"""A part of a playbook that is read as text and sent back unchanged stays the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from deal_playbook import deal_playbook, stored
from matrix import sampled
from web import serving

from octave_mcp.domain.parts import EDITABLE

# The checks set these fields again after each edit.
CHECKED = {"evidence", "support", "score", "own_text"}
# Sections with texts, lists, parts of all kinds that are empty, dates and other single values.
SHORT = {"brief", "qualification", "battle_cards"}


def parts_of(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield the value and all values in it, each with its path."""
    yield path, value
    if isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from parts_of(inner, f"{path}[{index}]")
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield from parts_of(inner, f"{path}.{name}")


def content_of(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the value without what the checks set, such as the kind of a sentence."""
    if isinstance(value, list):
        return [content_of(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        checked = CHECKED | {"kind"} if {"text", "evidence"} <= fields.keys() else CHECKED
        return {name: content_of(inner) for name, inner in fields.items() if name not in checked}
    return value


@pytest.mark.parametrize("section", sampled(EDITABLE, SHORT.__contains__))
async def test_a_text_that_is_sent_back_unchanged_changes_nothing(section: str) -> None:
    run_id = await stored(deal_playbook())
    version = 1
    async with serving() as client:
        before = (await client.get(f"/runs/{run_id}/playbook.json")).json()
        # Entries of a list have the same fields, so one entry with a text and one without it are enough.
        found = {(re.sub(r"\d+", "", path), not part): path for path, part in parts_of(before[section], section)}
        for path in found.values():
            shown = await client.get(f"/runs/{run_id}/sections/{path}")
            if shown.status_code == 400:  # the checks set this part
                continue
            text = shown.json()["text"]
            edit = {"base_version": version, "text": text}
            answer = await client.put(f"/runs/{run_id}/sections/{path}", json=edit)
            # An empty text counts as absent, as in every call.
            assert (path, text, answer.status_code) == (path, text, 200 if text else 400)
            version += bool(text)
        after = (await client.get(f"/runs/{run_id}/playbook.json")).json()

    assert version > 1
    assert content_of(after) == content_of(before)
