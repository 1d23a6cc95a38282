"""English word lists for the rules. docs/evidence.md explains which errors the rules detect."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIONS = _set("not no never none nobody nothing neither nor without hardly barely cannot rarely seldom scarcely")
# Before one of these words, "not" denies nothing: "not only grew".
NOT_ONLY = _set("only just merely simply")
# Before one of these words, "no" usually denies nothing: "no later than", "at no charge".
IDLE_AFTER_NO = _set("matter doubt wonder later more less charge cost problem better extra fewer")
DENIALS = _set(
    "lack lacks lacked lacking refuse refuses refused refusing reject rejects rejected rejecting deny denies"
    " denied denying"
    " cancel cancels cancelled canceled abandon abandons abandoned forgets forgot"
)
# These words deny the verb after "to": "failed to deliver".
DENIALS_TO = _set(
    "fail fails failed failing refuse refuses refused refusing unable cease ceases ceased forget forgets forgot"
    " struggle"
    " struggles struggled struggling decline declines declined"
)
DENIAL_PHRASES = (
    "ruled out",
    "rules out",
    "given up",
    "gave up",
    "yet to",
    "short of",
    "rather than",
    "instead of",
    "decided against",
    "stayed out",
    "walked away",
    "walks away",
    "backed out",
    "backs out",
    "pulled out",
    "called off",
    "held off",
    "steers clear",
    "steered clear",
)
# A negation does not deny the text after one of these words: "does not sync if the app is closed" does not deny
# "closed".
SCOPE_ENDS = _set(
    "if when because unless until although though while since which who where whereas that except besides once before"
    " after"
)
# These words can deny something without a negation: "avoided $5 in fees" means that $5 were not spent. They often
# deny nothing, so the rule on negation uses them only to match a denial in the other text.
IMPLICIT_DENIALS = _set(
    "drop drops dropped dropping stop stops stopped remove removed removes unlike beyond ditch ditched ditching quit"
    " impossible lack lacks lacked lacking zero unlikely eliminate eliminated eliminates struggle struggles struggled"
    " wait waits waiting replace replaced replaces avoid avoids avoided avoiding avoidable prevent prevents prevented"
    " fail fails failed unable hard harder difficult hardly unless later postponed postpone refuse"
    " refused rejected"
    " reject nothing rather exclude excludes excluded excluding skip skipped decline declined against free"
    " warn warns warned warning discourage discourages ruled lower cheaper rid agnostic"
)
# If one of these words follows "not", the words before "not" are denied: "the screen is not available".
AVAILABILITY = _set(
    "available included possible supported needed necessary required offered allowed planned there part"
)
# If a word from the first set of a pair is denied, it can mean the same as a word from the second set: "does not raise
# the rent" and "the rent stays the same".
OPPOSITE_PARAPHRASES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (_set("leave move change share send pass lose hand"), _set("keep stay remain hold retain own")),
    (_set("human person people hand clerk"), _set("automatic automatically automate automated unattended")),
    (_set("change extra add additional new increase grow hire raise rise"), _set("same unchanged constant flat")),
)
CONDITIONS = _set("unless until except without")
# These words can express a denial: "only if it is enabled" means "not unless it is enabled".
ONLY_WORDS = _set("only alone just once solely")
TROUBLE_WORDS = _set("hard harder difficult trouble troubles struggled struggles struggling impossible problems")
# A negation with one of these words can follow from a plan: "does not yet ship" agrees with "plans to ship".
UNTIL_NOW = _set("yet now still currently")
CLAIM_HEDGES = _set(
    "may might could would should possibly perhaps potentially maybe probably likely seem seems apparently can"
    " presumably suggests suggest appears"
)
# In a quotation, these words are hedges. Some `CLAIM_HEDGES` are not in this list, for example "can", which states an
# ability.
QUOTE_HEDGES = _set("may might could would should possibly perhaps potentially maybe seem seems apparently")
# Words for plans are compared by stem, so "plan" also matches "plans", "planning" and "planned".
PLANS = _set(
    "plan hope aim intend expect seek will goal roadmap consider explore evaluate recruit propose upcoming soon"
    " target"
    " aspire pursue envision anticipate wish eventually"
)
# A claim with one of these words usually presents a plan as a plan and not as a fact.
PLAN_WORDS = _set(
    "hiring seeking recruiting looking wants want planned planning wanted promised plans yet set begun started"
    " follow goal"
)
PLAN_PHRASES = (
    "in the process",
    "in future",
    "in the future",
    "we need to",
    "they need to",
    "needs to",
    "begun to",
    "experimenting with",
    "investing in",
    "before we",
    "have to wait",
    "wanted to",
    "wants their",
    "want their",
    "should be able",
    "would have",
    "wished for",
    "a wish",
    "wishes",
    "position is open",
    "is open",
    "are open",
    "are evaluating",
    "are exploring",
    "one day",
    "at some point",
    "considering",
    "looking for",
    "looking to",
    "want to",
    "wants to",
    "going to",
    "next year",
    "next quarter",
    "on track to",
    "working towards",
    "working on",
    "are hiring",
    "is hiring",
    "would like",
    "in progress",
    "under way",
    "in discussions",
    "in talks",
    "in planning",
    "is to",
    "are to",
    "about to",
    "ready to",
    "next step",
    "coming soon",
    "on its way",
    "on the way",
    "on their way",
    "in the works",
    "in the pipeline",
    "count on",
    "counts on",
    "counting on",
)

# Words in `UP` and `DOWN` also match in other forms, such as 'rising' for 'rise'. Words in `MORE` and `LESS` match only
# in the listed form.
UP = _set(
    "rise grow increase climb gain boost improve lift jump surge expand double triple accelerate higher up raise soar"
    " skyrocket exceed surpass swell multiply quadruple balloon escalate outgrow overtake strengthen enlarge flood"
    " overwhelm gained extend mushroom snowball spike rocket proliferate intensify heighten magnify amplify elevate"
    " inflate lengthen burgeon boom"
)
DOWN = _set(
    "fall drop decrease reduce cut decline lower slash shrink halve down slow"
    " plunge plummet tumble slump slip dip sink dwindle diminish erode recede lose shed weaken narrow trim curb"
    " minimize minimise deteriorate taper subside wane ebb abate collapse nosedive sag dry evaporate deflate lessen"
    " dampen downsize worsen"
)
MORE = _set(
    "more greater higher larger bigger better faster sooner up extra longer stronger added adds add another widened"
    " wider broader deeper heavier steeper widen rose busiest highest largest biggest strongest fastest"
)
LESS = _set(
    "less fewer lower smaller worse slower down shorter weaker narrower cheaper dropped drop removed narrowed"
    " save saves"
    " lighter thinner shallower saved saving slowest fewest lowest smallest weakest quietest"
)
# Near a figure, these words also express a direction: "won 40 customers" and "40 customers left".
BETTER = _set("better improvement improved improve gained gain win won earned earns added adds joined gains")
WORSE = _set("worse lost lose losing decline cost costs left paid missed fewer loss")
LONGER, SHORTER = _set("longer slower"), _set("faster quicker shorter sooner")
# These words can show whether a product was dropped or chosen: "moved off Tidewell", "moved onto Tidewell".
AWAY, TOWARDS = _set("off from away"), _set("to onto into over")
OPPOSITES: tuple[tuple[str, str], ...] = tuple(
    (first, second)
    for pair in (
        "pass/fail win/lose include/exclude open/close hire/dismiss join/leave enable/disable allow/forbid"
        " accept/reject public/private keep/replace keep/abandon internal/external manual/automatic before/after"
        " free/paid easy/hard fast/slow"
        " cheap/expensive cheaper/pricier optional/required first/last buy/sell early/late inbound/outbound"
        " above/below"
        " over/under best/worst high/low large/small bigger/smaller simple/complex earlier/later strong/weak"
        " safe/unsafe"
        " easier/harder with/without old/new shorter/longer short/long gain/lose self-hosted/managed sooner/later"
        " ahead/behind best/worst highest/lowest largest/smallest biggest/smallest"
        " fastest/slowest earliest/latest upstream/downstream increase/decrease expand/shrink import/export"
        " upgrade/downgrade hard/easy push/pull arrive/depart borrow/lend rise/fall strengthen/weaken"
        " lengthen/shorten"
        " accelerate/decelerate ascend/descend attach/detach encourage/discourage frequent/rare full/empty"
        " gather/scatter heavy/light inside/outside junior/senior local/remote major/minor majority/minority"
        " maximum/minimum maximize/minimize maximise/minimise merge/split noisy/quiet online/offline passive/active"
        " permanent/temporary positive/negative reward/punish rural/urban strict/lenient success/failure"
        " surplus/shortage tight/loose top/bottom victory/defeat wholesale/retail wide/narrow predecessor/successor"
        " buyer/seller lender/borrower deep/shallow forward/backward generous/stingy thick/thin domestic/foreign"
        " improve/worsen faster/slower cheaper/costlier better/worse"
    ).split()
    for first, _, second in [pair.partition("/")]
)

# In texts that make no claim, such as questions, `added_absolute` looks only for these words.
PROMISES = _set("guarantee guaranteed guarantees unlimited")
# Before one of these words, "every" expresses a frequency: "every month".
COUNTED_PERIODS = _set("day night week month quarter year hour minute time other")
PARTIAL_WORDS = _set("some several few certain partly partially part")
WHOLE_WORDS = _set(
    "all every always everyone everything everywhere entire whole any anyone fully completely company-wide"
    " companywide"
    " exactly"
)
PARTIAL_PHRASES = (
    "up to",
    "on average",
    "as many as",
    "as much as",
    "typically",
    "usually",
    "in some cases",
    "one of",
    "one team",
    "a team",
    "many of",
    "most of",
    "some of",
    "part of",
    "a few",
    "often",
    "sometimes",
    "mostly",
    "mainly",
    "most",
    "many",
    "in certain",
    "selected",
    "for some",
    "majority",
    "pilot",
    "in beta",
    "for eligible",
    "generally",
    "median",
)
HEDGES = _set("presumably probably likely perhaps maybe might may could seems seem")

# "Raised" can also mean "raised prices", so it counts as a funding round only if the claim also contains one of these
# words or a sum of money.
FUNDING_WORDS = _set("round series funding seed million capital investors")

PAST_PHRASES = ("used to", "formerly", "at the time", "no longer", "previously", "back then", "until then")

# If a claim contains one of these words, it probably says that a company has a problem.
PROBLEM_WORDS = _set(
    "struggle struggles struggling problem problems challenge challenges pain pains lack lacks lacking bottleneck"
    " bottlenecks burden burdens burdened suffer suffers suffering waste wastes wasting wasted difficult difficulty"
    " difficulties overwhelmed overwhelm overwhelms overwhelming manual manually slow slows slowing slowed unreliable"
    " unable frustrated frustrating frustration frustrations painful costly drowning drowns drown stuck scattered"
    " fragmented siloed juggle juggles juggling chaos chaotic messy mess trouble troubles troubled hampered hampers"
    " hinders hindered cannot hard hurts hurting loses losing misses missing fails failing inefficient blind worry"
    " worries worried concern concerned concerns unhappy dissatisfied unsure uncertain confused confusing confusion"
    " outdated obsolete broken breaks flooded flood floods swamped buried overloaded overload overworked understaffed"
    " strained strain stretched exposed vulnerable risk risks risky threat threatened breach breaches outage outages"
    " downtime surprise surprised expensive pricey tedious cumbersome clumsy annoying annoyed complain complains"
    " complaint complaints complicated complexity delays delayed delay late error-prone error errors mistakes"
    " mistake bug"
    " bugs leak leaks leaking damage damaged scratches afraid fear fears fearing weak weakness"
    " weaknesses poor bad worse worst wrong crisis churn churning losses loss shortage short gap gaps inability hates"
    " hate hated dread unclear unpredictable unmanageable untenable impossible disconnected duplicated duplicate"
    " inconsistent inaccurate ineffective insufficient inadequate neglected burnout attrition turnover tired fatigue"
    " lose pressure exhausted exhausting weigh weighs weighing ageing"
    " spends blocked blocks blocking unintuitive fault faults"
)
PROBLEM_PHRASES = (
    "by hand",
    "hold back",
    "holds back",
    "holding back",
    "held back",
    "at its limit",
    "too long",
    "too many",
    "too few",
    "too much",
    "too little",
    "too slow",
    "too late",
    "hit by",
    "get rid of",
    "gets in the way",
    "has to juggle",
    "no overview",
    "no visibility",
    "falls behind",
    "falling behind",
    "lose time",
    "loses time",
    "need help",
    "needs help",
    "does not know",
    "do not know",
    "can not tell",
    "can not see",
    "can not",
    "does not have",
    "do not have",
    "has no",
    "so many",
)
FIRST_PERSON = _set("we us our ours i my me ourselves")
# Product copy uses these words to address its readers: "you see your data in one place".
READER_PRONOUNS = _set("you your yours yourself")

# Nearly every company uses these words on its site, so they hardly show whether two sentences match.
COMMON_WORDS = _set("use team product feature data tool user company customer platform work make help service business")
# Any name can be the subject of a verb such as "uses" or "has", so the subjects of these verbs are not compared.
LIGHT_VERBS = _set("use have get see run want take give make be do go need help let say work build")
# These words can form a passive sentence, in which the object comes first: "Vessler was bought by Tidewell".
PASSIVE_AUXILIARIES = _set("is are was were been being")
