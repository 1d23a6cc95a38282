"""Rules on names: whether the evidence has them (D4), whose page it is (D6), and whom the quotation speaks of (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.company import Role
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.lexicon import FIRST_PERSON, LIGHT
from octave_mcp.evidence.support.naming import has_name, is_plain_word, is_shaped, names, starts, strange
from octave_mcp.evidence.support.openers import is_lower, likely_names
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Quoted, Statement, hard, language_of, soft
from octave_mcp.evidence.support.wording import Word, Wording, is_among, joined, normalised, shares, wording

_MAY = frozenset("could would might may can".split())


def named(one: Statement) -> Iterator[Problem]:
    """Each name is quoted, or stands in the passage, its heading or title; in a fact, the context does not count."""
    found = names(one.text)
    if found and language_of(one.text) == "de":  # each noun has a capital
        found = tuple(name for name in found if is_shaped(name))
    if one.kind != "fact":
        titles = " ".join(match[0] for match in _CAPITALISED.finditer(one.text) if _JOBS & {*match[0].split()})
        found = tuple(name for name in found if is_shaped(name) or name not in titles.split())
    likely = tuple(name for name in likely_names(one.text) if not is_lower(name, one.context)) if one.is_read else ()
    if not found and not likely:
        return
    around = [text for q in one.evidence for text in (q.text, q.title, q.heading, q.around)]
    around += one.free_names
    if one.kind != "fact":
        around += (one.context, *one.shown)
    deeds = _deeds(one)
    missing = _as_written(one.text, [name for name in strange((*found, *likely), around) if name not in deeds])
    for name in missing:
        in_context = one.kind == "fact" and has_name(name, one.context)
        only = "is only in the context, and the context is not evidence"
        told = only if in_context else "is not in the evidence"
        is_doubtful = (
            name in likely
            or _is_abbreviation(name)
            or _is_speaker(one, name)
            or _may_be_a_noun(one.text, name)
            or (one.kind in {"copy", "question"} and _only_begins(one.text, name))
        )
        is_doubtful = is_doubtful and not in_context
        yield from (soft if is_doubtful else hard)("D4", f"the name {name!r} {told}")


def _only_begins(text: str, name: str) -> bool:
    """'Demo agreed': it stands only where any word has a capital."""
    plain = normalised(text)
    places = [found.start() for found in re.finditer(rf"\b{re.escape(name)}\b", plain)]
    return not is_shaped(name) and all(starts(plain, at) for at in places)


_LONGEST_ABBREVIATION = 4


def _is_abbreviation(name: str) -> bool:
    """'RPC' may be a word of the trade."""
    return name.isupper() and name.isalpha() and len(name) <= _LONGEST_ABBREVIATION


def _may_be_a_noun(text: str, name: str) -> bool:
    """'Entry is free': the first word of a sentence, of which something is, and nothing done."""
    is_state = re.search(rf"(?:^|[.!?:;]\s+){re.escape(name)} (?:is|was|can|may|must|costs|takes|comes|goes)\b", text)
    return bool(is_state) and not is_shaped(name) and text.count(name) == 1


def _is_speaker(one: Statement, name: str) -> bool:
    """Whether it says what the quotation has somebody say who is not named: 'says Maria Lund' of 'she says'."""
    is_said = re.search(rf"\b{_SAYING} (?:\w+ )?{re.escape(name)}\b|\b{re.escape(name)} {_SAYING}\b", one.text)
    return bool(is_said) and bool(_SHE_SAYS.search(one.said))


_SAYING = r"(?:says?|said|explains?|explained|adds|added|notes|noted|recalls|recalled|tells|told|writes|wrote)"
_SHE_SAYS = re.compile(rf"\b(?:he|she|they) {_SAYING}\b|\b{_SAYING} (?:he|she)\b", re.IGNORECASE)


def _deeds(one: Statement) -> frozenset[str]:
    """First words of sentences that are followed by a company of the deal: 'Run' in 'Run PostHog on your servers'."""
    known = " ".join(one.free_names).replace(".", " ")
    return frozenset(found["deed"] for found in _DEED.finditer(one.text) if has_name(found["name"], known))


_DEED = re.compile(r"(?:^|[.!?:]\s+|\n[^\S\n]*)(?P<deed>[A-Z][a-z]+) (?P<name>[A-Z][\w-]*)")
_CAPITALISED = re.compile(r"[A-Z][\w&-]{0,50}(?: (?:of |and |& |for |the )*[A-Z][\w&-]*)+")
# In a guess, the capitals around these are those of a job's title: 'Head of Site Reliability'.
_JOBS = frozenset(
    "Head Director Manager Lead Leader VP SVP Chief Officer Engineer President Specialist Analyst Owner Coordinator"
    " Architect Representative Executive Administrator Designer Developer Strategist Recruiter Counsel Planner"
    " Dispatcher Supervisor Scientist Consultant Controller Buyer".split()
)


def _as_written(text: str, missing: Sequence[str]) -> list[str]:
    """Neighbouring words of one name as one: 'Maria Lund'."""
    found: list[str] = []
    for name in missing:
        last = f"{found[-1]} {name}" if found else ""
        if last and last in text:
            found[-1] = last
        else:
            found.append(name)
    return found


def _in_full(name: str, text: str) -> str:
    """'Maria Lund' for 'Maria', as the text has it."""
    return next((full for full in _as_written(text, names(text)) if name in full.split()), name)


def page(one: Statement) -> Iterator[Problem]:
    """D6: what is said of a company cites a page of that company, or one that names it."""
    if one.kind not in {"fact", "inference"} or not one.evidence:
        return
    roles = {quoted.role for quoted in one.evidence}
    if not any(role not in roles and one.mentions(name) for name, role in one.companies):
        return
    if not (subject := _subject(one)):
        return
    name, role = subject
    if any(quoted.role == role or has_name(name, f"{quoted.text} {quoted.title}") for quoted in one.evidence):
        return
    told = f"the claim is about {name}, but no quotation is from a page of {name} or names it"
    yield from soft("D6", told) if one.kind == "inference" else hard("D6", told)


def _subject(one: Statement) -> tuple[str, Role] | None:
    """The company of the deal that a claim names first; None if it joins both in a guess."""
    about: list[tuple[str, Role]] = [pair for pair in one.companies if one.mentions(pair[0])]
    if len(about) > 1 and (one.kind == "inference" or (one.claim.lowers & _MAY and not _is_told_of_another(one))):
        return None
    first = sorted(about, key=lambda pair: _place(one.text, pair[0]))
    return next((pair for pair in first if not _is_led_in(one.text, pair[0])), first[0] if first else None)


def _is_told_of_another(one: Statement) -> bool:
    """Whether a figure of the claim is quoted of a name that the claim does not have: 'Globex would pay 40% more'."""
    figures = [figure for figure in quantities(one.text) if not figure.is_year]
    is_quoted = any(is_said(figure, told) for figure in figures for told in quantities(one.said))
    return is_quoted and bool(strange((*names(one.said), *likely_names(one.said)), (one.text, *one.free_names)))


def _place(text: str, name: str) -> int:
    at = text.lower().find(name.lower())
    return at if at >= 0 else len(text)


_LEADS = r"for|at|in|with|like|unlike|as|to|from|whether|if|when|while|because|since|after|before|once"


def _is_led_in(text: str, name: str) -> bool:
    """'For teams such as Globex, Acme ...' is about Acme."""
    return bool(re.match(rf"(?:{_LEADS})\b(?>[^.!?,]*?{re.escape(name)})[^.!?,]*,", text, re.IGNORECASE))


def subject(one: Statement) -> Iterator[Problem]:
    """The quotation's sentence is about a company that the claim does not name, in place of one that it does."""
    claimed = [*names(one.text), *(name for name, _ in one.companies if one.mentions(name))]
    if _is_used_by_them(one.text, one.vendor):
        claimed = [name for name in claimed if not has_name(name, one.vendor)]
    if not one.is_claim or not claimed:
        return
    if strange(claimed, (one.said, one.titles, one.headings, *one.free_names)):  # they are complained about as names
        return
    others = [
        _other_subject(one, claimed, quoted, quote, clause)
        for quoted, quote, clause in zip(one.evidence, one.quotes, one.clauses, strict=True)
    ]
    if others and all(others):
        other, own = _in_full(others[0] or "", one.said), _in_full(claimed[0], one.text)
        yield from hard("D40", f"the quotation is about {other}, not about {own}")


