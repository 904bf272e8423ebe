//! The brain with a model. It is asked, uses tools, is asked again, within limits; its decisions are recorded together at the
//! end, as the rules' are. The rules stay beside it: what needs no model they decide, and where no model answers they do.

pub(crate) mod asking;
mod context;
mod isolation;
mod making;
pub(crate) mod own;
mod tools;
mod turn;

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use steward_domain::brain::Job;
use steward_proto::{TenantId, v1};
use steward_settings::{Brain as Settings, Expert, Model, WithoutAnswer};
use tokio::time::Instant;

use self::{
    asking::{Step as Asked, head},
    own::{Own, OwnTimes},
    tools::Hands,
    turn::{Turn, carry_out},
};
use crate::{
    brain::{Brain, BrainError, Decision, Pace, Run, Thought, TurnInput},
    brains::{Chosen, doing},
    budget::Budget,
    models::{Models, Request, Step, Stop, Text},
    rules::{Desk, Rules},
    truth::{self, Backing, Finding, check},
};

/// A turn is claimed for so long at a time.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// Beyond the time that models have: what is recorded then is said by the rules.
const TO_END: Duration = Duration::from_secs(10);
/// Calls of tools in one turn.
const MOST_CALLS: usize = 64;
/// Characters of a reply, at most.
const LONGEST_REPLY: usize = 12_000;

/// A brain that asks models.
pub struct Assistant {
    models: Arc<Models>,
    budget: Arc<Budget>,
    /// Whom tenants chose for single jobs.
    chosen: Arc<Chosen>,
    /// The provider that is asked first.
    provider: String,
    chain: Vec<Model>,
    settings: Settings,
    rules: Rules,
}

/// The configured brain can't be made.
#[derive(Debug, thiserror::Error)]
pub enum AssistantError {
    #[error("[brain]: {0}")]
    Settings(String),
    #[error("the client that models are asked with can't be made: {0}")]
    Client(#[from] reqwest::Error),
}

impl Assistant {
    /// One that asks the models of a chain, which isn't empty, in its order; the first is of this provider.
    pub fn new(
        (models, budget, chosen): (Arc<Models>, Arc<Budget>, Arc<Chosen>),
        (provider, chain): (String, Vec<Model>),
        settings: Settings,
    ) -> Self {
        Self { models, budget, chosen, provider, chain, settings, rules: Rules::default() }
    }

    async fn decide(&self, input: &Arc<TurnInput>, run: &dyn Run) -> Result<Vec<Decision>, BrainError> {
        let by_rules = self.rules.decide(input, run).await?;
        if needs_no_model(input, &by_rules) {
            return Ok(by_rules);
        }
        let mut hands = Hands { desk: Desk::new(input), silent: None };
        let instructions = self.settings.instructions.get(&input.around.tenant).map_or("", String::as_str);
        let (mut request, prompt_hash) = context::request(input, &hands, instructions, self.settings.max_output);
        let step = Asked {
            models: &self.models,
            chain: &self.chain,
            run,
            job: Job::Chat.name(),
            conversation: input.around.conversation.map(|id| id.to_string()).unwrap_or_default(),
            prompt_hash: &prompt_hash,
            budget: &self.budget,
            tenant: &input.around.tenant,
            now: input.now,
            deadline: Instant::now() + self.settings.longest,
        };
        let reads = Arc::clone(input);
        let times = self.rules.think(&input.around.tenant, move || OwnTimes::read(&reads)).await?;
        let own = times.map(|times| Own { by_rules: &by_rules, times });
        let mut turn = Turn { input, by_rules: &by_rules, own, instructions, expert: None };
        if let Some((name, expert)) = self.settings.expert(&input.around.tenant) {
            turn.expert = self.expert(&step, input, name, expert).await?;
            context::add_expert(&mut request, turn.expert.as_deref());
        }
        match self.talk(&step, &turn, &mut hands, &mut request).await? {
            Ok(reply) => Ok(hands.desk.finish(reply, &by_rules)),
            Err(code) => Ok(self.without_model(run, input, by_rules, code)),
        }
    }

    /// The models that an expert asks, in their order: its own, else whom somebody chose for the job, else those that the
    /// configuration names for it. `Some(None)`: those that write the reply; `None`: no model does it.
    #[allow(clippy::option_option, reason = "no model, and no model of its own, are two things")]
    fn chain_of(&self, tenant: &str, expert: &Expert) -> Option<Option<Vec<Model>>> {
        // It was checked with the configuration.
        if let Some(own) = self.settings.chain_of(expert).ok().flatten() {
            return Some(Some(own));
        }
        let chosen = TenantId::new(tenant).ok().and_then(|tenant| self.chosen.of(&tenant, Job::Expert));
        let chain = match chosen {
            Some(choice) => doing(&self.settings, &choice).ok()?.1,
            None if self.settings.jobs.contains_key(&Job::Expert) => self.settings.doing(Job::Expert).ok()?.1,
            None => return Some(None),
        };
        (!chain.is_empty()).then_some(Some(chain))
    }

