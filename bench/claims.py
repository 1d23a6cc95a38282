"""Measure how many true and how many false claims the checks accept.

    python bench/claims.py [--model MODEL] [FILE ...]

By default, the script reads the files in bench/claims. Each line of a file is a claim with its quotations, in the
format that `octave-mcp check` reads. Each line also has the keys `change` and `stands`. `change` names the change that
made a true claim false, or is 'true' if the claim was not changed. `stands` says whether a careful reader accepts the
claim. The script prints a row of percentages for each kind of change. `rejected` is the percentage of claims that a
hard rule rejects. `marked` is the percentage of claims that break a soft rule but no hard rule. `passes` is the
percentage of claims that break no rule. With --model, the named model judges the claims that no hard rule rejects. The
column `verified` is then the percentage of all claims that this model accepts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from octave_mcp.surfaces.cli.check import judge
from octave_mcp.surfaces.cli.terminal import Output
from octave_mcp.tools.claims import CheckedClaim, GivenClaim, check_by_model, check_by_rules, read_claim

SETS = Path(__file__).parent / "claims"
TRUE = "true"


@dataclass(frozen=True, slots=True)
class Case:
    """A claim, the verdict of the rules, and the verdict of the model if a model was asked."""

    change: str
    given: GivenClaim
    by_rules: CheckedClaim
    by_model: CheckedClaim | None = None

    @property
    def is_rejected(self) -> bool:
        return self.by_rules.support.verdict == "not"

    @property
    def is_marked(self) -> bool:
        return self.by_rules.support.verdict == "partly"

    @property
    def is_verified(self) -> bool:
        return self.by_model is not None and self.by_model.stands


@dataclass(frozen=True, slots=True)
class Shares:
    """The number of claims with one kind of change, and the percentages for these claims."""

    count: int
    rejected: float
    marked: float
    passes: float
    verified: float


def cases(file: Path) -> Iterator[Case]:
    for line in file.read_bytes().splitlines():
        given = read_claim(line)
        yield Case(json.loads(line)["change"], given, check_by_rules(given))


def shares(found: Sequence[Case]) -> dict[str, Shares]:
    """Return the percentages for each kind of change. The first item is for the claims that were not changed."""
    by_change: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        by_change[case.change].append(case)
    return {change: _shares(by_change[change]) for change in sorted(by_change, key=lambda name: (name != TRUE, name))}


def _shares(found: Sequence[Case]) -> Shares:
    rejected, marked = (_percent([case.is_rejected for case in found]), _percent([case.is_marked for case in found]))
    passes = _percent([not (case.is_rejected or case.is_marked) for case in found])
    return Shares(len(found), rejected, marked, passes, _percent([case.is_verified for case in found]))


def _percent(flags: Sequence[bool]) -> float:
    return 100 * sum(flags) / len(flags)


async def verified(found: Sequence[Case], name: str) -> list[Case]:
    async with judge(name, Output(quiet=True)) as model:
        checked = await check_by_model(model, [case.given for case in found], [case.by_rules for case in found])
    return [Case(case.change, case.given, case.by_rules, result) for case, result in zip(found, checked, strict=True)]


def table(found: dict[str, Shares], *, has_model: bool) -> str:
    head = ("change", "claims", "rejected", "marked", "passes", *(("verified",) if has_model else ()))
    rows = (
        (change, str(result.count), *(f"{share:.1f}%" for share in _columns(result, has_model=has_model)))
        for change, result in found.items()
    )
    return "\n".join((_row(head), f"|---{'|---:' * (len(head) - 1)}|", *map(_row, rows)))


def tables() -> str:
    found = {file.stem: [*cases(file)] for file in sorted(SETS.glob("*.jsonl"))}
    parts = (f"`{name}`, {len(of)} claims:\n\n{table(shares(of), has_model=False)}" for name, of in found.items())
    return "\n\n".join(parts)


def _columns(result: Shares, *, has_model: bool) -> tuple[float, ...]:
    return (result.rejected, result.marked, result.passes, *((result.verified,) if has_model else ()))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("files", nargs="*", type=Path, default=[*sorted(SETS.glob("*.jsonl"))])
    options.add_argument("--model")
    given = options.parse_args()
    for file in given.files:
        report(file, given.model)


def report(file: Path, model: str | None) -> None:
    started_at = time.process_time()
    found = [*cases(file)]
    milliseconds = 1000 * (time.process_time() - started_at) / len(found)
    if model:
        found = asyncio.run(verified(found, model))
    print(f"\n{file.stem}: {len(found)} claims, {milliseconds:.1f} ms each by rules\n")
    print(table(shares(found), has_model=model is not None))
    errors = [case.by_model.model_error for case in found if case.by_model and case.by_model.model_error]
    if errors:
        print(f"\n{model} did not judge {len(errors)} claims: {errors[0]}")


if __name__ == "__main__":
    main()
