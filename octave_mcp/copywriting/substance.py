"""Rules for the content of an e-mail: it must fit the deal, prove its claims, make an offer, and not repeat itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.copywriting.calls_to_action import has_way_out, offers
from octave_mcp.copywriting.email_text import Email, unquoted
from octave_mcp.copywriting.faults import FATAL, GRAVE, PLAIN, SLIGHT, Fault, graded
from octave_mcp.copywriting.opening import is_dated
from octave_mcp.copywriting.readability import length, sentences
from octave_mcp.evidence.figures import figures
from octave_mcp.evidence.support.wording import joined, stem, wording

# Indexes of touches, counted from 0: the first two touches must contain proof, and the third must make an offer. The
# last touch needs neither.
PROOF_TOUCHES, OFFER_TOUCH = (0, 1), 2
# An e-mail fits the deal if it shares at least MIN_SHARED_WORDS words with the user's context, the prospect's
# quotations or earlier touches. If the first touch has at least MIN_PARAGRAPHS paragraphs, its opening must share a
# word with the rest.
MIN_SHARED_WORDS, MIN_PARAGRAPHS = 2, 3
TOUCHES_ALIKE = 0.2
# Maximum number of words about the vendor's business in the first touch, and in a later touch.
MAX_PITCH_WORDS = (20, 30)

COMPANY_FIELD = "{{company_name}}"
SAME_START_WORDS = 3

MIN_READER_SHARE = 0.33
# A last e-mail needs no more than two paragraphs that say goodbye: one ends the correspondence, and one lets the reader
# say no.
MAX_GOODBYES = 2

_DIGIT = re.compile(r"\d")
# If the user's context mentions a meeting, demo or call, the third touch needs no other offer.
_WANTS_MEETING = re.compile(r"\b(?:meetings?|demos?|calls?)\b", re.IGNORECASE)
_SAYS = re.compile(r"\b(?:says?|said|puts? it|calls?|called|told|tells|writes|wrote|describes?|according to)\b")
# Finds company names that are ordinary words, as in 'Twenty, the open-source CRM, ...'. The pattern must not match
# 'Today, the ...', which names no company.
_APPOSITION = re.compile(
    r"(?!(?:Today|Overnight|Often|Still|Again|Here|There|Now|Then|Yes|No|Well|\w+ly)\b)"
    r"[A-Z][\w.&'’-]*(?: [A-Z][\w.&'’-]*){0,3}, (?:an?|the|another|one|which|who|whose)\b"
)
# Matches sentences that continue the previous one, such as 'They cut rework by 31%', but not 'It is late'.
_CONTINUES = re.compile(r"(?:with [^.?!,]{1,40}?,? )?(?:they|it|their|its)\b(?! (?:is|are) )", re.IGNORECASE)
# Matches definitions such as 'Acme is a CRM', because a definition proves nothing.
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
_OPEN_DOOR = re.compile(
    r"\b(?:comes? up again|door (?:stays|is|remains)|glad to hear|know where (?:to find|i am)|happy to (?:talk|pick)"
    r"|talk again|until (?:the|that|patching|it)\b|when(?:ever)? (?:it|that|the time))\b",
    re.IGNORECASE,
)


def substance(email: Email) -> Iterator[Fault]:
    if email.is_english:
        yield from _deal(email)
        yield from _proof(email)
        yield from _connected(email)
        yield from _about_others(email)
        yield from _pitch(email)
        yield from _offer(email)
        yield from _goodbye(email)
    yield from _repeats(email)


def _deal(email: Email) -> Iterator[Fault]:
    text = f"{email.subject}\n{email.text}"
    has_prospect = bool(email.mentions(text)) or COMPANY_FIELD in text
    if email.names_in(text) or _DIGIT.search(" ".join(email.statements)) or is_dated(text) or _has_words_of_deal(email):
        return
    if has_prospect:
        message = (
            "Nothing but the company's name is about this deal: name what happened there, or a customer like them."
        )
        yield Fault("D29", message, PLAIN)
    elif email.deal.vendor or email.deal.prospect:
        # The fault is fatal only if there is evidence or context. If there is neither, the rules can hardly recognise
        # words that are about the deal.
        is_known = bool(email.evidence or email.deal.context)
        text = "It would read the same at any other company: name what it is about."
        yield Fault("D29", text, PLAIN if email.last else FATAL if is_known else GRAVE)


def _has_words_of_deal(email: Email) -> bool:
    """Whether the e-mail has words in common with the user's context, the prospect's quotations or earlier touches."""
    words = wording(email.text)
    content = {stem(word.lower) for word in words.words if word.is_content}
    earlier_text = "\n".join(
        text for touch in email.earlier for text in (touch.subject, *touch.statements, touch.make_first)
    )
    known = (email.quotes_of("prospect"), email.deal.context, earlier_text)
    return any(len(content & wording(text).stems) >= MIN_SHARED_WORDS for text in known)


def _proof(email: Email) -> Iterator[Fault]:
    """Report missing proof.

    A first touch without proof loses few points, because a good reason to write can be enough in a first touch.
    """
    if email.position not in PROOF_TOUCHES or email.last:
        return
    proofs = [*_proofs(email)]
    if not proofs:
        text = "Name one customer and say what changed there: nothing in it proves the claim."
        yield Fault("D35", text, GRAVE if email.position else SLIGHT)
    elif not (figures(" ".join(proofs)) or _SAYS.search(" ".join(proofs))):
        text = "Give the proof a figure, or what the customer said: without either it is a claim of yours."
        yield Fault("D35", text, SLIGHT, proofs[0])


def _proofs(email: Email) -> Iterator[str]:
    """Yield the sentences that prove a claim.

    Sentences that continue a customer's story also prove a claim: 'They cut rework by 31%'.
    """
    previous = ""
    for statement in email.statements:
        if _proves(email, statement) or (
            _CONTINUES.match(statement) and email.names_in(unquoted(previous)) and "?" not in statement
        ):
            yield statement
        previous = statement


def _proves(email: Email, sentence: str) -> bool:
    """Whether the sentence reports what a third party did or said."""
    is_proof = not (_DEFINES.match(sentence) or _YOU.search(sentence) or "?" in sentence)
    is_other = bool(_APPOSITION.match(sentence)) and not email.mentions(sentence)
    return is_proof and (bool(email.names_in(unquoted(sentence))) or is_other)


def _connected(email: Email) -> Iterator[Fault]:
    """Report a first touch whose first paragraph has no content word in common with the other paragraphs.

    Synonyms count as the same word.
    """
    if email.position or email.last or len(email.paragraphs) < MIN_PARAGRAPHS:
        return
    first, rest = _content(email, email.paragraphs[0]), _content(email, " ".join(email.paragraphs[1:]))
    if not first & rest:
        text = "Say what the opening has to do with the rest: they have no word in common."
        yield Fault("D35", text, SLIGHT)


def _about_others(email: Email) -> Iterator[Fault]:
    """Report an e-mail that hardly mentions the reader and the effect on the reader."""
    sentences_of_email = email.sentences
    share = sum(_is_to_reader(email, sentence) for sentence in sentences_of_email) / max(1, len(sentences_of_email))
    if not email.last and share < MIN_READER_SHARE:
        text = "Say what this means for the reader: nearly all of it is about others."
        yield Fault("D16", text, PLAIN * (1 - share))


def _is_to_reader(email: Email, sentence: str) -> bool:
    return "?" in sentence or bool(_YOU.search(sentence) or email.mentions(sentence))


def _content(email: Email, text: str) -> frozenset[str]:
    """Return a key for each content word, except for words in the two companies' names. Synonyms have the same key."""
    names_of_companies = wording(f"{email.deal.vendor} {email.deal.prospect}").keys
    return joined(word.keys for word in wording(text).words if word.is_content) - names_of_companies


