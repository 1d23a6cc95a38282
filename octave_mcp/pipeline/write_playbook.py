"""Step 8: ask the model to write and verify all drafts, and assemble the playbook from the drafts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from octave_mcp.asks.budget import Ledger
from octave_mcp.asks.corrections import Checked
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.copywriting import assembly
from octave_mcp.copywriting.briefing import Known, brief
from octave_mcp.copywriting.qualification import qualification
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.costs import Cost, Timings
from octave_mcp.domain.drafts import CardDraft, Drafted, Drafts, Written
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import DealFindings
from octave_mcp.domain.notices import Flag, Gap
from octave_mcp.domain.playbook import (
    SCHEMA_VERSION,
    GivenContext,
    NamedCompany,
    Playbook,
    ReadPage,
    SequenceDraft,
    SummaryDraft,
    TalkTrackDraft,
)
from octave_mcp.domain.recording import Recording
from octave_mcp.domain.research import Deal, Research
from octave_mcp.domain.value import walk
from octave_mcp.errors import BadAnswer, BudgetExceeded, StaleRecording, UpstreamError
from octave_mcp.evidence.screening import safe_title
from octave_mcp.pipeline.carried import model_gaps, refreshed, with_earlier
from octave_mcp.pipeline.company_findings import unfound
from octave_mcp.pipeline.flags import flags
from octave_mcp.pipeline.gaps import limited, missing, unmatched_words, unproven_figures
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.unwritten import unwritten
from octave_mcp.pipeline.verdicts import with_every_verdict
from octave_mcp.pipeline.verify import Researched
from octave_mcp.pipeline.writers import CARDS, Answers, DraftWriter

T = TypeVar("T")


async def write_playbook(run: Run, deal: Deal) -> Written:
    """Write the playbook and return it with its drafts. The list of gaps names drafts that could not be written.

    Raises:
        UpstreamError: If no draft could be written.
        StaleRecording: If a recording is replayed, and too many of its quotations are no longer on the pages.
    """
    writer = await computed(DraftWriter, run, deal)
    run.progress.plan(len(CARDS) + 1 + 2 * len(writer.personas))
    findings, verification = writer.researched, writer.verification
    answers, _ = await together(writer.write(), verification.ask_about_findings(findings, deal))
    _check(run.asker.recording)
    failed = [answer for answer in answers if isinstance(answer, UpstreamError)]
    if len(failed) == len(answers):
        # If the model gave only bad answers, report the faults of all answers, because they explain more than the first
        # error alone.
        is_models = all(isinstance(answer, BadAnswer) and answer.fault for answer in failed)
        raise run.asker.faults.error() if is_models and run.asker.faults else _with_section(failed[0])
    judged, verified, dropped = await verification.at_the_end(writer.drafts(answers), findings)
    verdicts = await computed(verification.opinions, findings)
    basis = Basis(model=run.asker.model.identity, research=(*deal.values(),), verdicts=verdicts)
    drafts = await computed(_drafts, writer, judged, verified)
    playbook = await computed(_playbook, run, writer, judged, verified, drafts, dropped)
    written = Written(playbook, drafts, basis)
    return refreshed(written, run.base) if run.base else written


# Sections that `copywriting.assembly` makes. `triggers` are findings, to which the assembly only adds meanings.
_ASSEMBLED = (
    "executive_summary",
    "buying_committee",
    "fit",
    "priority_personas",
    "quick_wins",
    "success_metrics",
    "trial_plan",
    "email_sequences",
    "talk_tracks",
    "battle_cards",
)


def _check(recording: Recording | None) -> None:
    if recording and recording.is_stale:
        text = f"the recording from {recording.recorded_on} no longer matches the sites: {recording.lost}"
        raise StaleRecording(f"{text}; make a new recording with octave-mcp record")


def _with_section(failed: UpstreamError) -> UpstreamError:
    """Return the error. If the budget ran out, the text names the section that was not written."""
    text = f"executive_summary could not be written: {failed}"
    return BudgetExceeded(text) if isinstance(failed, BudgetExceeded) else failed


def _playbook(
    run: Run, writer: DraftWriter, answers: Answers, found: Researched, drafts: Drafts, dropped: tuple[Gap, ...]
) -> Playbook:
    deal, context = writer.deal, run.request.context
    assets = assembly.assets(drafts)
    playbook = Playbook(
        schema_version=SCHEMA_VERSION,
        **{role: _named(research) for role, research in deal.items()},
        language=run.request.language,
        model=", ".join(dict.fromkeys((*(run.base.models if run.base else ()), *run.asker.models))),
        recording=run.asker.recording or (run.base.playbook.recording if run.base else None),
        context=GivenContext(given_by="user", text=context) if context else None,
        generated_at=datetime.now(UTC),
        **{**dict(found), "triggers": assets.triggers},
        **{name: getattr(assets, name) for name in _ASSEMBLED},
        qualification=qualification(
            assets.buying_committee, found.prospect_intelligence, assets.battle_cards, assets.talk_tracks
        ),
        evidence=dict(drafts.evidence),
        pages=_read_pages(deal),
        failed_pages=tuple(failure for research in deal.values() for failure in research.failures),
        gaps=_gaps(run, writer, answers, (*dropped, *assets.gaps)),
        flags=_flags(run, writer),
        cost=_cost(run.asker.ledger, deal, credits=run.source.credits),
        timings=Timings(total_seconds=0.0, steps=()),
    )
    judged = with_every_verdict(playbook, by_model=run.verifier is not None)
    # The brief repeats other sections, so make it only after the verdicts have been applied to those sections.
    briefed = judged.model_copy(update={"brief": brief(judged, assets.by_weight, _known(deal))})
    return briefed.model_copy(update={"evidence": _cited(briefed, drafts.evidence)})


def _known(deal: Deal) -> Known:
    vendor, prospect = deal["vendor"], deal["prospect"]
    return Known(vendor.profile.summary, vendor.pages, prospect.pages)


def _drafts(writer: DraftWriter, answers: Answers, researched: Researched) -> Drafts:
    summary, why, objections, positioning, *copy = answers
    count = len(writer.personas)
    cited = {e.id: e for answer in answers if isinstance(answer, Checked) for e in answer.evidence}
    sequence, track, is_thin = SequenceDraft[EvidenceId], TalkTrackDraft[EvidenceId], writer.is_thin
    return Drafts(
        summary=_drafted(Drafted[SummaryDraft[EvidenceId]], summary),
        cards=tuple(_drafted(Drafted[CardDraft], card) for card in (why, objections, positioning)),
        sequences=tuple(_drafted(Drafted[sequence], draft, is_thin=is_thin) for draft in copy[:count]),
        talk_tracks=tuple(_drafted(Drafted[track], draft, is_thin=is_thin) for draft in copy[count:]),
        evidence=cited | writer.evidence,
        personas=researched.prospect_intelligence.buyer_personas,
        findings=DealFindings(**{name: getattr(researched, name) for name in DealFindings.model_fields}),
        known=writer.known,
        vendor=writer.names.vendor,
        sender=writer.run.request.sender,
        language=writer.judged_language,
        given=base.drafts.given if (base := writer.run.base) else writer.run.request.context,
        read_on=writer.read_on,
    )


def _drafted(
    form: type[Drafted[T]], answer: Checked[Any] | UpstreamError, *, is_thin: bool = False
) -> Drafted[T] | None:
    """Return the answer as a draft.

    If little was read about the prospect (`is_thin`), the draft is an outline, even if a language model wrote it.
    """
    if not isinstance(answer, Checked):
        return None
    return form(value=answer.value, is_outline=answer.is_outline or is_thin, gaps=answer.gaps)


def _gaps(run: Run, writer: DraftWriter, answers: Answers, more: tuple[Gap, ...]) -> tuple[Gap, ...]:
    return (
        *(gap for research in writer.deal.values() for gap in research.gaps),
        *unwritten(answers, writer.personas),
        *(gap for answer in answers if isinstance(answer, Checked) for gap in answer.gaps),
        *more,
        *limited(run.asker),
        *run.asker.faults.gaps,
        *(model_gaps(run.base.playbook) if run.base else ()),
        *unmatched_words(run.request.context, writer.deal),
        *unproven_figures(run.request.context, writer.deal),
        *missing(writer.deal),
        *unfound(writer.findings, writer.deal),
    )


def _flags(run: Run, writer: DraftWriter) -> tuple[Flag, ...]:
    current = flags(run.asker, writer.deal, writer.relations, by_default=run.by_default)
    return with_earlier(current, run.base.playbook) if run.base else current


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


def _cost(ledger: Ledger, deal: Deal, *, credits: int) -> Cost:  # noqa: A002 - Firecrawl's term
    return Cost(
        **dict(ledger.cost),
        steps=ledger.costs,
        pages_fetched=sum(len(research.pages) for research in deal.values() if not research.found_at),
        pages_failed=sum(len(research.failures) for research in deal.values()),
        credits=credits,
    )


def _cited(playbook: Playbook, evidence: Mapping[EvidenceId, Evidence]) -> dict[EvidenceId, Evidence]:
    """Return the evidence that the playbook cites, in the order in which it is first cited."""
    return {i: evidence[i] for i in dict.fromkeys(cited_ids(playbook))}


def cited_ids(playbook: Playbook) -> Iterator[EvidenceId]:
    """Yield the ids of all cited evidence, including repeats."""
    for value in walk(playbook):
        evidence = getattr(value, "evidence", ())
        # Skip the playbook's own field `evidence`, which maps ids to evidence and is not a citation.
        yield from evidence if isinstance(evidence, tuple) else ()
