//! Programs of strangers, and the build information in them.

use gosumcheck::audit::buildinfo::BuildInfo;
use gosumcheck::audit::executable::{self, is_program};
use gosumcheck::audit::go_release::GoRelease;

use super::refused;

/// The text about modules, and the version of Go.
pub fn build_info(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    _ = GoRelease::parse(text).map(|release| release.vulnerabilities().count());
    match BuildInfo::parse(text) {
        Ok(info) => {
            assert!(info.deps.len() + info.settings.len() <= text.lines().count());
            assert!(info.deps.iter().all(|module| text.contains(&module.path) && text.contains(&module.source().sum)));
            !info.deps.is_empty() || !info.settings.is_empty()
        }
        Err(error) => refused(error),
    }
}

/// Whole programs.
pub fn program(bytes: &[u8]) -> bool {
    match executable::read(bytes) {
        Ok(program) => {
            assert!(is_program(bytes) && !program.builds.is_empty());
            assert!(program.builds.iter().all(|build| !build.go_version.is_empty()));
            true
        }
        Err(error) => refused(error),
    }
}