def _pitch(email: Email) -> Iterator[Fault]:
    if not (vendor := email.deal.vendor):
        return
    about_vendor = re.compile(
        rf"(?:With |At |I['’]m with |{re.escape(vendor)} )?(?:{re.escape(vendor)}|we|our)\b", re.IGNORECASE
    )
    pitch = [
        statement for statement in email.statements if about_vendor.match(statement) and not has_way_out(statement)
    ]
    words, max_words = sum(map(length, pitch)), MAX_PITCH_WORDS[bool(email.position)]
    if words > max_words:
        text = f"{words} words say what {vendor} does: one plain clause is enough."
        yield Fault("D16", text, graded(SLIGHT, words / max_words - 1), pitch[0])


def _offer(email: Email) -> Iterator[Fault]:
    is_third = email.position == OFFER_TOUCH and not email.last
    if is_third and _WANTS_MEETING.search(email.deal.context):
        return
    if is_third and email.ask_label != "offer" and not offers(email.own_words):
        text = "Offer something small that you make for this reader: a page rewritten, a list, a draft."
        yield Fault("D35", text, PLAIN, email.ask)
    if email.ask_label == "offer" and not email.make_first:
        yield Fault("D35", "Write out what it offers to send, so that the rep can send it.", PLAIN, email.ask)


