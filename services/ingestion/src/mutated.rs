//! Every recorded input, broken in thousands of ways: no parser panics, and none does more work than its input is worth.
//!
//! `STEWARD_MUTATIONS` says how many to try of each parser, `STEWARD_MUTATION_SEED` repeats a run. The fuzz targets
//! (`fuzz/`) look further, and also for what takes long without allocating.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    io::Write as _,
    panic::catch_unwind,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::fuzzing;

/// Mutations of each parser unless told otherwise: what an unoptimised build does in a few seconds. Mails and their
/// texts, each of whose lines goes through many regular expressions, are fewer.
const USUAL: u64 = 3_000;
const USUAL_OF_MAIL: u64 = 1_000;

/// Of a recorded input, in bytes.
const LONGEST_RECORDED: usize = 16 << 10;

/// Of a broken one, in bytes.
const LONGEST: usize = 32 << 10;

/// Work that any input may cost, and what each of its bytes may cost besides. Regular expressions keep what they learn
/// of a text, up to two megabytes each: it counts for the text that taught them.
const WORK: u64 = 24 << 20;
const WORK_OF_A_BYTE: u64 = 2_000;

/// Counts the work of each thread: bytes that are allocated, and a flat fee for each time.
struct Counting;

const FEE: u64 = 64;

thread_local! {
    static WORKED: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    WORKED.with(|worked| worked.set(worked.get() + bytes as u64 + FEE));
}

#[global_allocator]
static COUNTING: Counting = Counting;

// Allocators are unsafe by their trait; this one hands everything on to the system's.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What parsers stumble over.
const ODD: &[&[u8]] = &[
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3",
    b"\xf4\x90\x80\x80",
    "\u{202e}\u{feff}\u{2028}".as_bytes(),
    b"\x1b[0m",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\t",
    br"\ud800",
    br"\udc00\ud800",
    br"\u0000",
    b"\\",
    b"\"",
    b"'",
    b"\"\"",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"[[{}]]",
    b",",
    b":",
    b"}",
    b"]",
    b"-0",
    b"1e999999",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"253402300800",
    b"-1",
    b"--",
    b"=?utf-8?B?",
    b"=?x?Q?=?=",
    b"=00",
    b"%",
    b"%00%",
    b"&",
    b"&#xffffffff;",
    b"<!--",
    b"</",
    b"<a href=\"",
    b"```\n",
    b"\n> ",
    b"\n-- \n",
    b"\nOn 2024 a@b.c wrote:\n",
    b"Content-Type: multipart/mixed; boundary=\"\"\r\n",
    b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"; charset=utf-7",
    b"; name*0*=x''%ff",
    b"BEGIN:VCALENDAR\r\n",
    b"BEGIN:VEVENT\r\n",
    b"END:VEVENT\r\n",
    b"BEGIN:VTIMEZONE\r\n",
    b"DTSTART:99991231T235960Z\r\n",
    b"DTSTART:00000101T000000-2359\r\n",
    b"DURATION:-P99999999999W\r\n",
    b"RRULE:FREQ=SECONDLY;COUNT=99999999999;BYDAY=-999SU\r\n",
    b"SEQUENCE:99999999999\r\n",
];

/// And over many of.
const NESTED: &[&[u8]] = &[
    b"[",
    b"{\"a\":",
    b"[{\"message\":",
    b"(",
    b"<",
    b"<blockquote>",
    b"<div>",
    b"<title>",
    b">",
    b"\n>",
    b"\r\n ",
    b" ",
    b"9",
    b"a,",
    b"<a@b>,",
    b"=?utf-8?Q?a?= ",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    b"--b\r\n",
    b"X: y\r\n",
    b"BEGIN:VEVENT\r\n",
    b"\\\"",
    b"&amp",
    b"\nFrom: a@b.c\n",
    b"\xd0",
];

/// Breaks an input in some ways, most of them small.
fn broken(random: &mut StdRng, recorded: &[Vec<u8>]) -> Vec<u8> {
    let mut input = recorded[random.random_range(0..recorded.len())].clone();
    for _ in 0..random.random_range(1..=4) {
        let (from, to) = piece(random, &input);
        match random.random_range(0..9) {
            0 | 1 => {
                for _ in 0..random.random_range(1..=8) {
                    if !input.is_empty() {
                        let at = random.random_range(0..input.len());
                        input[at] ^= 1 << random.random_range(0..8);
                    }
                }
            }
            2 => input.truncate(to),
            3 => {
                let other = &recorded[random.random_range(0..recorded.len())];
                let (start, _) = piece(random, other);
                input.truncate(to);
                input.extend_from_slice(&other[start..]);
            }
            4 => {
                let again = input[from..to].repeat(random.random_range(1..=64));
                insert(&mut input, to, &again);
            }
            5 => drop(input.drain(from..to)),
            6 => {
                let again = NESTED[random.random_range(0..NESTED.len())].repeat(random.random_range(1..=4_000));
                insert(&mut input, to, &again);
            }
            _ => insert(&mut input, to, ODD[random.random_range(0..ODD.len())]),
        }
        input.truncate(LONGEST);
    }
    input
}

/// A piece of an input, mostly a short one.
fn piece(random: &mut StdRng, input: &[u8]) -> (usize, usize) {
    let from = random.random_range(0..=input.len());
    let longest = if random.random_bool(0.1) { input.len() } else { 80 };
    (from, (from + random.random_range(0..=longest)).min(input.len()))
}

