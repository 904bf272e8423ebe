//! `bench`: the performance goals, measured on the running system, each beside a reference of the same run.
//!
//! It prints one JSON line per job and a table at the end on standard output, and what it is doing on standard error.
//! Nothing here passes or fails: machines differ, so a figure means something only beside its reference.

mod bare;
mod bot_api;
mod browser;
mod copy;
mod due;
mod fill;
mod http;
mod inbox;
mod model;
mod options;
mod p1_ingest;
mod p2_timers;
mod p3_burst;
mod p5_store;
mod p6_rebuild;
mod p7_live;
mod p8_turn;
mod p9_footprint;
mod peers;
mod place;
mod proc;
mod raw;
mod report;
mod stats;
mod updates;

use std::{process::ExitCode, time::Instant};

use anyhow::Result;
use clap::Parser as _;

use crate::{
    options::{Job, Options},
    report::Report,
};

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(what) = options.serve {
        runtime.block_on(bare::serve(what, &options.store_url))?;
        return Ok(ExitCode::SUCCESS);
    }
    runtime.block_on(run(options))
}

async fn run(options: Options) -> Result<ExitCode> {
    let mut reports = Vec::new();
    let mut failed = Vec::new();
    for job in options.chosen() {
        eprintln!("{}: {} …", job.name(), job.title());
        let began = Instant::now();
        let result = match job {
            Job::P1 => p1_ingest::run(&options).await,
            Job::P2 => p2_timers::run(&options).await,
            Job::P3 => p3_burst::run(&options).await,
            Job::P5 => p5_store::run(&options).await,
            Job::P6 => p6_rebuild::run(&options).await,
            Job::P7 => p7_live::run(&options).await,
            Job::P8 => p8_turn::run(&options).await,
            Job::P9 => p9_footprint::run(&options).await,
            Job::Inbox => inbox::run(&options).await,
            Job::Browser => browser::run(&options).await,
            Job::Model => model::run(&options).await,
        };
        match result {
            Ok(parts) => {
                let report = Report { job, seconds: began.elapsed().as_secs_f64(), parts };
                println!("{}", report.json());
                reports.push(report);
            }
            Err(error) => {
                println!("{}", serde_json::json!({ "job": job.name(), "error": format!("{error:#}") }));
                failed.push(job.name());
            }
        }
    }
    println!("{}", report::table(&reports));
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("not measured: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}
