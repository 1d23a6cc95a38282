"""Testimonials: what named people say about the vendor, and who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.names import Person, attributed, customer_of_story, is_role, quoted_speaker
from octave_mcp.models.extractive.quoting import stands_alone
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# Pages that quote customers. Other pages also quote people who are not customers, such as investors and partners.
CUSTOMER_PAGES: frozenset[PageKind] = frozenset({"home", "customers", "case_study", "product", "pricing", "persona"})
MAX_SIGNATURE_WORDS = 12
# A long quotation yields one testimonial from its best sentences, up to three further testimonials, and up to four
# sentences that are cited as context.
MAX_EXTRA_TESTIMONIALS, MAX_CONTEXT = 3, 4
# If quotation marks enclose at most this many words, they mark a term, not speech.
MAX_TERM_WORDS = 4
# Number of words. If a sentence refers to an earlier sentence and has at most this many words, it is too vague: 'We
# love it so much.'
MAX_EMPTY = 5
# Matches the end of a quotation that began in an earlier sentence: '... it saves us hours every week,” says Ada.'
_INNER_END = re.compile(r"(?P<said>[^“”\"]{20,}?)[,.]?[”\"]")
_INNER = re.compile(r"[“\"](?P<said>[^“”\"]{20,}?)[,.]?[”\"]")
# A quotation inside a paragraph may be about anything, so it counts as praise only if it contains one of these words.
_POSITIVE = re.compile(
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
_NO_PRAISE = re.compile(
    r"^\W*(?:other times|for example|sometimes)\b|\b(?:(?:we|I) (?:recently|just) used?|we plan to|on a daily basis)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"\b(?:is|are|was|were|has|have|helps?|can|shared|said|says)\b")
_SAYS = r"(?:says|said|explains|explained|adds|added|notes|noted|recalls|recalled|tells us|told us|agrees|concludes)"


def testimonials(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    story = customer_of_story(page, vendor) if page.page.kind == "case_study" else None
    customer = story[0] if story else None
    for quote, signature, person in praises_in(page, vendor):
        best = _best_sentences(quote, vendor)
        if best and not _is_own(person, vendor):
            others = [line for line in quote if line not in best]
            strong = [line for line in others if _is_strong(line.text, vendor)][:MAX_EXTRA_TESTIMONIALS]
            context = [line for line in others if line not in strong][:MAX_CONTEXT]
            yield _testimonial(best, (signature, *context), person, customer)
            for line in strong:
                yield _testimonial([line], (signature,), person, customer)
    if page.page.kind in CUSTOMER_PAGES and not page.is_post:
        known = {} if customer is None else _people_by_name(page)
        for _, lines in groupby(page.lines, key=lambda line: line.block):
            yield from _testimonials_in_paragraph([*lines], known, customer, vendor)


def _is_own(person: Person, vendor: str) -> bool:
    """Whether the speaker works for the vendor. Praise by the vendor's own people proves nothing."""
    return has_words(vendor, f"{person.name}, {person.company or ''}")


def praises_in(page: ReadPage, vendor: str) -> Iterator[tuple[list[Line], Line, Person]]:
    """Yield each quotation with its attribution line and its speaker.

    On pages that also quote people who are not customers, a quotation must name the vendor. A quotation ends before
    the first paragraph that contains the author's own text.
    """
    if page.page.kind in {"news", "about", "careers"} or (page.page.kind == "product" and page.is_post):
        return
    quote: list[Line] = []
    for _, lines in groupby(page.lines, key=lambda line: line.block):
        block = [*lines]
        signs = quote and (block[0].form == "attribution" or _is_signature(block[0]))
        person = attributed(block[0].text) if signs else None
        if person and (page.page.kind in CUSTOMER_PAGES or any(has_words(vendor, line.text) for line in quote)):
            yield quote, block[0], person
        # An empty line separates two different block quotations. Drop the first one, because it has no attribution.
        is_separate = block[0].form == "quote" and block[0].detached
        so_far = [line for line in quote if line.form == block[0].form and not is_separate]
        quote = [*so_far, *block] if all(line.spoken for line in block) and not person else []


def _is_signature(line: Line) -> bool:
    """Whether a line is an attribution without the markup for attributions: '- Ada Lovelace, Analyst at Acme'."""
    is_short = (
        len(line.text.split()) <= MAX_SIGNATURE_WORDS
        and not line.text.endswith(":")
        and not _SENTENCE.search(line.text)
    )
    person = attributed(line.text) if is_short else None
    return bool(person and person.role and is_role(person.role))


def _people_by_name(page: ReadPage) -> dict[str, tuple[Person, Line]]:
    """Return each quoted person whose job title is known, with the line that names the person.

    Each person has three keys: the full name, the first name and the last name.
    """
    known: dict[str, tuple[Person, Line]] = {}
    for line in page.lines:
        person = attributed(line.text) if line.form == "attribution" else quoted_speaker(line.text)
        if person and person.role:
            for name in (person.name, person.name.split()[0], person.name.split()[-1]):
                known.setdefault(name, (person, line))
    return known


