//! What fails is asked again, left alone, or asked of the next, and never told to anybody.

use std::time::Duration;

use steward_agent_brain::models::{Asking, Deltas, Limits, ModelError, NoAnswer, Outcome};
use steward_settings::{Model, Secret};
use steward_tests::llm::{Cut, Delay, Fault, Format, Manner, Piece, Play, Says};
use tokio::time::Instant;

use crate::world::{World, line, question};

const WITHIN: Duration = Duration::from_secs(120);

fn cut(cut: Cut) -> Play {
    let pieces = vec![Piece::text("Слова, которые никто не дослушал"), Piece::text("и ещё")];
    Play { says: Says::Pieces(pieces), manner: Manner { cut: Some(cut), ..Manner::default() } }
}

/// Each fault, and what is tried when the next answer is a good one.
#[tokio::test]
async fn what_may_pass_is_asked_again() {
    let patient = Limits::default();
    let hasty = Limits { first_byte: Duration::from_secs(3), between: Duration::from_secs(3), ..patient };
    let cases = || {
        [
            (patient, Play::from(Fault::TooMany(Delay::None)), "rate_limited"),
            (patient, Fault::Overloaded.into(), "overloaded"),
            (patient, Fault::ServerError.into(), "overloaded"),
            (patient, Fault::Page(502).into(), "overloaded"),
            (patient, Fault::Page(503).into(), "overloaded"),
            (patient, Fault::Page(504).into(), "timeout"),
            (patient, Fault::ShouldRetry(400, true).into(), "invalid"),
            (patient, cut(Cut::BeforeFirstByte), "cut"),
            (patient, cut(Cut::AfterFirstByte), "cut"),
            (patient, cut(Cut::BeforeEnd), "cut"),
            (patient, cut(Cut::Short), "cut"),
            (patient, cut(Cut::ErrorFrame), "overloaded"),
            (hasty, cut(Cut::Silence), "timeout"),
            (hasty, cut(Cut::SilenceFromTheStart), "timeout"),
        ]
    };
    let each = Format::ALL.into_iter().flat_map(|format| cases().map(|case| (format, case)));
    futures::future::join_all(each.map(|(format, (limits, play, tried))| async move {
        let world = World::with(limits).await;
        let shown = format!("{format:?} {play:?}");
        world.llm.play(play);
        world.llm.play("Ok");
        let came = world.ask(&[world.model(format)], &question()).await;
        assert_eq!(line(&came), format!("end \"Ok\" <- {tried}, answered"), "{shown}");
        assert!(came.attempts[1].waited >= Duration::from_millis(375), "{shown}: it waits a little");
        assert_eq!(world.llm.wrong(), Vec::<String>::new(), "{shown}");
    }))
    .await;
}

#[tokio::test]
async fn what_never_will_be_otherwise_is_not_asked_again() {
    for format in Format::ALL {
        for (fault, tried) in [
            (Fault::Auth, "auth"),
            (Fault::NotFound, "not_found"),
            (Fault::TooLong, "too_long"),
            (Fault::Money, "money"),
            (Fault::ShouldRetry(500, false), "overloaded"),
            (Fault::Page(400), "invalid"),
        ] {
            let world = World::new().await;
            world.llm.play(fault.clone());
            let came = world.ask(&[world.model(format)], &question()).await;
            assert!(line(&came).ends_with(&format!("<- {tried}")), "{format:?} {fault:?}: {}", line(&came));
            assert!(matches!(came.result, Err(NoAnswer::Failed(_))));
        }
    }
}

#[tokio::test]
async fn the_servers_own_delay_is_waited_in_each_of_its_forms() {
    let least = Duration::from_millis(900);
    let forms = [
        (Delay::Milliseconds(900), least),
        (Delay::Seconds(0.9), least),
        (Delay::RetryInfo(0.9), least),
        (Delay::Words("try again in 900ms"), least),
        // A date has whole seconds, of which one is under way.
        (Delay::Date(Duration::from_secs(3)), Duration::from_millis(1_001)),
    ];
    let each = Format::ALL.into_iter().flat_map(|format| forms.map(|form| (format, form)));
    futures::future::join_all(each.map(|(format, (delay, least))| async move {
        let world = World::new().await;
        world.llm.play(Fault::TooMany(delay));
        world.llm.play("Ok");
        let came = world.ask(&[world.model(format)], &question()).await;
        assert_eq!(line(&came), "end \"Ok\" <- rate_limited, answered", "{format:?} {delay:?}");
        let waited = came.attempts[1].waited;
        assert!(waited >= least && waited <= Duration::from_secs(3), "{format:?} {delay:?}: {waited:?}");
    }))
    .await;
}

