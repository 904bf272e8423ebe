//! Reports: figures as JSON lines and as the table at the end.

use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Map, Value, json};

use crate::options::Job;

/// One measured number. `unit` is part of its name in JSON: `p99_ms`.
#[derive(Debug, Clone)]
pub struct Figure {
    pub name: &'static str,
    pub unit: &'static str,
    pub value: f64,
}

pub fn figure(name: &'static str, value: f64, unit: &'static str) -> Figure {
    Figure { name, unit, value }
}

/// One case of a job, or one of its references.
#[derive(Debug, Clone)]
pub struct Line {
    pub case: String,
    pub reference: bool,
    pub figures: Vec<Figure>,
    pub goal: &'static str,
    /// The case's main figure divided by the reference's, with the reference's name.
    pub ratio: Option<(f64, &'static str)>,
}

/// How a cost grows with size.
#[derive(Debug, Clone)]
pub struct Growth {
    /// The figure that grows: `p99`.
    pub what: String,
    pub sizes: (f64, f64),
    pub costs: (f64, f64),
}

/// The results of a job.
#[derive(Debug, Default)]
pub struct Parts {
    lines: Vec<Line>,
    growth: Vec<Growth>,
}

impl Parts {
    pub fn case(&mut self, case: impl Into<String>, goal: &'static str, figures: Vec<Figure>) {
        self.lines.push(Line { case: case.into(), reference: false, figures, goal, ratio: None });
        self.tell();
    }

    pub fn reference(&mut self, case: impl Into<String>, figures: Vec<Figure>) {
        self.lines.push(Line { case: case.into(), reference: true, figures, goal: "", ratio: None });
        self.tell();
    }

    /// Notes what couldn't be measured, and why.
    pub fn missing(&mut self, what: &str, why: &anyhow::Error) {
        self.reference(format!("{what}: not measured: {why:#}"), Vec::new());
    }

    /// Notes how the latest case's main figure compares with a reference.
    pub fn against(&mut self, ratio: f64, reference: &'static str) {
        if let Some(line) = self.lines.last_mut() {
            line.ratio = Some((ratio, reference));
        }
    }

    pub fn grows(&mut self, what: impl Into<String>, sizes: (f64, f64), costs: (f64, f64)) {
        self.growth.push(Growth { what: what.into(), sizes, costs });
    }

    fn tell(&self) {
        if let Some(line) = self.lines.last() {
            eprintln!("  {}: {}", line.case, figures(line));
        }
    }
}

#[derive(Debug)]
pub struct Report {
    pub job: Job,
    pub seconds: f64,
    pub parts: Parts,
}

impl Report {
    /// The whole report on one line.
    pub fn json(&self) -> String {
        let lines = |reference| -> Vec<Value> {
            self.parts.lines.iter().filter(|line| line.reference == reference).map(line_json).collect()
        };
        let growth: Vec<Value> = self.parts.growth.iter().map(growth_json).collect();
        json!({
            "job": self.job.name(),
            "title": self.job.title(),
            "took_s": round(self.seconds),
            "cases": lines(false),
            "references": lines(true),
            "growth": growth,
        })
        .to_string()
    }
}

fn line_json(line: &Line) -> Value {
    let mut object = Map::new();
    object.insert("case".to_owned(), json!(line.case));
    for figure in &line.figures {
        let unit = figure.unit.replace("/s", "_per_s").replace('%', "percent");
        let name = format!("{}_{}", figure.name.replace(' ', "_"), unit.trim_start_matches('_'));
        object.insert(name.trim_end_matches('_').to_owned(), json!(round(figure.value)));
    }
    if let Some((ratio, reference)) = line.ratio {
        object.insert("of_reference".to_owned(), json!({ "ratio": round(ratio), "reference": reference }));
    }
    if !line.goal.is_empty() {
        object.insert("goal".to_owned(), json!(line.goal));
    }
    Value::Object(object)
}

fn growth_json(growth: &Growth) -> Value {
    json!({
        "what": growth.what,
        "sizes": [growth.sizes.0, growth.sizes.1],
        "costs": [round(growth.costs.0), round(growth.costs.1)],
        "size_factor": round(growth.sizes.1 / growth.sizes.0),
        "cost_factor": round(growth.costs.1 / growth.costs.0),
    })
}

/// Rounds to three digits.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6);
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

fn number(value: f64) -> String {
    if value.abs() < 10_000.0 { format!("{}", round(value)) } else { format!("{:.1} k", value / 1_000.0) }
}

fn figures(line: &Line) -> String {
    let text = |f: &Figure| format!("{} {} {}", f.name, number(f.value), f.unit).trim_end().to_owned();
    line.figures.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// All reports as a table for people.
pub fn table(reports: &[Report]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["job", "case", "measured", "of reference", "goal"]);
    for report in reports {
        let mut job = report.job.name();
        for line in &report.parts.lines {
            let case = if line.reference { format!("reference: {}", line.case) } else { line.case.clone() };
            let ratio = line.ratio.map(|(ratio, of)| format!("{} × {of}", round(ratio))).unwrap_or_default();
            table.add_row([job, &case, &figures(line), &ratio, line.goal]);
            job = "";
        }
        for growth in &report.parts.growth {
            let case = format!("growth: {}", growth.what);
            let measured = format!(
                "size ×{} ({} → {}) costs ×{} ({} → {})",
                round(growth.sizes.1 / growth.sizes.0),
                number(growth.sizes.0),
                number(growth.sizes.1),
                round(growth.costs.1 / growth.costs.0),
                number(growth.costs.0),
                number(growth.costs.1),
            );
            table.add_row(["", &case, &measured, "", ""]);
        }
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_json_line_with_units_in_the_names() {
        let mut parts = Parts::default();
        parts.case(
            "32 connections",
            "≥ 15 k/s",
            vec![figure("p99", 4.123_4, "ms"), figure("requests", 15_432.0, "/s")],
        );
        parts.against(0.42, "bare axum");
        parts.grows("p99", (1_000.0, 10_000.0), (2.0, 4.0));
        let text = Report { job: Job::P1, seconds: 1.0, parts }.json();
        assert!(!text.contains('\n'));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["cases"][0]["p99_ms"], json!(4.12));
        assert_eq!(value["cases"][0]["requests_per_s"], json!(15_432.0));
        assert_eq!(value["cases"][0]["of_reference"]["ratio"], json!(0.42));
        assert_eq!(value["growth"][0]["cost_factor"], json!(2.0));
    }
}
