//! SBOMs and what the go command prints of programs.

use gosumcheck::audit::Says;
use gosumcheck::audit::sbom::{kind, read};
use gosumcheck::report::Artifact;

use super::refused;

/// A document as each of the kinds, and as what it looks like.
pub fn sbom(bytes: &[u8]) -> bool {
    let mut is_any = false;
    for artifact in [Artifact::CycloneDx, Artifact::Spdx, Artifact::BuildInfo] {
        match read("x", bytes, artifact) {
            Ok(claims) => {
                assert!(claims.unread.is_none() && claims.artifact == artifact);
                is_any |= claims.claims.iter().any(|claim| matches!(claim.says, Says::Sum(_)));
            }
            Err(why) => _ = refused(why.escape_debug()),
        }
    }
    is_any && kind(bytes).is_some()
}
