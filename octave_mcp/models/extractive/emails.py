"""Four touches to each persona: frames around verbatim quotations, other words for each persona."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.playbook import CallToAction, Sentence, SequenceDraft, TouchDraft
from octave_mcp.domain.prospect import Need
from octave_mcp.domain.vendor import Offering, ValueProposition
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say, shortest
from octave_mcp.models.extractive.frames import FRAMES, UNKNOWN
from octave_mcp.models.extractive.material import Hook, Material, Proof, Voice

TOUCHES = 4
SUBJECT = 50
FEWEST_WORDS, MOST_WORDS = 38, 78
"""Of a first touch, without greeting, ask and signature."""
FEWEST_FOR_NAMES = 13

_SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")

Paragraph = tuple[Sentence[Cite], ...]


def sequence(material: Material, rank: int) -> SequenceDraft[Cite]:
    """The first touch, and each later one that has a proof to show; one without would only nag."""
    writer = Writer(material, rank)
    *first, last = [writer.touch(at) for at in range(TOUCHES) if at == 0 or writer.middle(at)]
    return SequenceDraft[Cite](touches=(*first, last.model_copy(update={"opt_out": writer.frames.opt_out})))


class Writer:
    """One persona's sequence: what it may use, taken once each."""

    def __init__(self, material: Material, rank: int) -> None:
        self.material, self.rank = material, rank
        self.frames = FRAMES[rank % len(FRAMES)]
        self.need: Need = material.need(rank)
        self.hooks, self.proofs, self.voices = (
            material.hooks_for(rank),
            material.proofs_for(rank),
            material.voices_for(rank),
        )
        self.offerings = material.offerings_for(rank)

    def touch(self, at: int) -> TouchDraft[Cite]:
        paragraphs = tuple(p for p in (self._opening(at), *self.middle(at)) if p)
        label = ("interest", "interest", "meeting", "goodbye")[at]
        ask = CallToAction(label=label, text=self._fill(self.frames.asks[at]))
        return TouchDraft[Cite](
            subject=self._subject(at),
            paragraphs=self._introduced(paragraphs) if at == 0 else paragraphs,
            call_to_action=ask,
            opt_out=None,
            personalisation=tuple(self._notes(at)),
        )

    def _opening(self, at: int) -> Paragraph:
        """What is known of the reader: that they are a customer already, else a line of their own."""
        if at == 0 and self.material.expansion:
            return (*self._already(), *self._of_today())
        if at == 0 and self.material.buying:
            return (self._ours(), *self._of_today())
        hook = self._hook(at)
        if hook is None:
            return (self._unknown(at),) if at == 0 or not self.hooks else ()
        cites = self.material.cites(hook.evidence)
        if not hook.quote:
            return (say(self._fill(self.frames.names[at], names=hook.names), "inference", cites),)
        frame = self.frames.hook[0 if at == 1 and self.material.expansion else at]
        opening = say(self._fill(frame, page=hook.page, quote=quoted(hook.quote)), "fact", cites)
        return (
            (opening, say(self._fill(self.frames.guess, need=self._guessed(hook)), "inference", cites))
            if at == 0
            else (opening,)
        )

    def _guessed(self, hook: Hook) -> str:
        """The need the line speaks of, this persona's if it is among them."""
        need: Need = self.need if self.need in hook.needs else cues.need_of(hook.quote) or self.need
        return cues.NEED_WORDS[need]

    def _already(self) -> Paragraph:
        cites = self.material.cites(self.material.brief.existing_customer)
        story = next(
            (s for s in self.material.brief.vendor.case_studies if self.material.is_prospect(s.customer)), None
        )
        told = quoted(story.headline) if story and len(story.headline.split()) <= 20 else ""
        text = self._fill(self.frames.already, quote=told).strip()
        return (say(text, "fact", (*cites, *(self.material.cites(story.evidence[:1]) if story else ()))),)

    def _ours(self) -> Sentence[Cite]:
        """That the vendor is the reader's customer, in the title of the reader's own story where there is one."""
        title = self.material.own_title
        text = self._fill(self.frames.ours[not title], quote=quoted(title))
        return say(text, "fact", self.material.cites(self.material.brief.vendor_is_customer))

    def _of_today(self) -> Paragraph:
        """A line of theirs beside what the two companies are to each other."""
        hook = next((hook for hook in self.hooks[:1] if hook.quote), None)
        text = self._fill(self.frames.hook[1], page=hook.page, quote=quoted(hook.quote)) if hook else ""
        return (say(text, "fact", self.material.cites(hook.evidence)),) if hook else ()

    def _unknown(self, at: int) -> Sentence[Cite]:
        cites = (
            self.material.cites([i for pain in self.material.brief.prospect.pain_points for i in pain.evidence][:1])
            or self._named()
        )
        return say(self._fill(UNKNOWN[at]), "inference", cites)

    def _named(self) -> tuple[Cite, ...]:
        return tuple(cite for persona in self.material.personas for cite in self.material.cites(persona.evidence))[:1]

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
        frame = self.frames.second[not proof.measured] if kind == "second" else self.frames.proof
        return (say(self._fill(frame, proof=proof.text), "fact", self.material.cites(proof.evidence)),)

    def _offer(self, offering: Offering[EvidenceId]) -> Paragraph:
        """Tied to the opening only where both speak of one need."""
        hook = self._hook(2)
        tied = bool(hook and hook.quote and hook.needs & cues.needs_of(f"{offering.name} {offering.description}"))
        quote = quoted(shortest(offering.description))
        text = self._fill(self.frames.offer[not tied], offering=offering.name, quote=quote)
        return (say(text, "fact", self.material.cites(offering.evidence)),)

    def _newer(self) -> Paragraph:
        offering = self.offerings[0]
        text = self._fill(self.frames.newer, offering=offering.name, quote=quoted(shortest(offering.description)))
        own = self.material.cites(self.material.brief.existing_customer[:1])
        return (say(text, "fact", (*self.material.cites(offering.evidence), *own)),)

    def _voice(self, voice: Voice) -> Paragraph:
        peer = voice.function == self.material.personas[self.rank].function
        text = self._fill(
            self.frames.voice[not peer],
            person=voice.person,
            role=voice.role,
            company=voice.company,
            quote=quoted(voice.quote),
        )
        return (say(text, "fact", self.material.cites(voice.evidence)),)

    def _introduced(self, paragraphs: tuple[Paragraph, ...]) -> tuple[Paragraph, ...]:
        """The first touch says who writes, and what they sell, as far as there is room for it."""
        room = MOST_WORDS - sum(len(sentence.text.split()) for paragraph in paragraphs for sentence in paragraph)
        if self.material.expansion:
            return paragraphs if room < MOST_WORDS - FEWEST_WORDS else (*paragraphs, *self._promise())
        for line, evidence in self._lines_on_us():
            if len(line.split()) + 4 <= room and not cues.GRUMBLES.search(line):
                who = say(self._fill(self.frames.who, quote=quoted(line)), "fact", self.material.cites(evidence))
                return (*paragraphs, (who,))
        return (*paragraphs, (self._by_products(room),))

    def _lines_on_us(self) -> Iterator[tuple[str, tuple[EvidenceId, ...]]]:
        """What the vendor says of itself that can be quoted: of the whole, then of what fits the need."""
        if (pitch := self.material.pitch) and (line := shortest(pitch.text)):
            yield line, pitch.evidence
        for value in self._promises():
            yield shortest(value.text), value.evidence

    def _by_products(self, room: int) -> Sentence[Cite]:
        made = (self.offerings or self.material.product_names)[:2] if room >= FEWEST_FOR_NAMES else []
        names = " and ".join(offering.name for offering in made)
        cites = self.material.cites([i for offering in made for i in offering.evidence])
        if not made:
            return say(f"I write from {self.material.vendor}.")
        return say(f"I write from {self.material.vendor}, makers of {names}.", "fact", cites)

    def _promises(self) -> list[ValueProposition[EvidenceId]]:
        """What the vendor promises, by how well it fits the need."""
        shown, promised = self.material.shown, self.material.brief.vendor.value_propositions
        fits = [value for value in promised if shortest(value.text) and shown.english(value.evidence)]
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

    def _subject(self, at: int) -> str:
        """At most seven words and 50 characters; a subject that is longer gives way to a plain one."""
        offering, voice = self._offering(), self.voices[0] if self.voices else None
        plain = f"{self.material.vendor} and {self.material.prospect}"
        if (at == 1 and not voice) or (at == 2 and not offering):
            return plain
        warm = at == 0 and self.material.buying and not self.material.expansion
        made = self._fill(
            self.frames.ours_subject if warm else self.frames.subjects[at],
            need=cues.NEED_TITLES[self.need].lower() if self.rank != 1 else cues.NEED_TITLES[self.need],
            company=voice.company if voice else "",
            offering=offering.name if offering else "",
        )
        made = made[0].upper() + made[1:]
        return made if len(made) <= SUBJECT and len(made.split()) <= 7 else plain

    def _notes(self, at: int) -> tuple[str, ...]:
        hook = self._hook(at)
        where = hook.page.replace("your ", "their ").replace("of yours", "of theirs") if hook else "their site"
        swap = f"The opening is taken from {where}; check that it still says so, or swap in something you know."
        if at == 0 and self.material.expansion:
            return ("They are a customer already: name who on their side uses it today, if you know.",)
        if at == 0 and self.material.buying:
            return ("You are their customer: name who on your side works with them, and how it goes.", swap)
        return (swap, "Name the reader's own project in place of the guess, if you know it.") if at == 0 else (swap,)

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
