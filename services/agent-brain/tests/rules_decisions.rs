//! The rules brain: given promises and messages, when a turn is decided, then these decisions and words.

mod rules_world;

use rules_world::{at, decide, decide_text, decided, follow_up, given, message_id, promise, reminder, reply, texts};
use steward_agent_brain::brain::{CancelOn, Decision, Question, TurnInput};
use steward_language::Language::{self, En, Es, Ru};

#[test]
fn a_request_is_scheduled_and_confirmed_in_its_own_language() {
    for (text, due, confirmation, message) in [
        (
            "напиши через 2 минуты про договор",
            at("2026-11-18T09:02:00"),
            "Хорошо, напишу вам сегодня в 09:02 (про договор)",
            "Здравствуйте! Вы просили написать про договор.",
        ),
        (
            "напиши через 8 секунд про договор 3",
            at("2026-11-18T09:00:08"),
            "Хорошо, напишу вам сегодня в 09:00:08 (про договор 3)",
            "Здравствуйте! Вы просили написать про договор 3.",
        ),
        (
            "escríbeme dentro de 8 segundos sobre el contrato 3",
            at("2026-11-18T09:00:08"),
            "De acuerdo, le escribiré hoy a las 09:00:08 (sobre el contrato 3)",
            "¡Hola! Me pidió que le escribiera sobre el contrato 3.",
        ),
        (
            "write to me in 8 seconds about the contract 3",
            at("2026-11-18T09:00:08"),
            "OK, I'll write to you today at 09:00:08 (about the contract 3)",
            "Hello! You asked me to write to you about the contract 3.",
        ),
        (
            "ping me in 20 seconds",
            at("2026-11-18T09:00:20"),
            "OK, I'll write to you today at 09:00:20",
            "Hello! You asked me to write to you today.",
        ),
        (
            "напиши в пятницу",
            at("2026-11-20T10:00:00"),
            "Хорошо, напишу вам в пятницу, 20 ноября, в 10:00",
            "Здравствуйте! Вы просили написать вам сегодня.",
        ),
        (
            "escríbeme el viernes",
            at("2026-11-20T10:00:00"),
            "De acuerdo, le escribiré el viernes 20 de noviembre a las 10:00",
            "¡Hola! Me pidió que le escribiera hoy.",
        ),
        (
            "write to me on Friday",
            at("2026-11-20T10:00:00"),
            "OK, I'll write to you on Friday, 20 November, at 10:00",
            "Hello! You asked me to write to you today.",
        ),
        (
            "write to me tomorrow",
            at("2026-11-19T10:00:00"),
            "OK, I'll write to you tomorrow at 10:00",
            "Hello! You asked me to write to you today.",
        ),
        (
            "напиши 1 февраля",
            at("2027-02-01T10:00:00"),
            "Хорошо, напишу вам в понедельник, 1 февраля 2027 года, в 10:00",
            "Здравствуйте! Вы просили написать вам сегодня.",
        ),
        (
            "escríbeme mañana a la 1 de la madrugada",
            at("2026-11-19T01:00:00"),
            "De acuerdo, le escribiré mañana a la 01:00",
            "¡Hola! Me pidió que le escribiera hoy.",
        ),
    ] {
        let decisions = decide_text(text);
        let [
            Decision::Schedule { due_at, intention, text: message_said, cancel_on, message_id, .. },
            Decision::Reply { text: said, .. },
        ] = decisions.as_slice()
        else {
            panic!("{text}: {decisions:?}")
        };
        assert_eq!(*due_at, due, "{text}");
        assert_eq!(
            (intention.as_str(), *cancel_on, *message_id),
            ("write", CancelOn::ClientResponse, Some(rules_world::message_id(0))),
            "{text}"
        );
        assert_eq!(said, confirmation, "{text}");
        assert_eq!(message_said, message, "{text}");
    }
}

