//! Access control, as the settings have it, and how it changes while the server runs.

use std::sync::Arc;

use super::reload::{Change, Part};
use crate::access::{Access, Gate};
use crate::config::settings::{ACCESS_TABLES, AccessTables, SETTINGS, Settings};
use crate::fault::Fault;

/// What the name of each setting of access control begins with.
const TABLE: &str = "access.";

/// Who may ask for what.
///
/// # Errors
/// `Usage`: what is wrong with a file that the settings name.
pub(super) fn open(settings: &Settings) -> Result<Arc<Gate>, Fault> {
    let access = Access::of(settings)?;
    let asks = access.as_ref().is_some_and(Access::asks_for_credentials);
    if !asks && settings.token_file().exists() {
        tracing::warn!(
            "there are tokens, but no access control: set access.tokens, or write a rule; see docs/access.md"
        );
    }
    Ok(Arc::new(Gate::new(access)))
}

/// Access control as a part of a reload. The files that it names are read each time, so that a wrong one is said.
pub(super) fn part(gate: Arc<Gate>) -> Part {
    let prepare = move |old: &Settings, new: &Settings| {
        let (access, gate) = (Access::of(new)?, Arc::clone(&gate));
        let what = if access.is_some() { "access control" } else { "no access control" }.to_owned();
        let change = || Change { what, apply: Box::new(move || gate.replace(access)) };
        Ok((said(old) != said(new)).then(change))
    };
    let rows = SETTINGS.iter().map(|setting| setting.name).filter(|name| name.starts_with(TABLE));
    Part { settings: rows.chain(ACCESS_TABLES).collect(), prepare: Box::new(prepare) }
}

/// All that the settings say of access control.
fn said(settings: &Settings) -> (Vec<(&str, &str)>, &AccessTables) {
    let ours = settings.shown.iter().filter(|(name, ..)| name.starts_with(TABLE));
    (ours.map(|(name, value, _)| (*name, value.as_str())).collect(), &settings.access_tables)
}