    /// Has an expert look at the talk; what it says is noted as it is. `None`: it gave no answer, and the turn goes on without.
    async fn expert(
        &self,
        step: &Asked<'_>,
        input: &TurnInput,
        name: &str,
        expert: &Expert,
    ) -> Result<Option<String>, BrainError> {
        let Some(own) = self.chain_of(&input.around.tenant, expert) else { return Ok(None) };
        let (request, prompt_hash) = context::of_expert(input, &expert.prompt, self.settings.max_output);
        let chain = own.as_deref().unwrap_or(&self.chain);
        // Whoever writes the reply needs time as well.
        let deadline = Instant::now() + self.settings.longest / 2;
        let step = Asked { chain, job: Job::Expert.name(), prompt_hash: &prompt_hash, deadline, ..step.clone() };
        let Ok(answer) = step.ask(0, &request).await? else { return Ok(None) };
        let text = shortened(answer.said.text.trim());
        let refused = matches!(answer.stop, Stop::Refused { .. } | Stop::Blocked { .. });
        if refused || text.is_empty() {
            return Ok(None);
        }
        step.run.note(
            v1::ExpertAnswered {
                run_id: step.run.id().to_string(),
                call_id: "m0".to_owned(),
                expert: name.to_owned(),
                text: head(&text).to_owned(),
                conversation_id: step.conversation.clone(),
            }
            .into(),
        );
        Ok(Some(text))
    }

    /// Asks, has calls carried out, and asks again, until there is a reply or silence; or why there is neither, as a code.
    async fn talk(
        &self,
        step: &Asked<'_>,
        turn: &Turn<'_>,
        hands: &mut Hands<'_>,
        request: &mut Request,
    ) -> Result<Result<Option<String>, &'static str>, BrainError> {
        let mut tokens = 0;
        let mut made: HashMap<(String, String), usize> = HashMap::new();
        let (mut reminded, mut corrected) = (false, false);
        for n in 1..=self.settings.steps {
            let answer = match step.ask(n, request).await? {
                Ok(answer) => answer,
                Err(code) => return Ok(Err(code)),
            };
            tokens += answer.usage.input + answer.usage.output;
            match &answer.stop {
                Stop::Refused { .. } => return Ok(Err("refused")),
                Stop::Blocked { .. } => return Ok(Err("blocked")),
                Stop::End | Stop::Calls | Stop::Length => {}
            }
            if tokens > u64::from(self.settings.turn_tokens) {
                return Ok(Err("too_many_tokens"));
            }
            let said = answer.said;
            if !said.calls.is_empty() {
                if made.values().sum::<usize>() + said.calls.len() > MOST_CALLS {
                    return Ok(Err("too_many_calls"));
                }
                let results = said.calls.iter().map(|call| carry_out(step.run, turn, hands, &mut made, call)).collect();
                request.steps.push(Step::Model(said));
                request.steps.push(Step::Results(results));
                continue;
            }
            let text = said.text.trim();
            let complete = answer.stop != Stop::Length && answer.broken_off.is_empty();
            if complete && !text.is_empty() {
                let reply = shortened(text);
                let backing = turn.backing(hands, &reply, request);
                let findings = check(&reply, &backing);
                if findings.is_empty() {
                    return Ok(Ok(Some(reply)));
                }
                if corrected || n == self.settings.steps {
                    let mended = mended(step.run, &reply, &findings, &backing);
                    let acts = || !hands.desk.clone().finish(None, turn.by_rules).is_empty();
                    return Ok(if mended.is_some() || acts() { Ok(mended) } else { Err("nothing_true") });
                }
                corrected = true;
                let words = unbacked(&findings);
                note_reflection(step.run, &words);
                request.steps.push(Step::Model(said));
                push_word(request, &words);
                continue;
            }
            if hands.silent.is_some() && complete {
                return Ok(Ok(None));
            }
            if reminded {
                return Ok(Err(if text.is_empty() { "nothing_said" } else { "too_long" }));
            }
            reminded = true;
            let words = if text.is_empty() {
                "Say something to the client, or call stay_silent."
            } else {
                "That was cut off at the limit of an answer. Say it again, much shorter."
            };
            if !text.is_empty() {
                request.steps.push(Step::Model(said));
            }
            push_word(request, words);
        }
        Ok(Err("too_many_steps"))
    }

