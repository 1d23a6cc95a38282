"""Finds the recording for a pair of companies. Each recording is a file that is named after the two domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from octave_mcp.domain.company import Role
from octave_mcp.errors import InputError
from octave_mcp.recordings.recording import RecordedRun, unpacked

PACKAGED = Path(__file__).parents[1] / "demo" / "recordings"
# The separator is a plus sign, because no domain name contains one.
SUFFIX, BETWEEN = ".json.gz", "+"

Pair = tuple[str, str]


def name_of(vendor: str, prospect: str) -> str:
    """Return the name of a recording's file.

    '_' replaces a colon before a port, because Windows does not allow colons.
    """
    return f"{vendor}{BETWEEN}{prospect}{SUFFIX}".replace(":", "_")


def own_folder(home: Path) -> Path:
    """Return the folder of the user's own recordings in OCTAVE_HOME."""
    return home / "recordings"


def find(domains: Mapping[Role, str], home: Path) -> RecordedRun:
    """Return the recording of a pair of companies.

    The user's own recordings take precedence over recordings in the package.

    Raises:
        InputError: If there is no recording of these companies.
        StaleRecording: If the recording is damaged or was made by another release.
    """
    vendor, prospect = domains["vendor"], domains["prospect"]
    name = name_of(vendor, prospect)
    for folder in (own_folder(home), PACKAGED):
        if (file := folder / name).is_file():
            return unpacked(file.read_bytes(), str(file))
    recorded = "; ".join(f"{seller} to {buyer}" for seller, buyer in sorted(set(_pairs(home)))) or "none yet"
    raise InputError(
        f"there is no recording of {vendor} selling to {prospect}, so the model 'recorded' has no answers; "
        f"recorded pairs: {recorded}"
    )


def _pairs(home: Path) -> Iterator[Pair]:
    for folder in (own_folder(home), PACKAGED):
        for file in folder.glob(f"*{BETWEEN}*{SUFFIX}"):
            vendor, _, prospect = file.name.removesuffix(SUFFIX).replace("_", ":").partition(BETWEEN)
            yield vendor, prospect
