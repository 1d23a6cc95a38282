"""What the prospect's readings add up to: needs, and the jobs at which they land."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from octave_mcp.domain.asks import UnderstandingBrief
from octave_mcp.domain.evidence import Cite, Claim, EvidenceId
from octave_mcp.domain.findings import NamedPerson
from octave_mcp.domain.prospect import (
    Buyer,
    Fact,
    FactTopic,
    Job,
    JobFunction,
    Need,
    Pain,
    ProspectReading,
    Signal,
    Understanding,
)
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.names import is_person
from octave_mcp.models.extractive.outlines import statement, title_of
from octave_mcp.models.extractive.passages import Passages
from octave_mcp.models.extractive.quoting import MAX_FOREIGN_CHARACTERS, quoted, stands_alone, without_lead

_SENIOR = re.compile(
    r"\b(?:head|VP|vice president|chief|director|lead|manager|C[A-Z]O|founder|co-?founder|owner|president)\b",
    re.IGNORECASE,
)
_TO_READERS = re.compile(r"\b(?:you|your)\b|^(?:running|using|adding)\b", re.IGNORECASE)
_IS_JOB = re.compile(
    rf"{_SENIOR.pattern}|\b(?:(?!(?:customer|user)s?\b)\w+(?:er|or|ist|ian)|analyst|architect|assistant|associate|"
    rf"consultant|executive|partner|"
    r"representative|rep|scientist|staff|intern|chair\w*|member|PM)s?\b",
    re.IGNORECASE,
)
MAX_PAINS = 6
MAX_BUYERS = 3
MAX_HINTS = 4
MAX_CONTACTS = 2
FOUNDERS = "Founders"

_SHOWS: dict[FactTopic, Need] = {
    "hiring": "hiring",
    "funding": "growth",
    "scale": "scale",
    "initiative": "speed",
    "compliance": "security",
    "technology": "integration",
}
_WHERE: dict[FactTopic, JobFunction] = {
    "technology": "engineering",
    "funding": "leadership",
    "business": "leadership",
    "scale": "operations",
    "compliance": "security",
}


Person = NamedPerson[EvidenceId]
Support = Job[EvidenceId] | Person | Fact[EvidenceId]


def understanding(brief: UnderstandingBrief, passages: Passages) -> Understanding[Cite]:
    pains = tuple(_pains(brief.reading, passages))
    return Understanding[Cite](
        summary=_summary(brief.reading, passages), pains=pains, buyers=tuple(_buyers(brief, pains, passages))
    )


def _summary(reading: ProspectReading[EvidenceId], passages: Passages) -> Claim[Cite] | None:
    about = next((fact for fact in reading.facts if fact.topic == "business" and passages.english(fact.evidence)), None)
    return Claim[Cite](text=about.text, evidence=passages.cites(about.evidence)) if about else None


def _pains(reading: ProspectReading[EvidenceId], passages: Passages) -> Iterator[Pain[Cite]]:
    """One for each need: what the company states first, then what its signals and facts show."""
    found: dict[Need, list[Signal[EvidenceId]]] = {}
    recent = [signal for signal in reading.signals if passages.is_current(signal.evidence)]
    for signal in sorted(recent, key=lambda s: _weight(s, passages), reverse=True):
        found.setdefault(signal.need, []).append(signal)
    ranked = sorted(found.values(), key=lambda group: (-group[0].stated, -len(group), -_weight(group[0], passages)))
    current = [fact for fact in reading.facts if passages.is_current(fact.evidence) and _is_telling(fact, passages)]
    facts = sorted(current, key=lambda fact: -passages.recency(fact.evidence))
    inferred = [fact for fact in _inferring(facts) if _SHOWS[fact.topic] not in found]
    for group in ranked[: MAX_PAINS - min(2, len(inferred))]:
        yield _pain(group[0].need, group[:3], passages, stated=group[0].stated)
    for fact in inferred[: max(2, MAX_PAINS - len(ranked))]:
        yield _pain(_SHOWS[fact.topic], [fact], passages, stated=False)


def _is_telling(fact: Fact[EvidenceId], passages: Passages) -> bool:
    """Whether a fact is of the company, in a line that stands alone: what its product does is no need of its own."""
    if not passages.english(fact.evidence):
        return True
    sold = _TO_READERS.search(fact.text) or (fact.topic == "technology" and not cues.OUR_OWN.search(fact.text))
    return not sold and stands_alone(without_lead(fact.text))


def _weight(signal: Signal[EvidenceId], passages: Passages) -> float:
    """Recent, short and in words that fit the need."""
    words = len(signal.text.split())
    return (
        2 * passages.recency(signal.evidence)
        + len(cues.NEEDS[signal.need].findall(signal.text))
        - 0.05 * abs(words - 15)
    )


def _inferring(facts: Sequence[Fact[EvidenceId]]) -> list[Fact[EvidenceId]]:
    first: dict[Need, Fact[EvidenceId]] = {}
    for fact in facts:
        if fact.topic in _SHOWS and (
            fact.topic != "technology" or len(cues.FACTS["technology"].findall(fact.text)) > 1
        ):
            first.setdefault(_SHOWS[fact.topic], fact)
    return list(first.values())


def _pain(
    need: Need, said: Sequence[Signal[EvidenceId] | Fact[EvidenceId]], passages: Passages, *, stated: bool
) -> Pain[Cite]:
    first = said[0]
    english = passages.english(first.evidence)
    quotable = "“" not in first.text and (english or len(first.text) <= MAX_FOREIGN_CHARACTERS)
    stated = stated and quotable and english
    if stated:
        text = without_lead(first.text)
    elif quotable:
        quotation = quoted(without_lead(first.text))
        text = statement("statements", "Inferred need", need=title_of(need), quotation=quotation)
    else:
        text = statement("statements", "Inferred need without a quotation", need=title_of(need))
    evidence = tuple(dict.fromkeys(i for finding in said for i in finding.evidence))
    return Pain[Cite](need=need, title=title_of(need), text=text, stated=stated, evidence=passages.cites(evidence))


def _buyers(brief: UnderstandingBrief, pains: Sequence[Pain[Cite]], passages: Passages) -> Iterator[Buyer[Cite]]:
    """The job functions that the site shows and the needs point to, the best supported first."""
    support: dict[JobFunction, list[Support]] = {}
    points: dict[JobFunction, float] = {}
    for function, found in (*_jobs(brief), *_people(brief, passages)):
        support.setdefault(function, []).append(found)
        points[function] = min(6, points.get(function, 0) + (2 if isinstance(found, Job) else 1))
    for fact in brief.reading.facts:
        if fact.topic in _WHERE:
            function = _WHERE[fact.topic]
            support.setdefault(function, []).append(fact)
            points[function] = points.get(function, 0) + (0.2 if len(support[function]) <= MAX_HINTS else 0)
    for pain in pains:
        for function, needs in cues.FUNCTION_NEEDS.items():
            if function in points and pain.need in needs[:3]:
                points[function] += 1.5
    points = _asked_for(points, brief.context)
    ranked = sorted(points, key=lambda function: (-points[function], -len(support.get(function, ()))))
    for function in ranked[:MAX_BUYERS]:
        yield _buyer(function, support.get(function, []), pains, brief.company, passages)
    if not ranked and len(passages.passages):
        yield _leader(brief.company)


def _jobs(brief: UnderstandingBrief) -> Iterator[tuple[JobFunction, Support]]:
    return ((job.function, job) for job in brief.reading.jobs)


def _people(brief: UnderstandingBrief, passages: Passages) -> Iterator[tuple[JobFunction, Support]]:
    """The company's own people by their job functions; founders without a title lead it."""
    own = [person for person in brief.findings.people if person.employer is None and person.title]
    found: list[tuple[JobFunction, Support]] = [
        (function, person) for person in own if (function := cues.function_of(person.title or ""))
    ]
    yield from found
    if all(function != "leadership" for function, _ in found):
        for founder in _founders(brief.reading, passages):
            yield "leadership", founder