#[tokio::test]
async fn who_wants_to_be_left_alone_longer_than_there_is_time_is_left_to_the_next() {
    for format in Format::ALL {
        let world = World::new().await;
        let other = Model { provider: "other".to_owned(), ..world.model(format) };
        let chain = [world.model(format), other];
        world.llm.play(Fault::TooMany(Delay::Seconds(2.0 * WITHIN.as_secs_f64())));
        world.llm.play("Ok");
        let came = world.ask_within(WITHIN, &chain, &question()).await;
        assert_eq!(line(&came), "end \"Ok\" <- rate_limited, answered");
        assert_eq!((came.attempts[1].provider.as_str(), came.attempts[1].waited), ("other", Duration::ZERO));
        // And others don't ask it either until then.
        world.llm.play("Ok");
        assert_eq!(line(&world.ask_within(WITHIN, &chain, &question()).await), "end \"Ok\" <- skipped, answered");
    }
}

#[tokio::test]
async fn without_money_a_provider_is_left_alone_until_the_configuration_changes() {
    for format in Format::ALL {
        for fault in [Fault::Money, Fault::Auth] {
            let world = World::new().await;
            let other = Model { provider: "other".to_owned(), ..world.model(format) };
            let chain = [world.model(format), other];
            world.llm.play(fault.clone());
            world.llm.play("Ok");
            let first = line(&world.ask(&chain, &question()).await);
            let tried = if matches!(fault, Fault::Money) { "money" } else { "auth" };
            assert_eq!(first, format!("end \"Ok\" <- {tried}, answered"), "{format:?}");
            world.llm.play("Ok");
            assert_eq!(line(&world.ask(&chain, &question()).await), "end \"Ok\" <- skipped, answered");
            assert_eq!(line(&world.ask(&chain[..1], &question()).await), "no model can be asked for now <- skipped");
            // Another address is another configuration; it has the same key here, which is good again.
            let changed = Model { base_url: format!("{}/", chain[0].base_url), ..chain[0].clone() };
            let came = world.ask(std::slice::from_ref(&changed), &question()).await;
            assert!(matches!(came.attempts[0].outcome, Outcome::Failed(_)), "it is asked");
        }
    }
}

#[tokio::test]
async fn who_fails_too_often_is_skipped_for_a_while() {
    let world = World::new().await;
    let other = Model { provider: "other".to_owned(), ..world.model(Format::Gemini) };
    let chain = [world.model(Format::Anthropic), other];
    for _ in 0..3 {
        world.llm.play(Fault::Overloaded);
    }
    world.llm.play("one");
    assert_eq!(
        line(&world.ask(&chain, &question()).await),
        "end \"one\" <- overloaded, overloaded, overloaded, answered"
    );
    for _ in 0..3 {
        world.llm.play(Fault::Overloaded);
    }
    world.llm.play("two");
    assert_eq!(
        line(&world.ask(&chain, &question()).await),
        "end \"two\" <- overloaded, overloaded, overloaded, answered"
    );
    world.llm.play("three");
    assert_eq!(line(&world.ask(&chain, &question()).await), "end \"three\" <- skipped, answered");
}

#[tokio::test]
async fn signs_of_life_keep_a_silent_answer_alive() {
    let limits = Limits { between: Duration::from_secs(5), ..Limits::default() };
    let each = Format::ALL.map(|format| async move {
        let world = World::with(limits).await;
        let manner = Manner { pings: (14, Duration::from_millis(400)), ..Manner::default() };
        world.llm.play(Play { says: Says::Pieces(vec![Piece::text("Долго думал.")]), manner });
        let came = world.ask(&[world.model(format)], &question()).await;
        assert_eq!(line(&came), "end \"Долго думал.\" <- answered", "{format:?}");
        assert!(came.attempts[0].took >= limits.between);
    });
    futures::future::join_all(each).await;
}

