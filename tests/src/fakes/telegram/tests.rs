use super::*;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(10);
const CHAT: i64 = -1_001_234_567_890;

impl FakeTelegram {
    fn method(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.url(), Self::TOKEN)
    }
}

/// Status and body of `method` with JSON parameters.
async fn call(telegram: &FakeTelegram, method: &str, parameters: Value) -> (u16, Value) {
    let response = reqwest::Client::new().post(telegram.method(method)).json(&parameters).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn send(telegram: &FakeTelegram, chat: i64, text: &str) -> (u16, Value) {
    call(telegram, "SendMessage", json!({ "chat_id": chat, "text": text, "parse_mode": "HTML" })).await
}

/// Sends, expecting to be refused, and returns the description.
async fn refusal(telegram: &FakeTelegram, parameters: Value) -> String {
    let (status, body) = call(telegram, "sendMessage", parameters).await;
    assert_eq!((status, &body["ok"], &body["error_code"]), (400, &json!(false), &json!(400)));
    body["description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_recorded_and_answered_as_telegram_does() {
    let telegram = FakeTelegram::start();
    let thread = json!({ "chat_id": CHAT, "message_thread_id": 7, "text": "<b>a</b> &amp; b", "parse_mode": "HTML",
        "disable_notification": true });
    let (status, body) = call(&telegram, "SendMessage", thread.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(body["result"]["message_id"], 1);
    assert_eq!(body["result"]["chat"], json!({ "id": CHAT, "type": "supergroup", "title": "Operations" }));
    assert_eq!(body["result"]["text"], "a & b");
    assert_eq!(body["result"]["entities"], json!([{ "type": "bold", "offset": 0, "length": 1 }]));
    assert_eq!(body["result"]["message_thread_id"], 7);
    assert_eq!(body["result"]["from"]["is_bot"], true);
    assert!(body["result"]["date"].as_i64().unwrap() > 1_700_000_000);
    let sent = &telegram.sent()[0];
    assert_eq!((sent.chat_id, sent.message_thread_id, sent.disable_notification), (CHAT, Some(7), true));
    assert_eq!((sent.text.as_str(), sent.plain.as_str()), ("<b>a</b> &amp; b", "a & b"));
    assert_eq!((sent.token.as_str(), &sent.raw), (FakeTelegram::TOKEN, &thread));
}

#[tokio::test]
async fn forms_queries_and_any_case_of_the_method_are_understood() {
    let telegram = FakeTelegram::start();
    let client = reqwest::Client::new();
    let form = [("chat_id", "42"), ("text", "fünf & 6"), ("disable_notification", "true")];
    client.post(telegram.method("SENDMESSAGE")).form(&form).send().await.unwrap();
    client.get(telegram.method("sendmessage?chat_id=42&text=a+b")).send().await.unwrap();
    client.get(telegram.method("sendMessage")).query(&[("chat_id", "@ops"), ("text", "c")]).send().await.unwrap();
    let sent = telegram.sent();
    let seen: Vec<_> = sent.iter().map(|sent| (sent.chat_id, sent.message_id, sent.text.as_str())).collect();
    assert_eq!(seen, [(42, 1, "fünf & 6"), (42, 2, "a b"), (Chat::from("@ops").0, 3, "c")]);
    assert!(sent[0].disable_notification && !sent[1].disable_notification);
}

#[tokio::test]
async fn what_telegram_refuses_is_refused_with_its_words() {
    let telegram = FakeTelegram::start();
    let html = |text: &str| json!({ "chat_id": CHAT, "text": text, "parse_mode": "HTML" });
    assert_eq!(
        refusal(&telegram, html("<b>x")).await,
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    );
    assert_eq!(refusal(&telegram, html("<b> </b>")).await, "Bad Request: message text is empty");
    assert_eq!(refusal(&telegram, json!({ "chat_id": CHAT })).await, "Bad Request: message text is empty");
    assert_eq!(refusal(&telegram, json!({ "text": "x" })).await, "Bad Request: chat_id is empty");
    assert_eq!(refusal(&telegram, json!({ "chat_id": "nobody", "text": "x" })).await, "Bad Request: chat_id is empty");
    let mode = json!({ "chat_id": CHAT, "text": "x", "parse_mode": "Wiki" });
    assert_eq!(refusal(&telegram, mode).await, "Bad Request: unsupported parse_mode");
    assert!(telegram.sent().is_empty());
    assert_eq!(telegram.calls().len(), 6);
}

#[tokio::test]
async fn length_is_counted_in_utf16_after_markup() {
    let telegram = FakeTelegram::start();
    let longest = format!("<b>{}</b>&amp;&amp;", "🔴".repeat(2047));
    assert_eq!(send(&telegram, CHAT, &longest).await.0, 200);
    let parameters = json!({ "chat_id": CHAT, "text": format!("{longest}x"), "parse_mode": "HTML" });
    assert_eq!(refusal(&telegram, parameters).await, "Bad Request: message is too long");
}

#[tokio::test]
async fn unknown_tokens_and_methods_are_told_apart() {
    let telegram = FakeTelegram::start();
    let status = async |path: String| reqwest::get(telegram.url() + &path).await.unwrap().status().as_u16();
    let stranger = "987654321:AAEhBOweik9ai2o-FAKE_fake_FAKE_fake_1";
    assert_eq!(status(format!("/bot{stranger}/getMe")).await, 401);
    telegram.add_token(stranger);
    assert_eq!(status(format!("/bot{stranger}/getMe")).await, 200);
    telegram.revoke_token(stranger);
    assert_eq!(status(format!("/bot{stranger}/getMe")).await, 401);
    assert_eq!(status("/botnonsense/getMe".to_owned()).await, 404);
    assert_eq!(status(format!("/bot{}/sendPigeon", FakeTelegram::TOKEN)).await, 404);
    assert_eq!(status("/".to_owned()).await, 404);
    assert_eq!(call(&telegram, "GetMe", json!({})).await.1["result"]["id"], 123_456_789);
    assert_eq!(call(&telegram, "getUpdates", json!({ "timeout": 0 })).await.1["result"], json!([]));
    assert_eq!(call(&telegram, "answerCallbackQuery", json!({})).await.1["result"], true);
}

#[tokio::test]
async fn a_rate_limit_holds_for_its_chat_and_its_times() {
    let telegram = FakeTelegram::start();
    telegram.rate_limit(CHAT, 37, 2);
    for _ in 0..2 {
        let (status, body) = send(&telegram, CHAT, "x").await;
        assert_eq!((status, &body["parameters"]["retry_after"]), (429, &json!(37)));
        assert_eq!(body["description"], "Too Many Requests: retry after 37");
    }
    assert_eq!(send(&telegram, 42, "other chat").await.0, 200);
    assert_eq!(send(&telegram, CHAT, "x").await.0, 200);
    let statuses: Vec<_> = telegram.calls().iter().map(|call| (call.chat_id.unwrap(), call.status.unwrap())).collect();
    assert_eq!(statuses, [(CHAT, 429), (CHAT, 429), (42, 200), (CHAT, 200)]);
}

#[tokio::test]
async fn chats_migrate_block_and_vanish() {
    let telegram = FakeTelegram::start();
    telegram.migrate(-5, CHAT);
    let (status, body) = send(&telegram, -5, "x").await;
    assert_eq!((status, &body["parameters"]["migrate_to_chat_id"]), (400, &json!(CHAT)));
    assert_eq!(body["description"], "Bad Request: group chat was upgraded to a supergroup chat");
    telegram.block(6);
    let (status, body) = send(&telegram, 6, "x").await;
    assert_eq!((status, &body["description"]), (403, &json!("Forbidden: bot was blocked by the user")));
    telegram.unknown_chat("@gone");
    let gone = json!({ "chat_id": "@gone", "text": "x" });
    assert_eq!(refusal(&telegram, gone).await, "Bad Request: chat not found");
    telegram.close_topics(CHAT);
    let topic = json!({ "chat_id": CHAT, "text": "x", "message_thread_id": 3 });
    assert_eq!(refusal(&telegram, topic).await, "Bad Request: message thread not found");
    assert_eq!(send(&telegram, CHAT, "general").await.0, 200);
    telegram.forgive(6);
    assert_eq!(send(&telegram, 6, "x").await.0, 200);
}

#[tokio::test]
async fn failures_and_hang_ups_come_in_the_order_scripted() {
    let telegram = FakeTelegram::start();
    telegram.fail_next(502, 2);
    telegram.drop_connection_next(false);
    telegram.drop_connection_next(true);
    let client = reqwest::Client::new();
    let attempt = async |text: &str| {
        let request = client.post(telegram.method("sendMessage")).json(&json!({ "chat_id": 1, "text": text }));
        request.send().await.map(|response| response.status().as_u16()).ok()
    };
    assert_eq!(attempt("a").await, Some(502));
    assert_eq!(attempt("b").await, Some(502));
    assert_eq!(attempt("lost").await, None);
    assert_eq!(attempt("kept").await, None);
    assert_eq!(attempt("c").await, Some(200));
    let texts: Vec<_> = telegram.sent().into_iter().map(|sent| sent.text).collect();
    assert_eq!(texts, ["kept", "c"]);
    let statuses: Vec<_> = telegram.calls().into_iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(502), Some(502), None, None, Some(200)]);
}

#[tokio::test]
async fn a_sender_that_gives_up_on_a_hang_has_sent_nothing() {
    let telegram = FakeTelegram::start();
    telegram.hang_next(Duration::from_secs(3600));
    let request = reqwest::Client::new().post(telegram.method("sendMessage")).timeout(Duration::from_millis(200));
    assert!(request.json(&json!({ "chat_id": 1, "text": "x" })).send().await.unwrap_err().is_timeout());
    telegram.hang_next(Duration::from_millis(1));
    assert_eq!(send(&telegram, 1, "y").await.0, 200);
    assert_eq!(telegram.sent().len(), 1);
}

#[tokio::test]
async fn edits_need_a_message_and_a_change() {
    let telegram = FakeTelegram::start();
    let edit = async |id: i64, text: &str| {
        let (_, body) =
            call(&telegram, "editMessageText", json!({ "chat_id": 1, "message_id": id, "text": text })).await;
        body["description"].as_str().map_or_else(|| "ok".to_owned(), |reason| reason.chars().take(40).collect())
    };
    send(&telegram, 1, "one").await;
    assert_eq!(edit(9, "two").await, "Bad Request: message to edit not found");
    assert_eq!(edit(1, "one").await, "Bad Request: message is not modified: sp");
    assert_eq!(edit(1, "two").await, "ok");
    assert_eq!(edit(1, "two").await, "Bad Request: message is not modified: sp");
    assert_eq!((telegram.edited().len(), telegram.sent().len()), (1, 1));
}

#[tokio::test]
async fn waiting_ends_with_the_message_and_clearing_begins_anew() {
    let telegram = FakeTelegram::start();
    let (waited, _) = tokio::join!(telegram.wait_for(1, PATIENCE), send(&telegram, 1, "one"));
    assert_eq!(waited[0].text, "one");
    telegram.clear();
    assert!(telegram.sent().is_empty() && telegram.calls().is_empty());
    let (waited, _) = tokio::join!(telegram.wait_for(1, PATIENCE), send(&telegram, 1, "two"));
    assert_eq!((waited[0].text.as_str(), waited[0].message_id), ("two", 2));
}

#[tokio::test]
#[should_panic(expected = "0 of 1 messages")]
async fn waiting_in_vain_says_what_came() {
    FakeTelegram::start().wait_for(1, Duration::from_millis(10)).await;
}

#[tokio::test]
async fn down_refuses_and_up_keeps_the_address() {
    let telegram = FakeTelegram::start();
    let url = telegram.url();
    telegram.down();
    assert!(reqwest::get(telegram.method("getMe")).await.unwrap_err().is_connect());
    telegram.up();
    assert_eq!(telegram.url(), url);
    assert_eq!(send(&telegram, 1, "x").await.0, 200);
}
