"""Rules on names in claims: the evidence must contain the names (D4) and be about the right company (D6, D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.company import Role
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.lexicon import FIRST_PERSON, LIGHT_VERBS
from octave_mcp.evidence.support.naming import has_name, is_plain_word, is_shaped, names, starts, strange
from octave_mcp.evidence.support.openers import is_lower, likely_names
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Quoted, Statement, hard, language_of, soft
from octave_mcp.evidence.support.wording import Word, Wording, is_among, joined, normalised, shares, wording

_MODALS = frozenset("could would might may can".split())


def unquoted_names(statement: Statement) -> Iterator[Problem]:
    """Reject names that are not in a quotation, its passage, its heading or its page title.

    If the claim is not a fact, names from the user's context are accepted, too. Names that can also be ordinary words
    are flagged instead of rejected.
    """
    claimed = _claimed_names(statement)
    likely = (
        tuple(name for name in likely_names(statement.text) if not is_lower(name, statement.context))
        if statement.is_readable
        else ()
    )
    if not claimed and not likely:
        return
    sources = [text for q in statement.evidence for text in (q.text, q.title, q.heading, q.around)]
    sources += statement.free_names
    if statement.kind != "fact":
        sources += (statement.context, *statement.shown)
    verbs = _verbs_before_companies(statement)
    missing = _join_neighbours(
        statement.text, [name for name in strange((*claimed, *likely), sources) if name not in verbs]
    )
    for name in missing:
        in_context = statement.kind == "fact" and has_name(name, statement.context)
        only = "is only in the context, and the context is not evidence"
        complaint = only if in_context else "is not in the evidence"
        is_doubtful = (
            name in likely
            or _is_abbreviation(name)
            or _is_unnamed_speaker(statement, name)
            or _may_be_a_noun(statement.text, name)
            or (statement.kind in {"copy", "question"} and _only_starts_sentences(statement.text, name))
        )
        is_doubtful = is_doubtful and not in_context
        yield from (soft if is_doubtful else hard)("D4", f"the name {name!r} {complaint}")


def _claimed_names(statement: Statement) -> tuple[str, ...]:
    claimed = names(statement.text)
    # German capitalises all nouns, so a capital letter alone does not show that a German word is a name.
    if claimed and language_of(statement.text) == "de":
        claimed = tuple(name for name in claimed if is_shaped(name))
    if statement.kind != "fact":
        titles = " ".join(
            match[0] for match in _CAPITALISED_SEQUENCE.finditer(statement.text) if _JOB_WORDS & {*match[0].split()}
        )
        claimed = tuple(name for name in claimed if is_shaped(name) or name not in titles.split())
    return claimed


def _only_starts_sentences(text: str, name: str) -> bool:
    """Whether the name is always the first word of a sentence, so that it can be an ordinary word: "Demo confirmed"."""
    plain = normalised(text)
    places = [match.start() for match in re.finditer(rf"\b{re.escape(name)}\b", plain)]
    return not is_shaped(name) and all(starts(plain, at) for at in places)


_MAX_ABBREVIATION_LENGTH = 4


def _is_abbreviation(name: str) -> bool:
    """Whether the name is a short abbreviation, such as "RPC", which can be an industry term."""
    return name.isupper() and name.isalpha() and len(name) <= _MAX_ABBREVIATION_LENGTH


def _may_be_a_noun(text: str, name: str) -> bool:
    """Whether the name can be an ordinary noun at the start of a sentence: "Entry is free"."""
    is_state = re.search(rf"(?:^|[.!?:;]\s+){re.escape(name)} (?:is|was|can|may|must|costs|takes|comes|goes)\b", text)
    return bool(is_state) and not is_shaped(name) and text.count(name) == 1


def _is_unnamed_speaker(statement: Statement, name: str) -> bool:
    """Whether a speaker is named only in the claim: "says Mara Lund" where the quotation says "she says"."""
    is_said = re.search(rf"\b{_SAYING} (?:\w+ )?{re.escape(name)}\b|\b{re.escape(name)} {_SAYING}\b", statement.text)
    return bool(is_said) and bool(_UNNAMED_SPEAKER.search(statement.quoted_text))


_SAYING = r"(?:says?|said|explains?|explained|adds|added|notes|noted|recalls|recalled|tells|told|writes|wrote)"
_UNNAMED_SPEAKER = re.compile(rf"\b(?:he|she|they) {_SAYING}\b|\b{_SAYING} (?:he|she)\b", re.IGNORECASE)


def _verbs_before_companies(statement: Statement) -> frozenset[str]:
    """Return verbs that look like names, because they start a sentence: "Run" in "Run PostHog yourself"."""
    known = " ".join(statement.free_names).replace(".", " ")
    return frozenset(
        match["deed"] for match in _VERB_BEFORE_NAME.finditer(statement.text) if has_name(match["name"], known)
    )


_VERB_BEFORE_NAME = re.compile(r"(?:^|[.!?:]\s+|\n[^\S\n]*)(?P<deed>[A-Z][a-z]+) (?P<name>[A-Z][\w-]*)")
_CAPITALISED_SEQUENCE = re.compile(r"[A-Z][\w&-]{0,50}(?: (?:of |and |& |for |the )*[A-Z][\w&-]*)+")
# Capitalised words next to one of these words count as a job title and not as a name: "Head of Site Reliability". If
# the claim is a fact, job titles are also checked as names.
_JOB_WORDS = frozenset(
    "Head Director Manager Lead Leader VP SVP Chief Officer Engineer President Specialist Analyst Owner Coordinator"
    " Architect Representative Executive Administrator Designer Developer Strategist Recruiter Counsel Planner"
    " Dispatcher Supervisor Scientist Consultant Controller Buyer".split()
)


def _join_neighbours(text: str, missing: Sequence[str]) -> list[str]:
    """Join names that follow each other in the text: "Maria" and "Lund" become "Maria Lund"."""
    full_names: list[str] = []
    for name in missing:
        last = f"{full_names[-1]} {name}" if full_names else ""
        if last and last in text:
            full_names[-1] = last
        else:
            full_names.append(name)
    return full_names


def _full_name(name: str, text: str) -> str:
    """Return the full name from the text, such as "Maria Lund" for "Maria"."""
    return next((full for full in _join_neighbours(text, names(text)) if name in full.split()), name)


def wrong_page(statement: Statement) -> Iterator[Problem]:
    """Reject a claim about a company if no quotation is from the company's site or names the company."""
    if statement.kind not in {"fact", "inference"} or not statement.evidence:
        return
    roles = {quotation.role for quotation in statement.evidence}
    if not any(role not in roles and statement.mentions(name) for name, role in statement.companies):
        return
    if not (subject := _subject(statement)):
        return
    name, role = subject
    if any(
        quotation.role == role or has_name(name, f"{quotation.text} {quotation.title}")
        for quotation in statement.evidence
    ):
        return
    complaint = f"the claim is about {name}, but no quotation is from a page of {name} or names it"
    yield from soft("D6", complaint) if statement.kind == "inference" else hard("D6", complaint)