#[tokio::test]
async fn nothing_takes_longer_than_the_deadline() {
    for format in Format::ALL {
        let world = World::new().await;
        let chain = [world.model(format), Model { provider: "other".to_owned(), ..world.model(format) }];
        world.llm.play(cut(Cut::Silence));
        let came = world.ask_within(Duration::from_millis(400), &chain, &question()).await;
        assert_eq!(line(&came), "no model answered: the provider didn't answer in time <- timeout");
        assert!(!came.attempts[0].usage.exact && came.attempts[0].usage.input > 0, "it may have to be paid for");
        let came = world.ask_within(Duration::ZERO, &chain, &question()).await;
        assert_eq!((came.result, came.attempts.len()), (Err(NoAnswer::Failed(ModelError::Timeout)), 0));
    }
}

#[tokio::test]
async fn who_had_no_time_left_to_answer_is_not_to_blame() {
    let world = World::new().await;
    // Connections are taken, and nobody ever says anything.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", silent.local_addr().unwrap());
    let chain = [Model { base_url, ..world.model(Format::Openai) }];
    for _ in 0..8 {
        let came = world.ask_within(Duration::from_millis(50), &chain, &question()).await;
        assert_eq!(line(&came), "no model answered: the provider didn't answer in time <- timeout", "and not skipped");
    }
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_ends_and_what_it_cost_is_known() {
    for format in Format::ALL {
        let world = World::new().await;
        world.llm.play(cut(Cut::Silence));
        let mut attempts = Vec::new();
        {
            let request = question();
            let asking = Asking { request: &request, correlation: "turn-7", deadline: Instant::now() + WITHIN };
            let chain = [world.model(format)];
            let mut deltas = Deltas::none();
            let asked = world.models.answer(&chain, &asking, &mut deltas, &mut attempts);
            tokio::select! {
                result = asked => panic!("{result:?}"),
                () = async { world.llm.until_asked(1, WITHIN).await.unwrap() } => {}
            }
        }
        world.llm.until_nobody_listens(WITHIN).await.unwrap();
        assert_eq!((attempts.len(), &attempts[0].outcome), (1, &Outcome::Running));
        assert!(attempts[0].usage.input > 0 && attempts[0].cost > Some(0), "{format:?}: {attempts:?}");
        assert!(!attempts[0].usage.exact);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_costs_nothing() {
    let world = World::new().await;
    // A port of the loopback that nobody listens on any more.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let gone = Model { base_url: format!("http://127.0.0.1:{port}"), ..world.model(Format::Anthropic) };
    world.llm.play("Ok");
    let came = world.ask(&[gone, world.model(Format::Openai)], &question()).await;
    assert_eq!(line(&came), "end \"Ok\" <- cut, cut, cut, answered");
    assert_eq!(came.attempts[0].cost, Some(0));
    assert_eq!(came.attempts[3].request_id.as_deref(), Some("req_stand_in"));
}

#[tokio::test]
async fn neither_key_nor_words_stand_in_what_went_wrong() {
    const SECRET: &str = "sk-hunter2-hunter2";
    for format in Format::ALL {
        let world = World::new().await;
        let refused = Model { api_key: Some(Secret::new(SECRET)), ..world.model(format) };
        let odd = Model { api_key: Some(Secret::new("hunter2\n")), ..world.model(format) };
        for model in [refused, odd] {
            let came = world.ask(std::slice::from_ref(&model), &question()).await;
            assert!(line(&came).ends_with("<- auth"), "{}", line(&came));
            let shown = format!("{model:?} {:?} {:?} {}", came.result, came.attempts, line(&came));
            assert!(!shown.contains("hunter2") && !shown.contains("The client waits"), "{shown}");
        }
    }
}

/// What says that an answer is over differs: with chat completions it is the reason to stop, elsewhere the last frame.
#[tokio::test]
async fn an_answer_is_whole_when_its_format_says_so() {
    for format in Format::ALL {
        let world = World::new().await;
        world.llm.play(cut(Cut::BeforeLast));
        world.llm.play("Ok");
        let came = line(&world.ask(&[world.model(format)], &question()).await);
        let expected = match format {
            Format::Openai => "end \"Слова, которые никто не дослушали ещё\" <- answered",
            Format::Anthropic | Format::Responses | Format::Gemini => "end \"Ok\" <- cut, answered",
        };
        assert_eq!(came, expected, "{format:?}");
    }
}
