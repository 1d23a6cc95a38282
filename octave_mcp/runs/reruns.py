"""Requests to refresh: which playbook they mean, and what the run that writes its next version is to do."""

from __future__ import annotations

from typing import NamedTuple, Self

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.choices import AUTO
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.admission import Admission, queued
from octave_mcp.runs.versions import Versions, no_run

# Of a session, in which an earlier one is looked for.
MAX_RUNS = 1_000


class Named(NamedTuple):
    """What a request to refresh names; all else is as it was when the playbook was written."""

    model: str = AUTO
    max_cost_usd: float | None = None
    request_id: str | None = None
    source: str = AUTO
    max_pages: int | None = None
    sender: Sender | None = None

    @classmethod
    def in_request(cls, request: PlaybookRequest) -> Self:
        return cls(**{name: getattr(request, name) for name in cls._fields})

    def again(self, base: RunRecord) -> PlaybookRequest:
        """The request that the playbook was written for, made again."""
        named = {name: value for name, value in self._asdict().items() if value not in {None, AUTO}}
        kept = {"refresh": True, "session_id": base.session_id, "request_id": self.request_id}
        return base.request.model_copy(update={**named, **kept})


AS_IT_WAS = Named()


class Refreshes:
    def __init__(self, adapters: Adapters, admission: Admission) -> None:
        self._adapters, self._admission, self._store = adapters, admission, adapters.store

    async def meant_by(self, request: PlaybookRequest) -> str | None:
        """The run whose playbook a request means that refreshes a deal of its session: the newest that fits.

        The companies and the language are the same, and so is the context, unless the request has none.

        Raises:
            InputError: a name is no domain, or an address not public.
        """
        if not (request.refresh and request.session_id):
            return None
        wanted = self._deal(request)
        for run in await self._store.runs(session_id=request.session_id, limit=MAX_RUNS):
            is_same = self._deal(run.request) == wanted and request.context in {"", run.request.context}
            if is_same and run.is_final and await self._store.versions(run.playbook_of):
                return run.playbook_of
        return None

    def _deal(self, request: PlaybookRequest) -> tuple[str, ...]:
        allow = self._adapters.allow_hosts
        companies = (parse_company(given, role, allow) for role, given in request.companies.items())
        return request.language, *(company.domain for company in companies)

    async def admitted(self, run_id: str, named: Named) -> RunRecord:
        """A run that is to refresh the newest version, in the session of the run whose playbook it is.

        Unless another is named, it asks the model that wrote the playbook. How much it asks depends on what
        has changed, so nothing is said of its cost.

        Raises:
            NotFound, NotFinished: there is no such run, or it has no playbook.
            InputError, SetupError: it cannot be run here.
        """
        metas = await Versions(self._store, self._adapters.files).listed(run_id)
        record = await self._store.get_run(run_id)
        base = record and await self._store.get_run(record.playbook_of)
        if base is None:
            raise no_run(run_id)
        return await computed(self._record, base, named, metas[-1].number)

    def _record(self, base: RunRecord, named: Named, number: int) -> RunRecord:
        model = base.model if named.model == AUTO else self._adapters.model_name(named.model) or base.model
        source = base.source if named.source == AUTO else self._adapters.source_name(named.source)
        request, usual = named.again(base), base.sender or Sender()
        self._admission.estimate(request, model, source)
        return queued(
            request,
            model,
            source,
            by_default=base.by_default and model == base.model,
            sender=named.sender.filled(usual) if named.sender else base.sender,
            refreshes=base.run_id,
            base_version=number,
        )
