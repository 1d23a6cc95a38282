"""Step 8: the prospect's needs meet the vendor's proof; all writers work at once, and what they write is assembled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from octave_mcp.asks.budget import Ledger
from octave_mcp.asks.corrections import Checked
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.copywriting import assembly
from octave_mcp.domain.costs import Cost, Timings
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import GivenContext, NamedCompany, Playbook, ReadPage
from octave_mcp.domain.research import Deal, Research
from octave_mcp.domain.value import walk
from octave_mcp.errors import BadAnswer, BudgetExceeded, UpstreamError
from octave_mcp.evidence.screening import safe_title
from octave_mcp.pipeline.company_findings import unfound
from octave_mcp.pipeline.flags import flags
from octave_mcp.pipeline.gaps import limited, missing, unheard
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.unwritten import unwritten
from octave_mcp.pipeline.verdicts import with_every_verdict
from octave_mcp.pipeline.verify import Journals, Researched
from octave_mcp.pipeline.writers import CARDS, Answers, Desk


async def write_playbook(run: Run, deal: Deal) -> Playbook:
    """The playbook. A section whose writer fails is a gap; all of them failing is an error.

    Raises:
        UpstreamError: not one of the writers answered.
    """
    desk = await computed(Desk, run, deal)
    run.progress.plan(len(CARDS) + 1 + 2 * len(desk.personas))
    journals, verification = Journals.of(run, deal), desk.verification
    found = desk.researched
    answers, _ = await together(desk.write(), verification.ask_about_findings(found, deal, journals))
    failed = [answer for answer in answers if isinstance(answer, UpstreamError)]
    if len(failed) == len(answers):
        is_models = all(isinstance(answer, BadAnswer) and answer.fault for answer in failed)
        raise run.asker.faults.error() if is_models and run.asker.faults else _with_section(failed[0])
    answers, found, dropped = await verification.at_the_end(desk.drafts(answers), found, journals)
    return await computed(_playbook, run, desk, answers, found, dropped)


def _with_section(failed: UpstreamError) -> UpstreamError:
    """The first writer's error; if the budget ran out, it names the section."""
    told = f"executive_summary could not be written: {failed}"
    return BudgetExceeded(told) if isinstance(failed, BudgetExceeded) else failed


def _playbook(run: Run, desk: Desk, answers: Answers, found: Researched, dropped: tuple[Gap, ...]) -> Playbook:
    drafts, deal, context = _drafts(desk, answers, found), desk.deal, run.request.context
    assets = assembly.assets(drafts)
    playbook = Playbook(
        **{role: _named(research) for role, research in deal.items()},
        language=run.request.language,
        model=", ".join(run.asker.models),
        context=GivenContext(given_by="user", text=context) if context else None,
        generated_at=datetime.now(UTC),
        executive_summary=assets.executive_summary,
        **dict(found),
        priority_personas=assets.priority_personas,
        quick_wins=assets.quick_wins,
        success_metrics=assets.success_metrics,
        email_sequences=assets.email_sequences,
        talk_tracks=assets.talk_tracks,
        battle_cards=assets.battle_cards,
        evidence={},
        pages=_read_pages(deal),
        failed_pages=tuple(failure for research in deal.values() for failure in research.failures),
        gaps=_gaps(run, desk, answers, (*dropped, *assets.gaps)),
        flags=flags(run.asker, deal, desk.relations),
        cost=_cost(run.asker.ledger, deal, credits=run.source.credits),
        timings=Timings(total_seconds=0.0, steps=()),
    )
    cited = playbook.model_copy(update={"evidence": _cited(playbook, drafts.evidence)})
    return with_every_verdict(cited, by_model=run.verifier is not None)


def _drafts(desk: Desk, answers: Answers, researched: Researched) -> assembly.Drafts:
    summary, why, objections, positioning, *copy = answers
    count = len(desk.personas)
    found = {e.id: e for answer in answers if isinstance(answer, Checked) for e in answer.evidence}
    return assembly.Drafts(
        summary=_drafted(summary),
        cards=tuple(_drafted(card) for card in (why, objections, positioning)),
        sequences=tuple(_drafted(draft) for draft in copy[:count]),
        talk_tracks=tuple(_drafted(draft) for draft in copy[count:]),
        evidence=found | desk.evidence,
        personas=researched.prospect_intelligence.buyer_personas,
        known=desk.known,
        language=desk.judged_language,
        given=desk.run.request.context,
    )


def _drafted(answer: Checked[Any] | UpstreamError) -> assembly.Drafted[Any] | None:
    return assembly.Drafted(answer.value, answer.is_outline) if isinstance(answer, Checked) else None


def _gaps(run: Run, desk: Desk, answers: Answers, of_assets: tuple[Gap, ...]) -> tuple[Gap, ...]:
    return (
        *(gap for research in desk.deal.values() for gap in research.gaps),
        *unwritten(answers, desk.personas),
        *(gap for answer in answers if isinstance(answer, Checked) for gap in answer.gaps),
        *of_assets,
        *limited(run.asker),
        *run.asker.faults.gaps,
        *unheard(run.request.context, desk.deal),
        *missing(desk.deal),
        *unfound(desk.findings, desk.deal),
    )


def _named(research: Research) -> NamedCompany:
    profile = research.profile
    return NamedCompany(
        name=profile.name,
        domain=profile.company.domain,
        url=profile.company.url,
        language=profile.language,
        evidence=profile.name_evidence,
    )


def _read_pages(deal: Deal) -> tuple[ReadPage, ...]:
    return tuple(
        ReadPage(
            role=research.profile.company.role,
            url=page.url,
            kind=page.kind,
            title=safe_title(page.title),
            sha256=page.sha256,
            language=page.language,
            sister_of=page.sister_of,
        )
        for research in deal.values()
        for page in research.pages
    )


def _cost(ledger: Ledger, deal: Deal, *, credits: int) -> Cost:  # noqa: A002 - Firecrawl's word
    return Cost(
        **dict(ledger.cost),
        steps=ledger.costs,
        pages_fetched=sum(len(research.pages) for research in deal.values() if not research.found_at),
        pages_failed=sum(len(research.failures) for research in deal.values()),
        credits=credits,
    )


def _cited(playbook: Playbook, evidence: Mapping[EvidenceId, Evidence]) -> dict[EvidenceId, Evidence]:
    """The evidence that the playbook names, in the order in which it first does."""
    wanted = dict.fromkeys(_ids(playbook))
    return {i: evidence[i] for i in wanted}


def _ids(playbook: Playbook) -> Iterator[EvidenceId]:
    for value in walk(playbook):
        evidence = getattr(value, "evidence", ())
        yield from evidence if isinstance(evidence, tuple) else ()
