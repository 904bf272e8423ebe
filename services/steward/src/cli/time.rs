//! `steward time`: shows what a phrase means, and by which rule.

use std::io::{self, BufRead, BufWriter, Write};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use clap::Args;
use serde::{Deserialize, Serialize};
use steward_domain::settings::Defaults;
use steward_language::{
    DateOrder, Language,
    time::{Grain, Meaning, Moment, TimeContext, parse},
};

use super::Global;

/// Show what a time phrase means, and which rule says so
///
/// The defaults (hour of a bare day, parts of the day, zone, language) are those of the configuration if --config names
/// one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  steward time \"через неделю\" --zone Asia/Makassar --lang ru --at 2026-11-21T09:00:00+08:00
  steward time --batch < phrases.jsonl

--batch reads one JSON object per line,
  {\"id\": …, \"text\": …, \"ref\": RFC 3339, \"lang\": such as \"ru\", \"zone\": IANA name}
and answers each, in the same order, with
  {\"id\", \"outcome\": \"instant\"|\"ambiguous\"|\"past\"|\"none\", \"at\", \"local\", \"grain\", \"span\", \"rule\"}
where span are the first byte and the byte after the last of the phrase in the text. A time more than two years ahead is
\"none\" by the rule \"too_far\". A line that can't be read is answered with {\"id\", \"error\"}, and the exit code is 1.")]
pub struct Time {
    /// The text that holds the phrase
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    text: Option<String>,
    /// When the text was written (RFC 3339); by default now
    #[arg(long, value_name = "TIME", conflicts_with = "batch")]
    at: Option<DateTime<Utc>>,
    /// The IANA time zone of the writer
    #[arg(long, value_name = "ZONE", conflicts_with = "batch")]
    zone: Option<Tz>,
    /// The language, such as ru, where the text doesn't show it; its region says which number of 3/4 is the day
    #[arg(long, value_name = "LANG", value_parser = language, conflicts_with = "batch")]
    lang: Option<Tag>,
    /// Read JSON lines and write JSON lines
    #[arg(long)]
    batch: bool,
}

impl Time {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        // The configuration is read only if it is named, so that a phrase can be asked about without the variables that
        // a running Steward needs.
        let defaults = match global.config {
            Some(_) => global.settings()?.defaults,
            None => Defaults::default(),
        };
        if self.batch {
            return batch(io::stdin().lock(), BufWriter::with_capacity(1 << 16, io::stdout().lock()), &defaults);
        }
        let lang = self.lang.unwrap_or(Tag { language: defaults.language, date_order: DateOrder::default() });
        let context =
            context(&defaults, self.at.unwrap_or_else(Utc::now), self.zone.unwrap_or(defaults.timezone), lang);
        let text = self.text.unwrap_or_default();
        print!("{}", explained(&text, &parse(&text, &context)));
        Ok(())
    }
}

/// A language, with its way of writing dates.
#[derive(Debug, Clone, Copy)]
struct Tag {
    language: Language,
    date_order: DateOrder,
}

/// Reads a tag such as `ru`, `es-MX` or `en-GB`.
fn language(tag: &str) -> Result<Tag, String> {
    let language = tag.parse().map_err(|e: steward_language::UnknownLanguage| e.to_string())?;
    Ok(Tag { language, date_order: DateOrder::of_tag(tag) })
}

fn context(defaults: &Defaults, written_at: DateTime<Utc>, zone: Tz, tag: Tag) -> TimeContext {
    TimeContext {
        written_at,
        zone,
        language: tag.language,
        date_order: tag.date_order,
        followup_hour: defaults.followup_hour,
        parts_of_day: defaults.parts_of_day,
    }
}

#[derive(Deserialize)]
struct Question {
    text: String,
    #[serde(rename = "ref")]
    written_at: DateTime<Utc>,
    lang: String,
    zone: String,
}

#[derive(Serialize)]
struct Answer {
    id: serde_json::Value,
    outcome: &'static str,
    at: Option<String>,
    local: Option<String>,
    grain: Option<&'static str>,
    span: Option<[usize; 2]>,
    rule: Option<&'static str>,
}

#[derive(Serialize)]
struct Unread {
    id: serde_json::Value,
    error: String,
}

