"""The command `check`, which checks claims against their quotations.

The command reads its input line by line, so the input can have any length.
"""

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
from octave_mcp.surfaces.cli.terminal import (
    DONE,
    FAILED,
    PARTIAL,
    PLAIN,
    Output,
    configure_logs,
    counted,
    echo,
    on_one_line,
)
from octave_mcp.tools.claims import (
    MAX_LINE_BYTES,
    CheckedClaim,
    GivenClaim,
    check_by_model,
    check_by_rules,
    read_claim,
    unreached,
)

# The number of lines in a batch. The model judges all claims of a batch before the command prints their results.
BATCH_LINES = 60
MAX_CHARACTERS_SHOWN = 300
BOM = b"\xef\xbb\xbf"
WORDS: dict[Verdict, str] = {
    "supported": "supported",
    "partly": "partly supported",
    "not": "not supported",
    "unjudged": "unjudged",
}
# Only models that need an API key or your own model server can judge claims.
_JUDGES = tuple(names(model for model in MODELS if model.needs))
JUDGES = ", ".join((AUTO, *_JUDGES))


@dataclass(frozen=True, slots=True)
class Row:
    """The result for one line of the file: a checked claim, or the reason why the line cannot be read."""

    line: int
    given: GivenClaim | None = None
    checked: CheckedClaim | None = None
    error: str = ""

    @property
    def is_supported(self) -> bool:
        return self.checked is not None and self.checked.stands


@dataclass(slots=True)
class Tally:
    """The counts in the summary. They also determine the exit code.

    `model_error`: the first reason why the model could not judge a claim.
    """

    verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])
    unreadable: int = 0
    not_judged_by_model: int = 0
    model_error: str = ""
    is_failed: bool = False

    def add(self, row: Row) -> None:
        self.is_failed |= not row.is_supported
        if row.checked is None:
            self.unreadable += 1
            return
        self.verdicts[row.checked.support.verdict] += 1
        if row.checked.model_error:
            self.not_judged_by_model += 1
            self.model_error = self.model_error or row.checked.model_error

    @property
    def code(self) -> int:
        return FAILED if self.is_failed else PARTIAL if self.not_judged_by_model else DONE

    @property
    def hint(self) -> str:
        """Advice if the input contains no readable claim; otherwise ''."""
        if self.verdicts.total():
            return ""
        form = "each line must be one JSON object; see docs/evidence.md"
        return f"no line could be checked: {form}" if self.unreadable else f"the input has no claims: {form}"

    @property
    def text(self) -> str:
        counts = ", ".join(f"{self.verdicts[verdict]} {words}" for verdict, words in WORDS.items())
        parts = [f"{counted(self.verdicts.total(), 'claim')}: {counts}"]
        if self.unreadable:
            parts.append(f"{counted(self.unreadable, 'line')} could not be read")
        if self.not_judged_by_model:
            parts.append(
                f"{counted(self.not_judged_by_model, 'claim')} could be judged only by rules: {self.model_error}"
            )
        return "\n".join(parts)


ClaimsFile = Annotated[
    Path,
    Parameter(help="File with one claim per line, as a JSON object; - reads standard input", allow_leading_hyphen=True),
]
Judge = Annotated[str | None, Parameter(help=f"Model that judges the claims that the rules do not reject: {JUDGES}")]


def check(file: ClaimsFile, /, *, model: Judge = None, output: Output = PLAIN) -> int:
    """Check claims against the quotations that they cite, and print the claims that are not fully supported.

    Each claim is a JSON object with the fields claim, vendor, prospect and evidence. The fields context and kind are
    optional. The kind is fact, inference, question or copy. The field evidence is a list of JSON objects with the
    fields quote and role. The role is vendor or prospect, depending on whose page the quotation is from. The optional
    field title contains the title of the page that is quoted.

    With --json, prints one JSON object for every claim, even if the claim is supported. Exits with 1 if a claim is not
    fully supported or a line cannot be read, and with 4 if the model could not judge some claims.
    """
    tally = Tally()

    def show(row: Row) -> None:
        tally.add(row)
        if output.json:
            echo(_json(row))
        elif row.checked is None or row.checked.support.verdict != "supported":
            echo(_text(row))
        # Flush stdout, so that a program that reads the output does not have to wait for the next verdicts.
        sys.stdout.flush()

    with _open(file) as lines:
        rows = map(_row, _numbered(lines))
        if model is None:
            for row in rows:
                show(row)
        else:
            asyncio.run(_check_by_model(model, rows, show, output))
    if not output.json:
        echo(tally.text)
    if hint := tally.hint:
        sys.stderr.write(f"{hint}\n")
    return tally.code


