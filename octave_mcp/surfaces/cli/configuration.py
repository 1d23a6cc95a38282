"""The command `config`."""

from __future__ import annotations

from pathlib import Path

from octave_mcp.domain.value import Value
from octave_mcp.settings import ENV_FILE, Setting, Settings, described, keys, load
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, table, titled_list


class SettingsFile(Value):
    path: str
    is_there: bool


class Configuration(Value):
    """The current settings, and the files that can set them. The first file takes precedence."""

    settings: tuple[Setting, ...]
    files: tuple[SettingsFile, ...]


def config(*, output: Output = PLAIN) -> int:
    """Print every setting, its value, and where it is set. Secrets are masked."""
    configuration = _configuration(load())
    output.result(configuration, lambda: _text(configuration))
    return DONE


def _configuration(settings: Settings) -> Configuration:
    files = (ENV_FILE.absolute(), settings.config_file)
    return Configuration(settings=(*described(settings), *keys()), files=tuple(map(_file, files)))


def _file(path: Path) -> SettingsFile:
    return SettingsFile(path=str(path), is_there=path.is_file())


def _text(configuration: Configuration) -> str:
    rows = ((setting.name, setting.value or "-", setting.origin) for setting in configuration.settings)
    files = [file.path if file.is_there else f"{file.path} (does not exist)" for file in configuration.files]
    return f"{table(rows)}\n\n{titled_list('files', files)}"