def _subject(statement: Statement) -> tuple[str, Role] | None:
    """Return the company that the claim names first.

    Return None if the claim names both companies and is an inference or contains a word such as "could".
    """
    about: list[tuple[str, Role]] = [pair for pair in statement.companies if statement.mentions(pair[0])]
    if len(about) > 1 and (
        statement.kind == "inference" or (statement.claim.lowers & _MODALS and not _is_figure_about_another(statement))
    ):
        return None
    first = sorted(about, key=lambda pair: _position(statement.text, pair[0]))
    return next(
        (pair for pair in first if not _is_in_introduction(statement.text, pair[0])), first[0] if first else None
    )


def _is_figure_about_another(statement: Statement) -> bool:
    """Whether the claim uses a figure from the quotation, but omits a name from the quotation.

    "Tidewell would pay 250% more" does not support "Quillport would pay 250% more".
    """
    figures = [figure for figure in quantities(statement.text) if not figure.is_year]
    if not any(is_said(figure, quoted) for figure in figures for quoted in quantities(statement.quoted_text)):
        return False
    quoted_names = (*names(statement.quoted_text), *likely_names(statement.quoted_text))
    return bool(strange(quoted_names, (statement.text, *statement.free_names)))


def _position(text: str, name: str) -> int:
    at = text.lower().find(name.lower())
    return at if at >= 0 else len(text)


