"""The words around the quotations: one set for each persona, so that no two of them get the same e-mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frames:
    """The words around the quotations, for one persona; each field has one for each place that needs another."""

    hook: tuple[str, str, str, str]
    guess: str
    proof: str
    voice: str
    offer: str
    second: str
    asks: tuple[str, str, str, str]
    opt_out: str
    subjects: tuple[str, str, str, str]
    names: tuple[str, str, str, str]
    more: str
    already: str
    newer: str


FRAMES = (
    Frames(
        hook=(
            "{Page} has a line that stayed with me: {quote}",
            "{Page} also says this: {quote}",
            "Your own words, from {page}: {quote}",
            "{Page} puts it this way: {quote}",
        ),
        guess="My guess is that {need} is part of your day now.",
        proof="A short case, since it may sound familiar. {proof}",
        voice="With that in mind, a peer may be of more use than a pitch. {person}, {role} at {company}, said: {quote}",
        offer="So if you look at one thing only, make it {offering}. In their own words: {quote}",
        second="One more case to hold against that. {proof}",
        asks=(
            "Is that worth a closer look for {{company_name}}?",
            "Does that sound like your team?",
            "Would 15 minutes next week be of use to see it on your own case?",
            "Who else at {{company_name}} should hear this, if not you?",
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
        more="What {vendor} promises is this: {quote}",
        already="You know {vendor}: {prospect} is one of its customers, with a public story. {quote}",
        newer="That story does not speak of {offering}, so it may be new to you. The page says: {quote}",
    ),
    Frames(
        hook=(
            "While reading {page}, one thing stood out: {quote}",
            "There is this on {page}, too: {quote}",
            "It says on {page}: {quote}",
            "To quote {page}: {quote}",
        ),
        guess="That seems to put {need} on the table for you and your team.",
        proof="Another team had a like task, and its result is public. {proof}",
        voice="Here is how someone in a seat like yours puts it. {person} ({role}, {company}): {quote}",
        offer=(
            "With that on your plate, the piece of {vendor} I would show you first is {offering}. "
            "It is described like this: {quote}"
        ),
        second="Here is a last case that you can check for yourself. {proof}",
        asks=(
            "Would it help you to see how they went about it?",
            "How close is that to what you see at {{company_name}}?",
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
        more="In its own words, {vendor} stands for this: {quote}",
        already="Your company is a {vendor} customer by now; its own story says so. {quote}",
        newer="What the story leaves out is {offering}. Here is what it does: {quote}",
    ),
    Frames(
        hook=(
            "Your team wrote this on {page}: {quote}",
            "Then there is this line from {page}: {quote}",
            "What you say on {page} fits here: {quote}",
            "Back to {page} once more: {quote}",
        ),
        guess="Reading that, {need} looks like something you would care about.",
        proof="{vendor} has a customer who can show what came of it. {proof}",
        voice="A customer said it in fewer words than I can. {quote} That was {person}, {role} at {company}.",
        offer="Given that, {offering} looks like the right place to start. This is what it does: {quote}",
        second="If numbers help your case, take this one. {proof}",
        asks=(
            "Is this a fair read of where {{company_name}} stands?",
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
        more="The promise of {vendor}, word for word: {quote}",
        already="This is not a cold note: you are on the list of {vendor} customers, and the story is public. {quote}",
        newer="One part the story does not touch is {offering}. In short: {quote}",
    ),
)


UNKNOWN = (
    "Your site says little about {need} so far, so this is a guess on my part.",
    "There is not much to read about {prospect} yet, so you will know best what fits.",
    "From the site of {prospect} it is hard to tell what comes first for you.",
    "The site of {prospect} still leaves me guessing, which is why I ask.",
)
