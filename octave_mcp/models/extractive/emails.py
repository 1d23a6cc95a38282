"""Four touches to each persona: frames around verbatim quotations, other words for each persona."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.copywriting.rubric import FIRST_WORDS, QUOTED_WORDS, SUBJECT_CHARACTERS, SUBJECT_WORDS
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.playbook import CallToAction, Sentence, SequenceDraft, TouchDraft
from octave_mcp.domain.prospect import Need
from octave_mcp.domain.vendor import Offering, ValueProposition
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say, shortest, stands_alone
from octave_mcp.models.extractive.frames import FRAMES, UNKNOWN
from octave_mcp.models.extractive.material import Hook, Material, Proof, Voice

TOUCHES = 4
FEWEST_WORDS = 38
"""Of a first touch, without greeting, ask and signature."""
GREETING_AND_SIGNATURE = 4
INTRODUCTION = 4
"""The words around the line that says who writes."""

_SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")

Paragraph = tuple[Sentence[Cite], ...]


def sequence(material: Material, rank: int) -> SequenceDraft[Cite]:
    """The first touch, and each later one that has a proof to show; one without would only nag."""
    writer = Writer(material, rank)
    *first, last = [writer.touch(at) for at in range(TOUCHES) if at == 0 or writer.middle(at)]
    return SequenceDraft[Cite](touches=(*first, last.model_copy(update={"opt_out": writer.opt_out})))


class Writer:
    """One persona's sequence: what it may use, taken once each."""

    def __init__(self, material: Material, rank: int) -> None:
        self.material, self.rank = material, rank
        self.frames = FRAMES[rank % len(FRAMES)]
        self.grown = self.frames.grown if material.expansion else None
        self.need: Need = material.need(rank)
        self.hooks, self.proofs, self.voices = (
            material.hooks_for(rank),
            material.proofs_for(rank),
            material.voices_for(rank),
        )
        self.offerings = material.offerings_for(rank)

    @property
    def opt_out(self) -> str:
        return self.grown.opt_out if self.grown else self.frames.opt_out

    def touch(self, at: int) -> TouchDraft[Cite]:
        paragraphs, about = self._first() if at == 0 else (self._later(at), None)
        label = ("interest", "interest", "meeting", "goodbye")[at]
        return TouchDraft[Cite](
            subject=self._subject(at, about),
            paragraphs=paragraphs,
            call_to_action=CallToAction(label=label, text=self._ask(at)),
            opt_out=None,
            personalisation=tuple(self._notes(at)),
        )

    def _ask(self, at: int) -> str:
        return self._fill(self.grown.asks[at] if self.grown else self.frames.asks[at])

    def _first(self) -> tuple[tuple[Paragraph, ...], Need | None]:
        """The fullest opening that leaves room to say who writes, and the need it speaks of."""
        openings = list(self._openings())
        for opening, about in openings:
            paragraphs = (opening, *self.middle(0))
            if introduced := self._introduced(paragraphs):
                return introduced, about
        who = (say(f"I write from {self.material.vendor}."),)
        fits = (one for one in openings if self._room((one[0], *self.middle(0), who)) >= 0)
        opening, about = next(fits, openings[-1])
        return (opening, *self.middle(0), who), about

    def _openings(self) -> Iterator[tuple[Paragraph, Need | None]]:
        """Ways to begin, the fullest first, each with the need that its words bear out."""
        hook = self._hook(0)
        if self.material.expansion:
            yield (*self._already(), *self._of_today()), None
            yield self._already(), None
        elif self.material.buying:
            yield (self._ours(), *self._of_today()), None
            yield (self._ours(),), None
        elif hook is None:
            yield (self._unknown(0),), self.need
        elif not hook.quote:
            yield (self._names(0, hook),), None
        else:
            yield from self._guesses(hook)

    def _guesses(self, hook: Hook) -> Iterator[tuple[Paragraph, Need | None]]:
        """A line of theirs with what it seems to say of their needs, if it does; and without."""
        opening = self._quotes(self.frames.hook[0], hook)
        if need := self._guessed(hook):
            guess = self._fill(self.frames.guess, need=cues.NEED_WORDS[need])
            yield (opening, say(guess, "inference", self.material.cites(hook.evidence))), need
        yield (opening, say(self._fill(self.frames.bridge))), None
        yield (opening,), None

    def _later(self, at: int) -> tuple[Paragraph, ...]:
        return tuple(p for p in (self._opening(at), *self.middle(at)) if p)

    def _opening(self, at: int) -> Paragraph:
        """A line of theirs, in the words of a touch after the first."""
        hook = self._hook(at)
        if hook is None:
            return () if self.hooks else (self._unknown(at),)
        if not hook.quote:
            return (self._names(at, hook),)
        return (self._quotes(self.frames.hook[0 if at == 1 and self.material.expansion else at], hook),)

    def _quotes(self, frame: str, hook: Hook) -> Sentence[Cite]:
        text = self._fill(frame, page=hook.page, quote=quoted(hook.quote))
        return say(text, "fact", self.material.cites(hook.evidence))

    def _names(self, at: int, hook: Hook) -> Sentence[Cite]:
        text = self._fill(self.frames.names[at], names=hook.names)
        return say(text, "inference", self.material.cites(hook.evidence))

    def _guessed(self, hook: Hook) -> Need | None:
        """The need the line speaks of, this persona's if it is among them."""
        if self.need in hook.needs or not hook.needs:
            return self.need if hook.needs else None
        return cues.need_of(hook.quote, tuple(need for need in cues.NEEDS if need in hook.needs))

    def _already(self) -> Paragraph:
        own = self.material.brief.existing_customer
        story = self.material.own_story
        fits = story and len(story.headline.split()) <= QUOTED_WORDS
        frame = self.frames.grown.already[not fits]
        text = self._fill(frame, quote=quoted(story.headline) if story else "")
        return (say(text, "fact", self.material.cites((*own, *(story.evidence[:1] if story else ())))),)

    def _ours(self) -> Sentence[Cite]:
        """That the vendor is the reader's customer, in the title of the reader's own story where there is one."""
        title = self.material.own_title
        text = self._fill(self.frames.ours[not title], quote=quoted(title))
        return say(text, "fact", self.material.cites(self.material.brief.vendor_is_customer))

    def _of_today(self) -> Paragraph:
        """A line of theirs beside what the two companies are to each other."""
        hook = next((hook for hook in self.hooks[:1] if hook.quote), None)
        return (self._quotes(self.frames.hook[1], hook),) if hook else ()

    def _unknown(self, at: int) -> Sentence[Cite]:
        return say(self._fill(UNKNOWN[at]))

    def middle(self, at: int) -> tuple[Paragraph, ...]:
        if at == 0 and self.material.expansion and self.offerings:
            return (self._newer(),)
        kind = ("proof", "voice", "offer", "second")[at]
        return tuple(p for p in (self._of(kind),) if p)

    def _of(self, kind: str) -> Paragraph:
        if kind == "voice" and self.voices:
            return self._voice(self.voices[0])
        if kind == "offer" and (offering := self._offering()):
            return self._offer(offering)
        proof = self._proof({"proof": 0, "voice": 2, "offer": 3, "second": 1}[kind])
        if proof is None:
            return ()
        second = self.grown.second if self.grown else self.frames.second
        frame = second[not proof.measured] if kind == "second" else self.frames.proof
        return (say(self._fill(frame, proof=proof.text), "fact", self.material.cites(proof.evidence)),)

    def _offer(self, offering: Offering[EvidenceId]) -> Paragraph:
        """Tied to the opening only where both speak of one need."""
        hook = self._hook(2)
        tied = bool(hook and hook.quote and hook.needs & cues.needs_of(f"{offering.name} {offering.description}"))
        quote = quoted(shortest(offering.description))
        frame = self.grown.offer if self.grown else self.frames.offer[not tied]
        text = self._fill(frame, offering=offering.name, quote=quote)
        return (say(text, "fact", self.material.cites(offering.evidence)),)

    def _newer(self) -> Paragraph:
        offering = self.offerings[0]
        text = self._fill(self.frames.grown.newer, offering=offering.name, quote=quoted(shortest(offering.description)))
        own = self.material.cites(self.material.brief.existing_customer[:1])
        return (say(text, "fact", (*self.material.cites(offering.evidence), *own)),)

    def _voice(self, voice: Voice) -> Paragraph:
        peer = voice.function == self.material.personas[self.rank].function
        text = self._fill(
            self.grown.voice if self.grown else self.frames.voice[not peer],
            person=voice.person,
            role=voice.role,
            company=voice.company,
            quote=quoted(voice.quote),
        )
        return (say(text, "fact", self.material.cites(voice.evidence)),)

    def _introduced(self, paragraphs: tuple[Paragraph, ...]) -> tuple[Paragraph, ...]:
        """With who writes, and what they sell, if there is room for it; else nothing."""
        room = self._room(paragraphs)
        if self.material.expansion:
            more = () if _words(paragraphs) > FEWEST_WORDS else self._promise()
            return (*paragraphs, *more) if room >= 0 else ()
        for line, evidence in self._lines_on_us():
            if len(line.split()) + INTRODUCTION <= room and not cues.GRUMBLES.search(line):
                who = say(self._fill(self.frames.who, quote=quoted(line)), "fact", self.material.cites(evidence))
                return (*paragraphs, (who,))
        who = self._by_products()
        return (*paragraphs, (who,)) if who and len(who.text.split()) <= room else ()

    def _room(self, paragraphs: tuple[Paragraph, ...]) -> int:
        """The words that are left in a first touch."""
        return FIRST_WORDS[1] - GREETING_AND_SIGNATURE - len(self._ask(0).split()) - _words(paragraphs)

    def _lines_on_us(self) -> Iterator[tuple[str, tuple[EvidenceId, ...]]]:
        """What the vendor says of itself that can be quoted: of the whole, then of what fits the need."""
        if (pitch := self.material.pitch) and (line := shortest(pitch.text)):
            yield line, pitch.evidence
        for value in self._promises():
            yield shortest(value.text), value.evidence

    def _by_products(self) -> Sentence[Cite] | None:
        made = (self.offerings or self.material.product_names)[:2]
        names = " and ".join(offering.name for offering in made)
        cites = self.material.cites([i for offering in made for i in offering.evidence])
        return say(f"I write from {self.material.vendor}, makers of {names}.", "fact", cites) if made else None

    def _promises(self) -> list[ValueProposition[EvidenceId]]:
        """What the vendor promises, by how well it fits the need."""
        shown, promised = self.material.shown, self.material.brief.vendor.value_propositions
        fits = [v for v in promised if stands_alone(line := shortest(v.text)) and line and shown.english(v.evidence)]
        return sorted(fits, key=lambda value: self.need not in cues.needs_of(f"{value.title} {value.text}"))

    def _promise(self) -> tuple[Paragraph, ...]:
        for value in self._promises()[:1]:
            text = self._fill(self.frames.promise, quote=quoted(shortest(value.text)))
            return ((say(text, "fact", self.material.cites(value.evidence)),),)
        return ()

    def _hook(self, at: int) -> Hook | None:
        return self.hooks[at] if at < len(self.hooks) else None

    def _proof(self, at: int) -> Proof | None:
        return self.proofs[at] if at < len(self.proofs) else None

    def _offering(self) -> Offering[EvidenceId] | None:
        at = 1 if self.material.expansion and len(self.offerings) > 1 else 0
        return self.offerings[at] if self.offerings else None

    def _subject(self, at: int, about: Need | None) -> str:
        """What the e-mail speaks of, in seven words and 50 characters; else the two names."""
        frame = self._subject_frame(at, about)
        offering, voice = self._offering(), self.voices[0] if self.voices else None
        made = self._fill(
            frame,
            need=self._titled(about or self.need),
            company=voice.company if voice else "",
            offering=offering.name if offering else "",
        )
        made = made[:1].upper() + made[1:]
        fits = made and len(made) <= SUBJECT_CHARACTERS and len(made.split()) <= SUBJECT_WORDS
        return made if fits else f"{self.material.vendor} and {self.material.prospect}"

    def _subject_frame(self, at: int, about: Need | None) -> str:
        """The frame whose words the e-mail bears out; empty where none does."""
        if (at == 1 and not self.voices) or (at == 2 and not self.offerings):
            return ""
        if self.grown:
            return self.grown.subjects[at]
        if at == 0 and self.material.buying:
            return self.frames.ours_subject
        return "" if at == 0 and about is None else self.frames.subjects[at]

    def _titled(self, need: Need) -> str:
        title = cues.NEED_TITLES[need]
        return title if self.rank == 1 else title.lower()

    def _notes(self, at: int) -> Iterator[str]:
        hook = self._hook(at)
        where = hook.page.replace("your ", "their ").replace("of yours", "of theirs") if hook else ""
        if at == 0 and self.material.expansion:
            yield "They are a customer already: name who on their side uses it today, if you know."
            return
        if at == 0 and self.material.buying:
            yield "You are their customer: name who on your side works with them, and how it goes."
        if where:
            yield f"The opening is taken from {where}; check that it still says so, or swap in something you know."
        else:
            yield "Nothing of theirs is quoted here: put your own reason to write to them in place of the opening."
        if at == 0 and not self.material.buying:
            yield "Name the reader's own project in place of the guess, if you know it."

    def _fill(self, frame: str, **values: str) -> str:
        page = values.get("page", "your site")
        known = {
            "vendor": self.material.vendor,
            "prospect": self.material.prospect,
            "need": cues.NEED_WORDS[self.need],
            "Page": page[0].upper() + page[1:],
            **values,
        }
        return _SLOT.sub(lambda slot: known[slot[1]], frame)


def _words(paragraphs: tuple[Paragraph, ...]) -> int:
    return sum(len(sentence.text.split()) for paragraph in paragraphs for sentence in paragraph)