#[test]
fn a_reminder_outlives_the_clients_messages() {
    for (text, confirmation, message) in [
        (
            "напомни завтра позвонить маме",
            "Хорошо, напомню завтра в 10:00 (позвонить маме)",
            "Напоминаю: позвонить маме",
        ),
        (
            "recuérdame mañana llamar a mamá",
            "De acuerdo, se lo recordaré mañana a las 10:00 (llamar a mamá)",
            "Le recuerdo: llamar a mamá",
        ),
        ("remind me tomorrow to call mom", "OK, I'll remind you tomorrow at 10:00 (call mom)", "Reminder: call mom"),
        ("напомни завтра про молоко", "Хорошо, напомню завтра в 10:00 (про молоко)", "Напоминаю про молоко"),
        (
            "remind me tomorrow about the milk",
            "OK, I'll remind you tomorrow at 10:00 (about the milk)",
            "Reminder about the milk",
        ),
    ] {
        let decisions = decide_text(text);
        let [Decision::Schedule { intention, text: said, cancel_on, .. }, _] = decisions.as_slice() else {
            panic!("{text}: {decisions:?}")
        };
        assert_eq!((intention.as_str(), *cancel_on, said.as_str()), ("remind", CancelOn::Never, message), "{text}");
        assert_eq!(reply(&decisions), Some(confirmation), "{text}");
    }
}

#[test]
fn phrase_rule_and_language_are_recorded() {
    let decisions = decide_text("напиши через 2 минуты про договор");
    let Decision::Schedule { phrase, rule, language, reason, .. } = &decisions[0] else { panic!("{decisions:?}") };
    assert_eq!((phrase.as_str(), *language), ("через 2 минуты", Ru));
    assert!(!rule.is_empty() && reason.contains("через 2 минуты"));
}

#[test]
fn thanks_renew_what_they_cancelled_and_say_so() {
    for (text, language, said) in [
        ("ок, спасибо", Ru, "Хорошо, всё в силе: напишу сегодня в 14:32 (про договор)"),
        ("👍", Ru, "Хорошо, всё в силе: напишу сегодня в 14:32 (про договор)"),
        ("оставь", Ru, "Хорошо, всё в силе: напишу сегодня в 14:32 (про договор)"),
        ("vale, gracias", Ru, "De acuerdo, todo sigue en pie: le escribiré hoy a las 14:32 (про договор)"),
        ("déjalo", Es, "De acuerdo, todo sigue en pie: le escribiré hoy a las 14:32 (про договор)"),
        ("ok thanks", En, "OK, it stands: I'll write to you today at 14:32 (про договор)"),
        ("keep it", En, "OK, it stands: I'll write to you today at 14:32 (про договор)"),
    ] {
        let mut input = given(&[text]);
        input.language = language;
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        let decisions = decide(&input);
        assert_eq!(decisions[0], Decision::Renew { follow_up_id: follow_up("a") }, "{text}");
        assert_eq!(reply(&decisions), Some(said), "{text}");
        assert_eq!(decisions.len(), 2, "{text}");
    }
}

#[test]
fn thanks_for_nothing_are_met_with_silence() {
    for text in ["ок, спасибо", "vale, gracias", "ok thanks", "👍"] {
        assert_eq!(decide_text(text), [], "{text}");
        let mut input = given(&[text]);
        input.pending = vec![reminder("r", "2026-11-19T10:00:00", "Напоминаю про молоко")];
        assert_eq!(decide(&input), [], "{text}");
    }
}

#[test]
fn any_other_message_leaves_promises_cancelled_and_says_so_in_one_line() {
    for (text, lost) in [
        ("Сколько стоит доставка?", "прежнее обещание отменено: написать сегодня в 14:32 (про договор)"),
        ("¿Cuánto cuesta?", "queda cancelado lo prometido: escribirle hoy a las 14:32 (про договор)"),
        ("How much is it?", "what I had promised is cancelled: to write to you today at 14:32 (про договор)"),
    ] {
        let mut input = given(&[text]);
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        let decisions = decide(&input);
        let [Decision::Reply { text: said, .. }] = decisions.as_slice() else { panic!("{text}: {decisions:?}") };
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert!(lines[0].contains(lost), "{said}");
    }
}