fn batch(input: impl BufRead, mut output: impl Write, defaults: &Defaults) -> anyhow::Result<()> {
    let mut unread = 0_usize;
    for line in input.lines() {
        let line = line.context("reading standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        match answered(&line, defaults) {
            Ok(answer) => serde_json::to_writer(&mut output, &answer)?,
            Err(problem) => {
                unread += 1;
                serde_json::to_writer(&mut output, &problem)?;
            }
        }
        output.write_all(b"\n")?;
    }
    output.flush()?;
    anyhow::ensure!(unread == 0, "{unread} lines could not be read: see their `error`");
    Ok(())
}

fn answered(line: &str, defaults: &Defaults) -> Result<Answer, Unread> {
    let value: serde_json::Value = serde_json::from_str(line)
        .map_err(|e| Unread { id: serde_json::Value::Null, error: format!("this line is no JSON: {e}") })?;
    let id = value.get("id").cloned().unwrap_or_default();
    let unread = |error: String| Unread { id: id.clone(), error };
    let question: Question = serde_json::from_value(value).map_err(|e| unread(e.to_string()))?;
    let tag = language(&question.lang).map_err(unread)?;
    let zone = question
        .zone
        .parse()
        .map_err(|_| unread(format!("zone: found {:?}, expected an IANA time zone", question.zone)))?;
    let context = context(defaults, question.written_at, zone, tag);
    Ok(answer(id, parse(&question.text, &context)))
}

fn answer(id: serde_json::Value, meaning: Meaning) -> Answer {
    let none = Answer { id, outcome: "none", at: None, local: None, grain: None, span: None, rule: None };
    let of = |none: Answer, outcome, moment: Moment| Answer {
        outcome,
        at: Some(moment.at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        local: Some(local(&moment)),
        grain: Some(grain(moment.grain)),
        span: Some([moment.span.start, moment.span.end]),
        rule: Some(moment.rule),
        ..none
    };
    match meaning {
        Meaning::Instant(moment) => of(none, "instant", moment),
        Meaning::Past(moment) => of(none, "past", moment),
        Meaning::Ambiguous { span, rule, .. } => {
            Answer { outcome: "ambiguous", span: Some([span.start, span.end]), rule: Some(rule), ..none }
        }
        Meaning::TooFar(moment) => {
            Answer { span: Some([moment.span.start, moment.span.end]), rule: Some("too_far"), ..none }
        }
        Meaning::None => none,
    }
}

fn local(moment: &Moment) -> String {
    moment.at.with_timezone(&moment.zone).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn grain(grain: Grain) -> &'static str {
    match grain {
        Grain::Second => "second",
        Grain::Minute => "minute",
        Grain::Hour => "hour",
        Grain::PartOfDay => "part_of_day",
        Grain::Day => "day",
        Grain::Week => "week",
        Grain::Month => "month",
        Grain::Year => "year",
    }
}

/// The meaning, for a person to read.
fn explained(text: &str, meaning: &Meaning) -> String {
    let moment = |m: &Moment| {
        format!(
            "  phrase  {:?}\n  local   {} ({})\n  utc     {}\n  grain   {}\n  rule    {}\n",
            text.get(m.span.clone()).unwrap_or_default(),
            m.at.with_timezone(&m.zone).format("%A, %-d %B %Y, %H:%M:%S %:z"),
            m.zone,
            m.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            grain(m.grain),
            m.rule,
        )
    };
    match meaning {
        Meaning::Instant(m) => format!("one instant\n{}", moment(m)),
        Meaning::Past(m) => {
            format!("in the past when it was written (or less than five seconds ahead): ask\n{}", moment(m))
        }
        Meaning::TooFar(m) => format!("more than two years ahead: refused\n{}", moment(m)),
        Meaning::Ambiguous { readings, span, rule } => {
            let mut out = format!(
                "ambiguous: ask\n  phrase  {:?}\n  rule    {rule}\n",
                text.get(span.clone()).unwrap_or_default()
            );
            for reading in readings {
                out.push_str("or\n");
                out.push_str(&moment(reading));
            }
            out
        }
        Meaning::None => "no time in it\n".to_owned(),
    }
}
