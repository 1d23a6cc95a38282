"""Irregular forms of words, and groups of synonyms."""

from __future__ import annotations

from collections.abc import Mapping

# Each line lists a base form, irregular forms and related words. The stemmer does not recognise most of these forms.
IRREGULAR: Mapping[str, str] = {
    word: line.split()[0]
    for line in """
    fall fell fallen
    rise rose risen
    grow grew grown
    win won
    lose lost
    make made
    buy bought
    build built
    bring brought
    choose chose chosen
    begin began begun
    go went gone
    take took taken
    give gave given
    find found
    keep kept
    lead led
    leave left
    meet met
    pay paid
    see saw seen
    send sent
    sell sold
    spend spent
    think thought
    tell told
    write wrote written
    drive drove driven
    become became
    come came
    get got gotten
    hold held
    know knew known
    speak spoke spoken
    rebuild rebuilt
    rewrite rewrote rewritten
    shrink shrank shrunk
    teach taught
    run ran
    cost costs
    be is are was were been being am
    have has had having
    do does did done
    woman women
    man men
    person people
    child children
    succeed success successful
    break broke broken
    forget forgot forgotten
    freeze froze frozen
    hide hid hidden
    stand stood
    understand understood
    throw threw thrown
    wear wore worn
    draw drew drawn
    fly flew flown
    lay laid
    lend lent
    bind bound
    catch caught
    feel felt
    hear heard
    say said
    set setting
    show shown showed
    steal stole stolen
    strike struck
    swear swore sworn
    wake woke woken
    win winning
    die died death
    """.strip().splitlines()
    for word in line.split()
}

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(line.split())
    for line in """
    use serve run rely adopt employ utilize leverage power
    user use
    answer reply respond response
    person people human someone individual staff
    close resolve solve settle
    share common single one joint
    save reduce cut lower shrink decrease drop halve slash trim
    grow increase improve gain rise climb boost lift expand double triple raise
    fall drop decline decrease
    customer client user account consumer
    people consumer
    reach cross surpass exceed
    company business organisation organization firm enterprise
    move switch migrate replace transition port
    tool platform product software system application app solution service
    help enable let allow support
    show find see notice spot reveal learn discover detect identify
    test experiment try trial pilot
    replay recording session
    sign register signup subscribe
    price cost charge fee pricing expense
    patch fix update repair
    analyse analyze analytics analysis
    month monthly
    week weekly
    day daily
    year yearly annual annually
    night nightly overnight
    hire recruit employ join
    open launch start begin release introduce ship announce debut rollout unveil
    acquire buy purchase acquisition
    raise secure fund funding round series invest investment
    employee staff team people colleague engineer
    work operate function
    build create make develop construct write
    send deliver ship receive
    cap limit restrict
    slow delay late
    need require want must
    begin start found establish
    faster quick quickly speed fast rapid accelerate
    big large huge
    error bug fault mistake failure
    check review inspect read audit
    live production deploy launch
    own control
    lead manage head run direct
    plan roadmap intend aim
    offer provide include give sell contain come
    lack without miss
    job role position opening vacancy
    location office site
    country market
    partner partnership collaborate alliance
    integrate integration connect connector plugin sync
    founder cofounder found
    store save keep hold host
    protect secure security
    train training teach
    easy simple simply effortless
    hard difficult
    problem issue challenge trouble
    rival competitor
    text message sms
    big large huge major
    cheap low inexpensive
    miss fail
    worry concern
    ask request
    truck vehicle van fleet
    begin start
    remote distributed
    self own alone independent
    complete finish full
    accurate precise correct
    average typical mean median
    current present today now
    spend cost pay
    result outcome
    driver crew technician
    warn warning alert alarm
    phone call ring
    visitor user people
    rate share proportion percentage
    fall lower
    publish post write blog
    docs documentation guide
    community user member
    change adapt adjust alter vary
    """.strip().splitlines()
)
