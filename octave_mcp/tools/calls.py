"""Describes how to call a tool on each surface: by its name, its HTTP route or its command.

The texts of errors and questions can name a tool to call. `Calls.with_local_names` replaces this name with the route or
command of the caller's surface. Stored events do not name tools, because several surfaces can show the same event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from octave_mcp.domain.choices import BY_CLIENT, BY_RULES
from octave_mcp.domain.events import Event
from octave_mcp.tools.registry import FUNCTIONS

# Matches the name of a tool in a text, as in "call get_run with ...". Other names with an underscore, such as
# max_pages, match too, but `with_local_names` does not change them. Names in quotation marks, such as 'base_version',
# do not match.
_CALL = re.compile(r"(?<![\w'\"])(?:call )?(?P<tool>[a-z]+(?:_[a-z]+)+)(?![\w'\"])")
COMMANDS = {
    "generate_playbook": "octave-mcp generate",
    "get_run": "octave-mcp export RUN",
    "list_sessions": "octave-mcp runs",
    "cancel_run": "octave-mcp cancel RUN",
    "check_copy": "octave-mcp check-copy RUN FILE",
    "revise_playbook": "octave-mcp revise RUN SECTION",
    "delete_session": "octave-mcp sessions --delete SESSION",
    "list_runs": "octave-mcp runs",
    "list_versions": "octave-mcp versions RUN",
    "refresh_playbook": "octave-mcp refresh RUN",
}

# What a person does on the web pages instead of calling a tool.
PAGES = {
    "generate_playbook": "start a new playbook",
    "refresh_playbook": "refresh the playbook",
    "revise_playbook": "revise the playbook",
    "edit_section": "edit the part",
    "get_run": "open the playbook",
    "next_question": "open Questions",
    "answer_question": "answer on the page Questions",
    "cancel_run": "cancel the run",
    "list_sessions": "History",
    "list_runs": "History",
    "list_shares": "the page Share",
    "list_versions": "Versions",
    "diff_versions": "What changed, on the page Versions",
    "delete_session": "delete it in History",
}


@dataclass(frozen=True, slots=True)
class Calls:
    """How to call the tools on one surface.

    `runs_at`: the part of a run's URI before the run ID, such as '/runs/'.
    `follow`, `question`, `read`, `compare`: templates that tell the caller what to call: `follow` to get the status of
    a run, `question` to take its next question, `read` to read its playbook, and `compare` to compare two versions of
    the playbook.
    `keyless_model`: the model that a run uses if the request names no model and no provider is configured.
    `has_client`: whether callers on this surface can answer a run's questions.
    `names`: a function that returns the route or command for each tool. If a tool has none, `with_local_names`
    leaves the name of the tool unchanged.
    """

    runs_at: str
    follow: str
    question: str
    read: str
    compare: str
    keyless_model: str
    has_client: bool = True
    names: Callable[[], Mapping[str, str]] = dict

    def with_local_names(self, text: str) -> str:
        """Return the text with the names of tools replaced by the routes or commands of this surface."""
        names = self.names()
        return _CALL.sub(lambda match: names.get(match["tool"], match[0]), text)

    def with_call(self, event: Event) -> Event:
        """If the event is 'waiting', add to its message how to get the next question."""
        if event.event != "waiting":
            return event
        question_call = self.question.format(run_id=event.run_id)
        return event.model_copy(update={"message": f"{event.text}: {question_call}"})


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
    compare="GET /runs/{run_id}/diff shows the changes",
    keyless_model=BY_RULES,
    names=_routes,
)
CLI = Calls(
    runs_at="run://",
    follow="octave-mcp runs",
    question="the run's questions can be answered over MCP, over HTTP or in the web app",
    read="octave-mcp export {run_id}, or open the files",
    compare="octave-mcp diff {run_id} shows the changes",
    keyless_model=BY_RULES,
    has_client=False,
    names=lambda: COMMANDS,
)
WEB = Calls(
    runs_at="/playbooks/",
    follow="this page follows the run",
    question="open Questions to answer them",
    read="open the playbook",
    compare="Versions shows what changed",
    keyless_model=BY_RULES,
    names=lambda: PAGES,
)
