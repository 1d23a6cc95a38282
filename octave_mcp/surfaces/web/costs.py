"""What a run with each model costs, for the page New."""

from __future__ import annotations

import asyncio

from octave_mcp.app import App
from octave_mcp.domain.choices import MODELS
from octave_mcp.errors import OctaveError
from octave_mcp.surfaces.web.rendering import price

# The first estimate imports the SDK of a provider, which takes longer than a person wants to wait for the page.
MAX_WAIT_SECONDS = 0.15


class Costs:
    """The estimated costs of the models that are set up. They are computed once, in a thread."""

    def __init__(self) -> None:
        self._task: asyncio.Task[dict[str, str]] | None = None

    async def __call__(self, app: App) -> dict[str, str]:
        """Return the costs by model, or nothing while they are being computed."""
        self._task = self._task or asyncio.create_task(asyncio.to_thread(_costs, app))
        done, _ = await asyncio.wait((self._task,), timeout=MAX_WAIT_SECONDS)
        return self._task.result() if done else {}


def _costs(app: App) -> dict[str, str]:
    keyed = (model for model in MODELS if model.needs and app.is_configured(model))
    return {model.name: cost for model in keyed if (cost := _cost(app, model.name))}


def _cost(app: App, name: str) -> str:
    try:
        model = app.model(name)
        usd = model.estimate(model.capacity.max_pages).usd
    except OctaveError:  # a run with this model would report the error
        return ""
    return f"{price(usd, name)} for each prospect" if usd else price(usd, name)
