"""Step 3: find out the company's name and business from its home page."""

from __future__ import annotations

from octave_mcp.asks.corrections import Checked
from octave_mcp.asks.prompts import ask_for
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import HomepageAnswer, ReadingBrief
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.evidence import Cite, Claim, EvidenceId, Passage
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import Page
from octave_mcp.domain.research import Profile
from octave_mcp.errors import NoAccess, UpstreamError, without_provider_text
from octave_mcp.evidence.figures import has_words
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.screening import safe_name, screened
from octave_mcp.pipeline.run import Run


async def analyse_homepage(run: Run, site: Site, home: Page) -> Profile:
    """Return the company's profile.

    If the home page does not state the company's name, the domain is used as the name.
    """
    company = site.company
    shown = await computed(_shown, home)
    brief = ReadingBrief(
        role=company.role, company="", domain=company.domain, counterpart="", context=run.request.context
    )
    language = run.request.language
    ask = ask_for(("research/homepage",), language=language, brief=brief, passages=shown, answer=HomepageAnswer[Cite])
    try:
        checked = await run.ask(
            ask, HomepageAnswer[EvidenceId], roles=(company.role,) * len(shown), known=(company.domain,)
        )
    except NoAccess:
        raise
    except UpstreamError as failed:
        return _without_answer(company, home, failed)
    name = _supported(checked)
    return Profile(
        company=company,
        name=name.text if name else company.domain,
        name_evidence=name.evidence if name else (),
        summary=checked.value.summary,
        language=home.ref.language,
        evidence=checked.evidence,
        gaps=checked.gaps,
    )


def _shown(home: Page) -> tuple[Passage, ...]:
    return tuple(screened(passages(home)))


def _without_answer(company: Company, home: Page, failed: UpstreamError) -> Profile:
    gap = Gap(
        section=company.role, code=failed.code, would_fill="another run",
        reason=f"the home page could not be analysed, so the domain {company.domain} is used as the company's name: "
        f"{without_provider_text(failed)}",
    )  # fmt: skip
    return Profile(
        company=company, name=company.domain, name_evidence=(), summary=None, language=home.ref.language,
        evidence=(), gaps=(gap,),
    )  # fmt: skip


def _supported(checked: Checked[HomepageAnswer[EvidenceId]]) -> Claim[EvidenceId] | None:
    """Return the name, or None if the name is not quoted from the page or looks like an instruction to a model."""
    name = checked.value.name
    quotes = {evidence.id: evidence.quote for evidence in checked.evidence}
    is_quoted = name and any(has_words(name.text, quotes[i]) for i in name.evidence) and safe_name(name.text, "")
    return name if is_quoted else None
