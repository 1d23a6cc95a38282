"""Chooses the model that judges the claims of a run: the run's own model, or the model in OCTAVE_VERIFY_MODEL."""

from __future__ import annotations

from octave_mcp.errors import SetupError, UnknownName
from octave_mcp.ports import Model, RunContext
from octave_mcp.runs.adapters import Adapters

OFF = "none"
_SETTING = "OCTAVE_VERIFY_MODEL"


def verifier_of(adapters: Adapters, model: Model, context: RunContext | None = None) -> Model | None:
    """Return the model that judges the claims of a run, or None if claims are not judged.

    `model` is the model that writes the run's playbook.

    Raises:
        SetupError: If the settings name a model that cannot judge claims.
    """
    name = adapters.limits.verify_model
    if name == OFF:
        return None
    if name in {"", model.name}:
        return model if model.capacity.verifies else _refused(name)
    try:
        chosen = adapters.model(name, context)
    except (SetupError, UnknownName) as unusable:
        raise SetupError(f"{_SETTING}: {unusable}") from None
    if chosen.capacity.is_answered_by_client:
        raise SetupError(f"{_SETTING}: {name} cannot judge what another model wrote: a client's answers can take days")
    return chosen if chosen.capacity.verifies else _refused(name)


def check_verifier(chosen: Model | None) -> None:
    """Check that the verifier, if there is one, can be used.

    Raises:
        SetupError: If the verifier cannot be used.
    """
    try:
        if chosen:
            chosen.check()
    except SetupError as unusable:
        raise SetupError(f"{_SETTING}: {unusable}") from None


def _refused(name: str) -> None:
    if name:
        raise SetupError(f"{_SETTING}: {name} cannot judge claims; name another model, or set {_SETTING} to '{OFF}'")
