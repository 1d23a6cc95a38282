"""Rules for the tone of an e-mail.

The rules report hedges, unnatural phrases, clichés, flattery, threats and self-centred text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.copywriting.calls_to_action import has_way_out
from octave_mcp.copywriting.email_text import Email, unquoted
from octave_mcp.copywriting.faults import FATAL, GRAVE, PLAIN, SLIGHT, Fault
from octave_mcp.copywriting.phrasing import brochure, stiff, translated

MAX_HEDGES = 1
# An e-mail should name the reader's company at most this often, and otherwise say 'you'.
MAX_MENTIONS = 1
MIN_FULL_FORMS = 2
# At most this many phrases that sound translated, and as many stiff phrases, are reported. An e-mail is always allowed
# to say 'I' or 'we' this many times, even if it says 'you' less often.
MAX_OF_A_KIND = 3

# Matches 'probably', 'I'd guess' and 'looks like it', but not 'in May', 'May I ask' or 'what sort of'.
_HEDGE = re.compile(
    r"\b(?:probably|perhaps|maybe|possibly|presumably|supposedly|apparently|likely|seem(?:s|ed|ingly)?|appears? to"
    r"|might"
    r"|(?-i:may)(?! (?:I|we)\b)|could (?:be|well)|i(?:['’]d| would)? (?:guess|imagine|suspect|assume|think|believe|bet"
    r"|wonder|suppose)|my (?:guess|hunch|bet)|as far as i (?:can|know)|looks like (?:it|there|they|you(?:['’]re| are))"
    r"|(?:it|that|this) (?:sounds|looks) like|if (?:that|this) (?:still )?holds|if i['’]m (?:right|not wrong)"
    r"|i could be wrong|(?<!what )sort of|somewhat|going by your|if your [\w ]{1,30}is a guide|tends? to|chances are"
    r"|i take it)\b",
    re.IGNORECASE,
)
_CLICHE = re.compile(
    r"\b(?:hope (?:this|you|all)|just (?:checking|following|wanted)|touch(?:ing)? base|circl(?:e|ing) back"
    r"|quick question"
    r"|to whom it may|wanted to reach out|reach(?:ing)? out|pick your brain|game.chang\w+|synerg\w+|revolutionary"
    r"|act now|risk.free|100% free|limited time|no obligation|best.in.class|cutting.edge|world.class|came across"
    r"|i noticed (?:that )?your?|stayed with me|stood out|caught my (?:eye|attention)|made me (?:curious|think)"
    r"|i(?:['’]ve| have) been following|in today['’]s|fast-paced|ever-changing|bump(?:ing)? this|following up|follow up"
    r"|resonat\w+|(?:a line|one thing) that i (?:kept|liked)|sounds? familiar|imagine if|what if i told you)\b",
    re.IGNORECASE,
)
_FLATTERY = re.compile(
    r"\b(?:impress(?:ed|ive)|amaz(?:ing|ed)|incredible|love (?:what|how|your|the way)|great (?:work|job|to see)|kudos"
    r"|congrat\w+|admir(?:e|es|ed|able|ation)|inspiring|fantastic|remarkable|exciting|excited|well done|hats off"
    r"|thrilled|outstanding|you(?:['’]re| are) (?:clearly|obviously|doing great)|thought leader\w*|visionary)\b",
    re.IGNORECASE,
)
_PRESSURE = re.compile(
    r"\b(?:haven['’]t heard (?:back|from you)|fall(?:ing)? behind|left behind|be a shame|miss(?:ed|ing)? (?:out|this)"
    r"|close your file|isn['’]t a priority|before it['’]s too late|last chance|you can['’]t afford|tired of)\b",
    re.IGNORECASE,
)
_HEADS = r"(?:people|staff|hires?|heads|reps|engineers|employees|writers|planners|clerks)"
# Matches words that make readers fear job cuts, such as 'cut its staff' and 'fewer planners', but not 'cut its teams'
# hours'.
_THREAT = re.compile(
    rf"\b(?:head ?counts?|lay(?:ing)?[- ]?offs?|laid off|redundan(?:t|cy|cies)|(?:fewer|less) {_HEADS}"
    rf"|smaller workforce"
    r"|(?:cut|reduce|replace|shrink|trim)(?:s|d|ting|ing)? (?:your |their |the |its |a )?(?:staff|jobs|heads|teams?"
    r"|people"
    r"|reps|engineers|writers|workforce)(?!['’]| (?:time|hours|work|costs?|load|queue)))\b",
    re.IGNORECASE,
)
_FULL_FORM = re.compile(
    r"\b(?:(?:I|you|we|they|it|there) (?:am|are|is|will|would)|(?:do|does|did|is|are|was|were|will|would|can|could"
    r"|should|has|have) not|cannot)\b(?=[ ,-])",
    re.IGNORECASE,
)
_CONTRACTION = re.compile(
    r"\b\w+['’](?:m|re|ll|d|ve|t)\b|\b(?:it|that|there|who|what|here|let|he|she)['’]s\b", re.IGNORECASE
)
_YOU = re.compile(r"\b(?:you|your|yours|\{\{company_name\}\})(?!\w)", re.IGNORECASE)
_WE = re.compile(r"\b(?:we|our)\b|(?-i:\b(?:us|I)\b)", re.IGNORECASE)
_STARTS_WITH_WRITER = re.compile(r"(?:I|We)\b")


def voice(email: Email) -> Iterator[Fault]:
    """Yield the faults of tone. The rules apply to English only."""
    if email.is_english:
        yield from _hedges(email)
        yield from _phrasing(email)
        yield from _cliches(email)
        yield from _threats(email)
        yield from _pronouns(email)
        yield from _full_forms(email)


def hedged(text: str) -> bool:
    """Whether the text contains a hedge, which is a word such as 'probably' that marks a guess."""
    return bool(_HEDGE.search(unquoted(text)))


def _hedges(email: Email) -> Iterator[Fault]:
    """Report an e-mail with more than one hedge, and each statement of fact that contains a hedge.

    A hedge is allowed if the evidence contains the same hedge.
    """
    quoted_text = email.quoted_text.casefold()
    hedges = [match[0] for match in _HEDGE.finditer(email.own_words) if match[0].casefold() not in quoted_text]
    if (count := len(hedges)) > MAX_HEDGES:
        listed = ", ".join(f"“{hedge}”" for hedge in dict.fromkeys(hedges))
        advice = "state the facts, and turn the guesses into a question"
        text = f"Keep at most one of the {count} hedges ({listed}): {advice}."
        yield Fault("D27", text, min(FATAL, PLAIN * (count - MAX_HEDGES)))
    for fact in email.facts:
        if (hedge := _HEDGE.search(unquoted(fact))) and hedge[0].casefold() not in quoted_text:
            text = f"“{hedge[0]}” hedges a fact: say it straight, or leave it out."
            yield Fault("D27", text, PLAIN, fact)


def _phrasing(email: Email) -> Iterator[Fault]:
    text = f"{email.subject}\n{email.own_words}"
    for at, (words, advice) in enumerate(translated(text)):
        if at < MAX_OF_A_KIND:
            yield Fault("D30", f"“{words}” sounds translated: {advice}.", PLAIN, words)
    for at, (words, advice) in enumerate(stiff(text)):
        if at < MAX_OF_A_KIND:
            yield Fault("D30", f"“{words}” is stiff: {advice}.", SLIGHT, words)
    if advertising := brochure(text):
        listed = ", ".join(f"“{words}”" for words in advertising)
        sounds = "it sounds" if len(advertising) == 1 else "they sound"
        yield Fault(
            "D30",
            f"Say {listed} in the words you would use aloud: {sounds} like a brochure.",
            min(GRAVE, SLIGHT * len(advertising)),
            advertising[0],
        )


def _cliches(email: Email) -> Iterator[Fault]:
    quoted_text = email.quoted_text.casefold()
    kinds = ((_CLICHE, "is in every sales e-mail"), (_FLATTERY, "flatters"), (_PRESSURE, "presses the reader"))
    for pattern, harm in kinds:
        matches = (phrase[0] for phrase in pattern.finditer(f"{email.subject}\n{email.own_words}"))
        if phrases := [phrase for phrase in dict.fromkeys(matches) if phrase.casefold() not in quoted_text]:
            quoted = " and ".join(f"“{phrase}”" for phrase in phrases)
            text = f"Cut {quoted}: {'it' if len(phrases) == 1 else 'each'} {harm}."
            yield Fault("D17", text, min(FATAL, PLAIN * len(phrases)), phrases[0])


def _threats(email: Email) -> Iterator[Fault]:
    if match := _THREAT.search(f"{email.subject}\n{email.text}"):
        text = f"“{match[0]}” tells readers that their people may go: choose a proof point that does not."
        yield Fault("D37", text, FATAL, match[0])


def _pronouns(email: Email) -> Iterator[Fault]:
    # Paragraphs with an opt-out are not counted, because an opt-out such as 'I'll stop writing' has to be about the
    # writer.
    about_deal = " ".join(line for line in email.own_words.splitlines() if not has_way_out(line))
    you, we = len(_YOU.findall(email.text)), len(_WE.findall(about_deal))
    if we > max(you, MAX_OF_A_KIND):
        yield Fault("D16", f"Write about the reader: it says “you” {you} times, and “I” or “we” {we} times.", PLAIN)
    if not email.position and _STARTS_WITH_WRITER.match(email.text):
        yield Fault("D16", "Start with the reader or what happened there, not with yourself.", PLAIN, email.first)
    count = email.mentions(email.text)
    if count > MAX_MENTIONS:
        text = f"Say “you”: the e-mail names {email.deal.prospect} {count} times, but the reader works there."
        yield Fault("D16", text, min(PLAIN, SLIGHT * (count - MAX_MENTIONS)))


def _full_forms(email: Email) -> Iterator[Fault]:
    full = [match[0] for match in _FULL_FORM.finditer(email.own_words)]
    if len(full) >= MIN_FULL_FORMS and len(full) > len(_CONTRACTION.findall(email.own_words)):
        text = f"Use contractions, as people do when they talk: “{full[0]}” and {len(full) - 1} more are written out."
        yield Fault("D30", text, SLIGHT)
