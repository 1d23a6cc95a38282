"""Case studies: a customer's challenge, how the customer used the vendor's product, and the results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.vendor import CaseStudy
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.claims import claim
from octave_mcp.models.extractive.names import customer_of_story, fact_of, listed_story
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section

_EARLIER = re.compile(
    r"\W*(?:before|prior to|until|previously|originally|initially|in (?:late |early )?\d{4})\b", re.IGNORECASE
)
_CHALLENGE_HEADING = re.compile(r"challenge|problem|before|background|^about|situation", re.IGNORECASE)
# Words for a problem. 'Problem spaces' and 'limited to' do not match, because they are not about a problem.
_TROUBLE = re.compile(
    r"\b(?:challeng\w+|problems?(?! spaces?)|struggl\w+|difficult\w*|hard to|issues?|wasn['’]t|weren['’]t|couldn['’]t|"
    r"didn['’]t|"
    r"lack(?:ed|ing|s)?|limit(?:ed(?! to)|ations?|ing)|fragmented|incomplete|manual(?:ly)?|frustrat\w+|slow(?:ed|er)?|"
    r"unable|"
    r"pain\w*|bottlenecks?|complex|costly|expensive|nobody|no (?:way|one|unified|visibility|clear)|by hand|"
    r"spreadsheets?|too (?:slow|many|much|expensive|complex|long|few|hard|old)|had to|needed (?:a|an|something)|"
    r"outgrew|wasted|errors?|friction|hours (?:a|each|every|per))\b",
    re.IGNORECASE,
)
_TO_READERS = re.compile(r"\b(?:[Ll]earn how|[Ss]ign up|[Yy]ou|[Yy]our|[Rr]ead)\b|\?[”\"]?$")
_GAINED = re.compile(
    r"\b(?:(?:has|have|['’]s|really) helped|helped|helps us|enabled?|enables us|allow(?:s|ed) us|lets us|gives us|"
    r"gave us|"
    r"sav(?:es?|ed)|improved|reduced|increased|cut|doubled|(?:we['’]re|are|were|now) able to|now (?:we|they|it)|"
    r"no longer|grew|boosted|"
    r"led to|resulted in|as a result)\b",
    re.IGNORECASE,
)
# Maximum numbers of results with and without a figure, per story. The maximum is higher for results with a figure,
# because they are worth more than praise.
MAX_MEASURED, MAX_PRAISED = 6, 3


def case_studies(pages: Sequence[ReadPage], vendor: str) -> Iterator[CaseStudy[Cite]]:
    for page in pages:
        story = customer_of_story(page, vendor) if page.page.kind == "case_study" else None
        if story and page.headline:
            yield _case_study(page, page.headline, story[0], story[1], vendor)
    for page in pages:
        for section in page.sections:
            if section.heading and (name := listed_story(section.heading, page, vendor)):
                yield _announced_story(section.heading, section, name, vendor)


def _announced_story(headline: Line, section: Section, customer: str, vendor: str) -> CaseStudy[Cite]:
    """Return a story that is based only on its announcement: the headline and the next two lines.

    Each of these lines that states a measured result becomes a result of the story.
    """
    measured = [line for line in (headline, *section.lines[:2]) if _measured_score(line, vendor) > 1]
    return CaseStudy[Cite](
        customer=customer,
        headline=headline.text,
        industry=None,
        challenge=None,
        solution=None,
        results=tuple(claim(line, *([] if line == headline else [headline])) for line in measured),
        evidence=(headline.cite,),
    )


def _case_study(page: ReadPage, headline: Line, customer: str, named: Line, vendor: str) -> CaseStudy[Cite]:
    body = [line for line in page.prose if line.is_whole]
    # Stories usually describe the challenge in their first half, so only that half is searched, but at least six
    # sentences.
    challenge = _best(body[: max(6, len(body) // 2)], lambda line: _challenge_score(line, customer, vendor))
    solution = _best(body, lambda line: _solution_score(line, vendor) if line != challenge else 0)
    return CaseStudy[Cite](
        customer=customer,
        headline=headline.text,
        industry=fact_of(page, "Industr"),
        challenge=claim(challenge) if challenge else None,
        solution=claim(solution) if solution else None,
        results=tuple(claim(line) for line in _results(page, headline, customer, vendor, {challenge, solution})),
        evidence=tuple(dict.fromkeys((headline.cite, named.cite))),
    )


def _best(lines: Sequence[Line], score: Callable[[Line], float]) -> Line | None:
    best = max(lines, key=score, default=None)
    return best if best is not None and score(best) > 0 else None


def _challenge_score(line: Line, customer: str, vendor: str) -> float:
    trouble = len(_TROUBLE.findall(line.text)) + 2 * bool(_CHALLENGE_HEADING.search(line.heading))
    # Lower the score of sentences that name the vendor, because they are often about the solution. Also lower the score
    # of descriptions of the customer, because they usually state no problem.
    adjustment = (
        0.5 * has_words(customer, line.text)
        - 2 * has_words(vendor, line.text)
        - 3 * bool(cues.DESCRIPTION.search(line.text))
    )
    return trouble and bool(_TROUBLE.search(line.text)) and trouble + adjustment


def _solution_score(line: Line, vendor: str) -> float:
    if not has_words(vendor, line.text) or _EARLIER.match(line.text):
        return 0
    return (
        1
        + len(cues.ADOPTION.findall(line.text))
        - 0.5 * line.text.startswith(("“", '"'))
        - bool(cues.DESCRIPTION.search(line.text))
        - 2 * bool(_TO_READERS.search(line.text))
    )


def _results(page: ReadPage, headline: Line, customer: str, vendor: str, taken: set[Line | None]) -> list[Line]:
    """Return the results: first those with a figure, then praise that states a benefit.

    Each result names the customer, unless the page's title names the customer.
    """
    titled = has_words(customer, page.page.title)
    adopted = next((line.block for line in page.prose if _solution_score(line, vendor) > 1), 0)
    lines = [
        line
        for line in (headline, *page.prose)
        if line not in taken
        and (line == headline or (line.is_whole and _came_after(line, adopted, vendor)))
        and (titled or has_words(customer, line.text))
    ]
    measured = sorted(
        (line for line in lines if _measured_score(line, vendor) > 1), key=lambda line: -_measured_score(line, vendor)
    )
    scores = {line: _praise_score(line, vendor) for line in lines if line not in measured}
    praise = sorted((line for line, score in scores.items() if score), key=lambda line: -scores[line])
    return [*measured[:MAX_MEASURED], *praise[:MAX_PRAISED]]


def _came_after(line: Line, adopted: int, vendor: str) -> bool:
    """Whether a line can be a result.

    The line must name the vendor, or come after the line in which the customer adopts the product. Lines about the time
    before the adoption do not count.
    """
    is_after = has_words(vendor, line.text) or line.block >= adopted
    return is_after and not _CHALLENGE_HEADING.search(line.heading) and not _EARLIER.match(line.text)


def _measured_score(line: Line, vendor: str) -> float:
    if not cues.MEASURED.search(line.text) or _TO_READERS.search(line.text):
        return 0
    score = len(cues.CHANGE.findall(line.text)) + 0.5 * has_words(vendor, line.text) + (line.form == "heading")
    return (
        score + bool(re.search(r"\d\s?(?:%|percent|x\b|X)", line.text)) - 2 * bool(cues.DESCRIPTION.search(line.text))
    )


def _praise_score(line: Line, vendor: str) -> float:
    spoken = line.form == "quote" or line.text.startswith(("“", '"')) or bool(cues.PRAISE_VERB.search(line.text))
    benefits = len(cues.BENEFIT.findall(line.text))
    gained = _GAINED.search(line.text)
    if not gained or cues.GRUMBLES.search(line.text) or _TO_READERS.search(line.text):
        return 0
    return spoken and benefits and benefits + len(cues.OUTCOME.findall(line.text)) + has_words(vendor, line.text)
