"""The e-mail benchmark counts pairs in which the e-mail that readers prefer also has the higher score."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import ROOT, command
from emails import Agreement, agreement, cases, table

BODY = (
    "On 4 March 2026 you opened a second yard in Tallinn. Who plans its nights?\n\nBrassmere cut its rework by 31% once"
    " its crews could see each weld at night. Their night shifts lost an hour each to lamps in the wrong place.\n\n"
    "Is that a problem in Tallinn yet?"
)
POOR = "I hope this finds you well! We are the leading provider of solutions.\n\nDo you have 30 minutes for a demo?"


def row(body: str, day: int = 1, pair: str = "Lumenforge -> Quillport", **verdict: object) -> dict[str, object]:
    signed = f"Hi Denise,\n\n{body}\n\nAda, Lumenforge"
    return {"pair": pair, "persona": "p", "day": day, "subject": "nights in Tallinn", "body": signed, **verdict}


def write_rows(folder: Path, *rows: dict[str, object]) -> Path:
    (folder / "few.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in rows), "utf-8")
    return folder / "few.jsonl"


def test_pairs_of_one_deal_with_different_verdicts_are_counted(tmp_path: Path) -> None:
    found = cases(
        write_rows(
            tmp_path,
            row(BODY, vp="light", buyer="reply"),
            row(POOR, day=3, vp="no", buyer="ignore"),
            row(POOR, day=3, vp="no", buyer="ignore"),
            row(POOR, pair="Lumenforge -> Kestrel", vp="light", buyer="reply"),
        )
    )
    assert agreement(found, "vp") == agreement(found, "readers") == Agreement(pairs=2, agree=2, tied=0)
    assert agreement(found, "voice") == Agreement(pairs=0, agree=0, tied=0)


def test_a_tie_counts_as_half() -> None:
    assert Agreement(pairs=4, agree=2, tied=1).percent == 62.5
    assert Agreement(pairs=0, agree=0, tied=0).percent == 0


def test_ratings_of_readers_become_shares(tmp_path: Path) -> None:
    (case,) = cases(write_rows(tmp_path, row(BODY, specific=10, true=1)))
    assert (case.verdict("specific"), case.verdict("true"), case.verdict("readers")) == (1, 0, 0.5)
    assert case.verdict("vp") is None


async def test_the_bench_prints_scores_warnings_and_a_table(tmp_path: Path) -> None:
    file = write_rows(tmp_path, row(BODY, vp="light"), row(POOR, day=3, vp="no"))
    ended = await command(str(ROOT / "bench" / "emails.py"), "--scores", file.name, cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert "few: 2 e-mails" in ended.out
    assert "Take out the exclamation marks." in ended.out
    assert table(cases(file)) in ended.out
