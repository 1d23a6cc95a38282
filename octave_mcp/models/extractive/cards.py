"""Battle cards: why we win, what to answer, and where each side is ahead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.playbook import CompetitivePositioning, Objection, ObjectionHandling, Rival, Sentence, WhyWeWin
from octave_mcp.domain.prospect import Need
from octave_mcp.domain.vendor import Differentiator
from octave_mcp.figures import normal
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say
from octave_mcp.models.extractive.material import Material, Voice

MOST = 5
MOST_RIVALS = 3
MOST_PER_RIVAL = 4

_OBJECTIONS: tuple[tuple[str, str, tuple[Need, ...], str], ...] = (
    ("price", "It costs too much.", ("cost",), "What would it have to save to pay for itself?"),
    ("price", "We cannot predict what we would pay.", ("cost", "scale"), "Which volume would you plan with?"),
    (
        "timing",
        "We have no time to set this up now.",
        ("speed", "adoption"),
        "What would a first step of an hour have to show?",
    ),
    ("timing", "Come back next quarter.", ("growth", "conversion"), "What will be different then?"),
    (
        "authority",
        "This is not mine to decide.",
        ("insight", "adoption"),
        "Who would you want beside you when it is decided?",
    ),
    ("need", "We get by with what we have.", ("integration", "insight"), "What can you not answer with it today?"),
    (
        "need",
        "We would rather build it ourselves.",
        ("control", "integration"),
        "What would your team not build in that time?",
    ),
    (
        "competitor",
        "We already use another tool.",
        ("integration", "quality"),
        "What made you choose it, and what has changed since?",
    ),
    (
        "need",
        "Our data must not leave our hands.",
        ("security", "control"),
        "Which data is that, and who sets the rule?",
    ),
)

_ANY_RESULT_ANSWERS: frozenset[Need] = frozenset({"growth", "integration"})
"""To 'not now' and 'we get by', what others gained is an answer; to a worry about data it is none."""


def why_we_win(material: Material) -> WhyWeWin[Cite]:
    told = [
        d
        for d in material.brief.vendor.differentiators
        if d.favours == "vendor" and ": " not in d.text and material.shown.english(d.evidence)
    ]
    told = sorted(told, key=lambda d: (bool(re.match(r"(?:How|Why) ", d.text)), len(d.text.split()) > 30))
    reasons = [
        say(quoted(d.text), "fact", material.cites(d.evidence)) for d in told if not re.match(r"(?:How|Why) ", d.text)
    ]
    reasons += [
        say(f"{v.title}: {quoted(v.text)}", "fact", material.cites(v.evidence))
        for v in material.brief.vendor.value_propositions
        if material.shown.english(v.evidence)
    ]
    reasons += [
        say(_told(d), "fact", material.cites(d.evidence))
        for d in material.brief.vendor.differentiators
        if d.favours == "vendor" and ": " in d.text
    ]
    proof = [say(p.text, "fact", material.cites(p.evidence)) for p in material.proofs]
    return WhyWeWin[Cite](kind="why_we_win", reasons=tuple(_varied(reasons))[:MOST], proof=tuple(proof[:MOST]))


def _varied(sentences: list[Sentence[Cite]]) -> Iterator[Sentence[Cite]]:
    """Without those that say nearly the same."""
    seen: set[str] = set()
    for sentence in sentences:
        key = " ".join(normal(sentence.text).split()[:6])
        if key not in seen:
            seen.add(key)
            yield sentence


def objection_handling(material: Material) -> ObjectionHandling[Cite]:
    answers = Answers(material)
    return ObjectionHandling[Cite](
        kind="objection_handling", objections=tuple(answers.to(*objection) for objection in _OBJECTIONS)
    )


class Answers:
    """Each objection gets the best proof that is left; where there is none it says so."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.used: set[tuple[EvidenceId, ...]] = set()
        self.said: set[str] = set()

    def to(self, category: str, objection: str, needs: tuple[Need, ...], ask: str) -> Objection[Cite]:
        answer = next(filter(None, (find() for find in self._ways(category, needs))), None)
        return Objection[Cite].model_validate(
            {
                "category": category,
                "objection": objection,
                "answer": (answer,) if answer else (),
                "no_proof_yet": answer is None,
                "ask": ask,
            }
        )

    def _ways(self, category: str, needs: tuple[Need, ...]) -> Iterator[Callable[[], Sentence[Cite] | None]]:
        """Where an answer to an objection may come from, the best first; what none of them has stays open."""
        if category == "price":
            yield from (self._price,) if "scale" in needs else (lambda: self._proof(needs), self._price)
        elif category == "competitor":
            yield self._rival
        elif category == "authority":
            yield self._leader
        elif needs[0] in _ANY_RESULT_ANSWERS:
            yield self._any_proof
        else:
            yield lambda: self._certificate(needs)
            yield lambda: self._voice(needs)
            yield lambda: self._promise(needs)
        yield lambda: self._proof(needs)

    def _certificate(self, needs: tuple[Need, ...]) -> Sentence[Cite] | None:
        if "security" not in needs:
            return None
        held = [p for p in self.material.brief.vendor.proof_points if p.kind == "certification"]
        left = [p for p in held if p.evidence not in self.used and self.material.shown.english(p.evidence)]
        return self._take(quoted(left[0].text), left[0].evidence) if left else None

    def _price(self) -> Sentence[Cite] | None:
        """What costs nothing to begin with, then what the cheapest plan costs."""
        prices = [price for offering in self.material.brief.vendor.offerings for price in offering.pricing]
        for price in sorted(
            prices, key=lambda p: (not re.search(r"\bfree\b", f"{p.plan} {p.terms}", re.IGNORECASE), len(p.terms))
        ):
            fits = price.evidence not in self.used and self.material.shown.english(price.evidence)
            if fits and len(price.terms.split()) <= 30 and re.search(r"[$€£¥]|\bfree\b", price.terms, re.IGNORECASE):
                return self._take(f"{price.plan}: {price.terms}", price.evidence)
        return None

    def _leader(self) -> Sentence[Cite] | None:
        """What someone in charge elsewhere says."""
        heads = [
            v
            for v in self.material.voices
            if v.function == "leadership" or re.search(r"\b(?:Head|Lead|VP|Director|Chief|C[A-Z]O)\b", v.role)
        ]
        left = [v for v in heads if v.evidence not in self.used]
        return self._quote(left[0]) if left else None

    def _quote(self, voice: Voice) -> Sentence[Cite]:
        return self._take(f"{voice.person}, {voice.role} at {voice.company}: {quoted(voice.quote)}", voice.evidence)

    def _rival(self) -> Sentence[Cite] | None:
        left = [d for d in self.material.brief.vendor.differentiators if re.match(r"(?:How|Why) ", d.text)]
        for difference in left:
            if difference.evidence not in self.used:
                return self._take(f"Others made the move: {quoted(difference.text)}", difference.evidence)
        rows = [
            d
            for d in self.material.brief.vendor.differentiators
            if d.favours == "vendor" and d.evidence not in self.used
        ]
        return self._take(_told(rows[0]), rows[0].evidence) if rows else None

    def _voice(self, needs: tuple[Need, ...]) -> Sentence[Cite] | None:
        fits = [v for v in self.material.voices if v.evidence not in self.used and needs[0] in cues.needs_of(v.quote)]
        return self._quote(fits[0]) if fits else None

    def _promise(self, needs: tuple[Need, ...]) -> Sentence[Cite] | None:
        vendor = self.material.brief.vendor
        told = [(v.title, v.text, v.evidence) for v in vendor.value_propositions]
        told += [
            (o.name, o.description, o.evidence) for o in vendor.offerings if o.description and len(o.name.split()) <= 4
        ]
        for need in needs:
            for title, text, evidence in told:
                fits = need in cues.needs_of(f"{title} {text}") and self.material.shown.english(evidence)
                if fits and text not in self.said and len(text.split()) <= 30:
                    self.said.add(text)
                    return self._take(f"{title}: {quoted(text)}", evidence)
        return None

    def _proof(self, needs: tuple[Need, ...]) -> Sentence[Cite] | None:
        fits = [p for p in self.material.proofs if p.evidence not in self.used and set(needs) & cues.needs_of(p.text)]
        return self._take(fits[0].text, fits[0].evidence) if fits else None

    def _any_proof(self) -> Sentence[Cite] | None:
        left = [proof for proof in self.material.proofs if proof.measured and proof.evidence not in self.used]
        return self._take(left[0].text, left[0].evidence) if left else None

    def _take(self, text: str, evidence: tuple[EvidenceId, ...]) -> Sentence[Cite]:
        self.used.add(evidence)
        return say(text, "fact", self.material.cites(evidence))


