"""Check a rep's own e-mail or script against what a run has read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.copy_check import CheckedSentence, CopyVerdict
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PLAIN, Output, asked
from octave_mcp.tools.copy_check import LONGEST_TEXT, CopyReport

WORDS: dict[CopyVerdict, str] = {
    "supported": "supported",
    "partly": "partly supported",
    "not": "not supported",
    "no claim": "no claim",
}
# More than the longest text allowed: the rest of a file is not read.
MAX_BYTES = 8 * LONGEST_TEXT


def check_copy(
    run: Annotated[str, Parameter(help="From runs or generate")],
    file: Annotated[
        Path,
        Parameter(
            help="The e-mail, with its Subject: line, or the script; - reads standard input", allow_leading_hyphen=True
        ),
    ],
    /,
    *,
    output: Output = PLAIN,
) -> int:
    """Check your own e-mail or script against what RUN has read: a verdict on each sentence, and a score.

    No model is asked. Exits with 1 if a sentence is not supported.
    """
    found: CopyReport = asyncio.run(asked("check_copy", output, run_id=run, text=_read(file)))
    output.result(found, lambda: "\n".join(_lines(found)))
    return FAILED if found.counts["not"] else DONE


def _read(file: Path) -> str:
    """Raises: InputError: it cannot be read."""
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MAX_BYTES).decode("utf-8-sig")
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES).decode("utf-8-sig")
    except OSError as failed:
        why = failed.strerror
    except UnicodeDecodeError:
        why = "it is not text in UTF-8"
    raise InputError(f"cannot read {str(file)!r}: {why}; name a file, or - for standard input")


def _lines(found: CopyReport) -> Iterator[str]:
    for sentence in found.sentences:
        yield from _sentence(sentence)
    yield f"{found.kind}: {', '.join(f'{found.counts[verdict]} {words}' for verdict, words in WORDS.items())}"
    yield f"score: {found.score} of 100"
    yield from (f"  {fault.rule} {_shown(fault.text)}" for fault in found.faults)


def _sentence(one: CheckedSentence) -> Iterator[str]:
    yield f"{WORDS[one.verdict]}: {_shown(one.text)}"
    if one.reason:
        yield f"  why: {_shown(one.reason)}"
    for quote in one.evidence:
        yield f"  “{_shown(quote.quote)}” ({quote.url})"
    if one.nearest:
        yield f"  nearest: “{_shown(one.nearest.quote)}” ({one.nearest.url})"


def _shown(text: str) -> str:
    """On one line, without what would control a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
