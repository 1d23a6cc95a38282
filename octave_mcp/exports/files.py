"""The files of a playbook: one in each format, in a folder of its own."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from types import MappingProxyType

from loguru import logger

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import FORMATS, Format, choice
from octave_mcp.domain.playbook import Playbook
from octave_mcp.errors import NotWritten, StoreFailed
from octave_mcp.exports import export
from octave_mcp.ports import EmbedsPages, Store

NO_PAGES: Mapping[str, str] = MappingProxyType({})
EVER = datetime.min.replace(tzinfo=UTC)


class PlaybookFiles:
    """The folders below `root` in which a server keeps the files of its runs; a note says which folder is whose."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._root = root

    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        """Writes the playbook's files into the run's folder; returns their paths.

        The folder is the run's for good: one that was begun before a crash is found again.

        Raises:
            NotWritten: they cannot be written there.
            StoreFailed: the disk is full; there may be space later.
        """
        today = date.today()  # noqa: DTZ011 - the user's day
        name = f"{pair_of(playbook)}-{today:%Y-%m-%d}"
        claimed = await self._store.get_value(_folder_of(run_id), since=EVER)
        try:
            folder = Path(claimed) if claimed else await computed(_new_folder, self._root / name, run_id)
            if not claimed:
                await self._store.put_value(_folder_of(run_id), str(folder), run_id=run_id)
            await asyncio.to_thread((folder / _mark_of(run_id)).unlink, missing_ok=True)
            return await computed(write_files, playbook, folder)
        except OSError as failed:
            if failed.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFailed(f"the playbook's files cannot be written: {failed.strerror}") from None
            raise NotWritten(
                f"the playbook could not be written to disk ({failed.strerror}); the database has it all the same"
            ) from None

    async def replace(self, run_id: str, playbook: Playbook) -> None:
        """Writes the files again for a newer version, if they are on this machine; what fails is logged."""
        claimed = await self._store.get_value(_folder_of(run_id), since=EVER)
        if claimed and await asyncio.to_thread(Path(claimed).is_dir):
            try:
                await computed(write_files, playbook, Path(claimed))
            except OSError as failed:
                logger.warning("the files of run {} are not those of its newest version: {}", run_id, failed.strerror)

    async def remove(self, run_id: str, files: Sequence[str]) -> None:
        """Removes what `publish` wrote for the run, and nothing else."""
        claimed = await self._store.get_value(_folder_of(run_id), since=EVER)
        folders = {Path(claimed)} if claimed else {Path(file).parent for file in files}
        marks = await asyncio.to_thread(lambda: [*self._root.glob(f"*/{_mark_of(run_id)}")])
        for folder in folders.union(mark.parent for mark in marks):
            if folder.parent == self._root:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await self._store.delete_values(datetime.now(UTC), _folder_of(run_id))


def write_files(
    playbook: Playbook, folder: Path, formats: Sequence[str] = (), pages: Mapping[str, str] = NO_PAGES
) -> tuple[str, ...]:
    """Writes the playbook into the folder, in each format or in those asked for; returns the paths.

    `pages` are the texts of pages that it quotes, by digest, for the formats that embed them.
    """
    chosen = [choice(FORMATS, name, "format") for name in formats] or FORMATS
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(folder, form, rendered(playbook, form, pages)) for form in chosen)


def free_folder(folder: Path) -> Path:
    """The folder; if it exists, the first one that does not when a number is added to its name."""
    return next(path for path in _numbered(folder) if not path.exists())


def rendered(playbook: Playbook, form: Format, pages: Mapping[str, str] = NO_PAGES) -> str | bytes:
    made = export(form.name)
    return (made.with_pages(pages) if isinstance(made, EmbedsPages) else made).render(playbook)


def pair_of(playbook: Playbook) -> str:
    """The names of both companies, as part of a file name."""
    return f"{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_")


def _folder_of(run_id: str) -> str:
    """The key of the note that says where a run's files are."""
    return f"folder of {run_id}"


def _mark_of(run_id: str) -> str:
    """The name of the file that marks a folder as the run's, until a note in the database says so."""
    return f".{run_id}"


def _new_folder(folder: Path, run_id: str) -> Path:
    """A folder of that name, numbered where it is taken, that this call or one before a crash has made for the run."""
    return next(path for path in _numbered(folder) if _is_made(path, _mark_of(run_id)))


def _is_made(folder: Path, mark: str) -> bool:
    """The folder is marked before it gets its name: no crash leaves one of which nobody knows whose it is."""
    if folder.exists():
        return (folder / mark).exists()
    begun = folder.with_name(mark)
    begun.mkdir(parents=True, exist_ok=True)
    (begun / mark).touch()
    try:
        begun.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        return False  # another process was faster
    return True


def _numbered(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (folder.with_name(f"{folder.name}-{number}") for number in count(2))


def _write(target: Path, form: Format, content: str | bytes) -> str:
    path = target / f"playbook.{form.suffix}"
    begun = path.with_name(f".{path.name}")
    begun.write_bytes(content if isinstance(content, bytes) else content.encode())
    begun.replace(path)  # nobody meets it half written
    return str(path)
