"""The checks that `octave-mcp doctor` runs. The checks change nothing, except that they create missing folders."""

from __future__ import annotations

from functools import partial

from octave_mcp.domain.choices import MODELS, SOURCES, Provider
from octave_mcp.settings import KEYS
from octave_mcp.surfaces.cli.checks import database, machine, setup
from octave_mcp.surfaces.cli.checks.check import SLOW_SECONDS, Check
from octave_mcp.surfaces.cli.clients import CLIENTS


def _name(provider: Provider) -> str:
    return provider.needs if provider.needs in KEYS else provider.name


# If several sources need the same key, check the key only once.
KEYED_SOURCES = {source.needs: source for source in SOURCES if source.needs}.values()
CHECKS = (
    Check("python", machine.python),
    Check("packages", machine.packages, SLOW_SECONDS),
    Check("prompts", machine.prompt_files),
    Check("settings", setup.settings),
    Check(".env", setup.env_file),
    Check("model", setup.model, SLOW_SECONDS),
    *(Check(_name(model), partial(setup.model_answers, model), SLOW_SECONDS) for model in MODELS if model.needs),
    *(Check(_name(source), partial(setup.source_key, source), SLOW_SECONDS) for source in KEYED_SOURCES),
    Check("home", machine.home),
    Check("log file", machine.log_file),
    Check("disk", machine.disk),
    Check("file system", machine.file_system),
    Check("database file", database.database_file),
    Check("store", database.store, SLOW_SECONDS),
    Check("port", setup.port),
    Check("access", setup.access),
    *(Check(client.name, partial(setup.client, client)) for client in CLIENTS.values()),
    Check("dns", machine.dns),
    Check("certificates", machine.certificates),
    Check("clock", machine.clock),
)
