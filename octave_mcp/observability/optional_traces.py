"""Loads OpenTelemetry if the settings ask for traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from octave_mcp.errors import SetupError
from octave_mcp.settings import Settings

if TYPE_CHECKING:
    from octave_mcp.observability.traces import Traces


def traces_for(settings: Settings) -> Traces | None:
    """Return an observer that sends traces, or None if the settings do not ask for traces.

    Raises:
        SetupError: If OpenTelemetry is not installed.
    """
    if not settings.traces:
        return None
    try:
        from octave_mcp.observability.traces import Traces  # noqa: PLC0415 - an optional dependency, slow to import
    except ModuleNotFoundError:
        raise SetupError(
            "OCTAVE_TRACES is true, but OpenTelemetry is not installed; run pip install 'octave-playbook[traces]', or "
            "remove OCTAVE_TRACES"
        ) from None
    return Traces()
