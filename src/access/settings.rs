//! The state of access control from the settings: all of it, or a message about what is wrong.

use std::time::Instant;

use super::gate::Access;
use super::issuers::Issuer;
use super::limits::{Counted, LimitSettings};
use super::rules::Rules;
use super::sign_in::SignIn;
use super::tokens::Tokens;
use super::users::Users;
use super::watched::Watched;
use crate::config::settings::Settings;
use crate::fault::Fault;

impl Access {
    /// What the settings say; none where they limit nobody. Reads the files that they name.
    ///
    /// # Errors
    /// `Usage`: what is wrong with one of them. `Unavailable`: the system has no random numbers.
    pub fn of(settings: &Settings) -> Result<Option<Access>, Fault> {
        let start = Instant::now();
        let of_client = LimitSettings {
            rate: settings.access_client_rate,
            burst: settings.access_burst,
            concurrency: settings.access_client_concurrency,
        };
        let of_credential = LimitSettings {
            rate: settings.access_credential_rate,
            burst: settings.access_burst,
            concurrency: settings.access_credential_concurrency,
        };
        let access = Access {
            networks: settings.access_networks.clone(),
            clients: Counted::new(of_client, start),
            credentials: Counted::new(of_credential, start),
            sign_in: if settings.has_access_control() { Some(sign_in(settings)?) } else { None },
            rules: Rules::new(&settings.access_tables.rules, &settings.access_tables.groups),
        };
        let is_open = access.networks.is_empty() && access.clients.is_none() && access.sign_in.is_none();
        Ok(if is_open { None } else { Some(access) })
    }

    /// Whether credentials are asked for.
    pub fn asks_for_credentials(&self) -> bool {
        self.sign_in.is_some()
    }
}

fn sign_in(settings: &Settings) -> Result<SignIn, Fault> {
    let users = settings.access_users.as_deref().map(|path| Watched::open(path, Users::read)).transpose()?;
    let tokens = Watched::open(&settings.token_file(), Tokens::read)?;
    for name in settings.access_tables.tokens().filter(|name| !tokens.said().has(name)) {
        tracing::warn!("access: no token is called {name:?} yet: gosumcheck token create {name}");
    }
    let issuers = settings.access_tables.issuers.iter().map(Issuer::new).collect::<Result<Vec<_>, Fault>>()?;
    if users.is_none() && tokens.said().len() == 0 && issuers.is_empty() {
        tracing::warn!(
            "access: there are no users, no tokens and no issuers yet: only what rules let anyone do is answered"
        );
    }
    SignIn::new(users, tokens, issuers)
}