fn insert(input: &mut Vec<u8>, at: usize, what: &[u8]) {
    input.splice(at..at, what.iter().copied());
}

/// The files in these folders of the recorded inputs and below them, in the order of their names.
fn recorded(folders: &[&str]) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut paths = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { paths.push(path) }
        }
    }
    paths.retain(|path| !path.to_string_lossy().ends_with(".request.json") && !path.ends_with("SOURCE.txt"));
    paths.sort();
    let read = |path: &PathBuf| {
        let mut input = fs::read(path).unwrap();
        input.truncate(LONGEST_RECORDED);
        input
    };
    paths.iter().map(read).collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

static ALONE: Mutex<()> = Mutex::new(());

/// Runs the parser on every recorded input as it is, then on broken ones.
fn holds(name: &str, parser: fn(&[u8]), folders: &[&str], usual: u64) {
    // One after the other: they share what they count.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recorded = recorded(folders);
    assert!(!recorded.is_empty());
    let seed = number("STEWARD_MUTATION_SEED").unwrap_or_else(rand::random);
    // Past the test's own capture: an overflown stack leaves nothing else.
    let _ = writeln!(std::io::stderr(), "mutations of {name}: STEWARD_MUTATION_SEED={seed}");
    let (mut most, began) = (0, std::time::Instant::now());
    // Once for what is built at its first use, which is nobody's work.
    recorded.iter().for_each(|input| parser(input));
    for input in &recorded {
        most = most.max(try_one(parser, input, seed));
    }
    for n in 0..number("STEWARD_MUTATIONS").unwrap_or(usual) {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(n));
        most = most.max(try_one(parser, &broken(&mut random, &recorded), seed));
    }
    println!("{name}: at most {most} % of the work that is allowed, {:?} in all", began.elapsed());
}

/// How much of the allowed work it took, in per cent.
fn try_one(parser: fn(&[u8]), input: &[u8], seed: u64) -> u64 {
    let allowed = WORK + WORK_OF_A_BYTE * input.len() as u64;
    let (mut ended, mut worked) = counted(parser, input);
    // Another thread that uses the same regular expression at that moment makes more work of it.
    for _ in 0..5 {
        if ended.is_ok() && worked > allowed {
            (ended, worked) = counted(parser, input);
        }
    }
    let what = || format!("STEWARD_MUTATION_SEED={seed}, the input in base64: {}", STANDARD.encode(input));
    assert!(ended.is_ok(), "it panicked; {}", what());
    assert!(worked <= allowed, "it did {worked} of the {allowed} that {} bytes allow; {}", input.len(), what());
    worked * 100 / allowed
}

fn counted(parser: fn(&[u8]), input: &[u8]) -> (std::thread::Result<()>, u64) {
    let before = WORKED.get();
    let ended = catch_unwind(|| parser(input));
    (ended, WORKED.get() - before)
}

#[test]
fn no_update_of_telegram_breaks_its_parser() {
    holds("telegram", fuzzing::telegram, &["telegram"], USUAL);
}

#[test]
fn no_notification_of_whatsapp_breaks_its_parser() {
    holds("whatsapp", fuzzing::whatsapp, &["whatsapp"], USUAL);
}

#[test]
fn no_mail_breaks_its_parser() {
    holds(
        "mail",
        fuzzing::mail,
        &["found", "email/raw", "email/auto", "email/replies/mailgun+talon/standard"],
        USUAL_OF_MAIL,
    );
}

#[test]
fn no_text_breaks_the_stripping_of_replies() {
    holds("reply", fuzzing::reply, &["email/replies"], USUAL_OF_MAIL);
}

#[test]
fn no_page_breaks_its_reading() {
    holds("page", fuzzing::page, &["email/replies/mailgun+talon/html"], USUAL);
}

#[test]
fn no_calendar_breaks_its_parser() {
    holds("calendar", fuzzing::calendar, &["calendar"], USUAL);
}

#[test]
fn no_form_of_mailgun_breaks_its_parser() {
    holds("mailgun", fuzzing::mailgun, &["email/inbound_webhooks/mailgun"], USUAL);
}

#[test]
fn no_json_of_postmark_breaks_its_parser() {
    holds("postmark", fuzzing::postmark, &["email/inbound_webhooks/postmark"], USUAL);
}

#[test]
fn no_form_of_sendgrid_breaks_its_parser() {
    holds("sendgrid", fuzzing::sendgrid, &["email/inbound_webhooks/sendgrid"], USUAL);
}

#[test]
fn no_notification_of_ses_breaks_its_parser() {
    holds("ses", fuzzing::ses, &["email/inbound_webhooks/amazon_ses"], USUAL);
}

#[test]
fn no_body_of_a_command_breaks_its_reading() {
    holds("command", fuzzing::command, &["whatsapp", "telegram"], USUAL);
}

#[test]
fn nothing_from_outside_breaks_ids_names_and_texts() {
    holds("outside", fuzzing::outside, &["telegram", "calendar", "found"], USUAL);
}

#[test]
fn no_url_of_sns_is_taken_for_another() {
    holds("sns_url", fuzzing::sns_url, &["email/inbound_webhooks/amazon_ses"], USUAL);
}