def _founders(reading: ProspectReading[EvidenceId], passages: Passages) -> Iterator[Person]:
    """Those whom the site's pages name as founders."""
    for fact in reading.facts:
        shown = [passage for i in fact.evidence if (passage := passages.passage(i)) and passage.label == FOUNDERS]
        people = (name.strip(" .") for passage in shown for name in passage.text.split(","))
        for name in filter(is_person, people):
            yield Person(name=name, title="Founder", where="leadership", employer=None, evidence=fact.evidence)


def _asked_for(points: Mapping[JobFunction, float], context: str) -> dict[JobFunction, float]:
    """A function that the user names comes first; what the user says is no evidence, so it must have some."""
    return {function: own + (10 if cues.FUNCTIONS[function].search(context) else 0) for function, own in points.items()}


def _buyer(
    function: JobFunction,
    support: Sequence[Support],
    pains: Sequence[Pain[Cite]],
    company: str,
    passages: Passages,
) -> Buyer[Cite]:
    opening = next((finding for finding in support if isinstance(finding, Job)), None)
    people = [finding for finding in support if isinstance(finding, NamedPerson)]
    held = min(people, key=lambda person: (not _SENIOR.search(_title_of(person)), person.rank), default=None)
    wanted = cues.FUNCTION_NEEDS[function]
    own = min((pain for pain in pains if pain.need in wanted), key=lambda pain: wanted.index(pain.need), default=None)
    is_named = held is not None and bool(_SENIOR.search(_title_of(held)))
    named = _named(held, people)
    evidence = [i for person in named for i in person.evidence] + [*(opening.evidence[:1] if opening else ())]
    evidence = evidence or [i for finding in support[:2] for i in finding.evidence]
    return Buyer[Cite](
        title=_title(held) if held else cues.FUNCTION_TITLES[function],
        contact=_contact(named),
        function=function,
        why_they_care=_why(opening, held, own, company),
        inferred=not is_named,
        evidence=tuple(dict.fromkeys((*passages.cites(evidence), *(own.evidence[:1] if own else ())))),
    )


