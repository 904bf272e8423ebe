//! What is claimed in English: "I'll remind you", "I've cancelled it", "a colleague will answer".

use crate::claims::words::{
    Deed::{Anything, Book, Cancel, HandOff, Move, Note, Plan, Promise, Remember},
    Form, Source,
    Tense::{Ahead, Done, Now},
};

const WILL: &[&str] = &[
    "i'll|we'll|i´ll",
    "i|we will|shall",
    "i'm|we're going to",
    "i|we am|are going to",
    "i'm|we're gonna|about",
    "i|we promise|plan|intend|commit to",
];
const LET: &[&str] = &["let me|us", "allow me to?"];
/// "Will remind you", without "I".
const WILL_BARE: &[&str] = &["will|gonna", "going to"];
const HAVE: &[&str] = &["i've|we've", "i|we have|had|did", "i|we", "have", "i|we went ahead and"];
const AM: &[&str] = &["i'm|we're", "i|we am|are"];
const REMINDER: &[&str] = &["reminder*|follow-up*|followup*|notification*|alert*|alarm*|nudge*", "follow up"];
const APPOINTMENT: &[&str] = &[
    "appointment*|meeting*|booking*|reservation*|call|demo|visit|session|consultation|slot|table|room|viewing|interview|seat|seats|spot|place|test|class|lesson",
];
const OURS: &[&str] = &[
    "reminder*|follow-up*|followup*|notification*|alert*|alarm*|promise*|appointment*|meeting*|booking*|reservation*|call|demo|visit|session|consultation|everything|both|message|promised|follow|subscription",
];
/// One of them, as a heading names it: "Reminder set for Friday".
const A_REMINDER: &[&str] = &["reminder|follow-up|followup|notification|alert|alarm"];
const AN_APPOINTMENT: &[&str] =
    &["appointment|meeting|booking|reservation|call|demo|visit|session|consultation|table|room|viewing|interview|slot"];
const ONE: &[&str] = &[
    "reminder|follow-up|followup|notification|alert|alarm|appointment|meeting|booking|reservation|call|demo|visit|session|consultation|subscription",
];
const IT: &[&str] = &[
    "reminder*|follow-up*|followup*|notification*|alert*|alarm*|promise*|appointment*|meeting*|booking*|reservation*|call|demo|visit|session|consultation|everything|both|all|it|that|them|this|those|message|one|time",
];
const STAFF: &[&str] = &[
    "team|teammate*|colleague*|manager*|human|humans|person|operator*|someone|somebody|specialist*|support|agent*|department|staff|boss|owner|administrator|admin|engineer*|technician*|expert*|supervisor*|sales|billing|accounting|accountant*|advisor*|adviser*|consultant*|representative*|rep|lawyer*|office|reception|people|folks|coworker*|coordinator*|director*|doctor*",
];
const STAFF_SUBJECT: &[&str] = &[
    "team|teammate|teammates|colleague|colleagues|manager|managers|human|person|operator|operators|specialist|specialists|support|agent|staff|supervisor|engineer|expert|representative|rep|advisor|consultant|coordinator|administrator|coworker",
    "someone|somebody from|on|in our|the team|office|side|staff|support|department|end",
    "someone|somebody else? here?",
    "one of us|them|our|my|the colleagues|managers|people|specialists|team|agents|operators?",
];
const CONTACT: &[&str] = &[
    "write|message|text|email|e-mail|mail|ping|dm|call|phone|ring|contact|notify|alert|nudge|buzz|update|inform|warn back|to? you|u|y'all back?",
    "write|message|text|email|call|ping|phone|ring back|again",
    "writing|messaging|texting|emailing|pinging|calling|contacting|notifying|reminding|updating to? you|u",
    "remind|reminding you|u?",
    "get|getting|be|come|coming back to? you|u|with|again",
    "get|come back shortly|soon|with",
    "get|getting|be|keep|stay in touch|contact|communication with?",
    "reach|reaching out",
    "follow|following up",
    "check|checking in|back",
    "circle|circling|loop back",
    "touch|touching base",
    "let|letting you|u both? know",
    "keep|keeping you|u posted|updated|informed|notified|posted",
    "keep an eye",
    "drop|shoot|send|give|ping|write|leave you|u a|an|another|the|some|one? quick|short|friendly|gentle|little|small|brief|final|daily|last? line|note|message|reminder|reminders|text|email|e-mail|mail|call|ring|ping|nudge|shout|heads-up|heads|update|updates|notification|alert|confirmation|follow-up|buzz|dm|answer|reply",
    "send|sending out? a|an|the|your|another|you? quick|short|friendly|gentle|little|first|second? reminder|reminders|follow-up|follow-ups|notification|message|nudge|alert|note to? you?",
    "wake you|u up?",
    "ask you|u again|later",
    "have|get a|an|the|your answer|update|reply|response|news",
    "find|finding out",
    "look|looking into",
    "do|doing my|our best to write|remind|call|get|follow|reach|contact",
];
/// Verbs that promise only with a time.
const LATER: &[&str] = &[
    "ask|wake|send|share|forward|answer|reply|respond|return|talk|speak|deliver|write|call|text|email|ring|phone|message|ping|resend|bring|prepare|finish|mail|contact|update|tell",
    "do|take|handle|sort it|that|this|care",
    "be writing|calling",
    "get|come back",
];
const STANDS: &[&str] = &[
    "is|are|remains|stays|stay|remain still|now|all|already? set|scheduled|on|active|in|planned|created|saved|added|ready|confirmed|arranged|programmed|booked|up place|for|to|at|and|the|calendar?",
    "has|have been now|already|successfully? set|scheduled|created|saved|added|planned|arranged|confirmed|programmed",
    "stands",
    "still stands|stand",
    "is|are|'s still? for|at|due|coming",
    "will be sent|sent|delivered|with|go|arrive|come|reach",
    "will go|arrive|come|reach|pop",
    "goes|arrives|comes out|in|to",
];

