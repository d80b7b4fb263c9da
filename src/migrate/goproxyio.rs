//! goproxyio/goproxy: its flags (main.go).

use super::draft::{Draft, list, text};
use super::{TheirSettings, command_line, repositories};

/// Where it listens unless it is told otherwise.
const ADDRESS: &str = "0.0.0.0:8081";

pub(super) fn read(given: &TheirSettings<'_>) -> Result<Draft, String> {
    let line = command_line::given(given, "goproxy");
    let (flags, others) = command_line::flags(&line.words, &[]);
    let value = |name: &str| command_line::value(&flags, name);
    let mut draft = Draft::default();
    let address = repositories::listen(value("listen").unwrap_or(ADDRESS));
    draft.set("listen", list(&[address]), "-listen");
    let proxy = value("proxy").unwrap_or_default();
    match proxy {
        "" => draft.set("proxy", text("direct"), "without -proxy it fetches from the repositories"),
        proxy => draft.set("proxy", text(proxy), "-proxy"),
    }
    let private = repositories::split(value("exclude").unwrap_or_default());
    repositories::set_private(&mut draft, &private, "-exclude", "-exclude: these come from their repositories");
    if let Some(expire) = value("cacheExpire") {
        draft.set("freshness", text(expire), "-cacheExpire");
    }
    let folder = value("cacheDir").unwrap_or("GOPATH");
    let import = format!("gosumcheck import --as goproxyio {folder}");
    draft.todo("take over what it has cached, once, after it is stopped; all of it is proven", &[import]);
    draft.without(
        "GOSUMDB=off, which it sets for itself: public modules are proven here, and those that cannot be are refused",
    );
    for (name, value) in &flags {
        if !["listen", "proxy", "exclude", "cacheExpire", "cacheDir"].contains(&name.as_str()) {
            draft.without(format!("-{name} {value}: not a flag of goproxyio"));
        }
    }
    for word in &others {
        draft.without(format!("{word}: not a flag of goproxyio"));
    }
    Ok(draft)
}
