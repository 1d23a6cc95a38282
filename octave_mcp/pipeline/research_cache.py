"""A cache through which runs share the research on a company for 24 hours."""

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
    """Reads and writes cached research.

    The journal records each read and write, so that a resumed run gets the same results.
    """

    run_id: str
    store: Store
    journal: Journal

    async def get(self, key: str) -> Research | None:
        """Return the research under this key, or None if the research or a page that it cites is no longer stored.

        The pages are copied to this run. If the run that first read the pages is deleted, this run still needs them.
        """

        async def found() -> Research | None:
            text = await answer_cache.get(self.store, key)
            research = await computed(_read, text) if text else None
            if research is None or research.found_by is None:
                return None
            texts = {page.sha256 for page in research.pages} | {e.page_sha256 for e in research.evidence}
            return research if await self.store.copy_pages(research.found_by, self.run_id, texts) else None

        return await self.journal.step("recall", found, cast("Any", Research | None), key)

    async def put(self, key: str, research: Research) -> None:
        """Store the research. A resumed run does not store the research again."""

        async def stored() -> str:
            await answer_cache.put(self.store, key, await computed(research.model_dump_json), self.run_id)
            return key

        await self.journal.step("keep", stored, str, key)


def _read(text: str) -> Research | None:
    """Parse cached research, or return None if another release stored it in another format."""
    try:
        return Research.model_validate_json(text)
    except ValidationError:
        return None