def _testimonials_in_paragraph(
    block: Sequence[Line], known: Mapping[str, tuple[Person, Line]], customer: str | None, vendor: str
) -> Iterator[ProofPoint[Cite]]:
    """Yield the praise in a paragraph that quotes somebody.

    `known` maps names to people. A story introduces its speakers once, and then uses only the first or the last name.
    """
    person, introduction = _speaker(block, known)
    if person is None or _is_own(person, vendor):
        return
    for line in block:
        speech = _speech(line)
        if speech and praises(speech, vendor) and _POSITIVE.search(speech):
            context = [other for other in block if other is not line and other.quotes][:MAX_CONTEXT]
            yield _testimonial([line], (*introduction, *context), person, customer).model_copy(update={"text": speech})


def _speaker(block: Sequence[Line], known: Mapping[str, tuple[Person, Line]]) -> tuple[Person | None, tuple[Line, ...]]:
    """Return the speaker of a paragraph and the line that introduces the speaker.

    If a story quotes only one person, quotations without a speaker are attributed to that person.
    """
    if not any(line.form == "sentence" and re.search(r"[“\"]", line.text) for line in block):
        return None, ()
    for line in block:
        if (named := quoted_speaker(line.text)) and named.role:
            return named, ()
    mentioned = _mentioned(" ".join(line.narrated for line in block), known)
    people = {person for person, _ in known.values()}
    is_quotation = all(line.spoken for line in block) and re.match(r"[“\"]", block[0].text)
    if mentioned[0] is None and len(people) == 1 and is_quotation:
        person, line = next(iter(known.values()))
        return person, (line,)
    return mentioned


def _speech(line: Line) -> str:
    """Return the part of a sentence that is direct speech, or '' if there is none."""
    if line.form != "sentence":
        return ""
    if line.spoken:
        return line.text.strip('“”" ') if len(line.text.split()) > MAX_TERM_WORDS else ""
    inner = _INNER.search(line.text) or _INNER_END.match(line.text)
    return inner["said"] if inner else ""


def _mentioned(narrated: str, known: Mapping[str, tuple[Person, Line]]) -> tuple[Person | None, tuple[Line, ...]]:
    for name, (person, line) in known.items():
        if re.search(rf"\b{re.escape(name)}\s+{_SAYS}\b|\b{_SAYS}\s+{re.escape(name)}\b", narrated):
            return person, (line,)
    return None, ()


def praises(text: str, vendor: str) -> bool:
    """Whether a sentence names the vendor or says what the speakers themselves ('we', not 'they') gained."""
    if _NO_PRAISE.search(text):
        return False
    named = has_words(vendor, text)
    gained = cues.BENEFIT.search(text) or cues.MEASURED.search(text)
    own = re.search(r"\b(?:we|our|us|I|my)\b", text) and not re.search(r"\b(?:they|them|their)\b", text, re.IGNORECASE)
    return named or bool(gained and own and not cues.GRUMBLES.search(text))


def _is_strong(text: str, vendor: str) -> bool:
    """Whether a sentence names the vendor, and also a benefit, an outcome or a measured change."""
    gain = cues.BENEFIT.search(text) or cues.OUTCOME.search(text) or cues.MEASURED.search(text)
    clear = stands_alone(text) and len(text.split()) > 5 and not cues.GRUMBLES.search(text)
    return bool(gain) and clear and has_words(vendor, text)


def _best_sentences(quote: Sequence[Line], vendor: str) -> list[Line]:
    """Return the sentence with the most praise, or [] if there is no praise.

    If the sentence with the most praise is short, also return a short sentence next to it.

    If a sentence refers to an earlier sentence ('It saved us hours'), return both sentences.
    """
    candidates = [index for index, line in enumerate(quote) if praises(line.text, vendor)]
    if not candidates:
        return []

    def score(index: int) -> float:
        text = quote[index].text
        figures = 2 * bool(cues.MEASURED.search(text))
        return len(cues.BENEFIT.findall(text)) + figures + 2 * has_words(vendor, text) - 0.1 * index

    best = max(candidates, key=score)
    first = best - 1 if best and not stands_alone(quote[best].text) else best
    pair = quote[first : first + 2]
    chosen = [*pair] if sum(len(line.text.split()) for line in pair) <= 40 else [quote[best]]
    return chosen if len(chosen) > 1 or stands_alone(chosen[0].text) or len(chosen[0].text.split()) > MAX_EMPTY else []


def _testimonial(
    lines: Sequence[Line], context: Sequence[Line], person: Person, customer: str | None
) -> ProofPoint[Cite]:
    return ProofPoint[Cite](
        kind="testimonial",
        text=" ".join(line.text for line in lines).strip('“”" '),
        person=person.name,
        role=person.role,
        company=person.company or customer,
        evidence=tuple(dict.fromkeys(line.cite for line in (*lines, *context))),
    )