_INTRODUCERS = r"for|at|in|with|like|unlike|as|to|from|whether|if|when|while|because|since|after|before|once"


def _is_in_introduction(text: str, name: str) -> bool:
    """Whether the name is in an introductory phrase, like "Quillport" in "For Quillport, Vessler cuts costs"."""
    return bool(re.match(rf"(?:{_INTRODUCERS})\b(?>[^.!?,]*?{re.escape(name)})[^.!?,]*,", text, re.IGNORECASE))


def wrong_company(statement: Statement) -> Iterator[Problem]:
    """Reject a claim if the matching clause is about another company and the quotation has no name from the claim."""
    claimed = [*names(statement.text), *(name for name, _ in statement.companies if statement.mentions(name))]
    if _is_used_by_customer(statement.text, statement.vendor):
        claimed = [name for name in claimed if not has_name(name, statement.vendor)]
    if not statement.is_claim or not claimed:
        return
    # Names that are not in the evidence are left to `unquoted_names`.
    if strange(claimed, (statement.quoted_text, statement.titles, statement.headings, *statement.free_names)):
        return
    others = [
        _other_subject(statement, claimed, quotation, quote, clause)
        for quotation, quote, clause in zip(statement.evidence, statement.quotes, statement.clauses, strict=True)
    ]
    if others and all(others):
        quoted_name = _full_name(others[0] or "", statement.quoted_text)
        yield from hard(
            "D40", f"the quotation is about {quoted_name}, not about {_full_name(claimed[0], statement.text)}"
        )


_THEY_FIRST = re.compile(
    r"(?:(?:with|at|on|in|through|using|by|via|since|after) [^.!?,]{1,40}?,? )?(?:they|their)\b", re.IGNORECASE
)


def _is_used_by_customer(text: str, vendor: str) -> bool:
    """Whether "they" in the claim is a customer of the vendor, as in "With Acme they halved rework"."""
    means = rf"\b(?:with|in|on|through|using|via) {re.escape(vendor)}\b(?!['’]s)"
    return bool(vendor and _THEY_FIRST.match(text) and re.search(means, text, re.IGNORECASE))


def _other_subject(
    statement: Statement, claimed: Sequence[str], quotation: Quoted, quote: Wording, clause: Sequence[Word]
) -> str | None:
    """Return the name at the start of the matching clause.

    Return None if the quotation contains a name from the claim.
    """
    company = statement.page_owner(quotation)
    first = _first_name(clause, quote)
    if first is None or quote.lowers & FIRST_PERSON or is_plain_word(first):
        return None
    if has_name(first, statement.text) or has_name(first, " ".join(statement.free_names)):
        return None
    if any(has_name(name, quotation.text) for name in claimed):
        return None
    page_owner = company or quotation.title
    return (
        None if any(has_name(name, quotation.title) and not has_name(name, page_owner) for name in claimed) else first
    )


def _first_name(clause: Sequence[Word], quote: Wording) -> str | None:
    by_lower = {name.lower(): name for name in names(quote.text)}
    for words in (clause[:3], _after_adverbial(clause, quote)):
        if first := next((by_lower[w.lower] for w in words if w.lower in by_lower and w.text[:1].isupper()), None):
            return first
    return None


_MAX_ADVERBIAL_WORDS = 5


def _after_adverbial(clause: Sequence[Word], quote: Wording) -> Sequence[Word]:
    """Return the words after an introductory phrase, such as "Tidewell" in "On top of that, Tidewell ..."."""
    if clause and clause[0].lower in _PREPOSITIONS:
        for at, word in enumerate(clause[1:_MAX_ADVERBIAL_WORDS], 1):
            if quote.text[: word.start].rstrip().endswith(","):
                return clause[at : at + 2]
    return ()


