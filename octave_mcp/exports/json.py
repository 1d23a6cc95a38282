"""The JSON export: the complete playbook."""

from __future__ import annotations

from octave_mcp.domain.playbook import Playbook


class Json:
    """Renders all fields of the playbook. `Playbook.model_validate_json` parses the result."""

    def render(self, playbook: Playbook) -> str:
        return playbook.model_dump_json(indent=2) + "\n"


EXPORT = Json()
