"""Step 3: what the company is called and what it does, in its own words."""

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
from octave_mcp.errors import NoAccess, UpstreamError, own_words
from octave_mcp.evidence.figures import has_words
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.screening import safe_name, screened
from octave_mcp.pipeline.run import Run


async def analyse_homepage(run: Run, site: Site, home: Page) -> Profile:
    """The company's profile; where the page does not say its name, the domain stands for it."""
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
        return _unread(company, home, failed)
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


def _unread(company: Company, home: Page, failed: UpstreamError) -> Profile:
    """Without an answer, the company goes by its domain."""
    gap = Gap(
        section=company.role, code=failed.code, would_fill="another run",
        reason=f"the home page could not be read, and {company.domain} stands for the name: {own_words(failed)}",
    )  # fmt: skip
    return Profile(
        company=company, name=company.domain, name_evidence=(), summary=None, language=home.ref.language,
        evidence=(), gaps=(gap,),
    )  # fmt: skip


def _supported(checked: Checked[HomepageAnswer[EvidenceId]]) -> Claim[EvidenceId] | None:
    """The company's name, if what it rests on says just that."""
    name = checked.value.name
    quotes = {evidence.id: evidence.quote for evidence in checked.evidence}
    says_so = name and any(has_words(name.text, quotes[i]) for i in name.evidence) and safe_name(name.text, "")
    return name if says_so else None