#[test]
fn a_message_that_is_no_request_gets_one_honest_line() {
    for (text, said) in [
        ("Сколько стоит доставка?", "Ответить на это сам не могу"),
        ("¿Cuánto cuesta el envío?", "A eso no puedo responder yo"),
        ("How much is the delivery?", "I can't answer that myself"),
        ("я напишу вам завтра", "Ответить на это сам не могу"),
    ] {
        let decisions = decide_text(text);
        let [Decision::Reply { text: answer, .. }] = decisions.as_slice() else { panic!("{text}: {decisions:?}") };
        assert!(answer.starts_with(said) && answer.lines().count() == 1, "{text}: {answer}");
    }
    let mut stickers = given(&["", "", ""]);
    for message in &mut stickers.messages {
        message.kind = "sticker".into();
    }
    assert_eq!(reply(&decide(&stickers)).map(|r| r.lines().count()), Some(1));
}

#[test]
fn another_request_renews_the_rest() {
    let mut input = given(&["напомни завтра про молоко"]);
    input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
    let decisions = decide(&input);
    assert!(
        matches!(&decisions[0], Decision::Renew { follow_up_id } if *follow_up_id == follow_up("a")),
        "{decisions:?}"
    );
    assert!(matches!(&decisions[1], Decision::Schedule { intention, .. } if intention == "remind"));
    assert_eq!(
        reply(&decisions),
        Some("Хорошо, напомню завтра в 10:00 (про молоко)\nОстальное в силе: напишу сегодня в 14:32 (про договор)")
    );
}

#[test]
fn a_wish_for_silence_longer_than_anything_is_promised_is_refused_and_the_promise_stays() {
    for (text, said) in [
        ("don't write to me until 1 March 2031", "two years"),
        ("don't write to me until 2031-03-01", "two years"),
        ("don't write until March 1, 2031", "two years"),
        ("не пишите мне до 1 марта 2031 года", "два года"),
    ] {
        let mut input = given(&[text]);
        input.cancelled = vec![promise("a", "2026-11-20T14:32:00", "Hello! You asked me to write about the contract.")];
        let decisions = decide(&input);
        assert_eq!(decisions[0], Decision::Renew { follow_up_id: follow_up("a") }, "{text}: {decisions:?}");
        assert!(reply(&decisions).is_some_and(|r| r.contains(said)), "{text}: {decisions:?}");
    }
}

#[test]
fn a_move_gives_another_time_and_renews_the_rest() {
    for (text, said) in [
        ("перенеси про договор на пятницу", "Хорошо, перенёс: напишу в пятницу, 20 ноября, в 14:32 (про договор)"),
        (
            "move the договор one to Friday",
            "OK, moved: I'll write to you on Friday, 20 November, at 14:32 (про договор)",
        ),
    ] {
        let mut input = given(&[text]);
        input.cancelled = vec![
            promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор."),
            promise("b", "2026-11-18T15:00:00", "Здравствуйте! Вы просили написать про счёт."),
        ];
        let decisions = decide(&input);
        assert!(
            matches!(&decisions[0], Decision::Move { follow_up_id, due_at, rule, .. }
                if *follow_up_id == follow_up("a") && *due_at == at("2026-11-20T14:32:00") && !rule.is_empty()),
            "{text}: {decisions:?}"
        );
        assert_eq!(decisions[1], Decision::Renew { follow_up_id: follow_up("b") }, "{text}");
        assert!(reply(&decisions).is_some_and(|r| r.starts_with(said)), "{text}: {decisions:?}");
    }
}

#[test]
fn better_another_time_moves_the_only_promise() {
    for text in [
        "лучше в пятницу",
        "давай в пятницу",
        "напиши лучше в пятницу",
        "make it Friday",
        "mejor el viernes",
        "не пиши сегодня, лучше в пятницу",
    ] {
        let mut input = given(&[text]);
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        let decisions = decide(&input);
        assert!(
            matches!(&decisions[0], Decision::Move { follow_up_id, due_at, .. } if *follow_up_id == follow_up("a") && *due_at == at("2026-11-20T14:32:00")),
            "{text}: {decisions:?}"
        );
        assert_eq!(decisions.len(), 2, "{text}");
    }
}

