"""Value propositions of a vendor: a heading that promises a gain, with the sentence below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.vendor import ValueProposition
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.attribution import is_generic
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_instruction,
    is_not_product_page,
    is_part_of_a_page,
    leads_elsewhere,
    share_a_word,
    with_headings_above,
)
from octave_mcp.models.extractive.names import customer_in_headline
from octave_mcp.models.extractive.product_descriptions import is_status
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section

_PROMISING_KINDS: frozenset[PageKind] = frozenset({"home", "product", "persona"})
MAX_TITLE_WORDS = 12
MAX_EXTRA_LINES = 4
MAX_LINES = 4
# Minimum words of an imperative that addresses the reader, and of one that names a gain. Shorter ones are usually
# slogans: "Save time".
MIN_REQUEST_WORDS, MIN_GAIN_WORDS = 6, 5
_YOU = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_GAIN = re.compile(
    r"\b(?:help(?:s|ing)? (?:you|your|\w+s)|empower\w*|mak(?:e|es|ing) (?:it|sure)|so (?:that )?(?:you|your|they)|"
    r"sav(?:e|es|ing)|reduc\w+|increas\w+|boost\w*|grow\w*|improv\w+|faster|quick\w*|eas(?:y|ily|ier)|simpl\w+|"
    r"automat\w+|"
    r"without|never|no (?:need|more|longer)|secur\w+|protect\w*|safe\w*|reliab\w+|scal\w+|optimi[sz](?:e|es|ing)|"
    r"accelerat\w+|"
    r"streamlin\w+|understand\w*|control|visib\w+|insight\w*|better|cut(?:s|ting)?|lower|eliminat\w+|ensur\w+|"
    r"free (?:up|your)|focus|in (?:minutes|seconds|one place|real[- ]time)|real[- ]time|all in one|anywhere|instant\w*|"
    r"seamless\w*|effortless\w*|confiden\w+|perform\w*|complian\w+|productiv\w+|efficien\w+|personali[sz]\w+|"
    r"straightforward|cost-effective\w*|peace of mind|prevent\w*|gives? you|avoid\w*|minimi[sz]\w+|maximi[sz]\w+|"
    r"unlock\w*|"
    r"revenue|conversion rates?|ROI|qualified|turns? .{3,60} into|more (?:\w+ )?(?:leads|customers|sales|time|"
    r"orders|visitors))\b",
    re.IGNORECASE,
)
# Words of release notes, which report a change instead of promising a gain: "you can now ...", "we've added ...".
_IS_RELEASE_NOTE = re.compile(
    r"\b(?:you can (?:now|still)|now (?:you can|we)|there['’]?s now|(?:is|are|has|have|it) now\b|"
    r"now (?:available|supports?|possible)|"
    r"we(?:['’]ve| have)? (?:just |now |also |recently )*(?:added|released|launched|introduced|put|improved|redesigned|"
    r"updated|changed|made|fixed)|just (?:added|launched|released)|new (?:feature|option|setting)|"
    r"no need to reach out)",
    re.IGNORECASE,
)
_IS_STEP = re.compile(r"(?:try|other)\b|(?:step|part|phase|chapter|day|week)\s+\d|for\b.*:\s", re.IGNORECASE)
_DEFINES = re.compile(r"(?:\S+\s+){1,6}?(?:is|are) (?:an?|the|one of)\b", re.IGNORECASE)
_IS_SPOKEN = re.compile(r"\b(?:allows|helps|lets|gives|helped) us\b|\bwe (?:like|love|use|chose)\b", re.IGNORECASE)
_YOU_CAN = re.compile(
    r"\b(?:you(?:['’]ll| can| get| will)(?!['’]t|not| also| store)\b|everything you|you (?:see|get|know|keep|save|"
    r"own|pay|stay|decide|control|find|learn))\b",
    re.IGNORECASE,
)
_YOU_GET = re.compile(r"you (?:see|get|know|keep|save|own|pay|decide|control|find)\b", re.IGNORECASE)
_FOR_YOU = re.compile(
    r"\b(?:so (?:that )?you|(?:lets?|help(?:s|ing)?|allow(?:s|ing)?|"
    r"enabl(?:es?|ing)|empower(?:s|ing)?|giv(?:es?|ing)|sav(?:es?|ing)|keep(?:s|ing)?) "
    r"(?:you|your|users|businesses|teams|companies|customers|developers))\b",
    re.IGNORECASE,
)
# Beginnings of lines that are usually not promises, such as questions, conditions and references to an earlier
# sentence: "If you ...", "That is why ...".
_WEAK_START = re.compile(
    r"(?:if|when|while|whether|what|how|why|who|do|does|did|is|are|can|could|should|would|have|has|but|and|or|so|"
    r"because|"
    r"this|that|these|those|it|they|he|she|also|however|then|once|after|before|unfortunately|sorry|note|please|"
    r"based on|select|choose this|based|in (?:the|this) (?:article|guide|post|webinar|report|video)|you (?:may|must|"
    r"will need|need|probably|deserve|can also)|"
    r"we (?:understand|know|believe|take|are (?:proud|located))|as|join|try|meet|explore (?:other|our|more|all|the)|"
    r"say hello|looking|want|need|ready|still|not sure|tired)\b",
    re.IGNORECASE,
)
# Excludes lines with words of calls to action, legal terms, descriptions of a problem, or remarks about the page
# itself: "Book a demo", "Read our guide".
_NO_PROMISE = re.compile(
    r"\b(?:sorry|unsubscribe|newsletter|inbox|download|watch (?:the|our)|read (?:the|our|more|how)|webinar|"
    r"register|book a|schedule|request a|talk to|contact us|contact our|email us|learn more|get in touch|"
    r"our team will|learn (?:more|how|about)|see how|"
    r"find out|"
    r"discover how|blog|whitepaper|e-?book|guide|report|article|podcast|job|careers?|apply|click here|"
    r"cookie (?:policy|settings|notice)|terms|policy|"
    r"% off|coupon|discount|rebate|shipping|refund|eligib\w+|deductible|copay|see (?:which|our)|visit (?:our|the)|"
    r"pick a|add a|quote|subscri\w+|sign up|resource|assessment|quick ?start|explore how|questionnaire|browse|"
    r"get started|tell us|modal|popup|flow \(|awards?|recognition|certifications?|love|customers (?:recorded|say)|"
    r"take a look|read this|tips|involves|briefings|worked with|we (?:successfully|helped|identified|worked|recently)|"
    r"in the meantime|help cent(?:er|re)|get help|tour|approached|waste\w*|drown\w*|countless|tedious|worry|"
    r"challenges?|struggl\w+|become|frustrat\w+|with us|up to \d[\d,]*|media kit|(?:our|your) (?:brand|logo) assets|"
    r"course|students|portfolio|user research|help make|invested|"
    r"hear (?:how|from)|(?:that|this|it) a reality|informed with|periodic updates|answer a few|proud|"
    r"been (?:working|widely|tested)|"
    r"(?:has|have) passed|partnered|recruitment process|"
    r"collaborat\w+ with|conversation)\b",
    re.IGNORECASE,
)
# Headings with these words never count as promises, whatever the text below them says: "Tutorials", "And much more".
_FILLER = re.compile(
    r"^(?:and|or|but|plus|thank\w*|analysis|feature highlight)\b|\b(?:much more|and more|tutorials?|videos?|brochures?|"
    r"at a glance|statements?|conference|summit|instructions?|image|version|release[ds]?|form|days?|memories|"
    r"wallpapers?|contributors?|calculators?|builder|checklists?|history|timeline|LTS|guaranteed)\b",
    re.IGNORECASE,
)
# Matches headings such as "Salesforce integration" and "Acme + Slack", which state a fact and not a gain.
_CONNECTS = re.compile(r"\bintegrations?\b|^(?-i:[A-Z]\S*) (?:&|\+|and) (?-i:[A-Z]\S*)$", re.IGNORECASE)
# Matches words that often refer to text outside the quotation: "these features", "see below".
_POINTS_BACK = re.compile(
    r"\b(?:this|these|those|such|lower that)\b|^(?:its|their|his|her|there)\b|\b(?:below|above|on this page)\b",
    re.IGNORECASE,
)
_STARTS_WITHOUT_GAIN = re.compile(
    r"(?:help us|let us know|let['’]s|discover|explore|relive|come|check|welcome|keep in mind|imagine|consider|"
    r"run (?:\w+ ){0,2}provided|perform|let us deliver|develop, deploy|working with an?)\b|^[—–-]|"
    r".*\b(?:is|are) (?:built|designed|made) for\b|.*\bmeet specific\b",
    re.IGNORECASE,
)
# A line that is no imperative must say who gains something, or what the gain is, unless its heading addresses the
# reader. "Secure" or "fast" alone is not a promise.
_NAMES_GAINER = re.compile(
    r"\b(?:you|your|yours|users?|customers?|teams?|businesses|business|companies|enterprises?|organi[sz]ations?|"
    r"clients|developers|employees|administrators|everyone|people|patients|students|staff|engineers|visitors|"
    r"(?:ensur|reduc|sav|mak|improv|keep|giv|allow|enabl|help|avoid|prevent|eliminat|protect|increas|boost|cutt)ing|"
    r"without|so that|makes?|simplif(?:y|ies)|reduces?|minimi[sz]es?|saves?|cuts?|eliminates?|streamlines?|"
    r"accelerates?|lowers?|blocks?|stops?|prevents?|protects?|ensures?|improves?|enhances?|optimi[sz]es?)\b",
    re.IGNORECASE,
)
_STARTS_WITH_GAIN = re.compile(
    r"(?:accelerate|achieve|automate|avoid|boost|cut|eliminate|empower|ensure|gain|get|improve|increase|keep|lower|"
    r"minimi[sz]e|moderni[sz]e|optimi[sz]e|protect|reduce|replace|save|scale|secure|simplify|speed|streamline|"
    r"strengthen|transform|unlock)\b",
    re.IGNORECASE,
)
# If the heading promises nothing and shares no word with the imperative below it, the imperative must name one of these
# gains or begin with a verb of `_STARTS_WITH_GAIN`.
_STRONG_GAIN = re.compile(
    r"\b(?:so (?:that )?you|without|faster|easily|with (?:ease|confidence)|lower|sav(?:e|ing)|reduc\w+|boost\w*|"
    r"minimi[sz]\w+|cost\w*|efficien\w+|productivity|seamless\w*|growth|"
    r"more (?:\w+ )?(?:deals|leads|customers|time|sales)|while you|at scale)\b",
    re.IGNORECASE,
)
_PROMISE_LABEL = re.compile(r"(?:Proposition|Promise|Result)\s*:\s*")


def value_propositions(pages: Sequence[ReadPage], vendor: str) -> Iterator[ValueProposition[Cite]]:
    for page in pages:
        if page.page.kind not in _PROMISING_KINDS or page.is_post or is_not_product_page(page.page.url):
            continue
        if page.page.kind == "home" and page.headline and (text := _opening_line(page, vendor)):
            yield _proposition(page.headline, text)
        for section, above in with_headings_above(page.sections):
            text = _promise(section, above, page.page.kind, vendor)
            title = _title_line(page, section.heading) if section.heading else None
            if title and text and _belongs(title.text, text.text, vendor):
                yield _proposition(title, text, *_extra_lines(section, text, vendor))


def _extra_lines(section: Section, text: Line, vendor: str) -> Iterator[Line]:
    """Yield further lines under the same heading, which are cited together with the promise."""
    rest = [line for line in section.lines if line is not text and line.is_whole and line.form in {"sentence", "item"}]
    for line in rest[:MAX_EXTRA_LINES]:
        is_related = _YOU.search(line.text) or has_words(vendor, line.text) or _GAIN.search(line.text)
        if is_related and not _NO_PROMISE.search(line.text) and not line.text.endswith("?"):
            yield line


def _opening_line(page: ReadPage, vendor: str) -> Line | None:
    """Return the first sentence of the home page, if it promises something.

    Sentences in other languages are accepted without a check.
    """
    first = next((line for line in page.prose[:4] if line.is_whole), None)
    if first is None or _is_no_promise(first):
        return None
    return first if not first.english or _promises(first, "", vendor) else None


def _belongs(title: str, text: str, vendor: str) -> bool:
    """Whether the text and its title share a word, or at least one of them promises a gain."""
    if is_part_of_a_page(title) or _FILLER.search(title) or _CONNECTS.search(title):
        return False
    is_promise = is_imperative(title) or _YOU.search(title) or _GAIN.search(title)
    gains = _STARTS_WITH_GAIN.match(text) or (is_imperative(text) and _STRONG_GAIN.search(text))
    follows_from_title = len(title.split()) > 1 and gains
    return share_a_word(title, text, vendor) or bool(is_promise or follows_from_title)


def _title_line(page: ReadPage, heading: Line) -> Line:
    """Return the heading, or the page's headline if the heading only names a part of the page ('Features')."""
    return page.headline if page.headline and is_part_of_a_page(heading.text) else heading


