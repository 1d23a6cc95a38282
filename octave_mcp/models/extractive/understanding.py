"""Infers a prospect's needs and likely buyers from the facts and signals on the prospect's pages."""

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
    ProspectFindings,
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
MAX_COUNTED_FACTS = 4
MAX_CONTACTS = 2
FOUNDERS = "Founders"

# Maps the topic of a fact to the need that the fact implies. For example, open jobs imply a need to hire. A need is
# inferred from facts only if no current signal shows this need.
_NEED_SHOWN_BY: dict[FactTopic, Need] = {
    "hiring": "hiring",
    "funding": "growth",
    "scale": "scale",
    "initiative": "speed",
    "compliance": "security",
    "technology": "integration",
}
# A fact on one of these topics makes the department that is most concerned with it a more likely buyer.
_FUNCTION_CONCERNED: dict[FactTopic, JobFunction] = {
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


def _summary(findings: ProspectFindings[EvidenceId], passages: Passages) -> Claim[Cite] | None:
    about = next(
        (fact for fact in findings.facts if fact.topic == "business" and passages.english(fact.evidence)), None
    )
    return Claim[Cite](text=about.text, evidence=passages.cites(about.evidence)) if about else None


def _pains(findings: ProspectFindings[EvidenceId], passages: Passages) -> Iterator[Pain[Cite]]:
    """Yield one pain for each need. Stated needs come first, then needs that signals and facts suggest."""
    by_need: dict[Need, list[Signal[EvidenceId]]] = {}
    recent = [signal for signal in findings.signals if passages.is_current(signal.evidence)]
    for signal in sorted(recent, key=lambda s: _weight(s, passages), reverse=True):
        by_need.setdefault(signal.need, []).append(signal)
    ranked = sorted(by_need.values(), key=lambda group: (-group[0].stated, -len(group), -_weight(group[0], passages)))
    current = [
        fact for fact in findings.facts if passages.is_current(fact.evidence) and _is_about_company(fact, passages)
    ]
    facts = sorted(current, key=lambda fact: -passages.recency(fact.evidence))
    inferred = [fact for fact in _first_per_need(facts) if _NEED_SHOWN_BY[fact.topic] not in by_need]
    for group in ranked[: MAX_PAINS - min(2, len(inferred))]:
        yield _pain(group[0].need, group[:3], passages, stated=group[0].stated)
    for fact in inferred[: max(2, MAX_PAINS - len(ranked))]:
        yield _pain(_NEED_SHOWN_BY[fact.topic], [fact], passages, stated=False)


def _is_about_company(fact: Fact[EvidenceId], passages: Passages) -> bool:
    """Whether the fact can be understood on its own and is about the company itself, not about its product."""
    if not passages.english(fact.evidence):
        return True
    sold = _TO_READERS.search(fact.text) or (fact.topic == "technology" and not cues.OUR_OWN.search(fact.text))
    return not sold and stands_alone(without_lead(fact.text))


def _weight(signal: Signal[EvidenceId], passages: Passages) -> float:
    """Return a score. It is highest if the signal is recent, has about 15 words and many keywords for its need."""
    words = len(signal.text.split())
    return (
        2 * passages.recency(signal.evidence)
        + len(cues.NEEDS[signal.need].findall(signal.text))
        - 0.05 * abs(words - 15)
    )


def _first_per_need(facts: Sequence[Fact[EvidenceId]]) -> list[Fact[EvidenceId]]:
    by_need: dict[Need, Fact[EvidenceId]] = {}
    for fact in facts:
        if fact.topic in _NEED_SHOWN_BY and (
            fact.topic != "technology" or len(cues.FACTS["technology"].findall(fact.text)) > 1
        ):
            by_need.setdefault(_NEED_SHOWN_BY[fact.topic], fact)
    return list(by_need.values())


def _pain(
    need: Need, findings: Sequence[Signal[EvidenceId] | Fact[EvidenceId]], passages: Passages, *, stated: bool
) -> Pain[Cite]:
    first = findings[0]
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
    evidence = tuple(dict.fromkeys(i for finding in findings for i in finding.evidence))
    return Pain[Cite](need=need, title=title_of(need), text=text, stated=stated, evidence=passages.cites(evidence))


def _buyers(brief: UnderstandingBrief, pains: Sequence[Pain[Cite]], passages: Passages) -> Iterator[Buyer[Cite]]:
    """Yield a buyer for each of the departments with the highest scores.

    People, jobs, facts and needs add to a department's score.
    """
    support: dict[JobFunction, list[Support]] = {}
    points: dict[JobFunction, float] = {}
    for function, finding in (*_jobs(brief), *_people(brief, passages)):
        support.setdefault(function, []).append(finding)
        # Cap the score, so that twenty open jobs in one department do not hide every other department.
        points[function] = min(6, points.get(function, 0) + (2 if isinstance(finding, Job) else 1))
    for fact in brief.reading.facts:
        if fact.topic in _FUNCTION_CONCERNED:
            function = _FUNCTION_CONCERNED[fact.topic]
            support.setdefault(function, []).append(fact)
            points[function] = points.get(function, 0) + (0.2 if len(support[function]) <= MAX_COUNTED_FACTS else 0)
    for pain in pains:
        for function, needs in cues.FUNCTION_NEEDS.items():
            if function in points and pain.need in needs[:3]:
                points[function] += 1.5
    points = _favoring_context(points, brief.context)
    ranked = sorted(points, key=lambda function: (-points[function], -len(support.get(function, ()))))
    for function in ranked[:MAX_BUYERS]:
        yield _buyer(function, support.get(function, []), pains, brief.company, passages)
    if not ranked and len(passages.passages):
        yield _default_buyer(brief.company)


def _jobs(brief: UnderstandingBrief) -> Iterator[tuple[JobFunction, Support]]:
    return ((job.function, job) for job in brief.reading.jobs)


def _people(brief: UnderstandingBrief, passages: Passages) -> Iterator[tuple[JobFunction, Support]]:
    """Yield the company's own people with their departments. Include founders only if no other leader is named."""
    employees = [person for person in brief.findings.people if person.employer is None and person.title]
    by_function: list[tuple[JobFunction, Support]] = [
        (function, person) for person in employees if (function := cues.function_of(person.title or ""))
    ]
    yield from by_function
    if all(function != "leadership" for function, _ in by_function):
        for founder in _founders(brief.reading, passages):
            yield "leadership", founder


def _founders(findings: ProspectFindings[EvidenceId], passages: Passages) -> Iterator[Person]:
    """Yield the founders that the pages' metadata names."""
    for fact in findings.facts:
        labelled = [passage for i in fact.evidence if (passage := passages.passage(i)) and passage.label == FOUNDERS]
        people = (name.strip(" .") for passage in labelled for name in passage.text.split(","))
        for name in filter(is_person, people):
            yield Person(name=name, title="Founder", where="leadership", employer=None, evidence=fact.evidence)


def _favoring_context(points: Mapping[JobFunction, float], context: str) -> dict[JobFunction, float]:
    """Raise the score of each department that the user's context names.

    The context alone is not evidence, so do not add a department that has no score.
    """
    return {
        function: value + (10 if cues.FUNCTIONS[function].search(context) else 0) for function, value in points.items()
    }


def _buyer(
    function: JobFunction,
    support: Sequence[Support],
    pains: Sequence[Pain[Cite]],
    company: str,
    passages: Passages,
) -> Buyer[Cite]:
    opening = next((finding for finding in support if isinstance(finding, Job)), None)
    people = [finding for finding in support if isinstance(finding, NamedPerson)]
    best = min(people, key=lambda person: (not _SENIOR.search(_title_of(person)), person.rank), default=None)
    needs = cues.FUNCTION_NEEDS[function]
    fitting_pain = min(
        (pain for pain in pains if pain.need in needs), key=lambda pain: needs.index(pain.need), default=None
    )
    is_named = best is not None and bool(_SENIOR.search(_title_of(best)))
    named = _contacts(best, people)
    evidence = [i for person in named for i in person.evidence] + [*(opening.evidence[:1] if opening else ())]
    evidence = evidence or [i for finding in support[:2] for i in finding.evidence]
    return Buyer[Cite](
        title=_title(best) if best else cues.FUNCTION_TITLES[function],
        contact=_contact(named),
        function=function,
        why_they_care=_why(opening, best, fitting_pain, company),
        inferred=not is_named,
        evidence=tuple(
            dict.fromkeys((*passages.cites(evidence), *(fitting_pain.evidence[:1] if fitting_pain else ())))
        ),
    )


def _contacts(best: Person | None, people: Sequence[Person]) -> list[Person]:
    """Return the people to contact: the best contact, and other people with the same title."""
    same = [person for person in people if best and (person.title, person.where) == (best.title, best.where)]
    return list({person.name: person for person in same}.values())[:MAX_CONTACTS]


def _contact(named: Sequence[Person]) -> str | None:
    names = " or ".join(person.name for person in named)
    return f"{names}, {named[0].title}" if named else None


def _title_of(person: Person) -> str:
    return person.title or ""


def _title(person: Person) -> str:
    """Return the title as it is written on the site.

    If the title is only a department, such as 'Engineering', return 'Engineering team', because the person may not be
    its leader.
    """
    title = _title_of(person)
    return title if _IS_JOB.search(title) else f"{title.split(', ')[0]} team"


def _why(opening: Job[EvidenceId] | None, person: Person | None, pain: Pain[Cite] | None, company: str) -> str:
    if person:
        evidence = statement("statements", "Named person", person=person.name, title=_title_of(person))
    elif opening:
        evidence = statement("statements", "Open position", company=company, title=opening.title)
    else:
        evidence = statement("statements", "Nobody named", company=company)
    return f"{evidence} {statement('statements', 'Need that fits', need=pain.title.lower())}" if pain else evidence


def _default_buyer(company: str) -> Buyer[Cite]:
    """Return the founder or CEO as the default buyer for a site that says almost nothing."""
    return Buyer[Cite](
        title=cues.FUNCTION_TITLES["leadership"],
        contact=None,
        function="leadership",
        why_they_care=statement("statements", "Too little", company=company),
        inferred=True,
        evidence=(Cite(passage=1),),
    )
