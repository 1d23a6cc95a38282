"""Finds the sentences of sales copy that make a claim, and replaces the pronouns in each claim with company names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from octave_mcp.copywriting.calls_to_action import has_way_out
from octave_mcp.copywriting.email_text import Deal, unquoted
from octave_mcp.copywriting.third_party_claims import is_about_market, third_party_claim
from octave_mcp.copywriting.voice import hedged
from octave_mcp.evidence.clauses import begins_with_verb, named_first
from octave_mcp.evidence.plans import without_counts, without_offered, without_plans
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.wording import wording

# A sentence with fewer content words than this has nothing to verify. If it contains a name or a word such as 'you' or
# 'our', a single content word is enough.
MIN_CONTENT_WORDS = 2
MIN_QUOTED_WORDS = 4


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_I = r"I(?:['’](?:d|ll|m|ve)\b)?"
_HELLO = re.compile(r"^(?:hi|hello|hey|dear)\b[^,.!?]{0,40}[,.!]\s+(?=\S)", re.IGNORECASE)
# The following patterns match sentences that usually make no claim. But a sentence with a figure, or a courtesy with a
# name, is still checked: 'Congratulations on the new office in Lisbon' claims that there is a new office.
_COURTESY = _any(
    r"^(?:(?:i|we) (?:do )?)?(?:hope|trust|thank|thanks|appreciate|sorry|apologies|welcome|congrat\w*|good luck)\b",
    r"^(?:(?:looking|look) forward|(?:talk|speak) (?:soon|then)|happy (?:monday|friday|new year)|well done)\b",
    r"^(?:have|enjoy) (?:a|an|your|the) (?:\w+ )?(?:day|week|weekend|evening|morning|break|summer|trip|one)\b",
    r"^(?:nice|great|good|lovely|a pleasure) to (?:meet|see|hear|connect|speak|chat|talk)\b",
    r"^(?:fair enough|makes sense|understood|got it|of course|sure|absolutely|perfect|great|no problem|i see|that['’]s"
    r" (?:fair|fine|great|okay))\b[^a-z]*$",
    r"^(?:no (?:worries|pressure|rush|hard feelings)|all the best|take care|cheers|best|(?:kind|warm|best) regards)\b",
)
_OFFERED_ACTIONS = (
    r"send|share|show|walk|talk|meet|put together|prepare|draft|sketch|map|mark|list|write (?:it|that|one|you|up|down)"
    r"|set up|go through|look at|bring|book|call|ring|stop|leave|close|follow|reach|check|try|keep|explain|tell|come"
    r"|step|drop|be (?:quick|brief|short|honest|happy|glad|in touch|around|there)|give you|get back|let you|take you"
)
_PRELUDE = r"^(?:(?:so|then|and|or|also|otherwise|in the meantime|if [^,.?!]{1,120}),? )?"
# Requests are treated like offers: 'Reply with a time'. But 'Call volume is down' is not a request, because 'call' is a
# noun in this sentence.
_OFFER = _any(
    rf"{_PRELUDE}(?:i|we)(?:['’]d| would) (?:\w+ )?(?:love|like|welcome|appreciate|be (?:happy|glad|curious))\b",
    rf"{_PRELUDE}(?:i|we)(?:['’]ll|['’]d| will| can| could| would| may| might)"
    rf" (?:(?:also|gladly|then|just|easily|happily|of course) )?(?:{_OFFERED_ACTIONS})\b",
    rf"{_PRELUDE}(?:(?:happy|glad|keen|curious|open) to|let me|let us|let['’]s|worth (?:a|an|your|the|it))\b",
    r"^you (?:could|can|might|may) (?:start|begin|try|keep|say|always)\b",
    rf"{_PRELUDE}(?:(?:just|simply|please|feel free to) )?(?:reply|answer|send|tell|let|say|give|drop|ask|point|pick"
    r"|choose|book|grab|take|have a|have your|see|check|look|forward|share|call|ping|text|e-?mail|shoot|click|come"
    r"|join|meet|read|compare|keep|think|imagine|picture|try|ignore|delete|feel free|schedule|visit|make it)\b"
    r"(?! (?:\w+ )?(?:is|are|was|has|have)\b)",
)
_ABOUT_WRITER = _any(
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
# A sentence counts as an opt-out only if it mentions 'I' or 'you', or starts with a phrase such as 'If not, ...' or 'No
# worries'.
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
# Matches claims that are phrased as questions: 'Did you know that X lost 20% of its customers?'.
_ASKED_IF_KNOWN = re.compile(
    r"^(?:did you (?:know|see|hear)|have you (?:seen|heard|read)|are you aware)(?: that| how)?\s+(?P<claim>\S.*)\?$",
    re.IGNORECASE,
)
_NOTICED = r"saw|see|seen|read|noticed|know|understand|hear|heard|gather|learned|learnt|noted|found|spotted|believe"
_LEAD_IN = _any(
    rf"^(?:{_I}|we) (?:(?:just|recently|also|can|have|had) ){{0,3}}(?:{_NOTICED})\b[^,.?!]{{0,60}}?\bthat (?=\w)",
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
# If words such as 'Your page puts it well:' introduce a quotation without naming a third party, only the quotation is
# checked as a claim.
_INTRODUCED = re.compile(r"^(?P<lead>[^:“”\"]{0,120}):\s+(?P<quoted>[“\"][^“”\"]+[”\"])[.!]?$")
# In 'You can see each invoice', 'you' means any user of the product, so 'you' is not replaced with the prospect's name.
_MODALS = r"(?:can|could|will|would|may|might|should|get|need|want|have to)"
_YOU = re.compile(rf"\byou(?:['’](?:re|ve))?\b(?! {_MODALS}\b)(?!['’](?:ll|d)\b)", re.IGNORECASE)
_YOUR = re.compile(r"\byours?\b", re.IGNORECASE)
# Only lower-case 'us' is treated as a pronoun, because 'US' is a country.
_WE = re.compile(r"\bwe(?:['’](?:re|ve))?\b|\b(?-i:us)\b", re.IGNORECASE)
_OUR = re.compile(r"\bours?\b", re.IGNORECASE)
# Matches a pronoun at the start of a sentence that can refer to the subject of the previous sentence. The pattern does
# not match 'It is late' or 'It took a week', because 'it' does not refer to a company in these sentences.
_THEY = re.compile(
    r"^(?P<lead>(?:(?:today|now|since then|before|afterwards|and|but|so),? |with [^,]{1,30}, ))?"
    r"(?P<who>they|he|she|their|his|her|"
    r"its?\b(?! (?:is|was|would|took|takes|made|makes|comes|means|looks|seems|turns)\b))\b",
    re.IGNORECASE,
)
_POSSESSIVES = frozenset({"their", "its", "his", "her"})
_MERGE_FIELDS = {"{{company_name}}": "prospect", "{{sender_company}}": "vendor"}
# Matches times of day and digits that look like a phone number. They need no evidence.
_TIMES_AND_NUMBERS = _any(
    r"\b\d{1,2}(?::\d\d)?\s?(?:am|pm|a\.m\.|p\.m\.|o['’]clock)", r"\b\d{1,2}:\d\d\b", r"\+?\d[\d ()/-]{6,40}\d"
)


@dataclass(frozen=True, slots=True)
class Speech:
    """Decides which sentences in the sales copy for a deal make claims.

    `people`: names and job titles of the people in the deal, which need no evidence.
    """

    deal: Deal
    people: Sequence[str] = ()

    def others_in(self, text: str) -> list[str]:
        """Return the names in the text, except those of the two companies, the sender and the recipient."""
        known = " ".join((self.deal.vendor, self.deal.prospect, *self.people)).casefold()
        return [name for name in names(text) if name.casefold() not in known]

    @property
    def _people(self) -> str:
        return " ".join((self.deal.vendor, *self.people))

    def is_claim_in_few_words(self, text: str) -> bool:
        """Whether a short line, such as a subject line, makes a claim.

        A short line makes a claim if it contains a figure or the name of a third party.
        """
        return _gives_figure(text) or bool(self.others_in(text))

    def claims_nothing(self, text: str) -> str:
        """Return the reason why a sentence makes no claim, for example 'a question'.

        Return '' if the sentence can contain a claim.

        A sentence with a figure or a quotation makes a claim, even if it is a question, a courtesy or an offer.
        """
        statement = _HELLO.sub("", text)
        if (
            _gives_figure(statement)
            or _ASKED_IF_KNOWN.match(statement)
            or _quotes(statement)
            or self._third_party_claim(statement)
        ):
            return ""
        return next((kind for kind, applies in self._kinds if applies(statement)), "")

    @property
    def _kinds(self) -> tuple[tuple[str, Callable[[str], bool]], ...]:
        """Kinds of sentences that make no claim, and a test for each kind, in the order in which the tests run.

        Guesses are tested before sentences about the writer. Otherwise, 'I'd guess you lose hours' would count as a
        sentence about the writer, although it can be a claim about the reader.
        """
        return (
            ("a question", _is_question),
            ("a courtesy", lambda text: bool(_COURTESY.match(text)) and not self.others_in(text)),
            ("an offer or a request", lambda text: self._is_way_out(text) or bool(_OFFER.match(text))),
            ("", hedged),
            ("about the sender, not the deal", _is_about_writer),
            ("introduces what follows", lambda text: bool(_ANNOUNCES.match(text)) and not self.others_in(text)),
            ("nothing to verify", lambda text: not self._has_content(text)),
        )

    def _third_party_claim(self, text: str) -> str:
        """Return the claim about others in a courtesy, an offer or a sentence about the writer.

        Return '' if the text makes no claim about others.

        For example, 'I can explain why X failed' is an offer that also claims that X failed.
        """
        is_wrapped = any(pattern.match(text) for pattern in (_COURTESY, _OFFER, _ABOUT_WRITER)) or has_way_out(text)
        return (
            third_party_claim(text, self._people) if is_wrapped and not _is_question(text) and not hedged(text) else ""
        )

    def _is_way_out(self, text: str) -> bool:
        """Whether the sentence is an opt-out.

        A product description is not an opt-out, even if it contains a word such as 'stop': 'Acme can stop a payment'.
        """
        is_of_vendor = named_first(text) == self.deal.vendor and bool(self.deal.vendor)
        is_claim = is_of_vendor or is_about_market(text)
        return bool(_BETWEEN_US.search(text)) and not is_claim and has_way_out(text)

    def _has_content(self, text: str) -> bool:
        company_words = wording(f"{self.deal.vendor} {self.deal.prospect}").lowers
        words = [word for word in wording(text).words if word.is_content and word.lower not in company_words]
        is_about = bool(names(text)) or bool(re.search(r"\b(?:you|your|we|our)\b", text, re.IGNORECASE))
        return len(words) >= (1 if is_about else MIN_CONTENT_WORDS)

    def is_mere_guess(self, text: str) -> bool:
        """Whether the sentence is worded as a guess and contains no figure and no third party's name."""
        return hedged(text) and not _gives_figure(text) and not self.others_in(text)

    def claim_of(self, text: str, subject: str) -> str:
        """Return the part of a sentence that is a claim.

        Replace pronouns such as 'you', 'we' and 'they' with names.

        `subject`: the name of the company or person that the previous sentence is about, or '' if unknown.
        """
        greeted = _HELLO.sub("", text)
        question = _ASKED_IF_KNOWN.match(greeted)
        claim = self._third_party_claim(greeted) or _LEAD_IN.sub("", question["claim"] if question else greeted)
        if (quoted := _INTRODUCED.match(claim)) and not self.others_in(quoted["lead"]):
            return quoted["quoted"]
        for field, role in _MERGE_FIELDS.items():
            claim = claim.replace(field, getattr(self.deal, role))
        parts = _QUOTED.split(claim)
        is_of_vendor = self._is_of_vendor(claim)
        parts[::2] = [self._with_names(part, is_of_vendor=is_of_vendor) for part in parts[::2]]
        rewritten = "".join(parts).strip()
        if subject and begins_with_verb(rewritten):
            rewritten = f"{subject} {rewritten}"
        rewritten = _THEY.sub(lambda pronoun: _named(pronoun, subject), rewritten) if subject else rewritten
        return rewritten[:1].upper() + rewritten[1:]

    def _is_of_vendor(self, text: str) -> bool:
        vendor = self.deal.vendor
        return bool(_WE.search(text) or _OUR.search(text) or (vendor and vendor in text))

    def _with_names(self, part: str, *, is_of_vendor: bool) -> str:
        """Replace pronouns with names. In a sentence about the vendor, keep 'you', which can mean any customer."""
        vendor, prospect = self.deal.vendor, self.deal.prospect
        if vendor:
            part = _WE.sub(vendor, _OUR.sub(f"{vendor}'s", part))
        if prospect and not is_of_vendor:
            part = _YOU.sub(prospect, _YOUR.sub(f"{prospect}'s", part))
        return part

    def subject_of(self, text: str, before: str) -> str:
        """Return the company or person that the sentence names first.

        If the sentence names nobody and starts with a pronoun such as 'they', return `before`, the subject of the
        previous sentence.
        """
        return named_first(self.claim_of(text, before)) or (before if _THEY.match(text) else "")