def _promise(section: Section, above: Sequence[Line], kind: PageKind, vendor: str) -> Line | None:
    """Return the line below the section's heading that promises the reader a gain, or None."""
    labelled = next((li for li in section.lines if _PROMISE_LABEL.match(li.text)), None)
    if labelled:
        return labelled
    if kind == "persona" and not any(_YOU.search(line.text) for line in section.lines):
        return None  # without "you", the section may be an internal description of a persona
    if section.heading is None or not _is_title(section.title, vendor) or any(leads_elsewhere(h.text) for h in above):
        return None
    body = [line for line in section.lines[:MAX_LINES] if line.is_whole or line.form == "quote"][:3]
    if any(line.form == "quote" for line in body):
        return None
    if any(_IS_RELEASE_NOTE.search(line.text) for line in body):
        return None
    promising = next((line for line in body[:2] if _promises(line, section.title, vendor)), None)
    return promising or next((line for line in body[:2] if is_imperative(section.title) and _may_promise(line)), None)


def _may_promise(line: Line) -> bool:
    """Whether a line under a slogan explains the slogan to the reader: 'your data is yours'."""
    early = " ".join(line.text.split()[:4])
    return not _is_no_promise(line) and bool(_YOU.search(early) and re.search(r"\b(?:can|is|are|will|so)\b", line.text))