def _named(held: Person | None, people: Sequence[Person]) -> list[Person]:
    """Who to write to; both, where two people have the one title."""
    same = [person for person in people if held and (person.title, person.where) == (held.title, held.where)]
    return list({person.name: person for person in same}.values())[:MAX_CONTACTS]


def _contact(named: Sequence[Person]) -> str | None:
    names = " or ".join(person.name for person in named)
    return f"{names}, {named[0].title}" if named else None


def _title_of(person: Person) -> str:
    return person.title or ""


def _title(held: Person) -> str:
    """As the site gives it; a department is no title, and whoever is in it does not lead it."""
    title = _title_of(held)
    return title if _IS_JOB.search(title) else f"{title.split(', ')[0]} team"


def _why(opening: Job[EvidenceId] | None, held: Person | None, own: Pain[Cite] | None, company: str) -> str:
    if held:
        seen = statement("statements", "Named person", person=held.name, title=_title_of(held))
    elif opening:
        seen = statement("statements", "Open position", company=company, title=opening.title)
    else:
        seen = statement("statements", "Nobody named", company=company)
    return f"{seen} {statement('statements', 'Need that fits', need=own.title.lower())}" if own else seen


def _leader(company: str) -> Buyer[Cite]:
    """The one to ask where the site says next to nothing."""
    return Buyer[Cite](
        title=cues.FUNCTION_TITLES["leadership"],
        contact=None,
        function="leadership",
        why_they_care=statement("statements", "Too little", company=company),
        inferred=True,
        evidence=(Cite(passage=1),),
    )
