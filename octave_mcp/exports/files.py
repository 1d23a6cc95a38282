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

        A run always has the same folder, even if the process crashed after making the folder.

        Raises:
            NotWritten: If the files cannot be written there.
            StoreFailed: If the disk is full. A later retry can succeed.
        """
        today = date.today()  # noqa: DTZ011 - the user's day
        name = f"{pair_of(playbook)}-{today:%Y-%m-%d}"
        claimed = await self._store.get_value(_folder_key(run_id), since=NO_EXPIRY)
        try:
            folder = Path(claimed) if claimed else await computed(_new_folder, self._root / name, run_id)
            if not claimed:
                await self._store.put_value(_folder_key(run_id), str(folder), run_id=run_id)
            # Remove the marker only after the store has recorded the folder. Until then, only the marker identifies the
            # folder if the process crashes.
            await asyncio.to_thread((folder / _marker(run_id)).unlink, missing_ok=True)
            return await computed(write_files, playbook, folder)
        except OSError as failed:
            if failed.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFailed(f"the playbook's files cannot be written: {failed.strerror}") from None
            raise NotWritten(
                f"the playbook could not be written to disk ({failed.strerror}), but it is stored in the database"
            ) from None

    async def replace(self, run_id: str, playbook: Playbook) -> None:
        """Rewrite the files for a newer version if the files are on this machine. Errors are only logged."""
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
            # Never remove anything outside the root, even if a recorded path is outside of it.
            if folder.parent == self._root:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await self._store.delete_values(datetime.now(UTC), _folder_key(run_id))


def write_files(
    playbook: Playbook, folder: Path, formats: Sequence[str] = (), pages: Mapping[str, str] = NO_PAGES
) -> tuple[str, ...]:
    """Write the playbook into the folder, in these formats or in all formats, and return the paths.

    `pages` are the texts of quoted pages by digest, for formats that embed them.
    """
    chosen = [choice(FORMATS, name, "format") for name in formats] or FORMATS
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(folder, form, rendered(playbook, form, pages)) for form in chosen)


def free_folder(folder: Path) -> Path:
    """Return the folder. If the folder already exists, add the first free number to the returned name."""
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
    """Return the key under which the store records the run's folder."""
    return f"folder of {run_id}"


def _marker(run_id: str) -> str:
    """Return the name of a file that marks a folder as the run's folder until the store has recorded the folder."""
    return f".{run_id}"


def _new_folder(folder: Path, run_id: str) -> Path:
    """Make a folder for the run, or find the folder that was made before a crash. Add a number if the name is taken."""
    return next(path for path in _numbered(folder) if _is_made(path, _marker(run_id)))


def _is_made(folder: Path, marker: str) -> bool:
    """Make the run's folder if it does not exist. Return False if another run has a folder with this name.

    The folder is made under a temporary name, gets its marker and is then renamed, so that a crash leaves no folder
    without a marker.
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
