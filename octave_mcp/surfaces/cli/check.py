"""Check a file of claims against their quotations, line by line: it may be of any length."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter

from octave_mcp.asks.verification import verifies
from octave_mcp.domain.choices import AUTO, MODELS, NONE_CONFIGURED, SET_UP_A_MODEL, WITHOUT_KEY, names
from octave_mcp.domain.evidence import Verdict
from octave_mcp.errors import InputError, NoAccess, SetupError
from octave_mcp.ports import Model
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PARTIAL, PLAIN, Output, counted, log, say
from octave_mcp.tools.claims import (
    MAX_LINE_BYTES,
    CheckedClaim,
    GivenClaim,
    check_by_model,
    check_by_rules,
    read_claim,
    unreached,
)

# Lines that are read before a model is asked about them.
AT_ONCE = 60
LONGEST_SHOWN = 300
BOM = b"\xef\xbb\xbf"
WORDS: dict[Verdict, str] = {
    "supported": "supported",
    "partly": "partly supported",
    "not": "not supported",
    "unjudged": "unjudged",
}
_JUDGES = tuple(names(model for model in MODELS if model.needs))
JUDGES = ", ".join((AUTO, *_JUDGES))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: a claim with its verdict, or the reason why it cannot be read."""

    line: int
    given: GivenClaim | None = None
    checked: CheckedClaim | None = None
    error: str = ""

    @property
    def stands(self) -> bool:
        return self.checked is not None and self.checked.stands


@dataclass(slots=True)
class Tally:
    """Counts of what was printed; `model_error` is the first reason why a claim was not judged by the model."""

    verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])
    unread: int = 0
    unreached: int = 0
    model_error: str = ""
    is_failed: bool = False

    def add(self, row: Row) -> None:
        self.is_failed |= not row.stands
        if row.checked is None:
            self.unread += 1
            return
        self.verdicts[row.checked.support.verdict] += 1
        if row.checked.model_error:
            self.unreached += 1
            self.model_error = self.model_error or row.checked.model_error

    @property
    def code(self) -> int:
        return FAILED if self.is_failed else PARTIAL if self.unreached else DONE

    @property
    def hint(self) -> str:
        """What to do about a file that has nothing to check."""
        if self.verdicts.total():
            return ""
        form = "each line has to be one JSON object, as docs/evidence.md shows"
        return f"nothing was checked: {form}" if self.unread else f"there are no claims: {form}"

    @property
    def text(self) -> str:
        counts = ", ".join(f"{self.verdicts[verdict]} {words}" for verdict, words in WORDS.items())
        parts = [f"{counted(self.verdicts.total(), 'claim')}: {counts}"]
        if self.unread:
            parts.append(f"{counted(self.unread, 'line')} could not be read")
        if self.unreached:
            parts.append(f"{counted(self.unreached, 'claim')} judged by rules only: {self.model_error}")
        return "\n".join(parts)