_THEY_FIRST = re.compile(
    r"(?:(?:with|at|on|in|through|using|by|via|since|after) [^.!?,]{1,40}?,? )?(?:they|their)\b", re.IGNORECASE
)


def _is_used_by_them(text: str, vendor: str) -> bool:
    """'With Acme they halved rework': it is about a customer named before, and Acme is what that used."""
    means = rf"\b(?:with|in|on|through|using|via) {re.escape(vendor)}\b(?!['’]s)"
    return bool(vendor and _THEY_FIRST.match(text) and re.search(means, text, re.IGNORECASE))


def _other_subject(
    one: Statement, claimed: Sequence[str], quoted: Quoted, quote: Wording, clause: Sequence[Word]
) -> str | None:
    """The name that the best clause begins with, if the quotation speaks of nobody whom the claim names."""
    company = _company(one, quoted)
    first = _first_name(clause, quote)
    if first is None or quote.lowers & FIRST_PERSON or is_plain_word(first):
        return None
    if has_name(first, one.text) or has_name(first, " ".join(one.free_names)):
        return None
    if any(has_name(name, quoted.text) for name in claimed):
        return None
    own = company or quoted.title
    return None if any(has_name(name, quoted.title) and not has_name(name, own) for name in claimed) else first


def _company(one: Statement, quoted: Quoted) -> str:
    return one.prospect if quoted.role == "prospect" else one.vendor