    /// What is done where no model gave an answer that can be used: no word of that reaches the client.
    fn without_model(&self, run: &dyn Run, input: &TurnInput, by_rules: Vec<Decision>, code: &str) -> Vec<Decision> {
        let (instead, decisions) = match self.settings.without_answer {
            WithoutAnswer::Rules => ("rules", by_rules),
            WithoutAnswer::Silence => ("silence", by_rules.into_iter().filter(|d| !speaks(d)).collect()),
            WithoutAnswer::Holding => {
                let holding = self.settings.holding.clone().unwrap_or_default();
                let done = by_rules.iter().any(|d| matches!(d, Decision::Schedule { .. } | Decision::Move { .. }));
                // What the rules understood and did is said in their words.
                if done {
                    ("rules", by_rules)
                } else {
                    let mut decisions: Vec<Decision> = by_rules.into_iter().filter(|d| !speaks(d)).collect();
                    decisions.push(Decision::Reply { text: holding, offer: None });
                    ("holding", decisions)
                }
            }
        };
        run.note(
            v1::BrainUnavailable {
                run_id: run.id().to_string(),
                conversation_id: input.around.conversation.map(|id| id.to_string()).unwrap_or_default(),
                code: code.to_owned(),
                instead: instead.to_owned(),
            }
            .into(),
        );
        decisions
    }
}

impl Brain for Assistant {
    fn name(&self) -> &str {
        &self.provider
    }

    fn model(&self) -> &str {
        self.chain.first().map_or("", |model| &model.name)
    }

    fn pace(&self) -> Pace {
        Pace { at_once: false, lease: LEASE, longest: self.settings.longest + TO_END }
    }

    fn decide<'a>(&'a self, turn: &'a Arc<TurnInput>, run: &'a dyn Run) -> Thought<'a> {
        Box::pin(self.decide(turn, run))
    }
}

/// What the rules alone decide: a button says exactly what it means, an edit is weighed against what was promised, whoever wants
/// nothing more is heard whatever a model makes of it, and while a human answers nothing is said at all.
fn needs_no_model(input: &TurnInput, by_rules: &[Decision]) -> bool {
    let plain = |kind: &str| kind == "button";
    input.human_active
        || input.messages.is_empty()
        || input.messages.iter().all(|m| plain(&m.kind) || m.edited || m.forwarded)
        || by_rules.iter().any(|d| matches!(d, Decision::OptOut { .. }))
}

/// What the model is told of a reply that claims what nothing backs.
fn unbacked(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| format!("- “{}”: {}", finding.says, finding.why)).collect::<Vec<_>>();
    format!(
        "That was not sent, because it says what nothing backs:\n{}\nDo it by a tool first, or say it again without that.",
        lines.join("\n")
    )
}

fn note_reflection(run: &dyn Run, words: &str) {
    let (run_id, kind, text) = (run.id().to_string(), "reflection".to_owned(), head(words).to_owned());
    run.note(v1::StepTaken { run_id, kind, text }.into());
}

/// The reply without what nothing backs; `None`: nothing is left of it.
fn mended(run: &dyn Run, reply: &str, findings: &[Finding], backing: &Backing) -> Option<String> {
    let mended = truth::corrected(reply, findings, backing);
    let why = |sentence: &str| {
        let of = findings.iter().find(|f| reply.get(f.sentence.clone()).is_some_and(|s| s.trim() == sentence));
        of.or(findings.first())
    };
    let replaced = mended.replaced.iter().map(|(sentence, own)| (sentence, own.as_str()));
    for (sentence, instead) in replaced.chain(mended.dropped.iter().map(|sentence| (sentence, ""))) {
        let finding = why(sentence);
        run.note(
            v1::ClaimCorrected {
                run_id: run.id().to_string(),
                sentence: head(sentence).to_owned(),
                kind: finding.map(|f| f.kind.name().to_owned()).unwrap_or_default(),
                why: finding.map(|f| f.why.clone()).unwrap_or_default(),
                instead: instead.to_owned(),
            }
            .into(),
        );
    }
    Some(mended.text).filter(|text| !text.trim().is_empty())
}

fn speaks(decision: &Decision) -> bool {
    matches!(decision, Decision::Reply { .. } | Decision::Withhold { .. } | Decision::Ask { .. })
}

/// A word of ours to the model, behind all that was said.
fn push_word(request: &mut Request, words: &str) {
    let word = Text::Trusted(words.to_owned());
    match request.steps.last_mut() {
        Some(Step::User(texts)) => texts.push(word),
        _ => request.steps.push(Step::User(vec![word])),
    }
}

/// What a model wrote, as it may go on: bounded, and without control characters but line breaks and tabs.
fn shortened(text: &str) -> String {
    let mut clean = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    let mut kept: String = clean.by_ref().take(LONGEST_REPLY).collect();
    if clean.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_bounded_and_without_control_characters() {
        assert_eq!(shortened("a\0b\u{7}\r\n\tc"), "ab\n\tc");
        let long = shortened(&"ж".repeat(LONGEST_REPLY + 1));
        assert_eq!(long.chars().count(), LONGEST_REPLY + 1);
        assert!(long.ends_with('…'));
    }
}