def check(
    file: Annotated[
        Path, Parameter(help="Claims, one JSON object per line; - reads standard input", allow_leading_hyphen=True)
    ],
    /,
    *,
    model: Annotated[
        str | None, Parameter(help=f"Also have a model judge what the rules do not reject: {JUDGES}")
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Print the claims in FILE that are not fully supported by their quotations, and a count.

    With --json, prints one JSON object per claim instead. Exits with 1 if any claim is partly or not supported or a
    line cannot be read, and with 4 if the model could not judge some claims. A claim has these fields: vendor,
    prospect, context (optional), kind (fact, inference, question or copy; optional), claim, and evidence: a list of
    objects with quote, role (vendor or prospect: whose page it is from) and title (of the page; optional).
    """
    tally = Tally()

    def show(row: Row) -> None:
        tally.add(row)
        if output.json:
            say(_json(row))
        elif row.checked is None or row.checked.support.verdict != "supported":
            say(_text(row))
        sys.stdout.flush()

    with _opened(file) as lines:
        rows = map(_row, _numbered(lines))
        if model is None:
            for row in rows:
                show(row)
        else:
            asyncio.run(_check_by_model(model, rows, show, output))
    if not output.json:
        say(tally.text)
    if hint := tally.hint:
        sys.stderr.write(f"{hint}\n")
    return tally.code


@contextmanager
def _opened(file: Path) -> Generator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        lines = file.open("rb")
    except OSError as failed:
        raise InputError(
            f"cannot read {str(file)!r}: {failed.strerror}; name a file, or - for standard input"
        ) from None
    with lines:
        yield lines


def _numbered(lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered from 1. Of a line that is too long only the beginning is kept in memory."""
    number, most = 0, MAX_LINE_BYTES + 1
    while line := lines.readline(most):
        number += 1
        rest = line
        while len(rest) == most and not rest.endswith(b"\n"):
            rest = lines.readline(most)
        line = line.removesuffix(b"\n")
        line = line.removeprefix(BOM) if number == 1 else line
        if line.strip():
            yield number, line


def _row(numbered: tuple[int, bytes]) -> Row:
    number, line = numbered
    try:
        given = read_claim(line)
    except InputError as wrong:
        return Row(number, error=str(wrong))
    return Row(number, given, check_by_rules(given))


async def _check_by_model(name: str, rows: Iterator[Row], show: Callable[[Row], None], output: Output) -> None:
    async with judge(name, output) as model:
        has_judged, why = False, ""
        while batch := [*islice(rows, AT_ONCE)]:
            if not why:
                try:
                    batch = await _judged(model, batch)
                    has_judged = True
                except (NoAccess, SetupError) as failed:
                    if not has_judged:
                        raise
                    why = str(failed)
            for row in batch:
                show(_unreached(row, why) if why else row)


def _unreached(row: Row, why: str) -> Row:
    return replace(row, checked=unreached(row.given, row.checked, why)) if row.given and row.checked else row


async def _judged(model: Model, rows: Iterable[Row]) -> list[Row]:
    found = [*rows]
    claims = [(at, row.given, row.checked) for at, row in enumerate(found) if row.given and row.checked]
    checked = await check_by_model(model, [given for _, given, _ in claims], [checked for *_, checked in claims])
    for (at, *_), one in zip(claims, checked, strict=True):
        found[at] = replace(found[at], checked=one)
    return found


@asynccontextmanager
async def judge(name: str, output: Output) -> AsyncGenerator[Model]:
    """The model of this name.

    Raises:
        InputError: it judges no claims.
        SetupError: it is not set up.
    """
    from octave_mcp.app import App  # noqa: PLC0415 - rules alone need neither database nor models

    if name != AUTO and name not in _JUDGES:
        raise _no_judge(name)
    settings = load()
    log(settings, output, stderr_level="WARNING")
    app = App(settings.model_copy(update={"database_url": None}), engine="inline")
    try:
        if not (named := app.model_name(name)):
            raise SetupError(f"{NONE_CONFIGURED}: {SET_UP_A_MODEL}; {WITHOUT_KEY}")  # noqa: TRY301 - told as the others
        model = app.model(named)
        model.check()
    except SetupError as unset:
        raise SetupError(str(unset).replace(WITHOUT_KEY, "without --model, rules judge and need no key")) from None
    if not verifies(model):
        raise _no_judge(model.name)
    try:
        yield model
    finally:
        await model.close()


def _no_judge(name: str) -> InputError:
    return InputError(f"the model {name!r} does not judge claims; choose one of {JUDGES}")


def _json(row: Row) -> str:
    if row.given is None or row.checked is None:
        return json.dumps({"line": row.line, "error": row.error}, ensure_ascii=False)
    own = {"id": row.given.id} if "id" in row.given.model_fields_set else {}
    checked = row.checked.model_dump(mode="json", exclude=None if row.checked.model_error else {"model_error"})
    return json.dumps({**own, "line": row.line, **checked}, ensure_ascii=False)


def _text(row: Row) -> str:
    if row.given is None or row.checked is None:
        return f"line {row.line}: cannot be read: {_shown(row.error)}"
    verdict = row.checked.support
    head = f"line {row.line}: {WORDS[verdict.verdict]}, judged by {verdict.judge}: {_shown(row.given.claim)}"
    return "\n".join((head, *(f"  {problem.code} {_shown(problem.text)}" for problem in row.checked.problems)))


def _shown(text: str) -> str:
    """On one line, without what would control a terminal."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}..."