@contextmanager
def _open(file: Path) -> Generator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        lines = file.open("rb")
    except OSError as failed:
        raise InputError(
            f"cannot read {str(file)!r}: {failed.strerror}; give a file, or - for standard input"
        ) from None
    with lines:
        yield lines


def _numbered(lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number, except blank lines. If a line is too long, yield only its start."""
    # Read one byte more than the limit, because read_claim reports lines above the limit as too long.
    number, max_bytes = 0, MAX_LINE_BYTES + 1
    while line := lines.readline(max_bytes):
        number += 1
        rest = line
        while len(rest) == max_bytes and not rest.endswith(b"\n"):
            rest = lines.readline(max_bytes)
        line = line.removesuffix(b"\n")
        line = line.removeprefix(BOM) if number == 1 else line
        if line.strip():
            yield number, line


def _row(numbered: tuple[int, bytes]) -> Row:
    number, line = numbered
    try:
        given = read_claim(line)
    except InputError as invalid:
        return Row(number, error=str(invalid))
    return Row(number, given, check_by_rules(given))


async def _check_by_model(name: str, rows: Iterator[Row], show: Callable[[Row], None], output: Output) -> None:
    async with judge(name, output) as model:
        has_judged, error = False, ""
        while batch := [*islice(rows, BATCH_LINES)]:
            if not error:
                try:
                    batch = await _judged(model, batch)
                    has_judged = True
                except (NoAccess, SetupError) as failed:
                    # If the model fails in the first batch, no results have been printed yet, so the whole command can
                    # fail. If the model fails later, for example because its credit is used up, let the rules judge the
                    # remaining claims.
                    if not has_judged:
                        raise
                    error = str(failed)
            for row in batch:
                show(_by_rules_only(row, error) if error else row)


def _by_rules_only(row: Row, error: str) -> Row:
    return replace(row, checked=unreached(row.given, row.checked, error)) if row.given and row.checked else row


async def _judged(model: Model, batch: Iterable[Row]) -> list[Row]:
    rows = [*batch]
    claims = [(at, row.given, row.checked) for at, row in enumerate(rows) if row.given and row.checked]
    judged = await check_by_model(model, [given for _, given, _ in claims], [checked for *_, checked in claims])
    for (at, *_), checked in zip(claims, judged, strict=True):
        rows[at] = replace(rows[at], checked=checked)
    return rows


@asynccontextmanager
async def judge(name: str, output: Output) -> AsyncGenerator[Model]:
    """Yield the model with this name, and close it on exit.

    Raises:
        InputError: If the model does not judge claims.
        SetupError: If the model is not set up.
    """
    from octave_mcp.app import App  # noqa: PLC0415 - checking by rules needs neither the database nor models

    if name != AUTO and name not in _JUDGES:
        raise _no_judge(name)
    settings = load()
    configure_logs(settings, output, stderr_level="WARNING")
    app = App(settings.model_copy(update={"database_url": None}), engine="inline")
    try:
        if not (named := app.model_name(name)):
            raise SetupError(f"{NONE_CONFIGURED}: {SET_UP_A_MODEL}; {WITHOUT_KEY}")  # noqa: TRY301 - reworded below, as all others
        model = app.model(named)
        model.check()
    except SetupError as unset:
        # Replace the usual advice, which recommends models that need no key: these models can write playbooks, but they
        # cannot judge claims.
        raise SetupError(
            str(unset).replace(WITHOUT_KEY, "without --model, the claims are judged by rules, which need no key")
        ) from None
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
    line = on_one_line(text)
    return line if len(line) <= MAX_CHARACTERS_SHOWN else f"{line[:MAX_CHARACTERS_SHOWN]}..."
