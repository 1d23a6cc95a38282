"""Metadata of a playbook's versions, which the tools list without loading a playbook."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from octave_mcp.domain.value import Value

Made = Literal["generated", "revised", "edited", "refreshed"]


class VersionMeta(Value):
    """Metadata of one version of a playbook. Each version is based on the previous version.

    - `number`: the first version has number 1.
    - `by`: the model or person that made the version.
    - `section`, `instruction`: the requested change; '' if the request was for a whole playbook.
    - `run_id`: the run that made the version; None if a person made it. Each revision or refresh has
      its own `run_id`, which differs from the id of the run that wrote the first version.
    - `changed`: the sections that differ from the previous version.
    """

    number: int
    made: Made
    based_on: int | None
    by: str
    section: str = ""
    instruction: str = ""
    at: datetime
    run_id: str | None
    changed: tuple[str, ...] = ()
