"""Write a playbook to files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

from cyclopts import Parameter, validators

from octave_mcp.domain.choices import FORMATS, choice, either, names
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, listed, reading


class Exported(Value):
    """What was written; `missing` are the digests of pages that are no longer kept."""

    run_id: str
    files: tuple[str, ...]
    pages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def export(
    run: Annotated[str, Parameter(help="From runs or generate")],
    /,
    *,
    formats: Annotated[
        tuple[str, ...],
        Parameter(name="--format", negative=(), help=f"{either(names(FORMATS))}; may be repeated; else all"),
    ] = (),
    out: Annotated[Path | None, Parameter(help="Folder for the files; else a new one named for both companies")] = None,
    pages: Annotated[
        bool,
        Parameter(
            negative=(), help="Also the text of each page that is quoted: in playbook.html, and as pages/DIGEST.md"
        ),
    ] = False,
    version: Annotated[
        int | None, Parameter(help="The number of a version; else the newest", validator=validators.Number(gte=1))
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Write the playbook of RUN into files."""
    for form in formats:
        choice(FORMATS, form, "format")
    done = asyncio.run(_export(run, out, formats, pages, version, output))
    output.result(done, lambda: "\n".join((*done.files, *done.pages)))
    if done.missing:
        output.hint(listed("pages that are no longer kept", done.missing))
    return DONE


def write(
    playbook: Playbook,
    out: Path | None,
    *,
    name: str = "",
    formats: Sequence[str] = (),
    pages: Mapping[str, str] = {},
) -> tuple[str, ...]:
    """Into the folder asked for; else into that of the name, or into a new one named for both companies.

    `pages` are the texts of pages to embed, by digest.

    Raises:
        InputError: it cannot be written to.
    """
    from octave_mcp.app import free_folder, write_files  # noqa: PLC0415 - help and settings are shown without it

    chosen = out or Path(name or f"playbook-{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_"))
    try:
        return write_files(playbook, chosen if out or name else free_folder(chosen), formats, pages)
    except OSError as failed:
        raise _unwritable(chosen, failed) from None


def check_folder(folder: Path | None) -> None:
    """Before a run is paid for: whether its files can be written there.

    Raises:
        InputError: they cannot be.
    """
    for place in (folder, *folder.parents) if folder else ():
        if place.exists():
            try:
                TemporaryFile(dir=place).close()
            except OSError:
                raise InputError(
                    f"cannot write to {str(folder)!r}: {str(place)!r} is not a folder to write to; choose another --out"
                ) from None
            return


def _unwritable(folder: Path, failed: OSError) -> InputError:
    return InputError(f"cannot write to {str(folder)!r}: {failed.strerror}; choose another --out")


async def _export(
    run_id: str, out: Path | None, formats: Sequence[str], pages: bool, version: int | None, output: Output
) -> Exported:
    async with reading(output) as app:
        playbook = await app.runs.finished(run_id, version)
        texts: Mapping[str, str] = await app.runs.quoted_pages(playbook) if pages else {}
    files = write(playbook, out, formats=tuple(dict.fromkeys(formats)), pages=texts)
    if not pages:
        return Exported(run_id=run_id, files=files)
    written = _write_pages(Path(files[0]).parent / "pages", texts)
    missing = {evidence.page_sha256 for evidence in playbook.evidence.values()} - texts.keys()
    return Exported(run_id=run_id, files=files, pages=written, missing=tuple(sorted(missing)))


def _write_pages(folder: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """As bytes: the name of a file is the digest of what is in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for sha, text in texts.items():
            (folder / f"{sha}.md").write_bytes(text.encode())
    except OSError as failed:
        raise _unwritable(folder, failed) from None
    return tuple(str(folder / f"{sha}.md") for sha in texts)
