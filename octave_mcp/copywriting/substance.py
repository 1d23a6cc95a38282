"""What an e-mail brings its reader: something of this deal, a proof, an offer, and nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.copywriting.asking import has_way_out, offers
from octave_mcp.copywriting.email_text import Email, unquoted
from octave_mcp.copywriting.faults import FATAL, GRAVE, PLAIN, SLIGHT, Fault, graded
from octave_mcp.copywriting.opening import is_dated
from octave_mcp.copywriting.readability import length, sentences
from octave_mcp.evidence.figures import figures
from octave_mcp.evidence.support.wording import joined, stem, wording

# The touches, from 0, that need a proof, and the one that makes an offer.
PROVING, OFFERING = (0, 1), 2
FEW_SHARED, FEW_PARAGRAPHS = 2, 3
TOUCHES_ALIKE = 0.2
# Of what the vendor is and does, on the first touch and on later ones.
PITCH_WORDS = (20, 30)

COMPANY = "{{company_name}}"
# Words with which two touches begin alike.
SAME_START = 3

# The share of the sentences that speak to the reader or of their company.
ABOUT_READER = 0.33
# Paragraphs: one ends the matter, one lets the reader say no.
MAX_GOODBYES = 2

_FIGURE = re.compile(r"\d")
# What a user wants who wants no offer.
_MEETS = re.compile(r"\b(?:meetings?|demos?|calls?)\b", re.IGNORECASE)
_SAYS = re.compile(r"\b(?:says?|said|puts? it|calls?|called|told|tells|writes|wrote|describes?|according to)\b")
# 'Twenty, the open-source CRM, ...': a name, though its word may be another.
_APPOSITION = re.compile(
    r"(?!(?:Today|Overnight|Often|Still|Again|Here|There|Now|Then|Yes|No|Well|\w+ly)\b)"
    r"[A-Z][\w.&'’-]*(?: [A-Z][\w.&'’-]*){0,3}, (?:an?|the|another|one|which|who|whose)\b"
)
_GOES_ON = re.compile(r"(?:with [^.?!,]{1,40}?,? )?(?:they|it|their|its)\b(?! (?:is|are) )", re.IGNORECASE)
_DEFINES = re.compile(r"^[^,]{0,40}? (?:is|are) (?:an?|the|one|our)\b")
_YOU = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_LECTURE = re.compile(
    r"\b(?:one|an?|the) (?:\w+ ){0,2}(?:thoughts?|tests?|checks?|tips?|rules?|lessons?|reminders?|exercises?"
    r"|questions? to ask)\b(?: \w+){0,4}:|\b(?:you|one|teams?|everyone|reps) (?:should|must|ought to|need to"
    r"|needs to)\b"
    r"|\bworth (?:counting|knowing|remembering|keeping|asking|noting|thinking|bearing|considering|checking)\b"
    r"|\b(?:remember|keep in mind|bear in mind|ask yourself|don['’]t forget|the key is|the trick is|as a rule)\b"
    r"|(?:^|[.!?:]\s+)(?:if|when) (?:an?|the) [^.?!]{3,80}\bit (?:is|isn['’]t) (?:not )?",
    re.IGNORECASE | re.MULTILINE,
)
_DOOR = re.compile(
    r"\b(?:comes? up again|door (?:stays|is|remains)|glad to hear|know where (?:to find|i am)|happy to (?:talk|pick)"
    r"|talk again|until (?:the|that|patching|it)\b|when(?:ever)? (?:it|that|the time))\b",
    re.IGNORECASE,
)


def substance(email: Email) -> Iterator[Fault]:
    if email.is_english:
        yield from _of_the_deal(email)
        yield from _proof(email)
        yield from _connected(email)
        yield from _about_others(email)
        yield from _pitch(email)
        yield from _offer(email)
        yield from _goodbye(email)
    yield from _repeats(email)


def _of_the_deal(email: Email) -> Iterator[Fault]:
    text = f"{email.subject}\n{email.text}"
    has_prospect = bool(email.mentions(text)) or COMPANY in text
    if email.names_in(text) or _FIGURE.search(" ".join(email.statements)) or is_dated(text) or _shares(email):
        return
    if has_prospect:
        told = "Nothing but the company's name is about this deal: name what happened there, or a customer like them."
        yield Fault("D29", told, PLAIN)
    elif email.deal.vendor or email.deal.prospect:
        is_known = bool(email.evidence or email.deal.context)  # or it may be about what nobody here knows of
        text = "It would read the same at any other company: name what it is about."
        yield Fault("D29", text, PLAIN if email.last else FATAL if is_known else GRAVE)


def _shares(email: Email) -> bool:
    """Whether it has words of what the user said, of what is quoted of the reader's company, or of earlier touches."""
    said = wording(email.text)
    content = {stem(word.lower) for word in said.words if word.is_content}
    before = "\n".join(text for one in email.earlier for text in (one.subject, *one.statements, one.make_first))
    known = (email.said_by("prospect"), email.deal.context, before)
    return any(len(content & wording(text).stems) >= FEW_SHARED for text in known)


def _proof(email: Email) -> Iterator[Fault]:
    """The second touch is about a proof; the first may do with its reason."""
    if email.position not in PROVING or email.last:
        return
    proofs = [*_proofs(email)]
    if not proofs:
        text = "Name one customer and say what changed there: nothing in it proves the claim."
        yield Fault("D35", text, GRAVE if email.position else SLIGHT)
    elif not (figures(" ".join(proofs)) or _SAYS.search(" ".join(proofs))):
        text = "Give the proof a figure, or what the customer said: without either it is a claim of yours."
        yield Fault("D35", text, SLIGHT, proofs[0])


