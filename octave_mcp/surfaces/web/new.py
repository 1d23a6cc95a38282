"""The page New: start one run, or one run for each prospect in a list."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.app import App
from octave_mcp.domain.addresses import Allowed, parse_company
from octave_mcp.domain.choices import AUTO, BY_CLIENT, BY_RULES, MODELS, SOURCES, ModelChoice, SourceChoice
from octave_mcp.domain.sender import Sender
from octave_mcp.errors import InputError, NotFound, OctaveError, ReusedRequest, SetupError, UnknownName
from octave_mcp.surfaces.web.paths import HISTORY, NEW, PLAYBOOKS
from octave_mcp.surfaces.web.rendering import price
from octave_mcp.surfaces.web.site import OUTDATED_FORM, Form, Site, faults_of, redirect

# More prospects than that are a campaign: a script can start it over the API.
MAX_PROSPECTS = 50
SENDER = tuple(f"sender_{name}" for name in Sender.model_fields)
OPTIONS = ("model", "source", "language", "max_pages", "max_cost_usd")
# The arguments of an estimate, and further arguments of a run. `prospect_domain` is one of the prospects in the form.
ESTIMATED = ("vendor_domain", "context", *OPTIONS, *SENDER)
STARTED = (*ESTIMATED, "refresh", "session_id")
FIELDS = {*ESTIMATED, "refresh", "prospects", "prospect_domain"}
# The folded parts of the form, with their fields.
FOLDED = {"sender": SENDER, "options": (*OPTIONS, "refresh")}


class Option(NamedTuple):
    """A model or source to choose. `cost` is '' if it costs nothing or cannot be used; `missing` says what it needs."""

    name: str
    about: str
    cost: str = ""
    missing: str = ""


async def form(site: Site, request: Request) -> Response:
    given = {name: value for name, value in request.query_params.items() if name in {*STARTED, "prospects"}}
    return await _page(site, request, given)


async def to_form(_: Site, __: Request) -> Response:
    return redirect(NEW)


async def start(site: Site, request: Request) -> Response:
    sent = await site.read_form(request)
    prospects = _prospects(sent.fields.get("prospects", ""), (await site.app()).allow_hosts)
    if not sent.is_ours:
        return await _page(site, request, sent.fields, {"": OUTDATED_FORM}, status=400)
    try:
        estimates = await _estimates(site, sent, prospects)
        if sent.fields.get("do") == "estimate":
            return await _page(site, request, sent.fields, estimates=estimates)
        return redirect(await _started(site, sent, prospects))
    except OctaveError as refused:
        # If the session was deleted, the next attempt starts a new one. If some runs were started, the next attempt
        # returns these runs, because their request ids stay the same.
        unusable = {"session_id"} if isinstance(refused, NotFound) else set[str]()
        unusable |= {"request_id"} if isinstance(refused, ReusedRequest) else set()
        kept = {name: value for name, value in sent.fields.items() if name not in unusable}
        status = 400 if isinstance(refused, InputError | SetupError) else refused.status
        return await _page(site, request, kept, _faults(refused), status=status)


def _faults(refused: OctaveError) -> dict[str, str]:
    faults = faults_of(refused, FIELDS)
    return {"prospects" if name == "prospect_domain" else name: text for name, text in faults.items()}


def _prospects(pasted: str, allow: Allowed) -> list[str]:
    """Return the addresses in a pasted list, one for each company.

    Lists come with line breaks, commas, semicolons or tabs.
    """
    found: dict[str, str] = {}
    for address in filter(None, re.split(r"[\s,;]+", pasted)):
        found.setdefault(_domain(address, allow), address)
    return list(found.values())


def _domain(address: str, allow: Allowed) -> str:
    try:
        return parse_company(address, "prospect", allow).domain
    except InputError:  # the estimate says what is wrong with the address
        return address


async def _estimates(site: Site, sent: Form, prospects: list[str]) -> list[tuple[str, Any]]:
    """Check every run before any is started, and return what each is estimated to need."""
    if not prospects:
        raise _Wrong({"prospects": "enter the website of the company that should buy"})
    if len(prospects) > MAX_PROSPECTS:
        raise _Wrong({"prospects": f"these are {len(prospects)} websites; enter at most {MAX_PROSPECTS} at a time"})
    estimates: list[tuple[str, Any]] = []
    wrong: dict[str, str] = {}
    for prospect in prospects:
        try:
            arguments = sent.given(*ESTIMATED) | {"prospect_domain": prospect}
            estimates.append((prospect, await site.call("estimate_cost", arguments)))
        except InputError as refused:
            faults = _faults(refused)
            if fault := faults.get("prospects"):
                line = fault if len(prospects) == 1 or prospect in fault else f"'{prospect}': {fault}"
                faults["prospects"] = "\n".join(filter(None, (wrong.get("prospects"), line)))
            wrong |= faults
    if wrong:
        raise _Wrong(wrong)
    return estimates


class _Wrong(InputError):
    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


async def _started(site: Site, sent: Form, prospects: list[str]) -> str:
    """Start the runs, and return the page to show: the run or, for several runs, their session."""
    key = sent.fields.get("request_id") or secrets.token_hex(8)
    session: dict[str, str] = {}
    report: Any = None
    for prospect in prospects:
        arguments = sent.given(*STARTED) | session
        # If the form is sent twice, the second start returns the same run.
        arguments |= {"prospect_domain": prospect, "request_id": f"{key} {prospect}"[:255]}
        report = await site.call("generate_playbook", arguments)
        session = {"session_id": report.session_id}
    return f"{PLAYBOOKS}{report.run_id}" if len(prospects) == 1 else f"{HISTORY}/{report.session_id}"


async def _page(
    site: Site,
    request: Request,
    given: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    *,
    estimates: list[tuple[str, Any]] | None = None,
    status: int = 200,
) -> Response:
    app = await site.app()
    models = await _options(site, app)
    sources = [Option(source.name, source.about, missing=_missing(app, source)) for source in SOURCES]
    automatic, unknown = _automatic(app, models)
    unusable = _unusable("model", models, given) | _unusable("source", sources, given)
    given = {name: value for name, value in given.items() if name not in unusable}
    wrong = {**unknown, **unusable, **(faults or {})}
    # Show a part of the form that is folded if the person has entered something there, or must correct it.
    shown = {**wrong, **{name: value for name, value in given.items() if value not in {"", AUTO}}}
    return await site.page(
        request,
        "new",
        status,
        given=given,
        faults=wrong,
        open_parts=[part for part, names in FOLDED.items() if shown.keys() & {*names}],
        estimates=estimates or [],
        request_id=given.get("request_id") or secrets.token_hex(16),
        models=models,
        automatic=automatic,
        by_rules=BY_RULES,
        by_client=BY_CLIENT,
        automatic_source=app.automatic_source,
        sources=sources,
        sender={f"sender_{name}": value for name, value in site.settings.sender},
    )


def _unusable(field: str, options: list[Option], given: Mapping[str, str]) -> dict[str, str]:
    """Say what is wrong if the option that the field names is not set up, because a browser would not send it."""
    missing = next((option.missing for option in options if option.name == given.get(field)), "")
    return {field: f"{given[field]!r} is not set up: {missing}; choose another {field}"} if missing else {}


async def _options(site: Site, app: App) -> list[Option]:
    """Return all models to choose, first those that are set up."""
    costs = await site.costs(app)
    return sorted((_option(app, model, costs) for model in MODELS), key=lambda option: bool(option.missing))


def _automatic(app: App, models: list[Option]) -> tuple[Option, dict[str, str]]:
    """Return the model that the server uses if a person chooses none, and what is wrong with that setting."""
    try:
        name = app.model_name(AUTO) or BY_RULES
    except UnknownName as unknown:
        return Option(app.settings.model, "", missing="correct OCTAVE_MODEL"), {"model": str(unknown)}
    return next(model for model in models if model.name == name), {}


def _option(app: App, model: ModelChoice, costs: Mapping[str, str]) -> Option:
    if model.needs and not app.is_configured(model):
        return Option(model.name, model.about, missing=f"set {' and '.join(model.variables)}")
    return Option(model.name, about(model), costs.get(model.name, "") if model.needs else price(0, model.name))


def about(model: ModelChoice) -> str:
    """Describe the model to a person in a browser, who has no MCP client that could answer the questions."""
    return "Any chat model: copy each question into a chat, and paste the answer" if model.asks_client else model.about


def _missing(app: App, source: SourceChoice) -> str:
    if not source.needs or app.is_configured(source):
        return ""
    return f"set {' or '.join(source.variables)}"
