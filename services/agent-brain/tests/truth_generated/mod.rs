//! Replies made of parts: verbs, persons, adverbs, times, frames. Whether one is true is known from its parts and what was decided,
//! never by reading it.

mod parts;

use chrono::{DateTime, TimeDelta, Utc};
use steward_agent_brain::truth::{Backed, Backing, Finding, check, corrected};
use steward_language::Language;

use self::parts::{Parts, Time, parts};
use crate::truth_world::nothing;

/// What a frame claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claims {
    Promise,
    Cancelled,
    Moved,
    Booked,
}

fn list(backing: &mut Backing, claims: Claims) -> &mut Vec<Backed> {
    match claims {
        Claims::Promise => &mut backing.promised,
        Claims::Cancelled => &mut backing.cancelled,
        Claims::Moved => &mut backing.moved,
        Claims::Booked => &mut backing.booked,
    }
}

fn backed(language: Language, claims: Claims, when: DateTime<Utc>) -> Backing {
    let mut backing = nothing(language);
    list(&mut backing, claims).push(Backed::new(when, "", "1"));
    backing
}

/// Every claim that can be made of the parts, with its time.
fn claims(parts: &Parts) -> Vec<(Claims, String, &Time)> {
    let mut out = Vec::new();
    for time in &parts.times {
        for opener in parts.openers {
            for verb in parts.verbs {
                for (before, after) in parts.around {
                    out.push((Claims::Promise, format!("{before}{opener}{verb} {}{after}", time.said), time));
                }
            }
        }
        for (before, after) in parts.around {
            for verb in parts.own_verbs {
                out.push((Claims::Promise, format!("{before}{verb} {}{after}", time.said), time));
            }
        }
        let framed = [
            (Claims::Promise, parts.reminders),
            (Claims::Cancelled, parts.cancelled),
            (Claims::Moved, parts.moved),
            (Claims::Booked, parts.booked),
        ];
        for (claims, frames) in framed {
            let fill =
                |frame: &&str| frame.replace("{to}", &time.to).replace("{t}", &time.said).replace("{of}", &time.of);
            out.extend(frames.iter().map(|frame| (claims, fill(frame), time)));
        }
    }
    out
}

fn kinds(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{:?}", f.kind)).collect()
}

/// Some of them, from all over.
fn some(wrong: &[String]) -> String {
    wrong.iter().step_by(wrong.len() / 60 + 1).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_made_of_parts_is_found_out_exactly_when_nothing_backs_it() {
    let (mut count, mut wrong) = (0, Vec::new());
    for &language in Language::ALL {
        let parts = parts(language);
        for (claims, reply, time) in claims(&parts) {
            let mut expect = |backing: &Backing, kind: Option<&str>| {
                count += 1;
                let findings = check(&reply, backing);
                let got = kinds(&findings);
                if got.first().map(String::as_str) != kind {
                    wrong.push(format!("{reply:?} expected {kind:?}, got {findings:?}"));
                }
                if count % 7 == 0 {
                    let mended = corrected(&reply, &findings, backing);
                    let left = check(&mended.text, backing);
                    if !left.is_empty() {
                        wrong.push(format!("{reply:?} became {:?} with {left:?}", mended.text));
                    }
                }
            };
            let kind = format!("{claims:?}");
            expect(&nothing(language), Some(&kind));
            expect(&backed(language, claims, time.at), None);
            // An hour off, and a day off: whatever was said of the time is said of another.
            if reply.contains(&time.clock) {
                expect(&backed(language, claims, time.at + TimeDelta::minutes(70)), Some("Time"));
            }
            expect(&backed(language, claims, time.at + TimeDelta::days(1)), Some("Time"));
            // The client asked for just that time, but it isn't what was decided.
            let mut asked = backed(language, claims, time.at + TimeDelta::days(2));
            asked.known_texts.push(format!("{} {}", parts.request, time.said));
            expect(&asked, Some("Time"));
        }
    }
    println!("{count} replies");
    assert!(count > 10_000, "{count}");
    assert_eq!(wrong.len(), 0, "of {count}, for example\n{}", some(&wrong));
}

#[test]
fn what_claims_nothing_is_never_touched_whatever_is_decided() {
    let (mut count, mut wrong) = (0, Vec::new());
    for &language in Language::ALL {
        let parts = parts(language);
        for time in &parts.times {
            let other = backed(language, Claims::Promise, time.at + TimeDelta::hours(5));
            let frames = parts.harmless.iter().map(|f| f.replace("{t}", &time.said).replace("{of}", &time.of));
            let verbs = parts.openers.iter().flat_map(|o| parts.verbs.iter().map(move |v| format!("{o}{v}")));
            let verbs: Vec<String> = verbs.filter(|verb| !verb.contains(',')).collect();
            let offers = parts
                .offers
                .iter()
                .flat_map(|offer| verbs.iter().map(move |verb| offer.replace("{v}", verb).replace("{t}", &time.said)));
            for reply in frames.chain(offers) {
                for backing in [&nothing(language), &other] {
                    count += 1;
                    let findings = check(&reply, backing);
                    if !findings.is_empty() {
                        wrong.push(format!("{reply:?}: {findings:?}"));
                    }
                }
            }
        }
    }
    println!("{count} replies");
    assert!(count > 5_000, "{count}");
    assert_eq!(wrong.len(), 0, "of {count}, for example\n{}", some(&wrong));
}

#[test]
fn an_honest_sentence_beside_changes_no_finding() {
    for &language in Language::ALL {
        let parts = parts(language);
        for (n, (claims, reply, time)) in claims(&parts).into_iter().enumerate().filter(|(n, _)| n % 5 == 0) {
            let honest = parts.honest[n % parts.honest.len()];
            let backing = if n % 2 == 0 { nothing(language) } else { backed(language, claims, time.at) };
            let said = |text: &str| check(text, &backing).into_iter().map(|f| (f.kind, f.says)).collect::<Vec<_>>();
            let alone = said(&reply);
            for together in [
                format!("{honest} {reply}."),
                format!("{reply}. {honest}"),
                format!("{honest}\n{reply}\n{honest}"),
                format!("- {honest}\n- {reply}"),
            ] {
                assert_eq!(said(&together), alone, "{together}");
            }
        }
    }
}

#[test]
fn taking_out_a_sentence_leaves_the_honest_ones_as_they_are() {
    for &language in Language::ALL {
        let parts = parts(language);
        // One sentence each.
        let one = |(_, (_, reply, _)): &(usize, (Claims, String, &Time))| !reply.contains('!');
        for (n, (_, reply, _)) in claims(&parts).into_iter().enumerate().filter(one).step_by(11) {
            let backing = nothing(language);
            let (first, last) = (parts.honest[n % parts.honest.len()], parts.honest[(n + 1) % parts.honest.len()]);
            let text = format!("{first} {reply}. {last}");
            let mended = corrected(&text, &check(&text, &backing), &backing);
            assert_eq!(mended.text, format!("{first} {last}"), "{text}");
            assert_eq!(mended.dropped.len(), 1, "{text}");
        }
    }
}