def _is_title(title: str, vendor: str) -> bool:
    return (
        1 <= len(title.split()) <= MAX_TITLE_WORDS
        and not leads_elsewhere(title)
        and not re.search(r"[“”\"|?]|\bicon\b|^\d+%|^[$€£]", title)
        and not _IS_STEP.match(title)
        and not re.match(r"(?:how|why|what|who|when|where|is|are|can|do|does)\b(?!.*!)", title, re.IGNORECASE)
        and not _NO_PROMISE.search(title)
        and customer_in_headline(title, vendor) is None
    )


def _promises(line: Line, title: str, vendor: str) -> bool:
    """Whether the line tells the reader what they gain: 'you get ...', 'Save ...', 'Acme helps you ...'."""
    if line.form == "row" or _is_no_promise(line) or is_generic(line.text, vendor):
        return False
    if is_imperative(line.text):
        return _requests_a_gain(line.text)
    if not (_NAMES_GAINER.search(line.text) or is_imperative(title) or _YOU.search(title)):
        return False
    early = " ".join(line.text.split()[:4])
    is_about_vendor = (
        has_words(vendor, early) or has_words(title, early) or re.match(r"(?:we|our)\b", line.text, re.IGNORECASE)
    )
    gains = bool(_GAIN.search(line.text)) and not _DEFINES.match(line.text)
    has_subject = is_about_vendor or _YOU_CAN.search(line.text)
    return bool(_YOU_GET.match(line.text)) or (gains and bool(_FOR_YOU.search(line.text) or has_subject))


