"""Checks whether this process can run a request, given the request's companies, language, model, source and budget."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from octave_mcp.concurrency.current import TRACE_PARENT
from octave_mcp.domain.addresses import Allowed, parse_company
from octave_mcp.domain.choices import BY_RULES, MODELS, finished_copy, taken_by_default
from octave_mcp.domain.company import Company, Role, same_site
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.languages import is_written
from octave_mcp.domain.run import PlaybookRequest, RevisionRequest, RunRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.errors import (
    InputError,
    ReusedRequest,
    SameCompany,
    SetupError,
    UnknownName,
    UnsupportedLanguage,
    about,
)
from octave_mcp.ports import Model
from octave_mcp.runs.adapters import NO_DEAL, Adapters, Deal
from octave_mcp.runs.verifiers import check_verifier, verifier_of


def parse_companies(request: PlaybookRequest, allow: Allowed) -> tuple[Company, ...]:
    """Return the companies of the request.

    Raises:
        InvalidDomain, HostNotAllowed: If a company is not a website, or its host is not allowed.
    """
    companies: list[Company] = []
    for role, given in request.companies.items():
        with about(argument_of(role)):
            companies.append(parse_company(given, role, allow))
    return tuple(companies)


def argument_of(role: Role) -> str:
    """Return the argument that names the company with this role."""
    return f"{role}_domain"


class Admission:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters

    def admitted(self, request: PlaybookRequest, keyless_model: str) -> RunRecord:
        """Return the record of a new run for the request, with the run's estimate.

        `keyless_model` is used if the request names no model and no provider is configured.

        Raises:
            InputError, SetupError, StaleRecording: If the request cannot run here.
        """
        named, source = self._adapters.model_name(request.model), self._adapters.source_name(request.source)
        model = named or keyless_model
        try:
            estimate = self.estimate(request, model, source)
        except UnsupportedLanguage as refused:
            text = f"{refused}; {taken_by_default(model)}"
            raise refused if named else UnsupportedLanguage(text, "language") from None
        sender = (request.sender or Sender()).filled(self._adapters.sender)
        signed = sender if sender != Sender() else None
        return queued(request, model, source, estimate=estimate, sender=signed, by_default=named is None)

    def estimate(self, request: PlaybookRequest, model_name: str, source_name: str) -> Estimate:
        """Return a rough estimate of what a run for the request would cost.

        Raises:
            InputError, SetupError, StaleRecording: If the request cannot run here, or its dollar limit cannot be
                enforced.
        """
        self.companies(request, model_name, source_name)
        models = self._models(model_name, request.companies)
        return self._estimate(request, models, request.max_pages or models[0].capacity.max_pages)

    def _estimate(self, request: PlaybookRequest, models: Sequence[Model], pages: int) -> Estimate:
        """Return the estimated cost of the model and the verifier together.

        Raises:
            InputError: If the run has a dollar limit, but the price of a model is not known.
        """
        verifier = verifier_of(self._adapters, models[0])
        estimates = [(model, model.estimate(pages)) for model in models]
        judging = [(verifier, verifier.estimate_verification(pages))] if verifier else []
        is_unpriced = any(model.capacity.is_paid and estimate.usd is None for model, estimate in (*estimates, *judging))
        if is_unpriced and self._adapters.limits.budget(request.max_cost_usd).usd is not None:
            raise InputError(
                f"max_cost_usd cannot be enforced: the price of {models[0].name}, or of a fallback, is not known; "
                "leave out max_cost_usd and OCTAVE_MAX_COST_USD, and set OCTAVE_MAX_RUN_TOKENS instead",
                "max_cost_usd",
            )
        return sum((estimate for _, estimate in judging), estimates[0][1])

    def check(self, record: RunRecord) -> tuple[Company, ...]:
        """Check that this process can execute the run. Return the run's companies, or () for a revision.

        Raises:
            InputError, SetupError, StaleRecording: If this process cannot execute the run.
        """
        if record.revision is None:
            return self.companies(record.request, record.model, record.source)
        _check_follows(record.model)
        models = self._models(record.model, NO_DEAL)
        _check_language(models[0], record.request.language)
        _check_usable(models)
        self._check_verifier(models[0])
        self._estimate(record.request, models, 1)
        return ()

    def companies(self, request: PlaybookRequest, model_name: str, source_name: str) -> tuple[Company, ...]:
        """Check that this process can run the request, and return the request's companies.

        Raises:
            InputError, SetupError, StaleRecording: If this process cannot run the request.
        """
        allow = self._adapters.allow_hosts
        companies = parse_companies(request, allow)
        if same := same_site(companies):
            named = " and ".join(repr(request.companies[company.role]) for company in same)
            text = f"{named} are the same company, {same[0].domain}; name two different companies"
            raise SameCompany(text, argument_of(same[-1].role))
        self._adapters.source_name(source_name)
        models = self._models(model_name, request.companies)
        _check_language(models[0], request.language)
        _check_usable(models)
        self._check_verifier(models[0])
        return companies

    def _check_verifier(self, model: Model) -> None:
        if (verifier := verifier_of(self._adapters, model)) is not model:
            check_verifier(verifier)

    def _models(self, name: str, deal: Deal) -> list[Model]:
        """Return the model for a run about this deal, followed by the fallback models.

        Raises:
            SetupError: If a model is not set up, or cannot be used as a fallback.
            InputError, StaleRecording: If the model replays recordings, and no readable recording of this deal exists.
        """
        with about("model"):
            model = self._adapters.model(name, deal=deal)
        return [model, *map(self._fallback, self._adapters.limits.fallback)]

    def _fallback(self, name: str) -> Model:
        try:
            model = self._adapters.model(name)
        except (SetupError, UnknownName) as unusable:
            raise SetupError(f"OCTAVE_FALLBACK: {unusable}") from None
        if model.capacity.is_answered_by_client:
            raise SetupError(
                f"OCTAVE_FALLBACK: {name} cannot be a fallback, because its answers can take days; leave it out"
            )
        return model


def can_revise(model: str) -> bool:
    """Whether the model can follow the user's instruction for a revision.

    A model that applies rules cannot follow instructions. A model that replays a recording cannot answer new questions.
    """
    return model not in {BY_RULES, *(choice.name for choice in MODELS if choice.replays)}


def _check_follows(model: str) -> None:
    if not can_revise(model):
        raise cannot_revise(f"the model {model!r}")


def cannot_revise(what: str, *, has_client: bool = True) -> InputError:
    """Return the error for a model that cannot follow instructions.

    The error text suggests models that can follow instructions. If no MCP client is connected, the error text does not
    suggest a model that asks a client.
    """
    more = "" if has_client else ", or revise the part over MCP"
    return InputError(
        f"{what} cannot follow an instruction; name {finished_copy(has_client=has_client)}{more}", "model"
    )


def _check_usable(models: Sequence[Model]) -> None:
    """Check that at least one of the models can be used.

    If the first model cannot be used, the run starts with a fallback model.

    Raises:
        SetupError: If no model can be used. The error is about the first model.
    """
    faults = [fault for model in models if (fault := _fault(model))]
    if len(faults) == len(models):
        raise faults[0]


def _fault(model: Model) -> SetupError | None:
    try:
        model.check()
    except SetupError as fault:
        return fault
    return None


def _check_language(model: Model, language: str) -> None:
    if model.languages is not None and not is_written(language, model.languages):
        raise UnsupportedLanguage(
            f"the {model.name} model writes {', '.join(sorted(model.languages))}, not {language!r}; "
            "omit 'language', or choose a model that writes this language",
            "language",
        )


def same(stored: RunRecord, request: PlaybookRequest | RevisionRequest) -> RunRecord:
    """Return the stored run if its request equals this request. Both requests have the same request_id.

    Raises:
        ReusedRequest: If the request_id was used for a different request.
    """
    if (stored.revision_request or stored.request) == request:
        return stored
    raise ReusedRequest(
        f"request_id {request.request_id!r} was already used for another request, which started run {stored.run_id}; "
        "use a new request_id",
        "request_id",
    )


def traced(record: RunRecord) -> RunRecord:
    """Add the caller's trace context, because another process can execute the run later."""
    trace_parent = TRACE_PARENT.get()
    return record.model_copy(update={"trace_parent": trace_parent}) if trace_parent else record


def queued(request: PlaybookRequest, model: str, source: str, **fields: Any) -> RunRecord:  # noqa: ANN401 - fields of the record
    """Return the record of a new run for the request.

    If the request names no session, the run gets a new session. `fields` are additional fields of the record.
    """
    return RunRecord(
        run_id=f"run_{secrets.token_hex(16)}",
        session_id=request.session_id or f"sess_{secrets.token_hex(16)}",
        request=request,
        status="queued",
        model=model,
        source=source,
        created_at=datetime.now(UTC),
        **fields,
    )
