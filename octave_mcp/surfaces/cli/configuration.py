"""The settings as they are, and where they come from."""

from __future__ import annotations

from pathlib import Path

from octave_mcp.domain.value import Value
from octave_mcp.settings import ENV_FILE, Setting, Settings, described, keys, load
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, listed, table


class SettingsFile(Value):
    path: str
    is_there: bool


class Configuration(Value):
    """`files` are those that settings are read from, the more important first."""

    settings: tuple[Setting, ...]
    files: tuple[SettingsFile, ...]


def config(*, output: Output = PLAIN) -> int:
    """Show every setting with its value and where it comes from; secrets are masked."""
    found = _configuration(load())
    output.result(found, lambda: _text(found))
    return DONE


def _configuration(settings: Settings) -> Configuration:
    files = (ENV_FILE.absolute(), settings.config_file)
    return Configuration(settings=(*described(settings), *keys()), files=tuple(map(_file, files)))


def _file(path: Path) -> SettingsFile:
    return SettingsFile(path=str(path), is_there=path.is_file())


def _text(found: Configuration) -> str:
    rows = ((setting.name, setting.value or "-", setting.origin) for setting in found.settings)
    files = [file.path if file.is_there else f"{file.path} (not there)" for file in found.files]
    return f"{table(rows)}\n\n{listed('files', files)}"
