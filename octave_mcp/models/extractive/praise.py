"""Praise by people with a name: what they say of the vendor, and who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.names import Person, attributed, customer_of_story, is_role, said_by
from octave_mcp.models.extractive.quoting import stands_alone
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# Pages on which who is quoted is a customer; elsewhere investors, partners and strangers are quoted too.
OF_CUSTOMERS: frozenset[PageKind] = frozenset({"home", "customers", "case_study", "product", "pricing", "persona"})
MAX_SIGNATURE_WORDS = 12
# Sentences of one quotation besides the best: praise of its own, and what is cited with the best.
MOST_MORE, MOST_AROUND = 3, 4
MAX_LABEL_WORDS = 4
# What points back and has no more words says nothing.
LEAST_ALONE = 5
_INNER_END = re.compile(r"(?P<said>[^“”\"]{20,}?)[,.]?[”\"]")
_INNER = re.compile(r"[“\"](?P<said>[^“”\"]{20,}?)[,.]?[”\"]")
_GLAD = re.compile(
    r"\b(?:best|better|great\w*|lov\w+|easy|easier|easily|help(?:s|ed|ful)|super|no-brainer|amaz\w+|perfect\w*|fast\w*|"
    r"everything (?:we|I|you) need|one place|only (?:tool|platform|product|one|all)|invaluable|powerful|magic\w*|"
    r"robust|"
    r"recommend\w*|impress\w*|happy|glad|confiden\w+|sav(?:e|es|ed|ing)|improv\w+|favou?rite|crucial|essential|"
    r"simpl\w+|"
    r"intuitive|seamless\w*|reliable|fantastic|excellent|awesome|incredibl\w+|game[- ]chang\w+|peace of mind|trust|"
    r"enabl\w+|reins in|delight\w*|advantage|flexib\w+|benefits?|works? (?:well|perfectly|so well)|all[- ]in[- ]one|"
    r"valuable|miles ahead|discover\w+|huge|grateful|wonderful|smooth\w*|ridiculous|couldn['’]t (?:have|live)|"
    r"wouldn['’]t (?:have|go))\b|\b10x",
    re.IGNORECASE,
)
# What people do with it, or are going to do.
_NO_PRAISE = re.compile(
    r"^\W*(?:other times|for example|sometimes)\b|\b(?:(?:we|I) (?:recently|just) used?|we plan to|on a daily basis)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"\b(?:is|are|was|were|has|have|helps?|can|shared|said|says)\b")
_SAYS = r"(?:says|said|explains|explained|adds|added|notes|noted|recalls|recalled|tells us|told us|agrees|concludes)"


def testimonials(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    story = customer_of_story(page, vendor) if page.page.kind == "case_study" else None
    customer = story[0] if story else None
    for quote, line, person in praises_in(page, vendor):
        best = _two_best(quote, vendor)
        if best and not _is_own(person, vendor):
            others = [said for said in quote if said not in best]
            strong = [said for said in others if _is_strong(said.text, vendor)][:MOST_MORE]
            around = [said for said in others if said not in strong][:MOST_AROUND]
            yield _testimonial(best, (line, *around), person, customer)
            for more in strong:
                yield _testimonial([more], (line,), person, customer)
    if page.page.kind in OF_CUSTOMERS and not page.is_post:
        known = {} if customer is None else _people_by_name(page)
        for _, lines in groupby(page.lines, key=lambda line: line.block):
            yield from _spoken([*lines], known, customer, vendor)


def _is_own(person: Person, vendor: str) -> bool:
    """Whether the speaker works for the vendor, or is a product of its: their praise proves nothing."""
    return has_words(vendor, f"{person.name}, {person.company or ''}")


def praises_in(page: ReadPage, vendor: str) -> Iterator[tuple[list[Line], Line, Person]]:
    """Quotations with the line under them that says whose they are; on other pages only those naming the vendor.

    A paragraph that tells in between who speaks is no part of them.
    """
    if page.page.kind in {"news", "about", "careers"} or (page.page.kind == "product" and page.is_post):
        return
    quote: list[Line] = []
    for _, lines in groupby(page.lines, key=lambda line: line.block):
        block = [*lines]
        person = attributed(block[0].text) if quote and (block[0].form == "attribution" or _signs(block[0])) else None
        if person and (page.page.kind in OF_CUSTOMERS or any(has_words(vendor, said.text) for said in quote)):
            yield quote, block[0], person
        is_next = block[0].form == "quote" and block[0].apart  # of a row of quotations, the first without a name
        goes_on = [line for line in quote if line.form == block[0].form and not is_next]
        quote = [*goes_on, *block] if all(line.spoken for line in block) and not person else []


def _signs(line: Line) -> bool:
    """'- Ada Lovelace, Analyst at Engine Works', where the page marks no attribution."""
    is_short = (
        len(line.text.split()) <= MAX_SIGNATURE_WORDS
        and not line.text.endswith(":")
        and not _SENTENCE.search(line.text)
    )
    person = attributed(line.text) if is_short else None
    return bool(person and person.role and is_role(person.role))


def _people_by_name(page: ReadPage) -> dict[str, tuple[Person, Line]]:
    """Who the page quotes with name and job, by full, first and last name."""
    found: dict[str, tuple[Person, Line]] = {}
    for line in page.lines:
        person = attributed(line.text) if line.form == "attribution" else said_by(line.text)
        if person and person.role:
            for name in (person.name, person.name.split()[0], person.name.split()[-1]):
                found.setdefault(name, (person, line))
    return found


def _spoken(
    block: Sequence[Line], known: Mapping[str, tuple[Person, Line]], customer: str | None, vendor: str
) -> Iterator[ProofPoint[Cite]]:
    """A paragraph with a quotation and who says it; a story's speaker is later called by the first name alone."""
    person, more = _speaker(block, known)
    if person is None or _is_own(person, vendor):
        return
    for line in block:
        said = _words_of(line)
        if said and praises(said, vendor) and _GLAD.search(said):
            around = [other for other in block if other is not line and other.quotes][:MOST_AROUND]
            yield _testimonial([line], (*more, *around), person, customer).model_copy(update={"text": said})


