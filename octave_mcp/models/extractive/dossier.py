"""Fills the outlines of the playbook's sections with quotations.

A person or a language model then turns the outlines into sales copy.
"""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.domain.deal import ValueMapRow
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.playbook import (
    CallToAction,
    ColdCall,
    DemoPoint,
    DiscoveryQuestion,
    ExecutiveSummary,
    PersonaPoints,
    SequenceDraft,
    SummaryDraft,
    TalkTrackDraft,
    TouchDraft,
)
from octave_mcp.domain.prospect import BuyerPersona, Need, PainPoint
from octave_mcp.domain.sentence import Sentence, SentenceKind
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.committee import committee
from octave_mcp.models.extractive.material import NONE, Material, Quotation
from octave_mcp.models.extractive.outlines import ASK, IF_NOT_NOW, QUESTION, question_about, title_of
from octave_mcp.models.extractive.pairs import Pair
from octave_mcp.models.extractive.quoting import quotable, quoted, say

# The limit applies to each list separately: lines, goals, pains, talking points, questions, demo points and value map.
MAX_ENTRIES = 3
_KINDS: dict[str, SentenceKind] = {QUESTION: "question", ASK: "ask", IF_NOT_NOW: "ask"}


def summary(material: Material) -> SummaryDraft[Cite]:
    """Return the summary. Quick wins, metrics and other advice stay empty, because no page states them."""
    return SummaryDraft[Cite](
        executive_summary=ExecutiveSummary[Cite](
            whom_to_approach=tuple(_whom_to_approach(material)),
            why_now=tuple(_why_now(material)),
            how_to_engage=tuple(_how_to_engage(material)),
        ),
        trigger_meanings=(),
        committee=tuple(committee(material)),
        personas=tuple(_persona_points(material, rank, persona) for rank, persona in enumerate(material.personas)),
        reasons_against=(),
        when_not_to_sell="",
        quick_wins=(),
        success_metrics=(),
        trial_plan=(),
    )


def _whom_to_approach(material: Material) -> Iterator[Sentence[Cite]]:
    for text, evidence in material.relations:
        yield say(text, "fact", material.cites(evidence))
    if champion := material.champion:
        who = {"person": champion.person or "", "role": champion.role or ""}
        yield say(material.statement("Champion", **who), "fact", material.cites(champion.evidence))
    for persona in material.personas:
        yield say(f"{persona.title}: {persona.why_they_care}", "inference", material.cites(persona.evidence))


def _why_now(material: Material) -> Iterator[Sentence[Cite]]:
    for line in material.lines[:MAX_ENTRIES]:
        yield say(f"{line.location}: {quoted(line.quote)}", "fact", material.cites(line.evidence))
    if not material.lines:
        yield say(material.statement("No line"), "courtesy")


def _how_to_engage(material: Material) -> Iterator[Sentence[Cite]]:
    yield say(material.statement("Outline", outline=material.outline.title.lower()), "courtesy")
    for proof in material.proofs[:2]:
        yield say(material.statement("Proof", proof=proof.text), "fact", material.cites(proof.evidence))


def _persona_points(material: Material, rank: int, persona: BuyerPersona) -> PersonaPoints[Cite]:
    proofs = dict.fromkeys(pair.proof for pair in material.pairs[rank] if pair.proof)
    return PersonaPoints[Cite](
        persona_id=persona.id,
        goals=tuple(_goals(material, persona))[:MAX_ENTRIES],
        pains=tuple(_pain(material, pain) for pain in material.pains_of(persona)[:MAX_ENTRIES]),
        talking_points=tuple(say(proof.text, "fact", material.cites(proof.evidence)) for proof in proofs)[:MAX_ENTRIES],
        will_ask=(),
        cautions=(),
    )


def _goals(material: Material, persona: BuyerPersona) -> Iterator[Sentence[Cite]]:
    """Find the vendor's target personas with the same title as this persona, and yield their goals."""
    same = [t for t in material.brief.vendor.target_personas if normal(t.title) == normal(persona.title)]
    for goal in (goal for target in same for goal in target.goals):
        if material.passages.english(goal.evidence):
            yield say(quoted(goal.text), "inference", material.cites(goal.evidence))


def _pain(material: Material, pain: PainPoint) -> Sentence[Cite]:
    return say(pain.text, "fact" if pain.stated else "inference", material.cites(pain.evidence))


def sequence(material: Material, rank: int) -> SequenceDraft[Cite]:
    """Return e-mails that each combine a quotation from the prospect's pages with a proof from the vendor's pages.

    If the two companies already have a relation, the first touch starts with a sentence about it.
    """
    pairs = material.pairs[rank]
    return SequenceDraft[Cite](touches=tuple(_touch(material, pair, index) for index, pair in enumerate(pairs)))


