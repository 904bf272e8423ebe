//! What Spanish sentences that are more than thanks or consent look like.

use crate::{
    Language,
    understanding::admitted::{Counter, assert_harmless},
};

const SPANISH: Counter = Counter {
    questions: "cuándo|cuando|dónde|donde|quién|quien|cuánto|cuanto|cuál|cual|por qué|qué es|qué un",
    facts: "cancela|cancelar|cambia|cambiar|mueve|mover|precio|cuesta|pagar|pagado|pedido|comprar|dirección|número|\
            enfermo|ocupado|tarde por|pero|otro|no sé",
    negations: "no|nunca|jamás|tampoco|nadie|ningún|sin",
    harmless: "ningún|ninguna|no pasa nada|no hay problema|no hay problemas|no hay inconveniente|no hay lío|no hay drama|\
               no hay duda|no hay dudas|no hay objeción|no hay de qué|no tengo problema|no tengo problemas|\
               no tengo inconveniente|no tengo lío|no tengo drama|no tengo duda|no tengo dudas|no tengo objeción|\
               no te preocupes|no te preocupe|no se preocupe|no se preocupes|no problem|sin problema|sin problemas|sin falta|\
               sin duda|sin dudas|sin lío|sin novedad|sin inconveniente",
    forget: &["olvid", "fall"],
    subjects: "",
    may: "",
};

#[test]
fn no_pattern_of_consent_admits_a_question_a_denial_or_news() {
    assert_harmless(Language::Es, &SPANISH);
}
