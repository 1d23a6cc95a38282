"""The command `export`, and the function that writes the files of a playbook."""

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
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, RunId, open_app_to_read, titled_list


class Exported(Value):
    """The paths of the files that `export` wrote. `missing`: digests of quoted pages that are no longer stored."""

    run_id: str
    files: tuple[str, ...]
    pages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def export(
    run: RunId,
    /,
    *,
    formats: Annotated[
        tuple[str, ...],
        Parameter(
            name="--format",
            negative=(),
            help=f"{either(names(FORMATS))}; repeat the option for several formats; default: all",
        ),
    ] = (),
    out: Annotated[
        Path | None, Parameter(help="Folder for the files; default: a new folder named after both companies")
    ] = None,
    pages: Annotated[
        bool,
        Parameter(
            negative=(), help="Include the text of each quoted page in playbook.html, and write it to pages/DIGEST.md"
        ),
    ] = False,
    version: Annotated[
        int | None, Parameter(help="Number of the version; default: the newest", validator=validators.Number(gte=1))
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Write the playbook of a run to files."""
    for form in formats:
        choice(FORMATS, form, "format")
    done = asyncio.run(_export(run, out, formats, pages, version, output))
    output.result(done, lambda: "\n".join((*done.files, *done.pages)))
    if done.missing:
        output.hint(titled_list("quoted pages that are no longer stored", done.missing))
    return DONE


def write(
    playbook: Playbook,
    out: Path | None,
    *,
    name: str = "",
    formats: Sequence[str] = (),
    pages: Mapping[str, str] = {},
) -> tuple[str, ...]:
    """Write the files of a playbook, and return their paths.

    The files go to the folder `out`, or if `out` is None, to the folder `name`. If `name` is empty too, they go to a
    new folder that is named after both companies. `pages`: the texts of the pages to embed, with their digests as keys.

    Raises:
        InputError: If the folder cannot be written to.
    """
    from octave_mcp.app import free_folder, write_files  # noqa: PLC0415 - help and settings are shown without it

    # Replace the colon before a port number, because Windows does not allow colons in file names.
    folder = out or Path(name or f"playbook-{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_"))
    try:
        return write_files(playbook, folder if out or name else free_folder(folder), formats, pages)
    except OSError as failed:
        raise _unwritable(folder, failed) from None


def check_folder(folder: Path | None) -> None:
    """Before a run costs money, check that its output folder is writable.

    Raises:
        InputError: If the folder, or its nearest existing parent, cannot be written to.
    """
    for existing in (folder, *folder.parents) if folder else ():
        if existing.exists():
            try:
                TemporaryFile(dir=existing).close()
            except OSError:
                raise InputError(
                    f"cannot write to {str(folder)!r}: {str(existing)!r} is not a writable folder; "
                    "choose another --out folder"
                ) from None
            return


def _unwritable(folder: Path, failed: OSError) -> InputError:
    return InputError(f"cannot write to {str(folder)!r}: {failed.strerror}; choose another --out folder")


async def _export(
    run_id: str, out: Path | None, formats: Sequence[str], pages: bool, version: int | None, output: Output
) -> Exported:
    async with open_app_to_read(output) as app:
        playbook = await app.runs.finished(run_id, version)
        texts: Mapping[str, str] = await app.runs.quoted_pages(playbook) if pages else {}
    files = write(playbook, out, formats=tuple(dict.fromkeys(formats)), pages=texts)
    if not pages:
        return Exported(run_id=run_id, files=files)
    written = _write_pages(Path(files[0]).parent / "pages", texts)
    missing = {evidence.page_sha256 for evidence in playbook.evidence.values()} - texts.keys()
    return Exported(run_id=run_id, files=files, pages=written, missing=tuple(sorted(missing)))


def _write_pages(folder: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for sha, text in texts.items():
            # Write bytes, because newline translation on Windows would change the digest of the file.
            (folder / f"{sha}.md").write_bytes(text.encode())
    except OSError as failed:
        raise _unwritable(folder, failed) from None
    return tuple(str(folder / f"{sha}.md") for sha in texts)