def _touch(material: Material, pair: Pair, index: int) -> TouchDraft[Cite]:
    sentences = _filled_outline(material, pair, opens=index == 0)
    return TouchDraft[Cite](
        subject=title_of(pair.need),
        paragraphs=tuple((sentence,) for label, sentence in sentences.items() if label != IF_NOT_NOW),
        call_to_action=CallToAction(label="interest", text=sentences[ASK].text.removeprefix(f"{ASK}: ")),
        opt_out=None,
        second_opening=(),
        make_first=None,
        personalisation=(),
    )


def _filled_outline(material: Material, pair: Pair, *, opens: bool) -> dict[str, Sentence[Cite]]:
    """Return the sentences of an outline that is filled with the pair's quotations.

    The keys are the labels of the sentences.
    """
    quotations = _quotations(material, pair, opens=opens)
    words = {
        "need": title_of(pair.need).lower(),
        "question": question_about(pair.need),
        "vendor": material.vendor,
        "prospect": material.prospect,
    }
    filled = material.outline.filled(words, {slot: text for slot, (text, _) in quotations.items()})
    return {
        line.label: say(
            f"{line.label}: {line.text}",
            _KINDS.get(line.label, "fact"),
            material.cites([i for slot in line.quotes for i in quotations[slot][1]]),
        )
        for line in filled
    }


def _quotations(material: Material, pair: Pair, *, opens: bool) -> dict[str, Quotation]:
    line, proof = pair.line, pair.proof
    return {
        "relation": material.relations[0] if opens and material.relations else NONE,
        "line": (quoted(line.quote), line.evidence) if line else NONE,
        "proof": (proof.text, proof.evidence) if proof else NONE,
        "promise": NONE if proof else material.promise,
    }


def talk_track(material: Material, rank: int) -> TalkTrackDraft[Cite]:
    """Return the persona's talk track. The pitch and the cold call use the sentences of the persona's first outline."""
    sentences = _filled_outline(material, material.pairs[rank][0], opens=True)
    facts = [sentence for sentence in sentences.values() if sentence.kind == "fact"]
    return TalkTrackDraft[Cite](
        pitch=(*facts, sentences[QUESTION]),
        cold_call=ColdCall[Cite](
            opener=tuple(facts[:-1] or facts),
            value=tuple(facts[-1:]),
            ask=sentences[ASK].text.removeprefix(f"{ASK}: "),
            if_not_now=sentences[IF_NOT_NOW].text.removeprefix(f"{IF_NOT_NOW}: "),
        ),
        brush_offs=(),
        voicemail=(),
        close="",
        next_step="",
        discovery=tuple(_discovery(material, rank)),
        demo_points=tuple(_demo(material, rank)),
        value_map=tuple(_value_map(material, rank)),
    )


def _discovery(material: Material, rank: int) -> Iterator[DiscoveryQuestion]:
    """Yield one question for each of the persona's needs, taken from the outline."""
    needs: list[Need] = [material.needs[rank], *(pain.need for pain in material.pains_of(material.personas[rank]))]
    for need in list(dict.fromkeys(needs))[:MAX_ENTRIES]:
        text = _filled_outline(material, Pair(None, None, need), opens=False)[QUESTION].text
        yield DiscoveryQuestion(
            question=text.removeprefix(f"{QUESTION}: "),
            uncovers="SPIN: situation",
            purpose=title_of(need),
            follow_ups=(),
        )


def _demo(material: Material, rank: int) -> Iterator[DemoPoint[Cite]]:
    """Yield the offerings that address the persona's needs."""
    wanted = {pain.need for pain in material.pains_of(material.personas[rank])[:MAX_ENTRIES]} | {material.needs[rank]}
    fits = [o for o in material.offerings if wanted & cues.needs_of(f"{o.name} {o.description}")]
    for offering in fits[:MAX_ENTRIES]:
        because = say(quoted(next(quotable(offering.description))), "fact", material.cites(offering.evidence))
        yield DemoPoint[Cite](show=offering.name, because=because)


def _value_map(material: Material, rank: int) -> Iterator[ValueMapRow[Cite]]:
    """Yield each of the persona's pains together with a value proposition or product that addresses the same need."""
    capabilities = [(value.title, value.text, value.evidence) for value in material.brief.vendor.value_propositions]
    capabilities += [(o.name, next(quotable(o.description)), o.evidence) for o in material.offerings]
    # Leave out texts with quotation marks, because outlines put each text in quotation marks, and quotations must not
    # be nested.
    unused = [c for c in capabilities if material.passages.english(c[2]) and "“" not in c[1] and '"' not in c[1]]
    for pain in material.pains_of(material.personas[rank])[:MAX_ENTRIES]:
        fit = next((c for c in unused if pain.need in cues.needs_of(f"{c[0]} {c[1]}")), None)
        if fit:
            unused.remove(fit)
            capability = say(f"{fit[0]}: {quoted(fit[1])}", "fact", material.cites(fit[2]))
            yield ValueMapRow[Cite](capability=capability, pain=_pain(material, pain))
