"""How the callers of each surface make the calls that texts speak of: decided here alone.

Errors and questions name a tool where they say what to call; events that are stored name none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from octave_mcp.domain.choices import BY_CLIENT, BY_RULES
from octave_mcp.domain.events import Event
from octave_mcp.tools.registry import FUNCTIONS

_CALL = re.compile(r"(?<![\w'\"])(?:call )?(?P<tool>[a-z]+(?:_[a-z]+)+)(?![\w'\"])")
COMMANDS = {
    "generate_playbook": "octave-mcp generate",
    "get_run": "octave-mcp export RUN",
    "list_sessions": "octave-mcp runs",
    "cancel_run": "octave-mcp cancel RUN",
    "check_copy": "octave-mcp check-copy RUN FILE",
    "revise_playbook": "octave-mcp revise RUN SECTION",
    "delete_session": "octave-mcp sessions --delete SESSION",
    "list_versions": "octave-mcp versions RUN",
    "refresh_playbook": "octave-mcp refresh RUN",
}


@dataclass(frozen=True, slots=True)
class Calls:
    """`runs_at` is where callers find runs; `names` are what they call the tools, if not by their names.

    `follow`, `question`, `read` and `compare` tell a caller how to see how a run stands, get its next question, read
    its playbook and see what differs from an older version.
    `keyless_model` does their runs if nobody names a model and no provider is configured. `has_client`: these callers
    can answer the questions of a run.
    """

    runs_at: str
    follow: str
    question: str
    read: str
    compare: str
    keyless_model: str
    has_client: bool = True
    names: Callable[[], Mapping[str, str]] = dict

    def said(self, text: str) -> str:
        """The text with the tools that it names as callers call them."""
        names = self.names()
        return _CALL.sub(lambda found: names.get(found["tool"], found[0]), text)

    def told(self, event: Event) -> Event:
        """The event; that of a waiting run also says how to get the question."""
        if event.event != "waiting":
            return event
        how = self.question.format(run_id=event.run_id)
        return event.model_copy(update={"message": f"{event.text}: {how}"})


def _routes() -> Mapping[str, str]:
    return {name: f"{tool.method} {tool.path}" for name, tool in FUNCTIONS.items()}


MCP = Calls(
    runs_at="run://",
    follow="call get_run with run_id='{run_id}'",
    question="call next_question with run_id='{run_id}'",
    read="call get_run with format='markdown' for the brief, or with a section, e.g. 'email_sequences', and "
    "persona='1', or open the files",
    compare="to compare, call it again with version={older}",
    keyless_model=BY_CLIENT,
)
HTTP = Calls(
    runs_at="/runs/",
    follow="GET /runs/{run_id}",
    question="POST /runs/{run_id}/questions/next",
    read="GET /runs/{run_id}?format=markdown for the brief, ?section=email_sequences&persona=1, or one of the links",
    compare="GET /runs/{run_id}/diff says what differs",
    keyless_model=BY_RULES,
    names=_routes,
)
CLI = Calls(
    runs_at="run://",
    follow="octave-mcp runs",
    question="its questions are for a client over MCP or HTTP",
    read="octave-mcp export {run_id}, or open the files",
    compare="octave-mcp diff {run_id} shows what differs",
    keyless_model=BY_RULES,
    has_client=False,
    names=lambda: COMMANDS,
)
