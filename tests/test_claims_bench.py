"""Tests that the benchmark of the checks works and that its results are close to the figures in the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from claims import SETS, TRUE, cases, shares, table
from conftest import command

STRICT = ("figure", "customer", "page", "context_name")
REVERSED = ("negation", "direction")
OTHERS = ("modality", "scope", "pain")


@pytest.mark.long
def test_rules_accept_true_claims_and_reject_false_ones_about_as_often_as_the_docs_say() -> None:
    """The rules were tuned with the claims that this test uses.

    The bounds are looser than the exact figures, which `python bench/claims.py` prints.
    """
    found = shares([*cases(SETS / "seen.jsonl")])

    assert {*found} == {TRUE, *STRICT, *REVERSED, *OTHERS}
    assert found[TRUE].rejected <= 3
    assert found[TRUE].marked <= 20
    assert max(found[change].passes for change in STRICT) <= 12
    assert max(found[change].passes for change in REVERSED) <= 25
    assert max(found[change].passes for change in OTHERS) <= 45


@pytest.mark.parametrize("file", sorted(SETS.glob("*.jsonl")), ids=lambda file: file.stem)
def test_each_set_has_enough_claims_of_each_kind_and_marks_the_true_ones(file: Path) -> None:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    counts = {change: sum(row["change"] == change for row in rows) for change in (TRUE, *STRICT, *REVERSED, *OTHERS)}

    assert min(counts.values()) >= (30 if file.stem == "unseen" else 60)
    assert sum(counts.values()) == len(rows)
    assert all(row["stands"] == (row["change"] == TRUE) for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)


async def test_the_bench_prints_a_table_of_each_set(tmp_path: Path) -> None:
    few = "".join((SETS / "seen.jsonl").read_text("utf-8").splitlines(keepends=True)[:20])
    (tmp_path / "few.jsonl").write_text(few, "utf-8")
    ended = await command(str(SETS.parent / "claims.py"), "few.jsonl", cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert "few: 20 claims" in ended.out
    assert table(shares([*cases(tmp_path / "few.jsonl")]), has_model=False) in ended.out
