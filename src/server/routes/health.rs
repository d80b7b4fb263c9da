//! Is the process alive, and can it answer?

use bytes::Bytes;

use crate::server::app::App;
use crate::server::http::answer::{Answer, NEVER, Payload, TEXT};
use crate::server::http::refusal::later;

/// `/healthz`.
pub(crate) fn alive() -> Answer {
    Answer::new(TEXT, NEVER, Bytes::from_static(b"alive\n"))
}

/// `/readyz`. A server that cannot store anything is ready as long as it can prove.
pub(crate) async fn ready(app: &App) -> Answer {
    let reasons = not_ready(app).await;
    if reasons.is_empty() {
        let seen = app.looked.at(&app.served).await;
        let notes = app.served.iter().zip(seen.iter()).flat_map(|(served, seen)| seen.notes(served.relay.name()));
        let text: String = std::iter::once("ready\n".to_owned()).chain(notes.map(|note| line(&note))).collect();
        return Answer::new(TEXT, NEVER, Bytes::from(text));
    }
    let text: String = reasons.iter().map(|reason| line(reason)).collect();
    Answer { payload: Payload::Bytes(text.into()), ..later("") }
}

fn line(words: &str) -> String {
    format!("{}\n", crate::report::printable(words))
}

/// Why the server cannot answer; empty where it can.
pub(crate) async fn not_ready(app: &App) -> Vec<String> {
    if app.is_stopping() {
        return vec!["stopping".to_owned()];
    }
    let seen = app.looked.at(&app.served).await;
    app.served.iter().zip(seen.iter()).flat_map(|(served, seen)| seen.reasons(served.relay.name())).collect()
}