def _goodbye(email: Email) -> Iterator[Fault]:
    if match := _LECTURE.search(email.own_words):
        text = f"“{match[0].strip(' .:')}” lectures the reader: leave a thought that is about them, or none."
        yield Fault("D35", text, GRAVE if email.last else SLIGHT, match[0].strip(" .\n"))
    if not email.last:
        return
    if not has_way_out(email.text):
        yield Fault("D21", "Give the reader an easy way to say no.", GRAVE)
    goodbyes = sum(bool(has_way_out(paragraph) or _OPEN_DOOR.search(paragraph)) for paragraph in email.paragraphs)
    if goodbyes > MAX_GOODBYES:
        yield Fault("D35", f"Say goodbye once: {goodbyes} paragraphs do.", PLAIN)


def _repeats(email: Email) -> Iterator[Fault]:
    """Report a touch that repeats the phrases, evidence, first words, ask or structure of an earlier touch."""
    if any(likeness(email.text, other.text) >= TOUCHES_ALIKE for other in email.earlier):
        yield Fault("D18", "It repeats an earlier touch: say something new, or leave it out.", GRAVE)
    used_ids = {other.id for other in email.earlier for other in other.evidence}
    if email.position == 1 and email.evidence and not {other.id for other in email.evidence} - used_ids:
        yield Fault("D18", "It brings nothing new: give a customer's result that the first touch does not have.")
    alike = {
        "begins in the same words": any(_start_alike(email.first, other.first) for other in email.earlier),
        "asks in the same words": any(_start_alike(email.ask, other.ask) for other in email.earlier),
        "has the same structure": any(_shape(email) == _shape(other) for other in email.earlier),
    }
    if similarities := [how for how, is_so in alike.items() if is_so]:
        yield Fault("D18", f"It {' and '.join(similarities)} as an earlier touch: vary it.", SLIGHT * len(similarities))


def _start_alike(first_text: str, second_text: str) -> bool:
    first, second = (text.casefold().split()[:SAME_START_WORDS] for text in (first_text, second_text))
    return len(first) == SAME_START_WORDS and first == second


def _shape(email: Email) -> list[list[bool]]:
    """Return, for each sentence in each paragraph, whether the sentence is a question."""
    return [["?" in sentence for sentence in sentences(paragraph)] for paragraph in email.paragraphs]


def likeness(text: str, other: str) -> float:
    """Return the similarity of two texts, from 0 to 1: the Jaccard index of their five-word sequences."""
    first_grams, second_grams = _grams(text), _grams(other)
    return len(first_grams & second_grams) / len(first_grams | second_grams) if first_grams and second_grams else 0.0


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}
