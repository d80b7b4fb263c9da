//! Is the process alive, and can it answer?

use bytes::Bytes;

use crate::server::app::App;
use crate::server::http::answer::{Answer, CachePolicy, Payload, SUMDB_TEXT};
use crate::server::http::refusal::unavailable;

/// `/healthz`.
pub(crate) fn alive() -> Answer {
    Answer::new(SUMDB_TEXT, CachePolicy::NoStore, Bytes::from_static(b"alive\n"))
}

/// `/readyz`. A server that cannot store anything is ready as long as it can prove its answers.
pub(crate) async fn ready(app: &App) -> Answer {
    let reasons = not_ready(app).await;
    if reasons.is_empty() {
        let statuses = app.status.get(&app.databases).await;
        let warnings =
            app.databases.iter().zip(statuses.iter()).flat_map(|(served, status)| status.warnings(served.relay.name()));
        let text: String =
            std::iter::once("ready\n".to_owned()).chain(warnings.map(|warning| line(&warning))).collect();
        return Answer::new(SUMDB_TEXT, CachePolicy::NoStore, Bytes::from(text));
    }
    let text: String = reasons.iter().map(|reason| line(reason)).collect();
    Answer { payload: Payload::Bytes(text.into()), ..unavailable("") }
}

fn line(words: &str) -> String {
    format!("{}\n", crate::report::printable(words))
}

/// Why the server cannot answer requests; empty if it can.
pub(crate) async fn not_ready(app: &App) -> Vec<String> {
    if app.is_stopping() {
        return vec!["stopping".to_owned()];
    }
    let statuses = app.status.get(&app.databases).await;
    app.databases
        .iter()
        .zip(statuses.iter())
        .flat_map(|(served, status)| status.not_ready_reasons(served.relay.name()))
        .collect()
}
