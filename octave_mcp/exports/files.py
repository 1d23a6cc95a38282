"""Playbook files on disk: one folder for each run, with one file for each format."""

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
# The store entries that map runs to folders never expire.
NO_EXPIRY = datetime.min.replace(tzinfo=UTC)


class PlaybookFiles:
    """Writes the files of each run into a folder below `root`. The store records which folder belongs to which run."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._root = root

    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        """Write the playbook's files into the run's folder and return their paths.

        A run keeps its folder even if the process crashes right after it has created the folder.

        Raises:
            NotWritten: If the files cannot be written.
            StoreFailed: If the disk is full, in which case a later retry can succeed.
        """
        today = date.today()  # noqa: DTZ011 - the user's day
        name = f"{pair_of(playbook)}-{today:%Y-%m-%d}"
        claimed = await self._store.get_value(_folder_key(run_id), since=NO_EXPIRY)
        try:
            folder = Path(claimed) if claimed else await computed(_new_folder, self._root / name, run_id)
            if not claimed:
                await self._store.put_value(_folder_key(run_id), str(folder), run_id=run_id)
            # Do not remove the marker file before the store has recorded the folder: if the process crashed in between,
            # nothing would show which run the folder belongs to.
            await asyncio.to_thread((folder / _marker(run_id)).unlink, missing_ok=True)
            return await computed(write_files, playbook, folder)
        except OSError as failed:
            if failed.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFailed(f"the playbook's files cannot be written: {failed.strerror}") from None
            raise NotWritten(
                f"the playbook could not be written to disk ({failed.strerror}), but it is stored in the database"
            ) from None

    async def replace(self, run_id: str, playbook: Playbook) -> None:
        """If the run's files are on this machine, replace them with the files of a newer version.

        Errors are logged and not raised.
        """
        claimed = await self._store.get_value(_folder_key(run_id), since=NO_EXPIRY)
        if claimed and await asyncio.to_thread(Path(claimed).is_dir):
            try:
                await computed(write_files, playbook, Path(claimed))
            except OSError as failed:
                logger.warning("the files of run {} could not be updated: {}", run_id, failed.strerror)

    async def remove(self, run_id: str, files: Sequence[str]) -> None:
        """Remove the folders that `publish` made for the run."""
        claimed = await self._store.get_value(_folder_key(run_id), since=NO_EXPIRY)
        folders = {Path(claimed)} if claimed else {Path(file).parent for file in files}
        markers = await asyncio.to_thread(lambda: [*self._root.glob(f"*/{_marker(run_id)}")])
        for folder in folders.union(marker.parent for marker in markers):
            # Never remove a folder outside `root`, even if the store has recorded such a path.
            if folder.parent == self._root:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await self._store.delete_values(datetime.now(UTC), _folder_key(run_id))


def write_files(
    playbook: Playbook, folder: Path, formats: Sequence[str] = (), pages: Mapping[str, str] = NO_PAGES
) -> tuple[str, ...]:
    """Write the playbook in each of these formats, or in all formats by default, and return the paths of the files.

    `pages` maps digests to the texts of quoted pages, for formats that embed these texts.
    """
    chosen = [choice(FORMATS, name, "format") for name in formats] or FORMATS
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(folder, form, rendered(playbook, form, pages)) for form in chosen)


def free_folder(folder: Path) -> Path:
    """Return the path of a folder that does not exist yet, by adding a number to the name if necessary."""
    return next(path for path in _numbered(folder) if not path.exists())


def rendered(playbook: Playbook, form: Format, pages: Mapping[str, str] = NO_PAGES) -> str | bytes:
    """Return the playbook in this format, with `pages` embedded if the format supports that."""
    exporter = export(form.name)
    return (exporter.with_pages(pages) if isinstance(exporter, EmbedsPages) else exporter).render(playbook)


def pair_of(playbook: Playbook) -> str:
    """Return the domains of both companies, joined for use in a file name."""
    # A domain with a port has a colon, which Windows does not allow in file names.
    return f"{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_")


def _folder_key(run_id: str) -> str:
    return f"folder of {run_id}"


def _marker(run_id: str) -> str:
    """Return the name of the file that marks the run's folder until the store has recorded the folder."""
    return f".{run_id}"


def _new_folder(folder: Path, run_id: str) -> Path:
    """Create a folder for the run, or return the folder that was created before a crash.

    If another run uses the folder's name, add a number to the name.
    """
    return next(path for path in _numbered(folder) if _is_made(path, _marker(run_id)))


def _is_made(folder: Path, marker: str) -> bool:
    """Create the run's folder if it does not exist. Return False if another run uses a folder with this name.

    The folder is created under a temporary name, and is renamed when it contains the marker file. A crash therefore
    cannot leave a folder without a marker file.
    """
    if folder.exists():
        return (folder / marker).exists()
    temporary = folder.with_name(marker)
    temporary.mkdir(parents=True, exist_ok=True)
    (temporary / marker).touch()
    try:
        temporary.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        return False  # another process has made the folder in the meantime
    return True


def _numbered(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (folder.with_name(f"{folder.name}-{number}") for number in count(2))


def _write(target: Path, form: Format, content: str | bytes) -> str:
    path = target / f"playbook.{form.suffix}"
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
    temporary.replace(path)  # atomic, so that no reader opens a half-written file
    return str(path)
