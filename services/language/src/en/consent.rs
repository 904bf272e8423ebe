//! What English sentences that are more than thanks or consent look like.

use crate::{
    Language,
    understanding::admitted::{Counter, assert_harmless},
};

const ENGLISH: Counter = Counter {
    questions: "what|when|where|who|whom|whose|which|why|how|whether",
    facts: "cancel|move|change|delay|instead|but|however|until tomorrow|until later|price|cost|pay|paid|order|buy|bought|\
            address|number|sick|busy|late|wrong|bad|stop|another|other|more|less|need|want|already|never mind|nevermind|\
            it is me|it is us|is for me|is for us",
    negations: "no|not|never|don't|dont|can't|cant|won't|isn't|without|nothing|none",
    harmless: "no problem|no problems|no worries|no trouble at all|no trouble|no prob|no probs|no biggie|no sweat|no drama|\
               no objections|no objection|no complaints|not a problem|can't wait|cant wait|don't let me down|\
               dont let me down|how kind|how nice|how lovely|fine for me|fine for us",
    forget: &["forget"],
    subjects: "i|we",
    may: "am|will|be|wait|waiting|await|awaiting|expect|expecting|look|looking|agree|confirm|accept|approve|appreciate|\
          appreciated|thank|understand|understood|see|hope|counting|glad|happy|fine|ok|okay|good|cool|so|very|really|truly|\
          most|got|grateful|thankful|in|down|here|ready|take it|take that",
};

#[test]
fn no_pattern_of_consent_admits_a_question_a_denial_or_news() {
    assert_harmless(Language::En, &ENGLISH);
}