def _first_name(clause: Sequence[Word], quote: Wording) -> str | None:
    found = {name.lower(): name for name in names(quote.text)}
    for words in (clause[:3], _after_adverbial(clause, quote)):
        if first := next((found[w.lower] for w in words if w.lower in found and w.text[:1].isupper()), None):
            return first
    return None


_ADVERBIAL = 5


def _after_adverbial(clause: Sequence[Word], quote: Wording) -> Sequence[Word]:
    """What starts behind a comma: 'On top of that, Tidewell ...'."""
    if clause and clause[0].lower in _PREPOSITIONS:
        for at, word in enumerate(clause[1:_ADVERBIAL], 1):
            if quote.text[: word.start].rstrip().endswith(","):
                return clause[at : at + 2]
    return ()


def order(one: Statement) -> Iterator[Problem]:
    """The same verb or noun, of another name: 'Phantom's failure rate' is not 'PostHog's failure rate'."""
    for verb, name in _pairs(one.claim, names(one.text)):
        if is_among(verb, LIGHT) or not any(has_name(name, quoted.text) for quoted in one.evidence):
            continue
        same = [
            pair
            for quoted, quote in zip(one.evidence, one.quotes, strict=True)
            for pair in _pairs(quote, names(quoted.text))
            if not pair[0].keys.isdisjoint(verb.keys)
        ]
        if same and not any(has_name(other, name) or has_name(name, other) for _, other in same):
            word, other = same[0]
            theirs, mine = _in_full(other, one.said), _in_full(name, one.text)
            yield from soft("D40", f"the quotation says {word.text!r} of {theirs}, not of {mine}")
            return


_PREPOSITIONS = frozenset("to with from at by for on into onto of through via in than over against without".split())


def _pairs(text: Wording, found: Sequence[str]) -> Iterator[tuple[Word, str]]:
    """Each content word that follows a name."""
    by_lower = {name.lower(): name for name in found}
    for word, after in zip(text.words, text.words[1:], strict=False):
        is_next = after.clause == word.clause and after.is_content and after.text.islower()
        is_next = is_next and text.before(word) not in _PREPOSITIONS and "," not in text.text[word.start : after.start]
        if is_next and word.lower in by_lower and word.text[:1].isupper():
            yield after, by_lower[word.lower]


_PRONOUNS = frozenset("it they its their".split())
_LEAST_SHARED = 2


