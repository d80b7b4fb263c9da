//! Hints where rules look at versions: lists without the versions that are refused, a newest version and a branch that are not
//! among them.

use std::sync::Arc;
use std::time::Duration;

use super::policy::CurrentPolicy;
use super::{Denied, Inner, Mode, Text, hints};
use crate::fault::Fault;
use crate::sumdb::goproxy::{ModuleRequest, VersionInfo, list};
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// The answer to a request for a hint.
pub(super) async fn answer(inner: &Arc<Inner>, request: &ModuleRequest, mode: Mode) -> Result<Text, Denied> {
    let text = hints::answer(inner, request, mode).await?;
    let policy = inner.policy.now();
    if !policy.looks_at_versions(request.module()) {
        return Ok(text);
    }
    only_allowed(inner, &policy, request, text, mode).await
}

/// What is given of an answer to a request.
///
/// A list has the allowed versions. A newest version that is refused is replaced by the newest allowed one of the list, where there
/// is one. What a branch stands for is refused as the version is.
async fn only_allowed(
    inner: &Arc<Inner>,
    policy: &CurrentPolicy,
    request: &ModuleRequest,
    text: Text,
    mode: Mode,
) -> Result<Text, Denied> {
    let module = request.module();
    if let ModuleRequest::List(_) = request {
        let bytes = list::write(&allowed(policy, module, &text)?.into_iter().collect()).into();
        return Ok(Text { bytes, ..text });
    }
    let info = VersionInfo::parse(request, &text.bytes).map_err(|error| Fault::refused("an earlier answer", error))?;
    let Err(refused) = policy.route(module, Some(info.version())) else { return Ok(text) };
    let ModuleRequest::Latest(_) = request else { return Err(refused) };
    // Boxed: this is rare.
    let listed = Box::pin(hints::answer(inner, &ModuleRequest::List(module.clone()), mode)).await?;
    let versions = allowed(policy, module, &listed)?;
    let newest = list::newest(&versions).and_then(|newest| ModuleVersion::pair(module.clone(), newest.clone()).ok());
    let Some(newest) = newest else { return Err(refused) };
    let keep = listed.keep.min(text.keep);
    match Box::pin(hints::answer(inner, &ModuleRequest::Info(newest.clone()), mode)).await {
        Ok(info) => Ok(Text { keep: keep.min(info.keep), ..info }),
        // The list names it: that is enough to name it here.
        Err(_) => {
            let bytes = VersionInfo::named(newest.version().clone()).to_json().into();
            Ok(Text { bytes, keep: Duration::ZERO, stale: true, ..text })
        }
    }
}

/// The versions of a list that no rule refuses.
fn allowed(policy: &CurrentPolicy, module: &ModulePath, text: &Text) -> Result<Vec<Version>, Denied> {
    let versions = list::read(module, &text.bytes).map_err(|error| Fault::refused("an earlier list", error))?;
    Ok(versions.into_iter().filter(|version| policy.denied_by(module, Some(version)).is_none()).collect())
}
