"""Whether a request can be run here: companies, language, model, source, and a budget that can be enforced."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.company import Company, same_site
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.errors import InputError, SameCompany, SetupError, UnknownName, UnsupportedLanguage
from octave_mcp.ports import Model
from octave_mcp.runs.adapters import Adapters, Deal
from octave_mcp.runs.verifiers import check_verifier, verifier_of


class Admission:
    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters

    def estimate(self, request: PlaybookRequest, model_name: str, source_name: str) -> Estimate:
        """What a run of the request will use up, roughly.

        Raises:
            InputError, SetupError, StaleRecording: it cannot run here, or dollars are limited and a price is unknown.
        """
        self.companies(request, model_name, source_name)
        models = self._models(model_name, request.companies)
        pages = request.max_pages or models[0].capacity.max_pages
        verifier = verifier_of(self._adapters, models[0])
        estimates = [(model, model.estimate(pages)) for model in models]
        judging = [(verifier, verifier.estimate_verification(pages))] if verifier else []
        is_unpriced = any(model.capacity.is_paid and estimate.usd is None for model, estimate in (*estimates, *judging))
        if is_unpriced and self._adapters.limits.budget(request.max_cost_usd).usd is not None:
            raise InputError(
                f"max_cost_usd cannot be kept: what {model_name} costs, or a model that may stand in, is not known; "
                "leave it out, and OCTAVE_MAX_COST_USD, and set OCTAVE_MAX_RUN_TOKENS instead"
            )
        return sum((estimate for _, estimate in judging), estimates[0][1])

    def companies(self, request: PlaybookRequest, model_name: str, source_name: str) -> tuple[Company, ...]:
        """The companies of a request that can run here.

        Raises:
            InputError, SetupError, StaleRecording: it cannot run here.
        """
        allow = self._adapters.allow_hosts
        companies = tuple(parse_company(given, role, allow) for role, given in request.companies.items())
        if same := same_site(companies):
            named = " and ".join(repr(request.companies[company.role]) for company in same)
            raise SameCompany(f"{named} are one company, {same[0].domain}; name two")
        self._adapters.source_name(source_name)
        models = self._models(model_name, request.companies)
        _check_language(models[0], request.language)
        _check_usable(models)
        if (verifier := verifier_of(self._adapters, models[0])) is not models[0]:
            check_verifier(verifier)
        return companies

    def _models(self, name: str, deal: Deal) -> list[Model]:
        """The model of a run about this deal, and those that may stand in for it.

        Raises:
            SetupError: one of them is not set up, or cannot stand in.
            InputError, StaleRecording: it replays recordings, and has none of this deal that can be read.
        """
        return [self._adapters.model(name, deal=deal), *map(self._standing_in, self._adapters.limits.fallback)]

    def _standing_in(self, name: str) -> Model:
        try:
            model = self._adapters.model(name)
        except (SetupError, UnknownName) as unusable:
            raise SetupError(f"OCTAVE_FALLBACK: {unusable}") from None
        if model.capacity.is_patient:
            raise SetupError(f"OCTAVE_FALLBACK: {name} cannot stand in, since it may take days; leave it out")
        return model


def _check_usable(models: Sequence[Model]) -> None:
    """Raises: SetupError: none of them can be used; the error is that of the first."""
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
    if model.languages is not None and language not in model.languages:
        raise UnsupportedLanguage(
            f"the {model.name} model writes {', '.join(sorted(model.languages))}, not {language!r}; "
            "leave language out, or choose a model that writes it"
        )
