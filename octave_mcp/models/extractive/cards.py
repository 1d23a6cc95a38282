"""Battle cards: why we win, what to answer, and where each side is ahead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.names import normal
from octave_mcp.domain.playbook import CompetitivePositioning, Objection, ObjectionHandling, Rival, Sentence, WhyWeWin
from octave_mcp.domain.vendor import Differentiator, Price
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say, stands_alone
from octave_mcp.models.extractive.material import Material, Voice

MOST = 5
MOST_RIVALS = 3
MOST_PER_RIVAL = 4
MOST_WORDS = 30
MOST_NAME_WORDS = 4

_MONEY = r"costs?|money|budget|bills?|spend(?:ing)?|overtime|fees|[$€£]\s?\d[\d.,]*"
_LESS = r"sav(?:e|es|ed|ing|ings)|cut|cuts|reduc\w+|lower\w*|less|fewer|drop\w*|fell|fall\w*|halv\w+"

_SAVED = re.compile(
    rf"(?=.*(?:\b(?:{_MONEY})))(?=.*\b(?:{_LESS})\b)|\bcheaper\b|\bfraction of the (?:cost|price)", re.IGNORECASE
)
_KEPT_SAFE = re.compile(
    r"\bself-host\w*|\byour (?:own )?(?:infrastructure|servers?|cloud)\b|\bon-prem\w*|\bencrypt\w+|"
    r"\bGDPR\b|\bSOC ?2\b|\bISO ?27001\b|\bHIPAA\b|\bdata (?:residency|ownership)\b|"
    r"\bcontrol (?:of|over) (?:your|their|our) (?:\w+ )?data\b|\bprivacy\b",
    re.IGNORECASE,
)

_OBJECTIONS: tuple[tuple[str, str, re.Pattern[str], str], ...] = (
    (
        "price",
        "It costs too much.",
        _SAVED,
        "What would it have to save to pay for itself?",
    ),
    (
        "price",
        "We cannot predict what we would pay.",
        re.compile(
            r"\bpredictabl\w+|\b(?:flat|fixed) (?:fee|rate|price)|\b(?:spend(?:ing)?|billing|cost) (?:caps?|limits?)|"
            r"\bno (?:hidden|surprise)\b",
            re.IGNORECASE,
        ),
        "Which volume would you plan with?",
    ),
    (
        "timing",
        "We have no time to set this up now.",
        re.compile(
            r"(?=.*\b(?:set ?up|install\w*|live|running|started|rolled out|onboard\w*|migrat\w+|deploy\w*|buil[dt])\b)"
            r"(?=.*\b(?:in|within|under|takes?|less than) (?:\w+ ){0,3}?(?:minutes?|hours?|days?|weekend)\b)|"
            r"\b(?:easy|quick|fast|simple) to (?:set ?up|start|install|use|adopt|add)\b|"
            r"\bone line\b|\bout of the box\b|"
            r"\bwithout (?:\w+ )?(?:code|coding|training|migration)\b|\bno (?:code|training|installation)\b",
            re.IGNORECASE,
        ),
        "What would a first step of an hour have to show?",
    ),
    (
        "timing",
        "Come back next quarter.",
        re.compile(r"\b(?:in|within|after) (?:\w+ ){0,2}?(?:days?|weeks?|months?)\b", re.IGNORECASE),
        "What will be different then?",
    ),
    (
        "authority",
        "This is not mine to decide.",
        re.compile(
            r"\b(?:chose|choose|choice|decid\w+|decision|convinc\w+|buy-in|(?:whole|entire|every) (?:team|company)|"
            r"everyone|all (?:our|of our|the) teams)\b",
            re.IGNORECASE,
        ),
        "Who would you want beside you when it is decided?",
    ),
    ("need", "We get by with what we have.", cues.MEASURED, "What can you not answer with it today?"),
    (
        "need",
        "We would rather build it ourselves.",
        re.compile(
            r"\b(?:build(?:ing)? (?:it|this|that|one|our own|your own)|in-house|from scratch|ourselves|self-host\w*|"
            r"engineer\w* (?:time|hours)|(?:time|hours|months|years) of (?:work|engineering|development)|"
            r"(?:instead of|without|rather than|not) (?:\w+ )?(?:building|maintaining|writing)|whole problem)\b",
            re.IGNORECASE,
        ),
        "What would your team not build in that time?",
    ),
    (
        "competitor",
        "We already use another tool.",
        re.compile(r"\bswitch\w*|\bmigrat\w+|\breplac\w+|\binstead of\b", re.IGNORECASE),
        "What made you choose it, and what has changed since?",
    ),
    (
        "need",
        "Our data must not leave our hands.",
        _KEPT_SAFE,
        "Which data is that, and who sets the rule?",
    ),
)
"""What is said, the words of an answer to it, and the question that follows; a line without the words is none."""

_FREE = re.compile(
    r"\bfree (?:plan|tier|forever|to start)|\b(?:starts?|start for) free\b|\bfor free\b|[$€£]0(?![\d.])", re.IGNORECASE
)
_BY_TIME = re.compile(
    r"[$€£]\s?\d[\d.,]*\s?(?:/|per |a |each )\s?(?:user |seat |\w+ )?(?:per |/ ?)?(?:month|mo|year|yr)\b", re.IGNORECASE
)


def why_we_win(material: Material) -> WhyWeWin[Cite]:
    told = [
        d
        for d in material.brief.vendor.differentiators
        if d.favours == "vendor" and ": " not in d.text and stands_alone(d.text) and material.shown.english(d.evidence)
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


_AT_LEAST = re.compile(r"\b(?:from|starting|starts|up to|plus|additional|over)\b", re.IGNORECASE)
_IN_CHARGE = re.compile(r"\b(?:Head|Lead|VP|Director|Chief|C[A-Z]O)\b")


class Answers:
    """Each objection gets the best line that answers it and is left; where there is none it says so."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.used: set[tuple[EvidenceId, ...]] = set()

    def to(self, category: str, objection: str, words: re.Pattern[str], ask: str) -> Objection[Cite]:
        answer = next(filter(None, (find(words) for find in self._ways(category, words))), None)
        return Objection[Cite].model_validate(
            {
                "category": category,
                "objection": objection,
                "answer": (answer,) if answer else (),
                "no_proof_yet": answer is None,
                "ask": ask,
            }
        )

    def _ways(
        self, category: str, words: re.Pattern[str]
    ) -> Iterator[Callable[[re.Pattern[str]], Sentence[Cite] | None]]:
        """Where an answer may come from, the best first."""
        if category == "competitor":
            yield self._rival
        elif category == "authority":
            yield self._leader
        elif category == "price":
            yield self._saving if words is _SAVED else self._fixed_price
        elif words is _KEPT_SAFE:
            yield from (self._certificate, self._promise)
        if category != "authority":
            yield from (self._proof, self._voice, self._promise)

    def _certificate(self, _: re.Pattern[str]) -> Sentence[Cite] | None:
        held = [p for p in self.material.brief.vendor.proof_points if p.kind == "certification"]
        left = [p for p in held if p.evidence not in self.used and self.material.shown.english(p.evidence)]
        return self._take(quoted(left[0].text), left[0].evidence) if left else None

    def _saving(self, words: re.Pattern[str]) -> Sentence[Cite] | None:
        """What a customer saved; else what costs nothing to begin with."""
        return self._proof(words) or self._price(
            lambda price: price.plan.casefold() == "free" or bool(_FREE.search(price.terms)),
            "There is a way to begin that costs nothing. {plan}: {terms}",
        )

    def _fixed_price(self, _: re.Pattern[str]) -> Sentence[Cite] | None:
        return self._price(
            lambda price: bool(_BY_TIME.search(price.terms)) and not _AT_LEAST.search(price.terms), "{plan}: {terms}"
        )

    def _price(self, fits: Callable[[Price[EvidenceId]], bool], frame: str) -> Sentence[Cite] | None:
        """The price with the fewest words that fits."""
        prices = [price for offering in self.material.brief.vendor.offerings for price in offering.pricing]
        for price in sorted(filter(fits, prices), key=lambda price: len(price.terms)):
            short = len(price.terms.split()) <= MOST_WORDS
            if short and price.evidence not in self.used and self.material.shown.english(price.evidence):
                return self._take(frame.format(plan=price.plan, terms=price.terms), price.evidence)
        return None

    def _leader(self, words: re.Pattern[str]) -> Sentence[Cite] | None:
        """What someone in charge elsewhere says of the choice."""
        heads = [v for v in self.material.voices if v.function == "leadership" or _IN_CHARGE.search(v.role)]
        left = [v for v in heads if v.evidence not in self.used and words.search(v.quote)]
        return self._quote(left[0]) if left else None

    def _quote(self, voice: Voice) -> Sentence[Cite]:
        return self._take(f"{voice.person}, {voice.role} at {voice.company}: {quoted(voice.quote)}", voice.evidence)

    def _rival(self, _: re.Pattern[str]) -> Sentence[Cite] | None:
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

    def _voice(self, words: re.Pattern[str]) -> Sentence[Cite] | None:
        fits = [v for v in self.material.voices if v.evidence not in self.used and words.search(v.quote)]
        return self._quote(fits[0]) if fits else None

    def _promise(self, words: re.Pattern[str]) -> Sentence[Cite] | None:
        vendor, english = self.material.brief.vendor, self.material.shown.english
        told = [(v.title, v.text, v.evidence) for v in vendor.value_propositions]
        told += [
            (o.name, o.description, o.evidence) for o in vendor.offerings if len(o.name.split()) <= MOST_NAME_WORDS
        ]
        for title, text, evidence in told:
            fits = words.search(text) and len(text.split()) <= MOST_WORDS and english(evidence)
            if fits and evidence not in self.used:
                return self._take(f"{title}: {quoted(text)}", evidence)
        return None

    def _proof(self, words: re.Pattern[str]) -> Sentence[Cite] | None:
        fits = [p for p in self.material.proofs if p.evidence not in self.used and words.search(p.text)]
        return self._take(fits[0].text, fits[0].evidence) if fits else None

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
        else f"No point where a competitor is ahead was found on {read}; ask what they like about the tool they have.",
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
