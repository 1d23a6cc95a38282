"""Handles requests to refresh a playbook: finds the playbook, and makes the record of the run that refreshes it."""

from __future__ import annotations

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import AUTO
from octave_mcp.domain.run import Named, PlaybookRequest, RunRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.admission import Admission, parse_companies, queued
from octave_mcp.runs.versions import Versions, no_run

MAX_SEARCHED_RUNS = 1_000


class Refreshes:
    def __init__(self, adapters: Adapters, admission: Admission) -> None:
        self._adapters, self._admission, self._store = adapters, admission, adapters.store

    async def refreshed_run_id(self, request: PlaybookRequest) -> str | None:
        """Return the id of the run whose playbook the request refreshes, or None if the request is for a new playbook.

        The result is the newest run in the request's session with the same companies, language and context. The context
        is not compared if the request has no context.

        Raises:
            InputError: If a company is not a valid domain, or its address is not public.
        """
        if not (request.refresh and request.session_id):
            return None
        wanted = self._deal(request)
        for run in await self._store.runs(session_id=request.session_id, limit=MAX_SEARCHED_RUNS):
            is_same = self._deal(run.request) == wanted and request.context in {"", run.request.context}
            if is_same and run.is_final and await self._store.versions(run.playbook_of):
                return run.playbook_of
        return None

    def _deal(self, request: PlaybookRequest) -> tuple[str, ...]:
        companies = parse_companies(request, self._adapters.allow_hosts)
        return request.language, *(company.domain for company in companies)

    async def admitted(self, run_id: str, named: Named) -> RunRecord:
        """Return the record of a new run that refreshes the newest version of the playbook.

        The new run is in the session of the playbook's run. If the request names no model, the new run uses the model
        that wrote the playbook. The record has no estimate, because the cost depends on how much has changed.

        Raises:
            NotFound, NotFinished: If there is no such run, or it has no playbook.
            InputError, SetupError: If this process cannot execute the run.
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
        request, sender = named.applied_to(base), base.sender or Sender()
        self._admission.estimate(request, model, source)
        return queued(
            request,
            model,
            source,
            by_default=base.by_default and model == base.model,
            sender=named.sender.filled(sender) if named.sender else base.sender,
            refreshes=base.run_id,
            base_version=number,
        )
