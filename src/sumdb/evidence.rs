//! Placeholder until the lead's file lands.
use std::fmt;
/// Two heads and a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {}
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("evidence")
    }
}