def _speaker(block: Sequence[Line], known: Mapping[str, tuple[Person, Line]]) -> tuple[Person | None, tuple[Line, ...]]:
    """Who speaks in a paragraph. Where a story quotes one person only, all its quotations are theirs."""
    if not any(line.form == "sentence" and re.search(r"[“\"]", line.text) for line in block):
        return None, ()
    for line in block:
        if (named := said_by(line.text)) and named.role:
            return named, ()
    again = _again(" ".join(line.narrated for line in block), known)
    people = {person for person, _ in known.values()}
    is_quotation = all(line.spoken for line in block) and re.match(r"[“\"]", block[0].text)
    if again[0] is None and len(people) == 1 and is_quotation:
        person, line = next(iter(known.values()))
        return person, (line,)
    return again


def _words_of(line: Line) -> str:
    """What of a sentence is somebody's words."""
    if line.form != "sentence":
        return ""
    if line.spoken:
        return line.text.strip('“”" ') if len(line.text.split()) > MAX_LABEL_WORDS else ""
    inner = _INNER.search(line.text) or _INNER_END.match(line.text)
    return inner["said"] if inner else ""


def _again(narrated: str, known: Mapping[str, tuple[Person, Line]]) -> tuple[Person | None, tuple[Line, ...]]:
    for name, (person, line) in known.items():
        if re.search(rf"\b{re.escape(name)}\s+{_SAYS}\b|\b{_SAYS}\s+{re.escape(name)}\b", narrated):
            return person, (line,)
    return None, ()


def praises(text: str, vendor: str) -> bool:
    """Whether a sentence speaks well of the vendor: by its name, or of what the speaker gained, and not of others."""
    if _NO_PRAISE.search(text):
        return False
    named = has_words(vendor, text)
    gained = cues.BENEFIT.search(text) or cues.MEASURED.search(text)
    own = re.search(r"\b(?:we|our|us|I|my)\b", text) and not re.search(r"\b(?:they|them|their)\b", text, re.IGNORECASE)
    return named or bool(gained and own and not cues.GRUMBLES.search(text))


def _is_strong(text: str, vendor: str) -> bool:
    """Whether a sentence is praise by itself: it names the vendor and a benefit, or what changed by how much."""
    told = cues.BENEFIT.search(text) or cues.OUTCOME.search(text) or cues.MEASURED.search(text)
    clear = stands_alone(text) and len(text.split()) > 5 and not cues.GRUMBLES.search(text)
    return bool(told) and clear and has_words(vendor, text)


def _two_best(quote: Sequence[Line], vendor: str) -> list[Line]:
    """The sentence of a quotation that praises most, with its neighbour if both are short; none if none does.

    What points back is quoted with the sentence before it, where there is room.
    """
    good = [at for at, line in enumerate(quote) if praises(line.text, vendor)]
    if not good:
        return []

    def points(at: int) -> float:
        text = quote[at].text
        figures = 2 * bool(cues.MEASURED.search(text))
        return len(cues.BENEFIT.findall(text)) + figures + 2 * has_words(vendor, text) - 0.1 * at

    best = max(good, key=points)
    first = best - 1 if best and not stands_alone(quote[best].text) else best
    pair = quote[first : first + 2]
    chosen = [*pair] if sum(len(line.text.split()) for line in pair) <= 40 else [quote[best]]
    return (
        chosen if len(chosen) > 1 or stands_alone(chosen[0].text) or len(chosen[0].text.split()) > LEAST_ALONE else []
    )


def _testimonial(lines: Sequence[Line], more: Sequence[Line], person: Person, customer: str | None) -> ProofPoint[Cite]:
    return ProofPoint[Cite](
        kind="testimonial",
        text=" ".join(line.text for line in lines).strip('“”" '),
        person=person.name,
        role=person.role,
        company=person.company or customer,
        evidence=tuple(dict.fromkeys(line.cite for line in (*lines, *more))),
    )