def verb_of_another_name(statement: Statement) -> Iterator[Problem]:
    """Flag a word that follows one name in the claim and another name in the quotation.

    For example, the claim says "PostHog's failure rate", and the quotation "Phantom's failure rate".
    """
    for verb, name in _name_word_pairs(statement.claim, names(statement.text)):
        if is_among(verb, LIGHT_VERBS) or not any(has_name(name, quotation.text) for quotation in statement.evidence):
            continue
        matches = [
            pair
            for quotation, quote in zip(statement.evidence, statement.quotes, strict=True)
            for pair in _name_word_pairs(quote, names(quotation.text))
            if not pair[0].keys.isdisjoint(verb.keys)
        ]
        if matches and not any(has_name(other, name) or has_name(name, other) for _, other in matches):
            word, other = matches[0]
            quoted_name, claimed_name = _full_name(other, statement.quoted_text), _full_name(name, statement.text)
            yield from soft("D40", f"the quotation says {word.text!r} of {quoted_name}, not of {claimed_name}")
            return


_PREPOSITIONS = frozenset("to with from at by for on into onto of through via in than over against without".split())


def _name_word_pairs(text: Wording, names_found: Sequence[str]) -> Iterator[tuple[Word, str]]:
    """For each content word directly after a name, yield the word and the name."""
    by_lower = {name.lower(): name for name in names_found}
    for word, after in zip(text.words, text.words[1:], strict=False):
        is_next = after.clause == word.clause and after.is_content and after.text.islower()
        is_next = is_next and text.before(word) not in _PREPOSITIONS and "," not in text.text[word.start : after.start]
        if is_next and word.lower in by_lower and word.text[:1].isupper():
            yield after, by_lower[word.lower]


_PRONOUNS = frozenset("it they its their".split())
# With only one shared word, it is unclear which sentence of the quotation matches the claim.
_MIN_SHARED_WORDS = 2


def wrong_company_in_sentence(statement: Statement) -> Iterator[Problem]:
    """Flag a claim if the matching sentence is about another company, even if the quotation names both companies."""
    if not statement.is_claim or not (first := _first_name(statement.claim.words, statement.claim)):
        return
    if _is_used_by_customer(statement.text, statement.vendor) and has_name(first, statement.vendor):
        return
    others = [
        _subject_of_best_sentence(statement, [first], quotation, quote)
        for quotation, quote in zip(statement.evidence, statement.quotes, strict=True)
    ]
    if others and all(others):
        quoted_name, claimed = _full_name(others[0] or "", statement.quoted_text), _full_name(first, statement.text)
        yield from soft("D40", f"the sentence that says this is about {quoted_name}, not about {claimed}")


def _subject_of_best_sentence(
    statement: Statement, claimed: Sequence[str], quotation: Quoted, quote: Wording
) -> str | None:
    """Return the first name in the sentence that is most similar to the claim.

    If this sentence starts with a pronoun such as "it", return the first name in the previous sentence. Return None if
    the claim contains the name that would be returned.
    """
    name_keys = joined(wording(name).keys for name in names(statement.text))
    wanted = joined(word.keys for word in statement.content) - name_keys
    scores = [sum(shares(word, wanted) for word in words) for words in quote.sentences]
    best = max(scores, default=0)
    owner = statement.page_owner(quotation)
    is_titled = any(
        has_name(name, quotation.title) and not (owner and has_name(name, owner)) for name in names(statement.text)
    )
    if best < _MIN_SHARED_WORDS or quote.lowers & FIRST_PERSON or is_titled:
        return None
    place = scores.index(best)
    is_pronoun = quote.sentences[place][0].lower in _PRONOUNS and place > 0
    sentences = quote.sentences[place - 1 : place + 1] if is_pronoun else (quote.sentences[place],)
    first = _first_name(sentences[0], quote)
    text = " ".join(word.text for words in sentences for word in words)
    if first is None or has_name(first, statement.text) or any(has_name(name, text) for name in claimed):
        return None
    return None if has_name(first, " ".join(statement.free_names)) else first
