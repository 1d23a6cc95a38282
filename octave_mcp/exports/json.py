from __future__ import annotations

from octave_mcp.domain.playbook import Playbook


class Json:
    """Everything there is, in the fields of the contract: `Playbook.model_validate_json` gives the playbook back."""

    def render(self, playbook: Playbook) -> str:
        return playbook.model_dump_json(indent=2) + "\n"


EXPORT = Json()
