"""The words around the quotations: one set for each persona, so that no two of them get the same e-mail.

A frame claims nothing of its own. What it presupposes, that a proof has a figure or that a voice is of the reader's own
trade, the writer checks before it takes the frame.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grown:
    """For a reader whose company is a customer already: what comes next, and no cold talk."""

    already: tuple[str, str]
    newer: str
    voice: str
    offer: str
    second: tuple[str, str]
    asks: tuple[str, str, str, str]
    opt_out: str
    subjects: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Frames:
    """For one persona. Of four there is one for each touch; of two the first presupposes something."""

    hook: tuple[str, str, str, str]
    guess: str
    who: str
    proof: str
    voice: tuple[str, str]
    offer: tuple[str, str]
    second: tuple[str, str]
    asks: tuple[str, str, str, str]
    opt_out: str
    subjects: tuple[str, str, str, str]
    names: tuple[str, str, str, str]
    promise: str
    bridge: str
    grown: Grown
    ours: tuple[str, str]
    ours_subject: str


FRAMES = (
    Frames(
        hook=(
            "{Page} has a line that stayed with me: {quote}",
            "{Page} also says this: {quote}",
            "Your own words, from {page}: {quote}",
            "{Page} puts it this way: {quote}",
        ),
        guess="My guess is that {need} is part of your day now.",
        bridge="It made me think of what others do with {vendor}.",
        who="I'm with {vendor}: {quote}",
        proof="A short case that may sound familiar. {proof}",
        voice=(
            "On that, someone with a job like yours may be of more use than I. {person}, {role} at {company}: {quote}",
            "A customer may be of more use here than a pitch. {person}, {role} at {company}: {quote}",
        ),
        offer=(
            "So if you look at one thing of ours, make it {offering}. In short: {quote}",
            "If you look at one thing of ours, make it {offering}. In short: {quote}",
        ),
        second=(
            "One more figure to hold against your own. {proof}",
            "One more case, for when you weigh this up. {proof}",
        ),
        asks=(
            "Is that worth a closer look for {prospect}?",
            "Does that sound like your team?",
            "Would 15 minutes next week be of use to see it on your own case?",
            "Who else at {prospect} should hear this, if not you?",
        ),
        opt_out="If you want me to stop writing, just say so.",
        subjects=(
            "{need} at {prospect}",
            "What {company} says",
            "{offering} for {prospect}",
            "Last note from me, {{first_name}}",
        ),
        names=(
            "Your site speaks of {names}, so this may be near to your work.",
            "Since {names} is part of what you show in public, one more thought.",
            "With {names} on your site, there is one tool I would look at first.",
            "It was {names} on your site that made me think of you.",
        ),
        promise="What we stand for, in one line: {quote}",
        grown=Grown(
            already=(
                "You know us: {prospect} is a {vendor} customer, and the story is public: {quote}",
                "You know us: {prospect} is a {vendor} customer.",
            ),
            newer="If {offering} is new to your team, this is what it is for: {quote}",
            voice="Another team that works with {vendor} may be worth a look. {person}, {role} at {company}: {quote}",
            offer="Beyond what you use today, {offering} may be a part to try next. In short: {quote}",
            second=(
                "For the step after this one, here is a figure from another customer. {proof}",
                "For the step after this one, here is the case of another customer. {proof}",
            ),
            asks=(
                "Is there more at {prospect} that {vendor} could help with?",
                "Is there a team at {prospect} that works in the same way?",
                "Would 15 minutes next week be of use to see it with your own data?",
                "Who at {prospect} looks after {vendor} today, if not you?",
            ),
            opt_out="If you want no more notes like this, just say stop.",
            subjects=(
                "More from {vendor} for {prospect}",
                "What {company} says",
                "{offering} for {prospect}",
                "Last note for now, {{first_name}}",
            ),
        ),
        ours=(
            "{vendor} is a customer of yours, and your site tells the story: {quote}",
            "{vendor} is a customer of yours, as your own site shows.",
        ),
        ours_subject="{vendor}, a customer of {prospect}",
    ),
    Frames(
        hook=(
            "While reading {page}, one thing stood out: {quote}",
            "There is this, too, from {page}: {quote}",
            "To quote {page}: {quote}",
            "From {page} once more: {quote}",
        ),
        guess="That seems to put {need} on the table for you and your team.",
        bridge="That made me curious how you go about it.",
        who="I work at {vendor}: {quote}",
        proof="Here is a case from one of our customers. {proof}",
        voice=(
            "Here is how someone in a seat like yours puts it. {person} ({role}, {company}): {quote}",
            "Here is how one of our customers puts it. {person} ({role}, {company}): {quote}",
        ),
        offer=(
            "With that on your plate, I would show you {offering} first. It comes down to this: {quote}",
            "There is one part I would show you first, {offering}. It comes down to this: {quote}",
        ),
        second=(
            "Here is a last figure that you can check for yourself. {proof}",
            "Here is a last case that you can check. {proof}",
        ),
        asks=(
            "Would it help you to see how that works?",
            "How close is that to what you see at {prospect}?",
            "Could we take 15 minutes to try it against a real question of yours?",
            "Should your team look at this later in the year, or not at all?",
        ),
        opt_out="Tell me to stop, and you will not hear from me again.",
        subjects=("{prospect}: {need}", "{company} on {vendor}", "A look at {offering}", "Close this for {prospect}?"),
        names=(
            "Your pages bring up {names}, which is why you get this note.",
            "A team that works with {names} has likely met this before.",
            "Back to {names}, which your site puts up front.",
            "Your site names {names}, so this last case may be close to home.",
        ),
        promise="Our promise to you, word for word: {quote}",
        grown=Grown(
            already=(
                "Your company is with us by now; the story of {prospect} and {vendor} is public: {quote}",
                "Your company is with us by now: {vendor} names {prospect} as a customer.",
            ),
            newer="Your team may not use {offering} yet. It comes down to this: {quote}",
            voice="Here is how another customer of ours puts it. {person} ({role}, {company}): {quote}",
            offer="Next to what your teams have now, there is {offering}. It comes down to this: {quote}",
            second=(
                "Here is one more figure, from another customer of {vendor}. {proof}",
                "Here is one more case, from another customer of {vendor}. {proof}",
            ),
            asks=(
                "Would it help the teams that do not use {vendor} yet?",
                "Does that match how you use {vendor} at {prospect}?",
                "Could we take 15 minutes to go through what else you could do with it?",
                "Who else at {prospect} should know what you do with {vendor}?",
            ),
            opt_out="Tell me to stop, and you will get no more notes of this kind.",
            subjects=(
                "{prospect} and {vendor}: what is next",
                "{company} on {vendor}",
                "A look at {offering}",
                "One last idea for {prospect}",
            ),
        ),
        ours=(
            "You may know {vendor} as a customer of yours. It is on your own site: {quote}",
            "You may know {vendor} as a customer of yours; your own site shows us.",
        ),
        ours_subject="From your customer {vendor}",
    ),
    Frames(
        hook=(
            "Your team wrote a line that I kept, from {page}: {quote}",
            "Then there is this line from {page}: {quote}",
            "A line from {page} fits here: {quote}",
            "Back to {page} once more: {quote}",
        ),
        guess="Reading that, {need} looks like something you would care about.",
        bridge="It is the reason that you hear from me.",
        who="I write from {vendor}: {quote}",
        proof="One of our cases, in short. {proof}",
        voice=(
            "A person with your job said it in fewer words than I can. {quote} That was {person}, {role} at {company}.",
            "A customer said it in fewer words than I can. {quote} That was {person}, {role} at {company}.",
        ),
        offer=(
            "Given that, {offering} looks like the right place to start. Here is what it is for: {quote}",
            "You could start with {offering}. Here is what it is for: {quote}",
        ),
        second=("If figures help your case, take this one. {proof}", "If a case helps you, take this one. {proof}"),
        asks=(
            "Would more on this be of use to you at {prospect}?",
            "Would your team say the same one day, or is it far from your needs?",
            "Do you have 15 minutes on a quiet day to go through it with your data?",
            "Is it best that you point me to a colleague, or that I leave it there?",
        ),
        opt_out="A short no is fine, and you will get no more mail from me.",
        subjects=(
            "A thought on {need}",
            "From {company}, in short",
            "Start with {offering}?",
            "Leave it there, {{first_name}}?",
        ),
        names=(
            "Your company writes about {names}, and that is what made me write.",
            "As you know {names} well, you can judge the next line best.",
            "Next to {names}, the part below may be of use.",
            "One thing still fits with {names}, so here it is.",
        ),
        promise="Our promise, as you can read it in public: {quote}",
        grown=Grown(
            already=(
                "This is not a cold note: {prospect} is on the list of {vendor} customers. The headline: {quote}",
                "This is not a cold note: {prospect} is on the list of {vendor} customers.",
            ),
            newer="One part that your team may still look at is {offering}. In short: {quote}",
            voice="Another customer said it in fewer words than I can. {quote} That was {person}, {role} at {company}.",
            offer="One more part that could fit what you have is {offering}. Here is what it is for: {quote}",
            second=(
                "If you want to take {vendor} to more teams, this figure may help you. {proof}",
                "If you want to take {vendor} to more teams, this case may help you. {proof}",
            ),
            asks=(
                "Is that something you would want to try at {prospect}?",
                "Would your team say the same of {vendor} today?",
                "Do you have 15 minutes on a quiet day to go through it with your data?",
                "Is it best that you point me to a colleague who runs {vendor} day to day?",
            ),
            opt_out="A short no is fine, and you will get no more notes like this.",
            subjects=(
                "What is next with {vendor}?",
                "From {company}, in short",
                "Next for you: {offering}",
                "One more thought, {{first_name}}",
            ),
        ),
        ours=(
            "This note comes from a customer of yours. The story of {vendor} on your site: {quote}",
            "This note comes from a customer of yours: {vendor} is on your own site.",
        ),
        ours_subject="A note from a customer of {prospect}",
    ),
)


UNKNOWN = (
    "You will know better than I how much {need} matters at {prospect} today.",
    "What would help {prospect} most is for you to say.",
    "What comes first at {prospect} is your call.",
    "If {need} is no topic at {prospect}, that would be good to know, too.",
)
"""Where nothing of theirs can be quoted: they claim nothing, and leave the word to the reader."""
