"""The paths of the web pages, and who may open them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.types import Scope

from octave_mcp.tools.calls import WEB

NEW, HISTORY, SETTINGS, SIGN_IN, SIGN_OUT, STATIC = "/", "/history", "/settings", "/sign-in", "/sign-out", "/static/"
PLAYBOOKS = WEB.runs_at
# The API's documentation is for people, too, so a browser can open it with a sign-in.
DOCS = ("/docs", "/openapi.json")

# Arguments of the API that the pages know, too.
ARGUMENTS = frozenset({"version", "company", "status", "since", "until"})

_PAGES = re.compile(
    r"/(?:|new|(?:history|questions|settings|sign-out|playbooks|docs)(?:/.*)?|openapi\.json)", re.DOTALL
)
_OPEN = re.compile(r"/(?:sign-in|favicon\.ico|static/.*|s(?:/.*)?)", re.DOTALL)
# The page that shows a person what a path of the API returns to a program.
_API = (
    (re.compile(r"/runs(?:/(?P<id>run_[0-9a-f]{32}))?(?P<rest>/playbook\.\w+)?"), PLAYBOOKS),
    (re.compile(r"/sessions(?:/(?P<id>sess_[0-9a-f]{32}))?(?P<rest>)"), f"{HISTORY}/"),
    (re.compile(r"/config(?P<id>)(?P<rest>)"), SETTINGS),
)


def is_page(path: str) -> bool:
    """Whether the path is a page that a browser opens with a sign-in instead of a token."""
    return _PAGES.fullmatch(path) is not None


def is_open(path: str) -> bool:
    """Whether everybody may open the path: what the sign-in page needs, and shared playbooks."""
    return _OPEN.fullmatch(path) is not None


def is_for_browsers(scope: Scope) -> bool:
    """Whether errors for this request must be pages: it is for a page, or a person has opened the path in a browser."""
    path = scope["path"]
    if is_page(path) and not path.startswith(DOCS) and not path.endswith("/events"):
        return True
    return is_open(path) or (scope["method"] in {"GET", "HEAD"} and wants_html(scope))


def wants_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def change_at(run_id: str, part: str) -> str:
    """Return the page that changes a part of the playbook, such as 'email_sequences.persona-1'."""
    return f"{PLAYBOOKS}{run_id}/change?section={quote(part)}"


def page_for(path: str, query: str = "") -> str | None:
    """Return the page that corresponds to a path of the API, or None if there is none.

    Keep the arguments that the page knows.
    """
    page = _page_for(path)
    known = [(name, value) for name, value in parse_qsl(query) if name in ARGUMENTS]
    return f"{page}?{urlencode(known)}" if page and known else page


def _page_for(path: str) -> str | None:
    for pattern, page in _API:
        if found := pattern.fullmatch(path):
            listed = HISTORY if page == PLAYBOOKS else page.rstrip("/")
            # The page shows everything that the HTML file shows.
            file = (found["rest"] or "").removesuffix("/playbook.html")
            return f"{page}{found['id']}{file}" if found["id"] else listed
    return None
