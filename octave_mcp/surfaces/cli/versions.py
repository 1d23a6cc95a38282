"""The commands `versions`, `diff` and `edit`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators
from pydantic import JsonValue
from pydantic_core import to_json

from octave_mcp.domain.diffs import Change
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, RunId, call_tool, counted, table
from octave_mcp.tools.text_changes import CHECKED, is_text_change
from octave_mcp.tools.versions import Edited, VersionDiff, VersionList

# If an object has only these fields besides the fields in CHECKED, it is a sentence of the playbook. Without --all, the
# fields in CHECKED are hidden, so print only the text, without labels.
SENTENCE_FIELDS = frozenset({"text", "kind"})

Section = Annotated[
    str, Parameter(help="Section, or part of a section, e.g. trial_plan or email_sequences.persona-1.touches[2]")
]
AtLeastOne = validators.Number(gte=1)


def versions(run: RunId, /, *, output: Output = PLAIN) -> int:
    """List the versions of a playbook, newest first.

    For each version, the list shows its number, its date, who made it and how, and which sections changed.
    """
    answer: VersionList = asyncio.run(call_tool("list_versions", output, run_id=run))
    output.result(answer, lambda: table(map(_line, answer.versions)))
    return DONE


def diff(
    run: RunId,
    /,
    *,
    from_: Annotated[
        int | None,
        Parameter(
            name="--from", help="Number of the older version; default: the version before --to", validator=AtLeastOne
        ),
    ] = None,
    to: Annotated[
        int | None, Parameter(help="Number of the newer version; default: the newest", validator=AtLeastOne)
    ] = None,
    all_: Annotated[
        bool,
        Parameter(name="--all", negative=(), help="Also show changes to evidence, verdicts, scores, cost and times"),
    ] = False,
    output: Output = PLAIN,
) -> int:
    """Show what changed between two versions of a playbook.

    With --json, prints all changes, as if --all were given.
    """
    arguments: dict[str, Any] = {"run_id": run, "from": from_, "to": to}
    answer: VersionDiff = asyncio.run(call_tool("diff_versions", output, **arguments))
    shown = [change for change in answer.changes if all_ or is_text_change(change)]
    hidden_fields = frozenset[str]() if all_ else CHECKED
    output.result(answer, lambda: "\n\n".join(_change(change, hidden_fields) for change in shown))
    output.hint(_summary(answer, len(shown), is_default=from_ is None))
    return DONE


def _summary(answer: VersionDiff, shown: int, *, is_default: bool) -> str:
    older, newer = answer.older.number, answer.newer.number
    if older == newer:
        reason = "it is the first version" if is_default else "--from and --to name the same version"
        return f"nothing to compare with version {newer}, because {reason}"
    hidden = len(answer.changes) - shown
    more = (
        f"; --all shows {counted(hidden, 'more change')} to evidence, verdicts, scores, cost or times" if hidden else ""
    )
    return f"{counted(shown, 'change')} from version {older} to version {newer}{more}"


def edit(
    run: RunId,
    section: Section,
    /,
    *,
    base_version: Annotated[
        int,
        Parameter(
            help="Number of the version that you edited; if a newer version exists, the edit is refused",
            validator=AtLeastOne,
        ),
    ],
    text: Annotated[str | None, Parameter(help="The new text; to read it from a file, use --file")] = None,
    file: Annotated[Path | None, Parameter(help="File with the new text; - reads standard input")] = None,
    by: Annotated[str, Parameter(help="Your name, shown in the playbook")] = "",
    output: Output = PLAIN,
) -> int:
    """Replace a section of a playbook with your own text, and store a new version.

    Write an e-mail as 'Subject: ...', an empty line and the body. Write a list of texts with one text per line. Write
    any other part as JSON. Your text is stored as you wrote it. Problems that the checks find in your text are printed
    as warnings.
    """
    if (text is None) == (file is None):
        raise InputError("give either --text or --file")
    new = text if file is None else _read(file)
    call = call_tool("edit_section", output, run_id=run, section=section, base_version=base_version, text=new, by=by)
    done: Edited = asyncio.run(call)
    output.result(done, lambda: f"version {done.version} contains your text in {done.section}")
    for warning in done.warnings:
        output.hint(f"warning: {warning}")
    return DONE


def _read(file: Path) -> str:
    """Return the text of the file without the byte order mark and the final newline, which editors add."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as failed:
        raise InputError(f"cannot read {str(file)!r}: {failed.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"cannot read {str(file)!r}: it is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _line(meta: VersionMeta) -> tuple[str, ...]:
    sections = meta.section or ", ".join(meta.changed)
    instruction = f": {meta.instruction}" if meta.instruction else ""
    return (str(meta.number), f"{meta.at.astimezone():%Y-%m-%d %H:%M}", meta.made, meta.by, f"{sections}{instruction}")


def _change(change: Change, hidden_fields: frozenset[str]) -> str:
    """Return the path of the change, and below it the removed lines (marked with -) and the new lines (+)."""
    before, after = [*_as_lines(change.before, hidden_fields)], [*_as_lines(change.after, hidden_fields)]
    lines = [*unified_diff(before, after, n=0, lineterm="")][2:]  # skip the two header lines, which name files
    return "\n".join((change.path, *(f"  {line[0]} {line[1:]}" for line in lines if not line.startswith("@@"))))


def _as_lines(value: JsonValue, hidden_fields: frozenset[str]) -> Iterator[str]:
    """Convert a JSON value to readable lines of text.

    If an object is a sentence, show only its text. Show the fields of any other object with their names.
    """
    if isinstance(value, dict):
        fields = {name: [*_as_lines(part, hidden_fields)] for name, part in value.items() if name not in hidden_fields}
        if fields.keys() == SENTENCE_FIELDS:
            yield from fields["text"]
        else:
            yield from (line for name, lines in fields.items() for line in _labelled(name, lines))
    elif isinstance(value, list):
        yield from (line for entry in value for line in _as_lines(entry, hidden_fields))
    elif isinstance(value, str):
        yield from value.splitlines()
    elif value is not None:
        yield to_json(value).decode()


def _labelled(name: str, lines: Sequence[str]) -> Iterator[str]:
    if len(lines) == 1:
        yield f"{name}: {lines[0]}"
    elif lines:
        yield f"{name}:"
        yield from (f"  {line}" for line in lines)
