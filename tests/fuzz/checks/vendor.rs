//! What decides about a vendor folder: its list, and the sources of its modules.

use gosumcheck::audit::vendor::embed::{MAX_PATTERNS, patterns};
use gosumcheck::audit::vendor::list;
use gosumcheck::audit::vendor::rules::is_built;

use super::refused;

/// modules.txt: no package leads out of its module's folder.
pub fn modules_txt(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let (modules, malformed) = list::read(text);
    for module in &modules {
        assert!(module.packages.iter().all(|package| package.starts_with(&module.path)));
        assert!(module.packages.iter().all(|package| package.split('/').all(|part| part != ".." && !part.is_empty())));
    }
    malformed.iter().for_each(|line| _ = refused(format!("{} {}", line.text, line.why)));
    !modules.is_empty()
}

/// A source file: is it built, and what does it embed?
pub fn go_source(bytes: &[u8]) -> bool {
    let Some(text) = super::text(bytes) else { return false };
    let found = patterns(text);
    assert!(found.len() <= MAX_PATTERNS && (found.is_empty() || text.contains("//go:embed")));
    let is_built = is_built(text);
    assert!(is_built || text.contains("build"), "nothing says that it is not built");
    is_built && !found.is_empty()
}
