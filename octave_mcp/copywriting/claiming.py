"""Which sentences of copy claim something, and what they claim of whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from octave_mcp.copywriting.asking import has_way_out
from octave_mcp.copywriting.email_text import Deal, unquoted
from octave_mcp.copywriting.telling import is_of_market, told
from octave_mcp.copywriting.voice import hedged
from octave_mcp.evidence.clauses import begins_with_verb, named_first
from octave_mcp.evidence.plans import without_counts, without_offered, without_plans
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.wording import wording

# Content words: a sentence that has fewer, and is about nobody, says nothing to look up.
FEW_WORDS = 2
QUOTED_WORDS = 4


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_I = r"I(?:['’](?:d|ll|m|ve)\b)?"
_HELLO = re.compile(r"^(?:hi|hello|hey|dear)\b[^,.!?]{0,40}[,.!]\s+(?=\S)", re.IGNORECASE)
_COURTESY = _any(
    r"^(?:(?:i|we) (?:do )?)?(?:hope|trust|thank|thanks|appreciate|sorry|apologies|welcome|congrat\w*|good luck)\b",
    r"^(?:(?:looking|look) forward|(?:talk|speak) (?:soon|then)|happy (?:monday|friday|new year)|well done)\b",
    r"^(?:have|enjoy) (?:a|an|your|the) (?:\w+ )?(?:day|week|weekend|evening|morning|break|summer|trip|one)\b",
    r"^(?:nice|great|good|lovely|a pleasure) to (?:meet|see|hear|connect|speak|chat|talk)\b",
    r"^(?:fair enough|makes sense|understood|got it|of course|sure|absolutely|perfect|great|no problem|i see|that['’]s"
    r" (?:fair|fine|great|okay))\b[^a-z]*$",
    r"^(?:no (?:worries|pressure|rush|hard feelings)|all the best|take care|cheers|best|(?:kind|warm|best) regards)\b",
)
_GIVES = (
    r"send|share|show|walk|talk|meet|put together|prepare|draft|sketch|map|mark|list|write (?:it|that|one|you|up|down)"
    r"|set up|go through|look at|bring|book|call|ring|stop|leave|close|follow|reach|check|try|keep|explain|tell|come"
    r"|step|drop|be (?:quick|brief|short|honest|happy|glad|in touch|around|there)|give you|get back|let you|take you"
)
_LEADING = r"^(?:(?:so|then|and|or|also|otherwise|in the meantime|if [^,.?!]{1,120}),? )?"
_OFFER = _any(
    rf"{_LEADING}(?:i|we)(?:['’]d| would) (?:\w+ )?(?:love|like|welcome|appreciate|be (?:happy|glad|curious))\b",
    rf"{_LEADING}(?:i|we)(?:['’]ll|['’]d| will| can| could| would| may| might)"
    rf" (?:(?:also|gladly|then|just|easily|happily|of course) )?(?:{_GIVES})\b",
    rf"{_LEADING}(?:(?:happy|glad|keen|curious|open) to|let me|let us|let['’]s|worth (?:a|an|your|the|it))\b",
    r"^you (?:could|can|might|may) (?:start|begin|try|keep|say|always)\b",
    rf"{_LEADING}(?:(?:just|simply|please|feel free to) )?(?:reply|answer|send|tell|let|say|give|drop|ask|point|pick"
    r"|choose|book|grab|take|have a|have your|see|check|look|forward|share|call|ping|text|e-?mail|shoot|click|come"
    r"|join|meet|read|compare|keep|think|imagine|picture|try|ignore|delete|feel free|schedule|visit|make it)\b"
    r"(?! (?:\w+ )?(?:is|are|was|has|have)\b)",
)
_WRITER = _any(
    r"^(?:my name|my role|my job)\b",
    r"^(?:it['’]s|this is|here is) (?-i:[A-Z{])[\w{}]*(?: (?-i:[A-Z{])[\w{}]*)?(?:,? (?:here|again|from|with|at|over)"
    r"\b|[.,]|$)",
    rf"^{_I} (?:am|was|work|run|lead|look after|wanted|want|thought|figured|wonder\w*|know|reali[sz]e|promise"
    r"|understand|will|won['’]t|would|could|can|may|might|have|had|just|only|also|did|do|don['’]t|didn['’]t|wrote|write|called"
    r"|tried|sent|left|ask|mean|keep)\b",
    r"^I['’](?:m|ll|d|ve)\b",
    r"^(?-i:[A-Z])[\w'’-]*(?: [A-Z][\w'’-]*)? here\b",
    r"^(?-i:[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)?,? (?:from|with|at|over at) [A-Z][\w.&'’-]*(?: [A-Z][\w.&'’-]*)?)[.!]?$",
    r"^(?:that|this|it)\b[^.?!,]{0,30} (?:me|I)\b",
)
_BETWEEN_US = _any(
    r"\b(?:I|me|my|you|your)\b",
    r"^(?:if|just|or|and|not|say|reply|stop)\b",
    r"^no(?: (?:is|need|problem|worries|pressure|rush|reply|answer|interest|longer|thanks|hard feelings)\b|[^\w\s])",
)
_ANNOUNCES = _any(
    r"^here(?:['’]s| is| are)\b",
    r"^[^.?!]{1,80}:$",
    r"^one of (?:our|my) \w+, (?:in short|briefly)\b",
    r"^(?:one|an?|the) (?:(?:last|quick|short|simple|more|other) )?(?:example|case|story|test|check|thing|thought|idea"
    r"|question|reason|note)\b(?: (?:to keep|i had|that may \w+ \w+|for you|first))?\W*(?::|$)",
    r"^(?:the|my) (?:short|quick) version\b",
    r"^(?:two|three) (?:things|reasons|questions)\b",
)
_ASKED_IF_KNOWN = re.compile(
    r"^(?:did you (?:know|see|hear)|have you (?:seen|heard|read)|are you aware)(?: that| how)?\s+(?P<claim>\S.*)\?$",
    re.IGNORECASE,
)
_SEEN = r"saw|see|seen|read|noticed|know|understand|hear|heard|gather|learned|learnt|noted|found|spotted|believe"
_LEAD_IN = _any(
    rf"^(?:{_I}|we) (?:(?:just|recently|also|can|have|had) ){{0,3}}(?:{_SEEN})\b[^,.?!]{{0,60}}?\bthat (?=\w)",
    rf"^(?:{_I}|we) (?:(?:just|recently|also) ){{0,3}}(?:saw|see|read|noticed|heard) (?:about )?(?=your?\b)",
    r"^(?:just )?(?:saw|noticed|read|heard) (?:that )?(?=your?\b)",
    r"^(?:the )?reason (?:for|that|why|i)\b[^.?!]{0,40}? is(?: that|:)?\s+",
    rf"^(?:(?:{_I}|we) )?(?:am )?(?:calling|writing|reaching out|getting in touch) (?:because|as|since)\s+",
    r"^(?:your|the) (?:[\w-]+ ){0,3}(?:page|pages|site|website|blog|post|report|release|announcement|profile)"
    r" (?:says|said|states|tells [\w ]{1,30}?|reports|mentions|notes|shows|writes) that\s+",
    r"^(?:according to|going by) (?:your|the) [^,]{1,60}, ",
    r"^by your own (?:count|account|words), ",
    r"^(?:congratulations|congrats|well done|kudos) on (?:the |your )?",
)
_QUOTED = re.compile(r"(“[^“”]*”|\"[^\"]*\")")
_INTRODUCED = re.compile(r"^(?P<lead>[^:“”\"]{0,120}):\s+(?P<quoted>[“\"][^“”\"]+[”\"])[.!]?$")
_CAN = r"(?:can|could|will|would|may|might|should|get|need|want|have to)"
_YOU = re.compile(rf"\byou(?:['’](?:re|ve))?\b(?! {_CAN}\b)(?!['’](?:ll|d)\b)", re.IGNORECASE)
_YOUR = re.compile(r"\byours?\b", re.IGNORECASE)
_WE = re.compile(r"\bwe(?:['’](?:re|ve))?\b|\b(?-i:us)\b", re.IGNORECASE)
_OUR = re.compile(r"\bours?\b", re.IGNORECASE)
_THEY = re.compile(
    r"^(?P<lead>(?:(?:today|now|since then|before|afterwards|and|but|so),? |with [^,]{1,30}, ))?"
    r"(?P<who>they|he|she|their|his|her|"
    r"its?\b(?! (?:is|was|would|took|takes|made|makes|comes|means|looks|seems|turns)\b))\b",
    re.IGNORECASE,
)
_OWNING = frozenset({"their", "its", "his", "her"})
_FIELDS = {"{{company_name}}": "prospect", "{{sender_company}}": "vendor"}
_CLOCK = _any(
    r"\b\d{1,2}(?::\d\d)?\s?(?:am|pm|a\.m\.|p\.m\.|o['’]clock)", r"\b\d{1,2}:\d\d\b", r"\+?\d[\d ()/-]{6,40}\d"
)


@dataclass(frozen=True, slots=True)
class Speech:
    """Who speaks to whom: the two companies, and the people that a sentence may name without evidence."""

    deal: Deal
    people: Sequence[str] = ()

    def others_in(self, text: str) -> list[str]:
        """The names in it but those of the two companies, the sender, and who is written to."""
        known = " ".join((self.deal.vendor, self.deal.prospect, *self.people)).casefold()
        return [name for name in names(text) if name.casefold() not in known]

    @property
    def _people(self) -> str:
        """Who is no third party: 'I know that Dana is busy'."""
        return " ".join((self.deal.vendor, *self.people))

    def is_telling(self, text: str) -> bool:
        """Whether a line of a few words, such as a subject, claims something: by a figure, or of somebody else."""
        return _gives_figure(text) or bool(self.others_in(text))

    def claims_nothing(self, text: str) -> str:
        """What a sentence is that claims nothing: 'a question', 'an offer'; '' if it may claim something.

        One that gives a figure or quotes somebody claims that, whatever else it does.
        """
        own = _HELLO.sub("", text)
        if _gives_figure(own) or _ASKED_IF_KNOWN.match(own) or _quotes(own) or self._told(own):
            return ""
        return next((kind for kind, applies in self._kinds if applies(own)), "")

    @property
    def _kinds(self) -> tuple[tuple[str, Callable[[str], bool]], ...]:
        """In this order. A guess may claim something, though it begins as if about who writes."""
        return (
            ("a question", _asks),
            ("a courtesy", lambda text: bool(_COURTESY.match(text)) and not self.others_in(text)),
            ("an offer or a request", lambda text: self._lets_go(text) or bool(_OFFER.match(text))),
            ("", hedged),
            ("about who writes, not about the deal", _is_about_writer),
            ("leads to what follows", lambda text: bool(_ANNOUNCES.match(text)) and not self.others_in(text)),
            ("nothing in it to look up", lambda text: not self._says_something(text)),
        )

    def _told(self, text: str) -> str:
        """What a courtesy, an offer or a sentence about who writes states of others: 'I can explain why X failed'."""
        is_wrapped = any(one.match(text) for one in (_COURTESY, _OFFER, _WRITER)) or has_way_out(text)
        return told(text, self._people) if is_wrapped and not _asks(text) and not hedged(text) else ""

    def _lets_go(self, text: str) -> bool:
        """'Moves no stop unless allowed to' says what a product does: a way out is between the two who write."""
        is_of_vendor = named_first(text) == self.deal.vendor and bool(self.deal.vendor)
        is_claim = is_of_vendor or is_of_market(text)
        return bool(_BETWEEN_US.search(text)) and not is_claim and has_way_out(text)

    def _says_something(self, text: str) -> bool:
        own = wording(f"{self.deal.vendor} {self.deal.prospect}").lowers
        words = [word for word in wording(text).words if word.is_content and word.lower not in own]
        is_about = bool(names(text)) or bool(re.search(r"\b(?:you|your|we|our)\b", text, re.IGNORECASE))
        return len(words) >= (1 if is_about else FEW_WORDS)

    def is_mere_guess(self, text: str) -> bool:
        """Whether it says of itself that it is a guess, and gives neither figures nor names of others."""
        return hedged(text) and not _gives_figure(text) and not self.others_in(text)

    def claim_of(self, text: str, subject: str) -> str:
        """The claim in a sentence, with names for 'you', 'we' and 'they', as the pages have it.

        `subject` is whom the sentence before is about, '' if that is not known.
        """
        greeted = _HELLO.sub("", text)
        asked = _ASKED_IF_KNOWN.match(greeted)
        own = self._told(greeted) or _LEAD_IN.sub("", asked["claim"] if asked else greeted)
        if (quoted := _INTRODUCED.match(own)) and not self.others_in(quoted["lead"]):
            return quoted["quoted"]
        for field, role in _FIELDS.items():
            own = own.replace(field, getattr(self.deal, role))
        parts = _QUOTED.split(own)
        is_of_vendor = self._is_of_vendor(own)
        parts[::2] = [self._with_names(part, is_of_vendor=is_of_vendor) for part in parts[::2]]
        named = "".join(parts).strip()
        if subject and begins_with_verb(named):
            named = f"{subject} {named}"
        named = _THEY.sub(lambda found: _who(found, subject), named) if subject else named
        return named[:1].upper() + named[1:]

    def _is_of_vendor(self, text: str) -> bool:
        vendor = self.deal.vendor
        return bool(_WE.search(text) or _OUR.search(text) or (vendor and vendor in text))

    def _with_names(self, part: str, *, is_of_vendor: bool) -> str:
        """'You' is the reader's company, unless the sentence is about what the vendor does for its customers."""
        vendor, prospect = self.deal.vendor, self.deal.prospect
        if vendor:
            part = _WE.sub(vendor, _OUR.sub(f"{vendor}'s", part))
        if prospect and not is_of_vendor:
            part = _YOU.sub(prospect, _YOUR.sub(f"{prospect}'s", part))
        return part

    def subject_of(self, text: str, before: str) -> str:
        """Whom a sentence is about: the first name in it, or whom the one before was about, if it goes on about them.

        'It' stands for one of the two companies, or for what nobody can tell.
        """
        return named_first(self.claim_of(text, before)) or (before if _THEY.match(text) else "")


def _who(found: re.Match[str], subject: str) -> str:
    owned = f"{subject}'s" if found["who"].lower() in _OWNING else subject
    return f"{found['lead'] or ''}{owned}"


def _asks(text: str) -> bool:
    return text.rstrip("\"”’') ").endswith(("?", "？", "؟"))


def _is_about_writer(text: str) -> bool:
    return not _LEAD_IN.match(text) and bool(_WRITER.match(text))


def _quotes(text: str) -> bool:
    """Whether it has somebody's words; a word or two may be in quotation marks for other reasons."""
    return any(len(quoted.split()) >= QUOTED_WORDS for quoted in _QUOTED.findall(text))


def _gives_figure(text: str) -> bool:
    """A figure, but of no plan, offer or name: 'in 15 minutes', 'next Tuesday at 10', 'three ideas', 'two-hour'."""
    own = without_plans(without_offered(without_counts(_CLOCK.sub("", unquoted(text)))))
    return any(one.bound != "vague" and not one.is_year and "-" not in one.text for one in quantities(own))
