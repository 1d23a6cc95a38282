"""Detects English that no native speaker would say aloud, because it sounds translated, stiff or like a brochure.

Each pattern matches a whole kind of phrasing, not just one sentence. The lists of patterns cover only common phrasings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from octave_mcp.evidence.support.wording import Word, wording

# A phrase with this many nouns in a row is hard to read: 'invoice processing automation integration'.
STACKED_NOUNS = 4


class Phrase(NamedTuple):
    """An unnatural phrase in a text, and advice on how to replace it."""

    words: str
    advice: str


# The patterns must not match everyday English. For example, they match 'takes much time', which sounds translated, but
# not 'takes much more'. Gaps such as `[^.?!]{0,40}` are bounded, so searching a long text takes linear time.
_START = r"(?:^|[.!?:;]\s+)"
_PEOPLE = r"(?:teams?|desks?|people|staff|engineers?|reps|developers?|marketers?|colleagues|sellers|planners?)"
_TIME = r"(?:\d+|two|three|four|five|six|seven|eight|nine|ten|many|several|some|a few) (?:years|months|weeks|days)"
_MUCH = r"much (?!more\b|less\b|better\b|of\b|longer\b|faster\b|sooner\b|too\b)\w+"
_THEM = r"(?:them|those|these)"
_FOLLOWS = r"(?:the|an?|you|your|we|our|it|its|they|their|there|this|that|is|are|was|has|have|can|will|would|one|may)"
_DAY = r"(?:(?:mon|tues|wednes|thurs|fri)day|tomorrow|next week|the end of)"

# Advice -> patterns. The advice completes a warning such as '“informations” sounds translated: this word has no
# plural'.
_TRANSLATED: Mapping[str, Sequence[str]] = {
    "use an everyday word": (
        r"\b(?:anew|thereby|therewith|hereby|herewith|herein|therein|thereof|thereto|wherein|whereof|whereby)\b",
        r"\b(?:hitherto|henceforth|insofar|inasmuch|concretely|nowadays|such as there (?:is|are)|resp\.)(?!\w)",
        r"\b(?:up to now|till now|already (?:today|now)|in (?:the )?(?:next|near) time|as next|learn to know)\b",
        r"\b(?:for the case (?:that|of)|in case of (?:interest|questions|need)|what concerns|the both|besides of)\b",
        r"\b(?:in (?:the )?frame of|at the example of|under the motto|per (?:phone|e-?mail|mail))\b",
        r"\bin (?:the )?internet\b",
    ),
    "say it with 'not', or 'no' and a noun": (
        r"\b(?:is|are|was|were|be) none\b(?! of)",
        (
            r"\b(?:it|he|she|they|who|you|we|(?-i:[A-Z])[\w.]{0,50}) (?:is|are|was|were) no "
            r"(?!longer|more|less|doubt)\w+ but\b"
        ),
    ),
    "put the object after the verb": (
        r"\b(?:mak(?:e|es|ing)|made|forms?) (?:out )?(?:of|from) (?:it|them|this|that|these|all) (?:an?|one|the)\b",
    ),
    "start with who does it": (
        rf"{_START}To [a-z]+ [^.?!,;]{{3,80}}? (?:takes|costs|needs|means|requires|brings|makes)\b",
        r"\b(?:who|whom|what|how|where) to \w+ (?:\w+ ){0,2}(?:comes|goes|counts|depends|decides)\b",
        r"\bexists? (?:many|several|some|an?|different|no)\b",
        r"\bit gives (?:an?|many|also|still|no)\b",
        r"(?:^|[.!?]\s+)(?:Also (?:is|are|do|does|can|your|the|you|we|I)|Here (?:would|could|can|may))\b",
    ),
    "say that it is on their list, or that they work on it": (
        r"\bhave (?:an?|any|some) questions? (?:at|by|in) (?!the moment\b|this (?:point|stage)\b|all\b)\w+",
        r"\b(?:questions?|topics?|themes?|subjects?) at (?:(?-i:[A-Z])[\w.]*|your)\b",
        r"\b(?:be|is|are|becomes?|was|an?|the) (?:an? |the |your )?(?:topic|theme)s? (?:for|with|on|to) (?:your?|us)\b",
        r"\b(?:topic|theme)s? (?:comes?|becomes?|that keeps coming)\b|\bbecomes? (?:an?|the|your) (?:topic|theme)\b",
    ),
    "say 'you' or 'we'": (
        r"\b(?:on|from) (?:your|our|my|their) side\b",
        r"\bfor (?:my|our) part\b",
        r"(?:^|[.,;]\s|\b(?:what|how|if|when|where) )one (?:can|could|has|needs|must|gets|sees|sends)\b(?! of)",
    ),
    "say 'off your plate' or 'for you'": (
        rf"\boff (?:an?|your|the|our|their|my|his|her|its|every) {_PEOPLE}\b(?!['’]s?\b)",
    ),
    "say 'a lot of', or 'many'": (
        rf"\b(?:takes?|took|has|have|had|needs?|needed|costs?|brings?|brought|gives?|gave) {_MUCH}",
        rf"\b(?:saves?|saved|spends?|spent|leaves?|left|wastes?|makes?|made) {_MUCH}",
        r"\b(?:how )?much (?:people|companies|hours|reps|days|e-?mails|teams|customers|calls|tools|leads|deals)\b",
    ),
    "use 'for' and the perfect, as in 'has had it for two years'": (
        rf"\bsince (?:already )?{_TIME}\b(?! ago\b)",
        r"\bsince long\b|\balready (?:since|for) |\bsince when (?:do|are|is|does)\b",
    ),
    "this word has no plural": (
        r"\b(?:informations|softwares|trainings|advices|feedbacks|equipments|evidences|knowledges|know-hows)\b",
        r"\ban (?:advice|information|evidence|equipment)\b|\ba (?:feedback|software|know-how|training)\b(?! \w)",
    ),
    "check the preposition": (
        r"\bdiscuss(?:ed|es|ing)? about\b|\bexplain(?:s|ed)? (?:you|me|us|them)\b|\breply (?:me|us)\b|\bfor to \w+",
        r"\b(?:suggest|propose|recommend)(?:s|ed)? (?:you|me|us) (?:to|a|the|our)\b|\bpresent you\b",
        r"\blook(?:s|ing)? forward to (?:hear|see|meet|speak|talk|read|learn|get)\b",
        r"\b(?:allow|enable|permit)s? to\b|\bcapable to\b|\bresponsible of\b|\bdepend(?:s|ing)? (?:from|of)\b",
        r"\bconsists? in\b|\bcounts? with (?:me|us|you|your|our|a|an|the)\b",
        r"\bwants? that (?:you|we|they)\b|\binterested for\b",
        r"\b(?:avoid|suggest|recommend|propose|enjoy|finish)s? to (?!you|them|others|us|anyone|an?\b|the\b|it\b)[a-z]+",
        r"\b(?:help|support|assist)(?:s|ed)? (?:you|them|us|teams) (?:in|at|by) (?:the )?\w+ing\b",
        r"\b(?:people|colleagues) (?:of|from the) (?:sales|marketing|finance|IT|operations)\b",
    ),
    "say 'can' or 'let'": (
        r"\bpossibility to \w+|\bin the (?:position|situation) to\b|\bthere is the (?:possibility|option|chance)\b",
        r"\bit is possible (?:to|for)\b|\bmakes? it possible that\b",
    ),
    "choose the verb that goes with it": (
        r"\b(?:do|does|did|doing) an? (?:mistake|meeting|decision|appointment|proposal|offer|question|step|effort)\b",
        r"\b(?:make|makes|made|making) (?:an?|some|good) (?:experiences?|questions?|homework|research|party)\b",
        r"\brealiz\w+ (?:an?|the|this|your) (?:project|study|meeting|call|test)\b|\bwin(?:s|ning)? time\b",
    ),
    "check the grammar": (
        r"\bhow (?:it|this|that|they) (?:looks?|would look|feels?) like\b|\bhow do (?:you|we) call\b",
        r"\bmore (?:easy|cheap|fast|simple|quick|cheaper|faster|easier)\b",
        r"\b(?:all|everything|nothing|something|anything) what\b",
        r"\b(?:people|customers|reps|teams|buyers|managers) which\b",
        r"\bif (?:you|we|they|it|this|that) would\b(?! (?:like|rather|prefer|love|be (?:so|willing|open)))",
        r", for (?:it|they|you|he|she|we) (?:is|are|has|have|do|does|can|will|would)\b",
        rf"\b(?:send|reply|answer|deliver|tell|write|let me know)\b[^.?!]{{0,40}} until {_DAY}",
    ),
    "name the thing": (
        r"\b(?:part|side|one|bit|piece) of (?:it|them) that\b",
        r"\b(?:question|thing|case|topic|page|product|point)s? of (?:ours|yours|theirs|mine)\b",
        r"\b(?:on|at|to) (?:your|the|our|their) own (?:case|example)\b",
    ),
    "use an active verb": (
        r"\b(?:is|are|was|were) to be (?:had|found|got|done|said|made|expected)\b",
        r"\b(?:is|are|was|gets?|be) (?:told|said) (?:again|once more)\b",
    ),
    "say 'I won't write again'": (
        r"\b(?:no|any) (?:more|further) (?:(?:e-?)?mails?|messages?|notes?) (?:from me )?(?:will|come|follow|shall)\b",
        r"\b(?:get|receive|hear) no (?:more|further)\b(?: \w+)? from (?:me|us)\b|\bno more mail\b",
        r"\bthe last (?:that )?you (?:hear|read|get) (?:from|of) (?:me|us)\b",
    ),
    "say why you write in a plain clause": (
        r"\bI write (?:from|to you|you)\b|\breason (?:that|why|for which) (?:you hear|I (?:write|contact|turn))\b",
        r"\bI (?:turn|address) (?:myself )?to you\b|\b(?:I|we) (?:hereby )?inform you\b",
    ),
}
_STIFF: Mapping[str, Sequence[str]] = {
    "use a shorter word": (
        r"\b(?:furthermore|moreover|consequently|therefore|thus|hence|utili[sz](?:e|es|ed|ing|ation)|facilitat\w+)\b",
        r"\b(?:endeavou?r\w*|commenc\w+|terminat\w+|purchas(?:e|ed|ing)|amongst|whilst|albeit|aforementioned|whom)\b",
        r"\b(?:in order to|with (?:regards?|respect) to|as regards|in terms of|in the course of|by means of)\b",
        r"\b(?:on the (?:basis|part) of|due to the fact|at (?:this|the present) point(?: in time)?|at present)\b",
        r"\bprior to\b",
        r"\b(?:upon|concerning|regarding|pertaining|notwithstanding|respectively|substantial|accordingly|likewise)\b",
        r"\b(?:of (?:\w+ )?(?:use|help|value|importance|relevance|benefit) (?:to|for|at|in))\b",
    ),
    "say it as to a colleague": (
        r"\b(?:kindly|please find|as per|per your|revert (?:back )?to|at your (?:earliest )?convenience|be so kind)\b",
        r"\b(?:allow me to|permit me to|I take the liberty|it would be my pleasure|I invite you|I wish you)\b",
        r"\b(?:we would be (?:pleased|delighted)|thank you in advance|may i (?:ask|have|kindly|suggest|propose))\b",
        r"\b(?:is there (?:an? )?(?:interest|need) (?:in|for|on|at)|is it of interest to|on your mind at)\b",
    ),
    "start a new sentence": (
        rf"\b(?:of|to|for|with|from|by|at|on|in|about|through|under) which,? {_FOLLOWS}\b",
        r", as (?:your|its|their|our) (?:\w+ ){1,2}(?:do|does|did|is|are|has|have|will)\b",
    ),
    "name them, or say 'all'": (
        rf"\b(?:for|to|with|in|by|of) (?:each|every one|either|any|some) of {_THEM}\b",
        rf"(?:^|[.!?]\s+)(?:Each|Every one|Both|Some) of {_THEM}\b",
    ),
    "name the thing": (
        r"\bthat kind of (?:help|thing|work|support)\b|\b(?:that|those) of (?!course\b|us\b|you\b)\w+",
        r"\bsuch as (?:yours|you|ours)\b",
    ),
    "cut it": (r"\b(?:in turn|in itself|as such|to that end|in this (?:regard|context|respect)|it should be noted)\b",),
}
_BROCHURE = (
    r"\b(?:seamless(?:ly)?|leverag(?:e|es|ing)|unlock(?:s|ing)?|streamlin(?:e|es|ed|ing)|transform(?:s|ing|ative)?)\b",
    r"\b(?:empower(?:s|ing|ed)?|supercharg\w+|effortless(?:ly)?|instantly|robust|holistic(?:ally)?)\b",
    r"\b(?:scalable|end-to-end)\b",
    r"\b(?:next[- ](?:level|generation|gen)|state[- ]of[- ]the[- ]art|turnkey|one-stop)\b",
    r"\b(?:mission[- ]critical|with ease)\b",
    r"\bdriv(?:e|es|ing) (?:innovation|growth|results|value|efficiency|engagement)\b|\bat \w+ speed\b",
    r"\b(?:at scale|in minutes|elevat(?:e|es|ing)|optimi[sz]\w+|revolutioni[sz]\w+|innovative)\b",
    r"\b(?:solutions?|comprehensive)\b",
    r"\b(?:powerful|out of the box|hyper-?personali[sz]\w+|personali[sz]ed campaigns|maximi[sz]\w+|accelerat\w+)\b",
    r"\b(?:best practices|actionable|meaningful engagements?|ecosystem|harness\w*)\b",
    r"\b(?:cost-effective|digital transformation)\b",
    r"\b(?:quality and efficiency|leading provider|trusted by|focus on what matters|companies like yours)\b",
)
# Typical endings of nouns, as in 'automation', 'planning' and 'vendor'. In a row of four nouns, one noun is allowed to
# have another ending, as in 'invoice'.
_NOUN_ENDING = re.compile(
    r"\w\w(?:tions?|ments?|ity|ities|ances?|ences?|ings?|ness|ages?|ures?|ships?|isms?|ysis|ers?|ors?)$"
)
# Words with these endings are often verbs or adverbs, such as 'planned', 'manages' and 'quickly', so they end a row of
# nouns.
_VERB_OR_ADVERB = re.compile(r"(?:ed|es|ly)$")
# Matches four or more lower-case words. Commas and capitals do not match, so lists and proper names are not reported.
_LOWERCASE_SEQUENCE = re.compile(r"(?<![\w'’-])[a-z]+(?: [a-z]+){3,40}")


def _compiled(rules: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    return {advice: _any(patterns) for advice, patterns in rules.items()}


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE)


_TRANSLATED_BY_ADVICE, _STIFF_BY_ADVICE, _BROCHURE_WORDS = _compiled(_TRANSLATED), _compiled(_STIFF), _any(_BROCHURE)


def translated(text: str) -> Iterator[Phrase]:
    """Yield the phrases that sound translated because of their wording or word order."""
    yield from _matches(_TRANSLATED_BY_ADVICE, text)
    if stack := stacked(text):
        yield Phrase(stack, "take the row of nouns apart with a verb")


def stiff(text: str) -> Iterator[Phrase]:
    """Yield phrases that belong in a formal letter, not in an e-mail between colleagues."""
    yield from _matches(_STIFF_BY_ADVICE, text)


def brochure(text: str) -> tuple[str, ...]:
    """Return the advertising words in the text, each only once."""
    return tuple(dict.fromkeys(match[0] for match in _BROCHURE_WORDS.finditer(text)))


def _matches(rules: Mapping[str, re.Pattern[str]], text: str) -> Iterator[Phrase]:
    for advice, pattern in rules.items():
        for match in pattern.finditer(text):
            yield Phrase(match[0].strip(" .,;:!?\n"), advice)


def stacked(text: str) -> str:
    """Return the first row of four nouns (as in 'invoice processing automation integration'), or ''."""
    for stretch in _LOWERCASE_SEQUENCE.findall(text):
        words = wording(stretch).words
        for start in range(len(words) - STACKED_NOUNS + 1):
            window = words[start : start + STACKED_NOUNS]
            if all(map(_may_be_noun, window)) and sum(map(_has_noun_ending, window)) >= STACKED_NOUNS - 1:
                return " ".join(word.text for word in window)
    return ""


def _may_be_noun(word: Word) -> bool:
    return word.is_content and not _VERB_OR_ADVERB.search(word.lower)


def _has_noun_ending(word: Word) -> bool:
    return bool(_NOUN_ENDING.search(word.lower))
