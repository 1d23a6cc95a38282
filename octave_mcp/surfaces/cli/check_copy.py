"""The command `check-copy`, which checks the user's own e-mail or call script against the pages that a run read."""

from __future__ import annotations

import asyncio
import codecs
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.copy_check import CheckedSentence, CopyVerdict
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PLAIN, Output, RunId, call_tool, on_one_line
from octave_mcp.tools.copy_check import MAX_TEXT_CHARACTERS, CopyReport

WORDS: dict[CopyVerdict, str] = {
    "supported": "supported",
    "partly": "partly supported",
    "not": "not supported",
    "no claim": "no claim",
}
# A character has at most 4 bytes in UTF-8, so this is twice the size of the longest allowed text. Reading more
# than the allowed size lets the tool report that a text is too long.
MAX_BYTES = 8 * MAX_TEXT_CHARACTERS


def check_copy(
    run: RunId,
    file: Annotated[
        Path,
        Parameter(
            help="File with the e-mail and its 'Subject:' line, or with the call script; - reads standard input",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    output: Output = PLAIN,
) -> int:
    """Check your own e-mail or call script against the pages that a run read.

    Prints a score, and a verdict on each sentence. The check uses rules and asks no model. Exits with 1 if a sentence
    is not supported.
    """
    report: CopyReport = asyncio.run(call_tool("check_copy", output, run_id=run, text=_read(file)))
    output.result(report, lambda: "\n".join(_lines(report)))
    return FAILED if report.counts["not"] else DONE


def _read(file: Path) -> str:
    try:
        if str(file) == "-":
            return _decoded(sys.stdin.buffer.read(MAX_BYTES))
        with file.open("rb") as opened:
            return _decoded(opened.read(MAX_BYTES))
    except OSError as failed:
        reason = failed.strerror
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    raise InputError(f"cannot read {str(file)!r}: {reason}; give a file, or - for standard input")


def _decoded(content: bytes) -> str:
    # The limit can cut off the last character of a text that is too long.
    is_whole = len(content) < MAX_BYTES
    return codecs.getincrementaldecoder("utf-8-sig")().decode(content, final=is_whole)


def _lines(report: CopyReport) -> Iterator[str]:
    for sentence in report.sentences:
        yield from _sentence(sentence)
    yield f"{report.kind}: {', '.join(f'{report.counts[verdict]} {words}' for verdict, words in WORDS.items())}"
    yield f"score: {report.score} of 100"
    yield from (f"  {fault.rule} {_collapsed(fault.text)}" for fault in report.faults)


def _sentence(sentence: CheckedSentence) -> Iterator[str]:
    yield f"{WORDS[sentence.verdict]}: {_collapsed(sentence.text)}"
    if sentence.reason:
        yield f"  reason: {_collapsed(sentence.reason)}"
    for evidence in sentence.evidence:
        yield f"  “{_collapsed(evidence.quote)}” ({evidence.url})"
    if sentence.nearest:
        yield f"  nearest: “{_collapsed(sentence.nearest.quote)}” ({sentence.nearest.url})"


def _collapsed(text: str) -> str:
    return " ".join(on_one_line(text).split())
