//! Who may ask for what. Credentials in ([`Asker`]), identity out; then the rules judge what is asked for ([`Scope`]). Nothing here
//! knows paths or answers: the server gives the parsed route, and turns a [`Refused`] into a status.
//!
//! ```text
//! Gate                          the state that requests see, replaced as a whole by a reload
//!   Access                      networks, limits, and how clients sign in
//!     credentials               the Authorization header
//!     users  tokens  issuers    who it can be: a password file, hashed tokens, signed tokens of OIDC issuers
//!     memo  logins              what was verified is remembered for a while · failed logins are slowed
//!     known_login               and so is what a connection brought last, which mostly comes again
//!     rules                     first match wins
//!     limits                    rate and concurrency of a client and of a credential
//! ```
//!
//! Secrets are compared in constant time, and only as hashes, but for the header that a connection brings again; none is in a message,
//! a log, or what `Debug` writes.

mod credentials;
mod gate;
mod identity;
mod issuers;
mod keys;
mod known_login;
mod limits;
mod logins;
mod memo;
mod reader;
mod refused;
mod rules;
mod settings;
mod sign_in;
mod token_file;
mod tokens;
mod users;
mod watched;

pub use gate::{Access, Admission, Asker, Gate};
pub use identity::{Identity, Scopes};
pub use known_login::KnownLogin;
pub use reader::Reader;
pub use refused::Refused;
pub use rules::Scope;
pub use token_file::{NewToken, StoredToken, TokenFile};
