"""List and compare the versions of a playbook, and put your own text in it."""

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
from octave_mcp.domain.parts import first_of, steps_of
from octave_mcp.domain.versions import VersionMeta
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, asked, counted, table
from octave_mcp.tools.versions import Edited, VersionDiff, VersionList

# Sections that say where a text comes from, and what it cost.
RECORDED = frozenset({"evidence", "own_text", "pages", "cost", "timings", "generated_at"})
# The fields that the checks fill in; the sentences of an e-mail are those of its body.
CHECKED = frozenset({"evidence", "support", "score", "sentences"})
# The other fields of a sentence.
SENTENCE = frozenset({"text", "kind"})

Run = Annotated[str, Parameter(help="From runs or generate")]
Number = validators.Number(gte=1)


def versions(run: Run, /, *, output: Output = PLAIN) -> int:
    """List the versions of the playbook of RUN, the newest first: who made each, when, and what it changed."""
    found: VersionList = asyncio.run(asked("list_versions", output, run_id=run))
    output.result(found, lambda: table(map(_line, found.versions)))
    return DONE


def diff(
    run: Run,
    /,
    *,
    from_: Annotated[
        int | None, Parameter(name="--from", help="The older version; else the one before --to", validator=Number)
    ] = None,
    to: Annotated[int | None, Parameter(help="The newer version; else the newest of all", validator=Number)] = None,
    all_: Annotated[
        bool, Parameter(name="--all", negative=(), help="Also evidence, verdicts, scores, cost and times")
    ] = False,
    output: Output = PLAIN,
) -> int:
    """Show what differs between two versions of the playbook of RUN."""
    arguments: dict[str, Any] = {"run_id": run, "from": from_, "to": to}
    found: VersionDiff = asyncio.run(asked("diff_versions", output, **arguments))
    shown = [change for change in found.changes if all_ or _is_shown(change)]
    hidden = frozenset[str]() if all_ else CHECKED
    output.result(found, lambda: "\n\n".join(_change(change, hidden) for change in shown))
    output.hint(f"{counted(len(shown), 'change')} from version {found.older.number} to version {found.newer.number}")
    return DONE


def edit(
    run: Run,
    section: Annotated[str, Parameter(help="Such as trial_plan, or email_sequences.persona-1.touches[2]")],
    /,
    *,
    base_version: Annotated[
        int,
        Parameter(help="The version that you read; if a newer one exists, nothing is changed", validator=Number),
    ],
    text: Annotated[str | None, Parameter(help="The new text, as you want it")] = None,
    file: Annotated[Path | None, Parameter(help="A file with the new text; - reads standard input")] = None,
    by: Annotated[str, Parameter(help="Your name, as the playbook shows it")] = "",
    output: Output = PLAIN,
) -> int:
    """Put your own text in place of SECTION, as a new version of the playbook of RUN.

    An e-mail is 'Subject: ...', an empty line, and the body; a list of texts has one line for each; anything else
    is JSON. Your text is never changed: what the checks find in it is printed as warnings.
    """
    if (text is None) == (file is None):
        raise InputError("give --text or --file: one of them")
    new = text if file is None else _read(file)
    asked_for = asked("edit_section", output, run_id=run, section=section, base_version=base_version, text=new, by=by)
    done: Edited = asyncio.run(asked_for)
    output.result(done, lambda: f"{done.section} is yours in version {done.version}")
    for warning in done.warnings:
        output.hint(f"warning: {warning}")
    return DONE


def _read(file: Path) -> str:
    """Without a byte order mark and the newline at the end, which are not part of the text."""
    try:
        given = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = given.decode("utf-8-sig")
    except OSError as failed:
        raise InputError(f"cannot read {str(file)!r}: {failed.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"cannot read {str(file)!r}: it is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _line(meta: VersionMeta) -> tuple[str, ...]:
    what = meta.section or ", ".join(meta.changed)
    asked_for = f": {meta.instruction}" if meta.instruction else ""
    return (str(meta.number), f"{meta.at.astimezone():%Y-%m-%d %H:%M}", meta.made, meta.by, f"{what}{asked_for}")


def _is_shown(change: Change) -> bool:
    """Whether it is a text, not what the checks or the clock made of it."""
    return first_of(change.path) not in RECORDED and CHECKED.isdisjoint(steps_of(change.path))


def _change(change: Change, hidden: frozenset[str]) -> str:
    """The lines that differ, below the path."""
    before, after = [*_said(change.before, hidden)], [*_said(change.after, hidden)]
    lines = [*unified_diff(before, after, n=0, lineterm="")][2:]
    return "\n".join((change.path, *(f"  {line[0]} {line[1:]}" for line in lines if not line.startswith("@@"))))


def _said(value: JsonValue, hidden: frozenset[str]) -> Iterator[str]:
    """A value line by line, for people: of a sentence its text, of an object its fields."""
    if isinstance(value, dict):
        fields = {name: [*_said(part, hidden)] for name, part in value.items() if name not in hidden}
        if fields.keys() == SENTENCE:
            yield from fields["text"]
        else:
            yield from (line for name, lines in fields.items() for line in _labelled(name, lines))
    elif isinstance(value, list):
        yield from (line for entry in value for line in _said(entry, hidden))
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