def sentence(one: Statement) -> Iterator[Problem]:
    """The sentence that says it is about another company than the claim, though the quotation names both."""
    if not one.is_claim or not (first := _first_name(one.claim.words, one.claim)):
        return
    if _is_used_by_them(one.text, one.vendor) and has_name(first, one.vendor):
        return
    claimed = [first]
    others = [_told_of(one, claimed, said, quote) for said, quote in zip(one.evidence, one.quotes, strict=True)]
    if others and all(others):
        other, own = _in_full(others[0] or "", one.said), _in_full(first, one.text)
        yield from soft("D40", f"the sentence that says this is about {other}, not about {own}")


def _told_of(one: Statement, claimed: Sequence[str], quoted: Quoted, quote: Wording) -> str | None:
    """The name that begins the sentence that has most of the claim, or that its 'it' stands for; None if it may be."""
    named = joined(wording(name).keys for name in names(one.text))
    wanted = joined(word.keys for word in one.content) - named
    scores = [sum(shares(word, wanted) for word in words) for words in quote.sentences]
    best = max(scores, default=0)
    owner = _company(one, quoted)
    is_titled = any(has_name(name, quoted.title) and not (owner and has_name(name, owner)) for name in names(one.text))
    if best < _LEAST_SHARED or quote.lowers & FIRST_PERSON or is_titled:
        return None
    at = scores.index(best)
    is_pronoun = quote.sentences[at][0].lower in _PRONOUNS and at > 0
    told = quote.sentences[at - 1 : at + 1] if is_pronoun else (quote.sentences[at],)
    first = _first_name(told[0], quote)
    said = " ".join(word.text for words in told for word in words)
    if first is None or has_name(first, one.text) or any(has_name(name, said) for name in claimed):
        return None
    return None if has_name(first, " ".join(one.free_names)) else first


_STORY = re.compile(
    r"^(?:How|Why) (?P<first>[A-Z][\w.&-]*(?: [A-Z][\w.&-]*)*)\b"
    r"|^(?P<other>[A-Z][\w.&-]*(?: [A-Z][\w.&-]*)*) (?:uses?|used|switch\w+|migrat\w+|chose|cho+ses|built|moved|moves"
    r"|replaced|picked|saved|scaled|grew|achiev\w+|trust\w*)\b"
)


def story_of(quoted: Quoted, own: str) -> str:
    """Whose story a page tells by its title, if not that of its own company: 'Mobbin uses Supabase ...'."""
    found = _STORY.match(quoted.title.strip())
    name = (found["first"] or found["other"]) if found else ""
    return name if name and own and not has_name(name, own) else ""


def of_a_customer(one: Statement) -> Iterator[Problem]:
    """A page that tells a customer's story is no evidence of the doings of the company whose page it is."""
    if one.kind != "fact" or not one.evidence:
        return
    for name, role in one.companies:
        stories = [story_of(quoted, name) for quoted in one.evidence if quoted.role == role]
        if len(stories) < len(one.evidence) or not all(stories) or has_name(name, one.said):
            continue
        is_of_own = role == "prospect" and one.mentions(name) and not one.mentions(one.vendor)
        is_known = has_name(stories[0], one.text) or has_name(name, stories[0])
        if not is_known and (is_of_own or _is_put_in_place(one, name, stories[0])):
            yield from soft("D40", f"the page is about {stories[0]}, and the quotation does not speak of {name}")


def _is_put_in_place(one: Statement, name: str, customer: str) -> bool:
    """Whether the claim begins with a company or what it owns, where the quotation names the customer."""
    begins = re.match(rf"(?:\w+ (?:at|of) )?{re.escape(name)}\b", one.text, re.IGNORECASE)
    return bool(begins) and has_name(customer, one.said) and one.claim.lowers.isdisjoint(_CUSTOMERS)


# With one of them, a vendor may be said to do something for somebody.
_CUSTOMERS = frozenset(
    "customer customers client clients user users company companies firm team teams startup startups"
    " help helps helped let lets enabled enables enable gave gives supports supported serves served powers powered"
    " handles handled allows allowed".split()
)