#[test]
fn which_of_several_to_move_is_asked_and_meanwhile_all_go_on() {
    let mut input = given(&["лучше в пятницу"]);
    input.cancelled = vec![
        promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор."),
        promise("b", "2026-11-18T15:00:00", "Здравствуйте! Вы просили написать про счёт."),
    ];
    let decisions = decide(&input);
    assert_eq!(decided(&decisions), ["renew a", "renew b"]);
    let said = reply(&decisions).expect("a question");
    assert!(
        said.starts_with(
            "Что перенести: написать сегодня в 14:32 (про договор) или написать сегодня в 15:00 (про счёт)?"
        ),
        "{said}"
    );
}

#[test]
fn with_nothing_to_move_better_another_time_asks_for_nothing() {
    let decisions = decide_text("лучше в пятницу");
    assert!(reply(&decisions).is_some_and(|r| r.starts_with("Ответить на это сам не могу")), "{decisions:?}");
    assert_eq!(decisions.len(), 1);
}

#[test]
fn a_cancellation_takes_what_it_names_and_renews_the_rest() {
    for (text, gone, kept) in [
        ("отмени на пятницу", "b", "a"),
        ("отмени напоминание про договор", "a", "b"),
        ("cancel the one on Friday", "b", "a"),
        ("cancela el del viernes", "b", "a"),
        ("no me escribas el viernes", "b", "a"),
        ("не пиши в пятницу", "b", "a"),
    ] {
        let mut input = given(&[text]);
        input.cancelled = vec![
            promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор."),
            promise("b", "2026-11-20T15:00:00", "Здравствуйте! Вы просили написать про счёт."),
        ];
        let mut expected = vec![format!("cancel {gone}"), format!("renew {kept}")];
        expected.sort();
        let mut got = decided(&decide(&input));
        got.sort();
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn do_not_write_cancels_every_promise_to_write_and_no_reminder() {
    for text in ["не пиши", "no me escribas", "don't write"] {
        let mut input = given(&[text]);
        input.cancelled = vec![
            promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор."),
            promise("b", "2026-11-20T15:00:00", "Здравствуйте! Вы просили написать про счёт."),
        ];
        input.pending = vec![reminder("r", "2026-11-19T10:00:00", "Напоминаю про молоко")];
        assert_eq!(decided(&decide(&input)), ["cancel a", "cancel b"], "{text}");
    }
}

#[test]
fn cancel_all_takes_reminders_too() {
    for text in ["отмени всё", "cancel all", "cancela todo"] {
        let mut input = given(&[text]);
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        input.pending = vec![reminder("r", "2026-11-19T10:00:00", "Напоминаю про молоко")];
        assert_eq!(decided(&decide(&input)), ["cancel r", "cancel a"], "{text}");
    }
}

#[test]
fn a_reminder_that_is_pending_can_be_moved_and_cancelled() {
    let mut input = given(&["отмени напоминание"]);
    input.pending = vec![reminder("r", "2026-11-19T10:00:00", "Напоминаю про молоко")];
    assert_eq!(decided(&decide(&input)), ["cancel r"]);
    input.messages = given(&["перенеси напоминание на пятницу"]).messages;
    assert_eq!(decided(&decide(&input)), ["move r 2026-11-20T10:00:00"]);
}

#[test]
fn what_was_promised_is_listed_with_time_and_topic() {
    for (text, lines) in [
        (
            "что ты мне обещал?",
            ["Что я обещал:", "— напишу сегодня в 14:32 (про договор)", "— напомню завтра в 10:00 (про молоко)"],
        ),
        (
            "what did you promise me?",
            [
                "What I promised:",
                "— I'll write to you today at 14:32 (про договор)",
                "— I'll remind you tomorrow at 10:00 (про молоко)",
            ],
        ),
        (
            "¿qué me prometiste?",
            [
                "Lo que le prometí:",
                "— le escribiré hoy a las 14:32 (про договор)",
                "— se lo recordaré mañana a las 10:00 (про молоко)",
            ],
        ),
    ] {
        let mut input = given(&[text]);
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        input.pending = vec![reminder("r", "2026-11-19T10:00:00", "Напоминаю про молоко")];
        let decisions = decide(&input);
        assert_eq!(decided(&decisions), ["renew a"], "{text}");
        assert_eq!(reply(&decisions).map(|r| r.lines().collect::<Vec<_>>()), Some(lines.to_vec()), "{text}");
    }
    assert_eq!(reply(&decide_text("что ты мне обещал?")), Some("Сейчас я вам ничего не обещал."));
}

#[test]
fn without_renewal_the_seeds_literal_rule_holds() {
    for text in ["ок, спасибо", "оставь", "что ты мне обещал?", "напомни завтра про молоко"]
    {
        let mut input = given(&[text]);
        input.defaults.renew = false;
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        let decisions = decide(&input);
        assert!(decided(&decisions).iter().all(|d| !d.starts_with("renew")), "{text}: {decisions:?}");
        assert!(
            reply(&decisions).is_some_and(|r| r.contains("отменено: написать сегодня в 14:32 (про договор)")),
            "{text}: {decisions:?}"
        );
    }
    let mut input = given(&["перенеси на пятницу"]);
    input.defaults.renew = false;
    input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
    assert_eq!(decided(&decide(&input)), ["schedule write 2026-11-20T14:32:00"]);
}

#[test]
fn several_messages_renew_only_if_all_are_about_promises() {
    let cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
    let about = TurnInput {
        cancelled: cancelled.clone(), ..given(&["ок", "спасибо", "напомни завтра про молоко"])
    };
    assert_eq!(decided(&decide(&about)), ["renew a", "schedule remind 2026-11-19T10:00:00"]);
    for messages in [["ок, спасибо", "сколько стоит доставка?"], ["сколько стоит доставка?", "ок, спасибо"]]
    {
        let mixed = TurnInput { cancelled: cancelled.clone(), ..given(&messages) };
        let decisions = decide(&mixed);
        assert_eq!(decided(&decisions), Vec::<String>::new(), "{messages:?}");
        assert!(reply(&decisions).is_some_and(|r| r.contains("отменено: написать сегодня в 14:32")), "{messages:?}");
    }
}

#[test]
fn a_promise_asked_for_and_thanked_for_in_one_turn_stays() {
    let decisions = decide(&given(&["напиши через 2 минуты про договор", "спасибо!"]));
    assert_eq!(decided(&decisions), ["schedule write 2026-11-18T09:02:00"]);
    assert_eq!(reply(&decisions), Some("Хорошо, напишу вам сегодня в 09:02 (про договор)"));
}

#[test]
fn a_promise_asked_for_and_taken_back_or_moved_in_one_turn_is_as_last_said() {
    assert_eq!(decided(&decide(&given(&["напиши завтра", "не надо, отмени"]))), Vec::<String>::new());
    assert_eq!(decided(&decide(&given(&["напиши завтра", "лучше в пятницу"]))), ["schedule write 2026-11-20T10:00:00"]);
    assert_eq!(decided(&decide(&given(&["напиши завтра", "напиши завтра"]))), ["schedule write 2026-11-19T10:00:00"]);
}

#[test]
fn several_requests_in_one_message_are_several_promises() {
    for text in [
        "напомни завтра про договор и в пятницу про аренду",
        "remind me tomorrow about the contract and on Friday about the rent",
        "recuérdame mañana lo del contrato y el viernes lo del alquiler",
    ] {
        assert_eq!(
            decided(&decide_text(text)),
            ["schedule remind 2026-11-19T10:00:00", "schedule remind 2026-11-20T10:00:00"],
            "{text}"
        );
    }
}

#[test]
fn a_time_in_doubt_is_asked_about_and_nothing_is_promised() {
    for (text, said) in [
        ("напиши мне позже", "Когда вам написать?"),
        ("write to me later", "When shall I write to you?"),
        ("escríbeme luego", "¿Cuándo le escribo?"),
        ("напомни позвонить маме", "Когда напомнить?"),
        ("напиши завтра или в пятницу", "Когда написать: завтра в 10:00 или в пятницу, 20 ноября, в 10:00?"),
        (
            "ping me tomorrow or on Friday",
            "When shall I write to you: tomorrow at 10:00 or on Friday, 20 November, at 10:00?",
        ),
        (
            "escríbeme mañana o el viernes",
            "¿Cuándo le escribo: mañana a las 10:00 o el viernes 20 de noviembre a las 10:00?",
        ),
        ("напиши мне вчера", "Это время уже прошло"),
        ("text me yesterday", "That time has passed"),
        ("escríbeme ayer", "Ese momento ya pasó"),
        ("напиши мне через 5 лет", "Обещаю не дальше чем на два года"),
        ("write to me in 5 years", "I promise nothing more than two years ahead"),
        ("escríbeme dentro de 5 años", "No prometo nada a más de dos años"),
        ("напоминай мне каждый день в 9", "Повторять я пока не умею"),
    ] {
        let decisions = decide_text(text);
        let [.., Decision::Reply { text: question, .. }] = decisions.as_slice() else {
            panic!("{text}: {decisions:?}")
        };
        assert!(decided(&decisions).iter().all(|d| d.starts_with("ask ")), "{text}: {decisions:?}");
        assert!(question.starts_with(said), "{text}: {question}");
    }
}

#[test]
fn a_doubtful_request_still_renews_what_it_cancelled() {
    let mut input = given(&["напиши мне позже"]);
    input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
    assert_eq!(decided(&decide(&input)), ["renew a", "ask write []"]);
}

#[test]
fn a_person_asked_for_is_called() {
    for (text, said) in [
        ("позови человека", "Позвал человека"),
        ("/human", "Позвал человека"),
        ("I want to talk to a human", "I've called a person"),
        ("quiero hablar con una persona", "He avisado a una persona"),
    ] {
        let mut input = given(&[text]);
        input.language = Language::Ru;
        let decisions = decide(&input);
        assert_eq!(decisions[0], Decision::RequestHuman { message_id: message_id(0) }, "{text}");
        assert!(reply(&decisions).is_some_and(|r| r.starts_with(said)), "{text}: {decisions:?}");
    }
}

#[test]
fn operators_commands_from_a_client_are_ordinary_text() {
    for text in ["/human_active", "/human_release", "HUMAN: добрый день"] {
        let decisions = decide_text(text);
        assert!(matches!(decisions.as_slice(), [Decision::Reply { .. }]), "{text}: {decisions:?}");
    }
}

#[test]
fn a_forwarded_or_quoted_text_asks_for_nothing() {
    let mut input = given(&["напиши мне завтра"]);
    input.messages[0].forwarded = true;
    assert_eq!(decided(&decide(&input)), Vec::<String>::new());
    assert_eq!(decided(&decide_text("> напиши мне завтра")), Vec::<String>::new());
}

#[test]
fn a_time_that_passed_while_we_were_down_is_kept_and_due_at_once() {
    let mut input = given(&["напиши через 2 минуты про договор"]);
    input.now = at("2026-11-18T09:30:00");
    let decisions = decide(&input);
    assert_eq!(decided(&decisions), ["schedule write 2026-11-18T09:02:00"]);
    assert!(
        reply(&decisions).is_some_and(|r| r.contains("сегодня в 09:02") && r.contains("уже прошло")),
        "{decisions:?}"
    );
}

#[test]
fn times_count_from_the_writing_not_from_the_reading() {
    let mut input = given(&["напиши через час"]);
    input.now = at("2026-11-18T09:10:00");
    assert_eq!(decided(&decide(&input)), ["schedule write 2026-11-18T10:00:00"]);
}

#[test]
fn an_active_human_changes_nothing_of_what_would_be_said() {
    let mut input = given(&["напиши завтра"]);
    let free = decide(&input);
    input.human_active = true;
    assert_eq!(decide(&input), free);
}

#[test]
fn every_message_of_a_turn_is_answered_in_one_reply() {
    let decisions = decide(&given(&["напиши завтра про договор", "а сколько стоит?", "позови человека"]));
    assert_eq!(texts(&decisions).len(), 1);
    assert_eq!(decided(&decisions), ["schedule write 2026-11-19T10:00:00", "human m2"]);
    assert_eq!(reply(&decisions).map(|r| r.lines().count()), Some(3));
}

#[test]
fn a_clock_that_is_not_the_clients_own_is_named_with_its_place() {
    for (text, said) in [
        (
            "напомни завтра в 10 по Киеву позвонить маме",
            "Хорошо, напомню завтра в 09:00 (завтра в 10:00, Europe/Kyiv) (позвонить маме)",
        ),
        (
            "напомни завтра в 10 по Москве позвонить маме",
            "Хорошо, напомню завтра в 08:00 (завтра в 10:00, UTC+3) (позвонить маме)",
        ),
        (
            "recuérdame mañana a las 10 hora de Buenos Aires llamar a mamá",
            "De acuerdo, se lo recordaré mañana a las 14:00 (mañana a las 10:00, America/Argentina/Buenos_Aires) (llamar a mamá)",
        ),
        (
            "remind me tomorrow at 20:00 in New York to call mom",
            "OK, I'll remind you on Friday, 20 November, at 02:00 (tomorrow at 20:00, America/New_York) (call mom)",
        ),
        ("remind me tomorrow at 10 in Madrid to call mom", "OK, I'll remind you tomorrow at 10:00 (call mom)"),
        ("напомни завтра в 10 по Мадриду позвонить маме", "Хорошо, напомню завтра в 10:00 (позвонить маме)"),
    ] {
        assert_eq!(reply(&decide_text(text)), Some(said), "{text}");
    }
}

#[test]
fn who_names_a_condition_is_told_that_it_cannot_be_seen_and_asked_for_a_time() {
    for (text, asked, said) in [
        ("if he doesn't call, remind me", "ask remind [if he doesn't call]", "I can't see when that happens"),
        ("si no llama, recuérdamelo", "ask remind [si no llama]", "No puedo ver cuándo ocurre eso"),
        ("напиши, когда придёт заказ", "ask write [когда придёт заказ]", "Сам я не увижу, когда это случится"),
    ] {
        let decisions = decide_text(text);
        assert_eq!(decided(&decisions), [asked], "{text}");
        assert!(reply(&decisions).is_some_and(|r| r.starts_with(said)), "{text}: {decisions:?}");
    }
}

#[test]
fn the_same_time_is_that_of_the_promise_just_spoken_of() {
    let due = "2026-11-20T14:32:00";
    let kept = promise("a", due, "Здравствуйте! Вы просили написать про договор.");
    let asked = Question { intention: "remind".into(), topic: "call mom".into() };
    for (alone, on_monday) in [
        ("the same time", "on Monday at the same time"),
        ("a la misma hora", "el lunes a la misma hora"),
        ("в то же время", "в понедельник в то же время"),
    ] {
        let of = |text: &str, question: Option<&Question>, promised: bool| {
            let mut input = given(&[text]);
            input.question = question.cloned();
            input.cancelled = promised.then(|| kept.clone()).into_iter().collect();
            decided(&decide(&input))
        };
        assert_eq!(of(alone, None, true), ["renew a"], "{alone}");
        assert_eq!(of(on_monday, None, true), ["move a 2026-11-23T14:32:00"], "{on_monday}");
        assert_eq!(of(alone, Some(&asked), true), ["renew a", "schedule remind 2026-11-20T14:32:00"], "{alone}");
        assert_eq!(
            of(on_monday, Some(&asked), true),
            ["renew a", "schedule remind 2026-11-23T14:32:00"],
            "{on_monday}"
        );
        // with no promise to point at, it is the clock of writing
        assert_eq!(of(on_monday, Some(&asked), false), ["schedule remind 2026-11-23T09:00:00"], "{on_monday}");
    }
    let decisions = decide_text("remind me tomorrow at 10 to call mom and on Friday at the same time to pay");
    assert_eq!(decided(&decisions), ["schedule remind 2026-11-19T10:00:00", "schedule remind 2026-11-20T10:00:00"]);
}
