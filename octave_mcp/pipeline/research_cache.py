"""24-hour cache of research about a company, shared by runs, with the pages that it cites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from octave_mcp.asks import answer_cache
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.research import Research
from octave_mcp.ports import Journal, Store


@dataclass(frozen=True, slots=True)
class ResearchCache:
    run_id: str
    store: Store
    journal: Journal

    async def get(self, key: str) -> Research | None:
        """The research under this key, if it and the pages that it cites are still there."""

        async def found() -> Research | None:
            text = await answer_cache.get(self.store, key)
            research = await computed(_read, text) if text else None
            if research is None or research.found_by is None:
                return None
            texts = {page.sha256 for page in research.pages} | {e.page_sha256 for e in research.evidence}
            return research if await self.store.copy_pages(research.found_by, self.run_id, texts) else None

        return await self.journal.step("recall", found, cast("Any", Research | None), key)

    async def put(self, key: str, research: Research) -> None:
        """Stores the research once, however often the run is resumed."""

        async def stored() -> str:
            await answer_cache.put(self.store, key, await computed(research.model_dump_json), self.run_id)
            return key

        await self.journal.step("keep", stored, str, key)


def _read(text: str) -> Research | None:
    """The research, unless another release stored it in another form."""
    try:
        return Research.model_validate_json(text)
    except ValidationError:
        return None
