"""The first page: whom to approach, why now, how to begin; and for each persona what to say."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import ExecutiveSummary, PersonaPoints, QuickWin, Sentence, SuccessMetric, SummaryDraft
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say
from octave_mcp.models.extractive.material import Material

MOST = 3


def summary(material: Material) -> SummaryDraft[Cite]:
    return SummaryDraft[Cite](
        executive_summary=ExecutiveSummary[Cite](
            whom_to_approach=tuple(_whom(material)),
            why_now=tuple(_why_now(material)),
            how_to_engage=tuple(_how(material)),
        ),
        personas=tuple(_points(material, rank, persona) for rank, persona in enumerate(material.personas)),
        quick_wins=tuple(_quick_wins(material))[:5],
        success_metrics=_metrics(),
    )


def _whom(material: Material) -> Iterator[Sentence[Cite]]:
    if material.expansion:
        own = material.cites(material.brief.existing_customer)
        yield say(f"{material.already} already, so this is an expansion: start from who uses it today.", "fact", own)
    if material.buying:
        own = material.cites(material.brief.vendor_is_customer)
        story = f", and tells the story: {quoted(material.own_title)}" if material.own_title else "."
        warm = f"{material.prospect}'s own site shows {material.vendor} as a customer{story}"
        yield say(f"{warm} Open with that.", "fact", own)
    if champion := material.champion:
        known = (
            f"{champion.person}, {champion.role} at {material.prospect}, is quoted on {material.vendor}'s own pages."
        )
        yield say(known, "fact", material.cites(champion.evidence))
    for rank, persona in enumerate(material.personas):
        start = ("Start with the", "Then the", "Then the")[min(rank, 2)]
        text = f"{start} {persona.title}. {persona.why_they_care}"
        yield say(text, "inference", material.cites(persona.evidence))


def _why_now(material: Material) -> Iterator[Sentence[Cite]]:
    hooks = [hook for hook in material.hooks if hook.quote][:MOST]
    for hook in hooks:
        where = (
            hook.page.replace("your ", "their ")
            .replace("one of their", "One of their")
            .replace("of yours", "of theirs")
        )
        yield say(f"{where[0].upper()}{where[1:]} says {quoted(hook.quote)}", "fact", material.cites(hook.evidence))
    if not hooks:
        pains = material.brief.prospect.pain_points[:MOST]
        for pain in pains:
            yield say(pain.text, "inference", material.cites(pain.evidence))
        if not pains:
            yield say("Their site gives no reason to act now; ask for one before you write more.", "courtesy")


def _how(material: Material) -> Iterator[Sentence[Cite]]:
    for proof in material.proofs[:2]:
        yield say(proof.text, "fact", material.cites(proof.evidence))
    need = cues.NEED_WORDS[material.need(0)] if material.personas else "their needs"
    start = "Begin with what they use today, and what for" if material.expansion else "Open with their own words"
    then = ", and bring these proofs only once they see the link." if material.proofs else "."
    yield say(f"{start}, {'' if material.proofs else 'and '}ask about {need}{then}", "courtesy")


def _points(material: Material, rank: int, persona: BuyerPersona) -> PersonaPoints[Cite]:
    pains = [
        say(pain.text, "fact" if pain.stated else "inference", material.cites(pain.evidence))
        for pain in material.pains_of(persona)[:MOST]
    ]
    proofs = [say(proof.text, "fact", material.cites(proof.evidence)) for proof in material.proofs_for(rank)[:2]]
    voices = [
        say(f"{v.person}, {v.role} at {v.company}: {quoted(v.quote)}", "fact", material.cites(v.evidence))
        for v in material.voices_for(rank)[:1]
    ]
    return PersonaPoints[Cite](
        persona_id=persona.id,
        goals=tuple(_goals(material, persona)),
        pains=tuple(pains),
        talking_points=(*proofs, *voices),
    )


def _goals(material: Material, persona: BuyerPersona) -> Iterator[Sentence[Cite]]:
    """What the vendor knows such buyers to want; in its words, so a guess about this one."""
    for target in material.brief.vendor.target_personas:
        if cues.function_of(f"{target.title} {target.text}") == persona.function and target.goals:
            for goal in [goal for goal in target.goals if material.shown.english(goal.evidence)][:MOST]:
                yield say(
                    f"Such buyers seem to want this: {quoted(goal.text)}", "inference", material.cites(goal.evidence)
                )
            return
    for pain in material.pains_of(persona)[:2]:
        yield say(f"I'd guess they aim for {cues.NEED_WORDS[pain.need]}.", "inference", material.cites(pain.evidence))


def _quick_wins(material: Material) -> Iterator[QuickWin[Cite]]:
    if material.expansion:
        own = material.cites(material.brief.existing_customer)
        champion = material.champion
        whom = f"Ask {champion.person} for" if champion else "Find out who uses it today and ask for"
        cites = (*own, *material.cites(champion.evidence)) if champion else own
        because = say(f"{material.already} already.", "fact", cites)
        yield QuickWin[Cite](action=f"{whom} an introduction to the teams that do not use it yet.", because=because)
    if material.buying:
        own = material.cites(material.brief.vendor_is_customer)
        because = say(f"{material.vendor} is a customer of {material.prospect}.", "fact", own)
        whom = f"Ask who at {material.vendor} works with {material.prospect}"
        yield QuickWin[Cite](action=f"{whom} for an introduction, and for what they like about it.", because=because)
    hooks = [hook for hook in material.hooks if hook.quote]
    for rank, persona in enumerate(material.personas):
        hook = next(iter(material.hooks_for(rank)), None)
        who = persona.evidence[:1] if persona.contact else ()
        because = (
            say(f"A line of theirs to build on: {quoted(hook.quote)}", "fact", material.cites((*hook.evidence, *who)))
            if hook and hook.quote
            else say(persona.why_they_care, "inference", material.cites(persona.evidence))
        )
        yield QuickWin[Cite](action=_first_step(persona), because=because)
    for proof in material.proofs[:1]:
        yield QuickWin[Cite](
            action=f"Read the story of {proof.customer} so that you can tell it in a minute.",
            because=say(proof.text, "fact", material.cites(proof.evidence)),
        )
    for hook in hooks[3:4] or hooks[:1]:
        because = say(f"They write {quoted(hook.quote)}", "fact", material.cites(hook.evidence))
        yield QuickWin[Cite](
            action="Check whether this is still true, and use what changed as your reason to call.", because=because
        )
    for voice in material.voices[:1]:
        text = f"{voice.person}, {voice.role} at {voice.company}: {quoted(voice.quote)}"
        yield QuickWin[Cite](
            action="Learn this line by heart for the cold call.",
            because=say(text, "fact", material.cites(voice.evidence)),
        )


def _first_step(persona: BuyerPersona) -> str:
    if persona.contact:
        return f"Send the first touch to {persona.contact}."
    return f"Find the name of the {persona.title} and send the first touch."


def _metrics() -> tuple[SuccessMetric, ...]:
    return (
        SuccessMetric(
            name="Reply rate by persona and touch",
            how_to_measure="Replies that are not automatic, divided by e-mails delivered, in your sequencer",
        ),
        SuccessMetric(name="Positive replies", how_to_measure="Replies that agree to look closer, by persona"),
        SuccessMetric(
            name="First meetings held", how_to_measure="Meetings that took place, from the calendar, by persona"
        ),
        SuccessMetric(
            name="Needs confirmed",
            how_to_measure="Pain points of this playbook that a buyer confirmed in discovery, and those they denied",
        ),
        SuccessMetric(
            name="Opportunities opened",
            how_to_measure="Deals in the pipeline that name this account, and the step they have reached",
        ),
    )
