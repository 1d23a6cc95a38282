"""The command `record`, which stores the answers of a connected client so that they can be replayed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError
from octave_mcp.recordings.library import name_of, own_folder
from octave_mcp.recordings.recording import RecordedRun, packed
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, counted, open_app_to_read


class Recorded(Value):
    """The recording that was written, and what it contains."""

    file: str
    model: str
    vendor: str
    prospect: str
    answers: int
    citations: int
    bytes: int


def record(
    run: Annotated[str, Parameter(help="ID of a finished run whose model was host")],
    /,
    *,
    model: Annotated[str, Parameter(help="Name of the client's model that gave the answers, e.g. gpt-6")],
    out: Annotated[
        Path | None, Parameter(help="Folder for the recording; default: the folder recordings in OCTAVE_HOME")
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Save the answers that a connected client gave in a run, so that --model recorded can replay them."""
    done = asyncio.run(_record(run, model, out, output))
    output.result(done, lambda: done.file)
    size = f"{done.bytes / 1000:.0f} kB"
    output.hint(
        f"recorded {counted(done.answers, 'answer')} by {done.model} with {counted(done.citations, 'citation')}, "
        f"{size}; to replay the answers, run octave-mcp generate {done.vendor} {done.prospect} --model recorded"
    )
    return DONE


async def _record(run_id: str, model: str, out: Path | None, output: Output) -> Recorded:
    async with open_app_to_read(output) as app:
        recording = await app.runs.recorded(run_id, model)
        folder = out or own_folder(app.settings.home)
    file, content = folder / name_of(recording.vendor, recording.prospect), packed(recording)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as failed:
        raise InputError(f"cannot write to {str(folder)!r}: {failed.strerror}; choose another --out folder") from None
    return _described(recording, file, len(content))


def _described(recording: RecordedRun, file: Path, size: int) -> Recorded:
    return Recorded(
        file=str(file),
        model=recording.model,
        vendor=recording.vendor,
        prospect=recording.prospect,
        answers=len(recording.answers) + sum(persona.value is not None for persona in recording.personas),
        citations=recording.citations,
        bytes=size,
    )