def competitive_positioning(material: Material) -> CompetitivePositioning[Cite]:
    by_rival: dict[str, list[Differentiator[EvidenceId]]] = {}
    for difference in material.brief.vendor.differentiators:
        if difference.competitor and material.shown.english(difference.evidence):
            by_rival.setdefault(difference.competitor, []).append(difference)
    ranked = sorted(by_rival, key=lambda name: -len(by_rival[name]))[:MOST_RIVALS]
    rivals = tuple(_rival(material, name, by_rival[name]) for name in ranked)
    conceded = any(rival.where_they_win for rival in rivals)
    read = f"{material.vendor}'s own pages"
    return CompetitivePositioning[Cite](
        kind="competitive_positioning",
        rivals=rivals,
        where_they_win_note=f"From {read}, so lean on it with care."
        if conceded
        else f"None found on {read}; ask the reader what they like about the other.",
    )


def _told(difference: Differentiator[EvidenceId]) -> str:
    """A row of a table as it was put together; a sentence of the page in quotation marks."""
    return f"{difference.text}." if difference.text.endswith("does not") else quoted(difference.text)


def _rival(material: Material, name: str, found: list[Differentiator[EvidenceId]]) -> Rival[Cite]:
    ours = sorted((d for d in found if d.favours == "vendor"), key=lambda d: bool(re.match(r"(?:How|Why) ", d.text)))
    theirs = [d for d in found if d.favours == "competitor"]
    features = [d.text.split(": ")[0] for d in ours[:MOST_PER_RIVAL] if d.text.endswith("does not")]
    return Rival[Cite](
        name=name,
        where_we_win=tuple(say(_told(d), "fact", material.cites(d.evidence)) for d in ours[:MOST_PER_RIVAL]),
        where_they_win=tuple(say(_told(d), "fact", material.cites(d.evidence)) for d in theirs[:MOST_PER_RIVAL]),
        questions=(
            *(f"What do you use today for this: {feature[0].lower()}{feature[1:]}?" for feature in features[:2]),
            f"What do you value most about {name}?",
        ),
    )