def _requests_a_gain(text: str) -> bool:
    """Whether an imperative promises a gain or mentions something that the reader owns: 'Bring your data together'."""
    if is_instruction(text):
        return bool(re.search(r"\bso (?:that )?you|\b(?:without|never)\b", text, re.IGNORECASE))
    words = len(text.split())
    to_reader = _YOU.search(text) or _FOR_YOU.search(text)
    return bool((words >= MIN_GAIN_WORDS and _GAIN.search(text)) or (words >= MIN_REQUEST_WORDS and to_reader))


def _is_no_promise(line: Line) -> bool:
    text = line.text
    return (
        text.rstrip().endswith("?")
        or bool(_WEAK_START.match(text) or _NO_PROMISE.search(text) or _IS_RELEASE_NOTE.search(text))
        or text[:1].islower()
        or bool(_STARTS_WITHOUT_GAIN.match(text) or _POINTS_BACK.search(text) or is_status(text))
        or (bool(_IS_SPOKEN.search(text)) and not re.match(r"we\b", text, re.IGNORECASE))
        or bool(re.search(r"\b(?:I|my|me)\b|[“”]|\*|[$€£]\s?\d", text))
    )


def _proposition(heading: Line, text: Line, *more: Line) -> ValueProposition[Cite]:
    title = re.sub(r"^\d+[.)]\s*", "", heading.text).strip(" .›»→>")
    statement = _PROMISE_LABEL.sub("", text.text)
    evidence = tuple(dict.fromkeys(line.cite for line in (heading, text, *more)))
    return ValueProposition[Cite](title=title, text=statement, evidence=evidence)