pub static CLAIMS: Source = Source {
    forms: &[
        // Promises.
        Form::new(Promise, Ahead, WILL, CONTACT),
        Form::new(Promise, Ahead, LET, CONTACT).unless(&["that|of|what|how"]),
        Form::new(Promise, Ahead, LET, LATER).with_time(),
        Form::new(Promise, Ahead, LET, &["set|create|add|make|put|schedule|place|arrange|plan"]).behind(REMINDER),
        Form::new(Cancel, Ahead, LET, &["cancel"]),
        Form::new(Move, Ahead, LET, &["reschedule|postpone", "move|shift|push it|that|this|your|the"]),
        Form::new(Book, Ahead, LET, &["book|reserve"]),
        Form::new(HandOff, Ahead, LET, &["pass|forward|hand|transfer|connect|get|ask|call|check|escalate|bring|put|loop"]).behind(STAFF),
        Form::new(Promise, Ahead, WILL_BARE, CONTACT).leads(),
        Form::new(Promise, Ahead, WILL, LATER).with_time(),
        Form::new(Promise, Ahead, WILL_BARE, LATER).with_time().leads(),
        Form::new(
            Promise,
            Ahead,
            WILL,
            &["set|create|add|make|put|schedule|place|program|arrange|leave|activate|enable|plan|have|get|keep"],
        )
        .behind(REMINDER),
        Form::new(Promise, Done, HAVE, &[
            "set|created|added|made|put|scheduled|placed|programmed|arranged|left|activated|enabled|planned|saved|kept|queued|got|have|prepared",
        ])
        .behind(REMINDER),
        Form::new(Promise, Now, AM, &["setting|creating|adding|scheduling|arranging|planning|putting|programming"])
            .behind(REMINDER),
        Form::new(Promise, Now, AM, &["writing|messaging|texting|calling|emailing|pinging|reminding|contacting|sending"])
            .with_time(),
        Form::new(Promise, Now, &["i|we"], &["remind|write|text|call|ping|email|message|contact to? you"]).with_time(),
        Form::new(Promise, Ahead, &["you'll|you"], &[
            "will? get|receive|have|see a|an|the|your|my|another? reminder|reminders|follow-up|notification|nudge|ping",
            "will? get|receive|have a|an|my|our? message|text|email|call|note|reply|answer|update from? me|us",
            "will? hear back? from me|us",
            "will? hear back",
            "will? be reminded|notified|contacted|alerted",
        ]),
        Form::new(Promise, Ahead, &["expect"], &["a|my|an|to? message|text|call|reminder|email|hear|note|reply from? me|us?"])
            .leads(),
        Form::new(Promise, Done, &[], STANDS).before(REMINDER),
        Form::new(Promise, Done, A_REMINDER, &["set|scheduled|created|saved|added|planned|confirmed|programmed"]).leads(),
        Form::new(Promise, Done, &[], &["scheduled|created|added|saved|planned a|an|your|the|that reminder*|follow-up*|followup*|alert*"])
            .leads(),
        // Things done at once or shortly.
        Form::new(Cancel, Ahead, WILL, &["cancel|cancelling|canceling|void|annul", "call it|that|this|the off"]),
        Form::new(Cancel, Ahead, WILL_BARE, &["cancel"]).leads(),
        Form::new(Cancel, Ahead, WILL, &["remove|delete|drop|clear|scrap|kill|erase|withdraw|unschedule|dismiss|take"])
            .behind(OURS),
        Form::new(Cancel, Ahead, WILL, &["remove|delete|drop|clear|scrap|unschedule it|that|them|those|this"]),
        Form::new(Cancel, Now, AM, &["cancelling|canceling|removing|deleting"]).behind(IT),
        Form::new(Cancel, Done, HAVE, &["cancelled|canceled|unscheduled", "called it|that|this|the off"]),
        Form::new(Cancel, Done, HAVE, &["removed|deleted|dropped|cleared|scrapped|killed|erased|withdrawn|dismissed|taken"])
            .behind(IT),
        Form::new(Cancel, Done, &[], &[
            "is|are|was|were|'s now|all|already|also|hereby? cancelled|canceled|removed|deleted|off|gone",
            "has|have been now|already|successfully|also? cancelled|canceled|removed|deleted|called|dropped",
        ])
        .before(OURS),
        Form::new(Cancel, Done, ONE, &["cancelled|canceled|removed|deleted|dropped"]).leads(),
        Form::new(Cancel, Done, &["it's|that's|it|that|they're|they|all|those"], &[
            "is|are|been|have|has|was? been? now|all|already? cancelled|canceled|called|unscheduled off?",
        ])
        .leads(),
        Form::new(Cancel, Done, &[], &["cancelled|canceled"]).leads(),
        Form::new(Cancel, Done, &["consider"], &[
            "it|that|this|your|the|my reminder|follow-up|appointment|meeting|booking|call? cancelled|canceled|deleted|removed",
        ]),
        Form::new(Cancel, Done, &[], &["no longer exists|exist|active|scheduled|set", "won't|will not? fire|come|go|ring|be"])
            .before(REMINDER),
        Form::new(Move, Ahead, WILL, &[
            "move|shift|push|bump|bring|slide|put|change|switch|postpone|delay it|that|this|them|your|the|our|both|everything|all|reminder|meeting|appointment",
            "reschedule|postpone|prepone",
        ]),
        Form::new(Move, Now, AM, &["moving|rescheduling|postponing|shifting|pushing"]).behind(IT),
        Form::new(Move, Done, HAVE, &[
            "moved|shifted|pushed|bumped|brought|slid|changed|switched|delayed it|that|this|them|your|the|our|both|everything|all|reminder|meeting|appointment|to",
            "rescheduled|postponed|preponed",
        ]),
        Form::new(Move, Done, HAVE, &["updated"]).behind(&["reminder*|follow-up*|appointment*|meeting*|time|date|booking"]),
        Form::new(Move, Done, &[], &[
            "is|are|was|were|'s now|all|already? moved|rescheduled|postponed|shifted|pushed",
            "has|have been now|already|successfully? moved|rescheduled|postponed|shifted|pushed|changed",
        ])
        .before(OURS),
        Form::new(Move, Done, ONE, &["moved|rescheduled|postponed|shifted|pushed|changed to|until|from|back"]),
        Form::new(Move, Done, &["it's|that's|it|that|they're|all|they"], &[
            "is|are|been|have|has? been? now|already? moved|rescheduled|postponed|shifted|pushed",
        ])
        .leads(),
        Form::new(Move, Done, &[], &["moved|rescheduled|postponed|shifted|pushed"]).leads(),
        Form::new(Book, Ahead, WILL, &["book|reserve|pencil"]),
        Form::new(Book, Ahead, WILL, &["schedule|arrange|set|organise|organize|make|sign|put|get|confirm|create|add|have"])
            .behind(APPOINTMENT),
        Form::new(Book, Ahead, WILL, &["sign|put|get|pencil|have|book|squeeze|fit you down|in|up|booked|scheduled"]),
        Form::new(Book, Now, AM, &["booking|reserving"]),
        Form::new(Book, Now, AM, &["scheduling|arranging|organising|organizing"]).behind(APPOINTMENT),
        Form::new(Book, Done, HAVE, &["booked|reserved|pencilled|penciled"]),
        Form::new(Book, Done, HAVE, &["scheduled|arranged|set|organised|organized|made|confirmed|created|added|secured"])
            .behind(APPOINTMENT),
        Form::new(Book, Done, HAVE, &["you down",
            "got|put|have|signed|gotten|had you down|in|up|booked|scheduled"]),
        Form::new(Book, Done, &["you're|you"], &["are|have? been? now|all|already? booked|scheduled|signed|registered|confirmed|enrolled in|up|for?"]),
        Form::new(Book, Done, &[], &[
            "is|are|'s|was now|all|already|also? booked|confirmed|scheduled|reserved|set|arranged|secured",
            "has|have been now|already|successfully|also? booked|confirmed|scheduled|reserved|made|arranged|created|secured",
        ])
        .before(APPOINTMENT),
        Form::new(Book, Done, AN_APPOINTMENT, &["booked|confirmed|scheduled|reserved"]).leads(),
        Form::new(Book, Done, &["it's|that's"], &["all|now? booked|reserved"]).leads(),
        Form::new(Book, Done, &[], &["booked|reserved"]).leads(),
        Form::new(Plan, Done, HAVE, &["scheduled|arranged|set|planned|put it|that|this|everything|you"]),
        Form::new(Plan, Ahead, WILL, &["schedule|arrange|plan|set it|that|this|up"]).with_time(),
        Form::new(Plan, Done, &["you're|you|we're|it's|that's|everything's|everything|all|it|that"], &[
            "is|are|has|been? been? now|all|already? set|scheduled|arranged|planned up? for|at|on",
        ]),
        Form::new(Plan, Done, &[], &["scheduled|set|arranged|planned|confirmed for|on|at"]).leads(),
        // People.
        Form::new(HandOff, Ahead, WILL, &["pass|forward|hand|transfer|relay|route|direct|send|redirect|refer|take|bring|give|report|show|raise"])
            .behind(STAFF),
        Form::new(HandOff, Ahead, WILL, &[
            "ask|tell|notify|inform|alert|contact|call|involve|message|get|loop|consult|fetch|check|speak|talk|connect|have a|an|the|my|our|your|in|with|to|one|in? of? my|our|the? team|teammate*|colleague*|manager*|human|person|operator*|someone|specialist*|support|agent*|department|staff|boss|owner|administrator|engineer*|expert*|supervisor*|technician*|coworker*",
            "escalate",
            "pass it|this|that|your|them along|on|question|request|message|details",
            "forward it|this|that your? question|request|message|details",
            "connect|transfer|put you to|with|through|over",
            "let the|my|our|a team|colleague*|manager*|boss|owner know",
        ]),
        Form::new(HandOff, Now, AM, &["looping|adding|bringing|getting|inviting|contacting|passing|forwarding|handing|transferring|connecting|escalating|notifying|asking|calling|redirecting|putting|sending"])
            .behind(STAFF),
        Form::new(HandOff, Done, HAVE, &["passed|forwarded|handed|transferred|relayed|routed|directed|sent|redirected|referred|taken|brought|given|reported|flagged|raised|shown|submitted|assigned"])
            .behind(STAFF),
        Form::new(HandOff, Done, HAVE, &[
            "asked|told|notified|informed|alerted|contacted|called|involved|messaged|pinged|looped|consulted|fetched|checked|spoken|talked|connected|emailed|let|spoke|got a|an|the|my|our|your|in|with|to|one|in? of? my|our|the? team|teammate*|colleague*|manager*|human|person|operator*|someone|specialist*|support|agent*|department|staff|boss|owner|administrator|engineer*|expert*|supervisor*|technician*|coworker*",
            "escalated|flagged",
            "passed it|this|that|your|them along|on|question|request|message|details",
            "forwarded it|this|that|your question|request|message|details?",
            "connected|transferred you",
        ]),
        Form::new(HandOff, Done, &["your|it|this|that|question|request|message|case|issue"], &[
            "has|have|was|is|'s been? now|already? forwarded|escalated|passed|handed|transferred on|along|over?",
        ])
        .beside(STAFF),
        Form::new(HandOff, Ahead, STAFF_SUBJECT, &[
            "will|'ll be in touch|contact",
            "is|are going to get|contact|call|write|reply|answer|respond|reach|follow|email|message|look|review|take|join|handle",
            "will|'ll|is|are going|to|about|gonna|be|personally|also|then? get|getting|contact|contacting|call|calling|write|reply|answer|respond|reach|follow|email|message|text|look|review|take|join|handle|assist|reaching|see",
        ]),
        Form::new(HandOff, Ahead, WILL, &["create|open|file|submit|log|raise a|an|the|your support? ticket|case|issue"]),
        Form::new(HandOff, Done, HAVE, &[
            "created|opened|filed|submitted|logged|raised a|an|the|your support? ticket|case|issue",
        ]),
        // What is kept in mind.
        Form::new(Remember, Ahead, &["i'll|we'll", "i|we will|shall"], &[
            "remember|memorise|memorize|recall",
            "keep|bear it|this|that|your|in? in? mind",
            "never|not forget",
        ]),
        Form::new(Remember, Ahead, &["i|we"], &["won't forget"]).unless(&["my|the|how|this"]),
        Form::new(Remember, Ahead, WILL, &["save|store|record|update|add|log|set"])
            .behind(&["preference*|profile|birthday|address|name|goal*|memory|records|file|details|allergy|allergies|info|information"]),
        Form::new(Remember, Done, HAVE, &["saved|stored|recorded|updated|added|logged|set"])
            .behind(&["preference*|profile|birthday|address|name|goal*|memory|records|file|details|allergy|allergies|info|information"]),
        Form::new(Remember, Done, HAVE, &["remembered|memorised|memorized"]),
        Form::new(Note, Ahead, WILL, &["note|record|jot|log it|that|this|down|your|the|you", "write it|that|this down", "make|take|leave a|another note"]),
        Form::new(Note, Done, HAVE, &["noted|recorded|jotted|logged", "written|put|wrote it|that|this|your|the? down", "made|taken|left a|another note"]),
        // Whatever it was.
        Form::new(Anything, Ahead, &[], &["will do", "consider it done"]).leads(),
        Form::new(Anything, Ahead, WILL, &[
            "take care of it|that|this",
            "handle|arrange|sort it|that|this out?",
            "get it|that|this done|sorted|arranged",
            "see to it|that|this",
            "get|be right? on it|that|this",
        ]),
    ],
    light: &[
        "be|also|just|now|then|definitely|certainly|surely|personally|gladly|happily|so|again|indeed|really|please|still|already|go|ahead|and|quickly|simply|course|of|always|immediately|right|away|shortly|soon|as|asked|requested|wished|discussed|promised|agreed|automatically|promptly|ok|okay|yes|yeah|yep|done|great|perfect|sure|got|it|understood|alright|all|thanks|gotcha|absolutely|noted|well|sorry|no|problem|both|successfully|have|hi|hello|hey|dear|cool|good|fine|lovely|wonderful|happy|for|on|at|your|the|reminder|that",
        "thank you",
        "make|be sure to",
        "try to",
        "do my best to",
        "make a point of",
        "gone|go ahead and",
        "as you asked|requested|wished|wanted|like",
    ],
    not: &[
        "not", "don't", "dont", "never", "didn't", "won't", "doesn't", "cannot", "can't", "haven't", "hasn't", "isn't",
        "aren't", "wasn't", "weren't", "no", "nothing", "neither", "nor", "without", "none", "wouldn't", "hadn't",
        "nobody", "couldn't", "unless",
    ],
    unsure: &[
        "can't|cannot|couldn't|won't|don't|didn't|not|never|unable actually|really|yet|also|to|able? to? promise|promised|guarantee|say|said|claim|confirm|think|know|tell|sure|mean|certain|pretend|assume|want",
        "before i|we",
        "doubt|pretend",
        "as if|though",
        "you|he|she|they asked|said|wrote|wanted|want|told|ask|say|mean|think|thought|wish|wished|requested|prefer|claim me|that|us|if|whether|to",
        "the moment|day|time you|i|we",
    ],
    that: &["that"],
    asks: &["whether", "when", "how", "why", "what", "where", "which", "if", "who"],
    condition: &["if", "should", "assuming", "provided", "in case", "otherwise", "whenever"],
    once: &["when|once|until|after", "as soon|long as"],
    you: &["you", "you've", "you're", "your"],
    you_endings: &[],
    silence: &[
        "don't|do|not|won't|haven't|doesn't|no not? hear|reply|answer|respond|write|heard|get|come|see",
        "no|without reply|answer|response|news",
    ],
    tell: &[
        "tell|give|send|name|say|write|share|pick|choose|confirm|provide|reply|specify|type|pass|text|drop|mention|state|message|ask|add|call|press|tap|click",
        "let me|us know",
        "feel free to? tell|say|ask|write|send|share|let|reach",
        "just say|tell|ask|reply|name|write",
    ],
    tag: &[
        "ok|okay|right|alright|yes|deal|correct|agreed|fine|good|yeah|sound|sounds|does|do|is|would|that|it|work|works|suit|you|for|with|be|this|are|all|time|cool|great|what|think|or|not|shall|we|then|so",
    ],
    or: &["or", "nor"],
    and: &["and", "but", "then"],
    reports: &[
        "confirmed|confirms|confirm|says|said|wrote|writes|announced|reports|reported|states|stated|told|shows|mentions that|you|us|me?",
        "according to",
        "per|as the|your",
        "looks|seems|appears like|that?",
    ],
    we: &["i", "we", "i've", "we've", "i'm", "we're"],
    would: &[],
    by: &["by"],
    us: &["me", "us", "myself", "ourselves", "phone", "email", "then", "accident", "mistake", "default", "now", "one", "two", "three", "four", "five", "half", "several"],
    about: &[
        "about", "regarding", "re", "concerning", "that", "which", "because", "since", "so", "of", "before", "whether",
        "how", "what", "where", "who", "when",
    ],
    to: &["to", "for", "with", "and", "your", "the"],
    from: &["from", "instead"],
    beside_time: &[
        "ok|okay|yes|yeah|great|perfect|sure|so|then|it|is|for|at|on|by|in|the|alright|fine|got|good|sounds|thanks|understood|sharp|that's|it's|works|deal|agreed|and|you|noted|see|again|hi|hello|your|time|local",
    ],
    agreed: &["ok|okay|sure|deal|agreed|great|perfect|noted|understood|got|alright|sounds|fine"],
    done: &["done|set|scheduled|confirmed|settled|arranged|planned|sorted|ready", "all set|done|good"],
};