def _proofs(email: Email) -> Iterator[str]:
    """What proves, and what goes on to tell of the customer named in the sentence before: 'They cut rework'."""
    before = ""
    for one in email.statements:
        if _proves(email, one) or (_GOES_ON.match(one) and email.names_in(unquoted(before)) and "?" not in one):
            yield one
        before = one


def _proves(email: Email, sentence: str) -> bool:
    """Whether it says what somebody other than the two companies did or said."""
    is_proof = not (_DEFINES.match(sentence) or _YOU.search(sentence) or "?" in sentence)
    is_other = bool(_APPOSITION.match(sentence)) and not email.mentions(sentence)
    return is_proof and (bool(email.names_in(unquoted(sentence))) or is_other)


def _connected(email: Email) -> Iterator[Fault]:
    """Something of the opening returns in the rest, in whichever words."""
    if email.position or email.last or len(email.paragraphs) < FEW_PARAGRAPHS:
        return
    first, rest = _content(email, email.paragraphs[0]), _content(email, " ".join(email.paragraphs[1:]))
    if not first & rest:
        text = "Say what the opening has to do with the rest: they have no word in common."
        yield Fault("D35", text, SLIGHT)


def _about_others(email: Email) -> Iterator[Fault]:
    """A story alone leaves it to its reader to find out what it is for."""
    told = email.sentences
    share = sum(_is_to_reader(email, one) for one in told) / max(1, len(told))
    if not email.last and share < ABOUT_READER:
        text = "Say what this means for the reader: nearly all of it is about others."
        yield Fault("D16", text, PLAIN * (1 - share))


def _is_to_reader(email: Email, sentence: str) -> bool:
    return "?" in sentence or bool(_YOU.search(sentence) or email.mentions(sentence))


def _content(email: Email, text: str) -> frozenset[str]:
    """The meanings of its content words, but of the two names."""
    own = wording(f"{email.deal.vendor} {email.deal.prospect}").keys
    return joined(word.keys for word in wording(text).words if word.is_content) - own


def _pitch(email: Email) -> Iterator[Fault]:
    if not (vendor := email.deal.vendor):
        return
    begins = re.compile(
        rf"(?:With |At |I['’]m with |{re.escape(vendor)} )?(?:{re.escape(vendor)}|we|our)\b", re.IGNORECASE
    )
    told = [one for one in email.statements if begins.match(one) and not has_way_out(one)]
    words, most = sum(map(length, told)), PITCH_WORDS[bool(email.position)]
    if words > most:
        text = f"{words} words say what {vendor} does: one plain clause is enough."
        yield Fault("D16", text, graded(SLIGHT, words / most - 1), told[0])


def _offer(email: Email) -> Iterator[Fault]:
    is_third = email.position == OFFERING and not email.last
    if is_third and _MEETS.search(email.deal.context):
        return
    if is_third and email.ask_label != "offer" and not offers(email.own_words):
        text = "Offer something small that you make for this reader: a page rewritten, a list, a draft."
        yield Fault("D35", text, PLAIN, email.ask)
    if email.ask_label == "offer" and not email.make_first:
        yield Fault("D35", "Write out what it offers to send, so that the rep can send it.", PLAIN, email.ask)


def _goodbye(email: Email) -> Iterator[Fault]:
    if found := _LECTURE.search(email.own_words):
        text = f"“{found[0].strip(' .:')}” lectures the reader: leave a thought that is about them, or none."
        yield Fault("D35", text, GRAVE if email.last else SLIGHT, found[0].strip(" .\n"))
    if not email.last:
        return
    if not has_way_out(email.text):
        yield Fault("D21", "Give the reader an easy way to say no.", GRAVE)
    goodbyes = sum(bool(has_way_out(part) or _DOOR.search(part)) for part in email.paragraphs)
    if goodbyes > MAX_GOODBYES:
        yield Fault("D35", f"Say goodbye once: {goodbyes} paragraphs do.", PLAIN)


def _repeats(email: Email) -> Iterator[Fault]:
    """What a touch has in common with an earlier one: phrases, evidence, how it begins and asks, and its structure."""
    if any(likeness(email.text, other.text) >= TOUCHES_ALIKE for other in email.earlier):
        yield Fault("D18", "It repeats an earlier touch: say something new, or leave it out.", GRAVE)
    used = {one.id for other in email.earlier for one in other.evidence}
    if email.position == 1 and email.evidence and not {one.id for one in email.evidence} - used:
        yield Fault("D18", "It brings nothing new: give a customer's result that the first touch does not have.")
    alike = {
        "begins in the same words": any(_begin_alike(email.first, one.first) for one in email.earlier),
        "asks in the same words": any(_begin_alike(email.ask, one.ask) for one in email.earlier),
        "has the same structure": any(_shape(email) == _shape(one) for one in email.earlier),
    }
    if same := [how for how, is_so in alike.items() if is_so]:
        yield Fault("D18", f"It {' and '.join(same)} as an earlier touch: vary it.", SLIGHT * len(same))


def _begin_alike(one: str, other: str) -> bool:
    first, second = (text.casefold().split()[:SAME_START] for text in (one, other))
    return len(first) == SAME_START and first == second


def _shape(email: Email) -> list[list[bool]]:
    """For each paragraph its sentences: whether each is a question."""
    return [["?" in one for one in sentences(paragraph)] for paragraph in email.paragraphs]


def likeness(one: str, other: str) -> float:
    """Jaccard similarity of the two texts' runs of five words."""
    first, second = _grams(one), _grams(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}
