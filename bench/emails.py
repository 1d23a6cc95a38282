"""Measure how often the scores of e-mails agree with the verdicts of readers.

    python bench/emails.py FILE ...

Each line of a file is an e-mail as a JSON object. The keys `pair` ("Vendor -> Prospect"), `persona`, `written_by`,
`day`, `subject` and `body` describe the e-mail. The other keys contain the verdicts of people who read the e-mail. From
best to worst, the values of `vp` are "unchanged", "light", "heavy" and "no", and the values of `buyer` are "reply",
"ignore" and "irritated". `specific`, `true`, `voice` and `ask` are ratings from 1 to 10. The script compares each pair
of e-mails that belong to the same deal but got different verdicts. For each pair, the script checks whether the e-mail
with the better verdict also has the higher score. If the two scores are equal, the pair counts as half an agreement.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from octave_mcp.copywriting.email_text import Deal, Email, read_email
from octave_mcp.copywriting.emails import DAYS
from octave_mcp.copywriting.faults import Fault
from octave_mcp.copywriting.rubric import email_faults, email_score
from octave_mcp.domain.sentence import Score

Row = Mapping[str, Any]

GRADES: dict[str, dict[str, float]] = {
    "vp": {"unchanged": 1, "light": 0.75, "heavy": 0.25, "no": 0},
    "buyer": {"reply": 1, "ignore": 0.4, "irritated": 0},
}
FIGURES = ("specific", "true", "voice", "ask")
VERDICTS = ("readers", *GRADES, *FIGURES)


@dataclass(frozen=True, slots=True)
class Case:
    """An e-mail, its score, and the verdicts of its readers."""

    row: Row
    faults: tuple[Fault, ...]
    score: Score

    def verdict(self, name: str) -> float | None:
        """Return the named verdict as a number from 0 to 1. The name 'readers' means the average of all verdicts."""
        if name == "readers":
            verdicts = [value for other in VERDICTS[1:] if (value := self.verdict(other)) is not None]
            # Round the average. Otherwise, averages that should be equal could differ by a floating-point error.
            return round(fmean(verdicts), 6) if verdicts else None
        if name not in self.row:
            return None
        value = self.row[name]
        return GRADES[name][value] if name in GRADES else (value - 1) / 9


@dataclass(frozen=True, slots=True)
class Agreement:
    """The number of pairs of e-mails with different verdicts.

    `agree` counts the pairs in which the e-mail with the better verdict has the higher score. `tied` counts the pairs
    with equal scores.
    """

    pairs: int
    agree: int
    tied: int

    @property
    def percent(self) -> float:
        return 100 * (self.agree + self.tied / 2) / self.pairs if self.pairs else 0.0


def cases(file: Path) -> list[Case]:
    """Return the e-mails of a file with their scores, in the order of the file.

    The score of an e-mail depends on the earlier e-mails to the same persona.
    """
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    found: dict[int, Case] = {}
    for sequence in _sequences(rows):
        earlier: list[Email] = []
        for row in sequence:
            email = _read(row, earlier, is_last=row is sequence[-1])
            faults = tuple(email_faults(email))
            found[id(row)] = Case(row, faults, email_score(email, faults))
            earlier.append(email)
    return [found[id(row)] for row in rows]


def _sequences(rows: Sequence[Row]) -> Iterator[list[Row]]:
    by_reader: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by_reader[tuple(str(row.get(key, "")) for key in ("pair", "written_by", "persona"))].append(row)
    yield from (sorted(sequence, key=lambda row: row["day"]) for sequence in by_reader.values())


def _read(row: Row, earlier: Sequence[Email], *, is_last: bool) -> Email:
    # Derive the position and the goodbye from the day, because earlier e-mails can be missing from the file. Count the
    # earlier e-mails only if DAYS does not contain the day.
    vendor, _, prospect = row["pair"].partition(" -> ")
    position = DAYS.index(row["day"]) if row["day"] in DAYS else len(earlier)
    last = row["day"] == DAYS[-1] or (is_last and position >= len(DAYS))
    return read_email(
        row["subject"],
        row["body"],
        position=position,
        last=last,
        earlier=earlier,
        deal=Deal(vendor=vendor, prospect=prospect),
    )


def agreement(found: Sequence[Case], verdict: str) -> Agreement:
    differ = [
        (left.score.points - right.score.points) * (first - second)
        for left, right in combinations(found, 2)
        if left.row["pair"] == right.row["pair"]
        and (first := left.verdict(verdict)) is not None
        and (second := right.verdict(verdict)) is not None
        and first != second
    ]
    return Agreement(len(differ), sum(product > 0 for product in differ), sum(product == 0 for product in differ))


def table(found: Sequence[Case]) -> str:
    """Return a Markdown table. Each row has the agreement for one deal, or for all, and one kind of verdict."""
    groups = {deal: [case for case in found if case.row["pair"] == deal] for deal in _deals(found)}
    lines = ["| deal | verdict | pairs | agree | tied | agreement |", "|---|---|---:|---:|---:|---:|"]
    for name, of_deal in {**groups, "all": found}.items():
        counted = ((verdict, agreement(of_deal, verdict)) for verdict in VERDICTS)
        lines.extend(
            f"| {name} | {verdict} | {result.pairs} | {result.agree} | {result.tied} | {result.percent:.0f}% |"
            for verdict, result in counted
            if result.pairs
        )
    return "\n".join(lines)


def _deals(found: Sequence[Case]) -> list[str]:
    return [*dict.fromkeys(case.row["pair"] for case in found)]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("files", nargs="+", type=Path)
    options.add_argument("--scores", action="store_true", help="also print the score and warnings of each e-mail")
    given = options.parse_args()
    for file in given.files:
        report(file, has_scores=given.scores)


def report(file: Path, *, has_scores: bool) -> None:
    started_at = time.process_time()
    found = cases(file)
    milliseconds = 1000 * (time.process_time() - started_at) / max(1, len(found))
    print(f"\n{file.stem}: {len(found)} e-mails, {milliseconds:.1f} ms each\n")
    if has_scores:
        for case in sorted(found, key=lambda case: -case.score.points):
            row = case.row
            print(f"{case.score.points:3} {row['pair']}, day {row['day']}: {row['subject']}")
            print("".join(f"      {warning}\n" for warning in case.score.warnings))
    print(table(found))


if __name__ == "__main__":
    main()