def _named(pronoun: re.Match[str], subject: str) -> str:
    name = f"{subject}'s" if pronoun["who"].lower() in _POSSESSIVES else subject
    return f"{pronoun['lead'] or ''}{name}"


def _is_question(text: str) -> bool:
    return text.rstrip("\"”’') ").endswith(("?", "？", "؟"))


def _is_about_writer(text: str) -> bool:
    return not _LEAD_IN.match(text) and bool(_ABOUT_WRITER.match(text))


def _quotes(text: str) -> bool:
    """Whether the text quotes somebody.

    If quotation marks enclose fewer words than `MIN_QUOTED_WORDS`, they mark a term and not a quotation.
    """
    return any(len(quoted.split()) >= MIN_QUOTED_WORDS for quoted in _QUOTED.findall(text))


def _gives_figure(text: str) -> bool:
    """Whether the text contains a figure that needs evidence.

    Figures in plans, offers and names need no evidence: 'next Tuesday at 10', 'three ideas', 'a 20-minute call'.
    """
    claimed = without_plans(without_offered(without_counts(_TIMES_AND_NUMBERS.sub("", unquoted(text)))))
    return any(
        quantity.bound != "vague" and not quantity.is_year and "-" not in quantity.text
        for quantity in quantities(claimed)
    )
