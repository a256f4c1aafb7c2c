//! What may go wrong on the way to Telegram, and what people see of it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use vigil_tests::app::{CHAT, TestApp, text};

fn labels(instance: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("instance".to_owned(), instance.to_owned())])
}

async fn one_alert(app: &TestApp, channel: &str, name: &str) -> String {
    app.prometheus.answers("up == 0", [(labels("web-1"), 0.0)]);
    app.rule(name, "up == 0", json!({"channel_ids": [channel]})).await
}

stories! {
    /// 429 waits what it says, while other chats go on.
    async fn a_chat_that_asks_for_patience_gets_it_and_others_go_on(app) {
        let (slow, fast) = (app.channel_to("slow", 1).await, app.channel_to("fast", 2).await);
        app.telegram.rate_limit(1, 37, 1);
        one_alert(&app, &slow, "Slow").await;
        one_alert(&app, &fast, "Fast").await;
        app.tick("1m").await;
        let chats = |app: &TestApp| app.telegram.sent().iter().map(|sent| sent.chat_id).collect::<Vec<_>>();
        assert_eq!(chats(&app), [2]);
        app.clock.advance(Duration::from_secs(36));
        app.deliver().await;
        assert_eq!(chats(&app), [2], "36 seconds are not 37");
        app.clock.advance(Duration::from_secs(1));
        app.deliver().await;
        assert_eq!(chats(&app), [2, 1]);
        let waited = app.notifications().await.into_iter().find(|n| n["channel_id"] == slow.as_str()).expect("its row");
        let attempts = waited["attempts"].as_array().expect("attempts");
        assert_eq!((attempts.len(), text(&attempts[1], "status")), (2, "delivered".to_owned()));
        assert!(text(&attempts[0], "error").contains("37"), "{waited}");
    }

    /// A group that became a supergroup is followed, once and for all.
    async fn a_chat_that_moved_is_followed(app) {
        let ops = app.telegram_channel("ops").await;
        app.telegram.migrate(CHAT, -100_123);
        one_alert(&app, &ops, "Down").await;
        app.tick("1m").await;
        assert_eq!(app.telegram.sent().iter().map(|sent| sent.chat_id).collect::<Vec<_>>(), [-100_123]);
        let channel = app.api.get(&format!("/channels/{ops}")).await.ok();
        assert_eq!(channel["config"]["chat_id"], -100_123, "{channel}");
    }

    /// A bot that was thrown out disables its channel where people see it; nothing is tried for ever.
    async fn a_blocked_bot_disables_the_channel_visibly(app) {
        let ops = app.telegram_channel("ops").await;
        app.telegram.block(CHAT);
        one_alert(&app, &ops, "Down").await;
        app.tick("1m").await;
        let notification = &app.notifications().await[0];
        assert_eq!(notification["status"], "failed", "{notification}");
        assert_eq!(notification["attempts"].as_array().map(Vec::len), Some(1));
        let channel = app.api.get(&format!("/channels/{ops}")).await.ok();
        assert_eq!(channel["is_active"], false, "{channel}");
        assert!(text(&channel, "disabled_reason").contains("blocked"), "{channel}");
        app.telegram.forgive(CHAT);
        let mended = app.api.patch(&format!("/channels/{ops}"), json!({"is_active": true})).await.ok();
        assert_eq!(mended["disabled_reason"], json!(null), "{mended}");
    }

    /// A message that Telegram could not take is not lost: it is tried again until it is taken.
    async fn an_outage_of_the_peer_delays_and_loses_nothing(app) {
        let ops = app.telegram_channel("ops").await;
        app.telegram.fail_next(502, 3);
        one_alert(&app, &ops, "Down").await;
        app.tick("1m").await;
        for _ in 0..6 {
            app.clock.advance(Duration::from_secs(60));
            app.deliver().await;
        }
        assert_eq!(app.heard().len(), 1);
        let notification = &app.notifications().await[0];
        assert_eq!((text(notification, "status"), &notification["maybe_duplicate"]), ("delivered".into(), &json!(false)));
        assert_eq!(notification["attempts"].as_array().map(Vec::len), Some(4));
    }

    /// A connection cut after the request left may have delivered: the next try says so.
    async fn a_cut_connection_is_tried_again_and_marked(app) {
        let ops = app.telegram_channel("ops").await;
        app.telegram.drop_connection_next(true);
        one_alert(&app, &ops, "Down").await;
        app.tick("1m").await;
        app.clock.advance(Duration::from_secs(60));
        app.deliver().await;
        let notification = &app.notifications().await[0];
        assert_eq!((text(notification, "status"), &notification["maybe_duplicate"]), ("delivered".into(), &json!(true)));
        assert_eq!(app.heard().len(), 2, "the one window in which a message may arrive twice");
    }

    /// An end is not told before its beginning, however late that is.
    async fn messages_about_a_rule_arrive_in_order(app) {
        let ops = app.telegram_channel("ops").await;
        one_alert(&app, &ops, "Down").await;
        app.telegram.fail_next(500, 1);
        app.tick("1m").await;
        app.prometheus.answers("up == 0", []);
        app.clock.advance(Duration::from_secs(1));
        app.tick("1m").await;
        app.tick("1m").await;
        let reasons: Vec<_> = app.notifications().await.iter().map(|n| (text(n, "reason"), text(n, "status"))).collect();
        assert_eq!(reasons, [("first".into(), "delivered".into()), ("resolved".into(), "delivered".to_owned())]);
        let heard = app.heard();
        assert!(heard.len() == 2 && heard[1].to_lowercase().contains("resolved"), "{heard:?}");
    }

    /// Values from the outside can neither break the markup nor the limits.
    async fn markup_in_values_arrives_as_text(app) {
        let ops = app.telegram_channel("ops").await;
        let sly = "<b>&</i> <script>\"x\" & 'y' " .repeat(40);
        app.prometheus.answers("up == 0", (0..120).map(|n| (labels(&format!("{n}{sly}")), 0.0)));
        let more = json!({"channel_ids": [ops], "annotations": {"summary": sly, "description": "<a href=\"javascript:x\">"}});
        app.rule("<Down> & out", "up == 0", more).await;
        app.tick("1m").await;
        let sent = app.telegram.sent();
        assert_eq!(sent.len(), 1, "{:?}", app.notifications().await);
        assert_eq!(sent[0].parse_mode.as_deref(), Some("HTML"));
        assert!(sent[0].text.encode_utf16().count() <= 4_096);
        assert!(sent[0].plain.contains("<Down> & out"), "{}", sent[0].plain);
        assert_eq!(app.notifications().await[0]["alerts"].as_array().map(Vec::len), Some(120));
    }

    /// The test button says what the peer said; secrets stay secret.
    async fn a_channels_test_answers_with_the_peers_own_words(app) {
        let ops = app.telegram_channel("ops").await;
        let shown = app.api.get(&format!("/channels/{ops}")).await;
        assert!(!shown.text.contains("test-token"), "{}", shown.text);
        assert_eq!((&shown.body["config"]["bot_token"], &shown.body["config"]["bot_token_set"]), (&json!(null), &json!(true)));

        let working = tokio::spawn({
            let ctx = app.ctx.clone();
            async move {
                loop {
                    vigil_worker::jobs::deliver_notification::sweep(&ctx).await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        let good = app.api.post(&format!("/channels/{ops}/test"), json!({})).await.ok();
        assert_eq!(good, json!({"delivered": true, "error": null}));
        assert!(app.heard()[0].to_uppercase().contains("TEST"), "{:?}", app.heard());
        app.telegram.unknown_chat(CHAT);
        let bad = app.api.post(&format!("/channels/{ops}/test"), json!({})).await.ok();
        assert_eq!(bad["delivered"], false);
        assert!(text(&bad, "error").contains("chat not found"), "{bad}");
        assert!(!bad.to_string().contains("test-token"), "{bad}");
        working.abort();
    }
}

/// Overdue evaluations do not hold up what is due while the data source does not answer.
mod a_data_source_that_hangs_holds_up_no_message {
    use vigil_tests::app::Mode;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn story(mode: Mode) {
        let patient = |config: &mut vigil_runtime::Config| {
            config.delivery.sweep_seconds = 0.1;
            config.datasource.timeout_seconds = 600.0;
        };
        let app = TestApp::configured(mode, patient).await;
        let ops = app.telegram_channel("ops").await;
        one_alert(&app, &ops, "Down").await;
        app.telegram.rate_limit(CHAT, 3_600, 1);
        app.tick("1m").await;
        assert_eq!(app.heard(), [""; 0], "the chat asks for an hour's patience");

        app.prometheus.everything_hangs();
        app.prometheus.clear();
        app.clock.advance(Duration::from_secs(120));
        app.work();
        app.prometheus.wait_for(1, PATIENCE).await;
        app.clock.advance(Duration::from_secs(3_600));
        app.telegram.wait_for(1, PATIENCE).await;
    }

    in_both_modes!(story);
}
