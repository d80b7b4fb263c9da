//! Reads the value of each setting out of the layers, and keeps what `--check-config` shows.

use std::path::PathBuf;

use super::layers::Layers;
use super::notify;
use super::setting::{DefaultValue, Setting};
use super::source::{RawValue, ValueSource};
use crate::config::private::{self, Checked, NONE};
use crate::config::{self, GoEnv, ProxyList, Sumdb, sumdb};
use crate::fault::Fault;

/// Where modules are fetched where nothing says so.
const DEFAULT_PROXY: &str = "https://proxy.golang.org";

/// A setting's name, its value as text without passwords, and where it comes from.
pub type Shown = (&'static str, String, ValueSource);

/// The place that sets `setting`, by what is shown of all.
pub(super) fn place_of(shown: &[Shown], setting: &Setting) -> String {
    let source = shown.iter().find(|(name, ..)| *name == setting.name).map(|(_, _, source)| source);
    source.unwrap_or(&ValueSource::Default).place_of(setting)
}

/// Reads settings in the order of the table.
pub(super) struct SettingsReader<'a> {
    layers: &'a Layers,
    go: &'a GoEnv,
    env: &'a dyn Fn(&str) -> Option<String>,
    pub(super) shown: Vec<Shown>,
    pub(super) warnings: Vec<String>,
}

impl<'a> SettingsReader<'a> {
    /// `go` says which modules are private where no layer does; `env` where the data folder is.
    pub(super) fn new(
        layers: &'a Layers,
        go: &'a GoEnv,
        env: &'a dyn Fn(&str) -> Option<String>,
    ) -> SettingsReader<'a> {
        SettingsReader { layers, go, env, shown: Vec::new(), warnings: Vec::new() }
    }

    /// The values of a setting; that of its default where no layer says anything.
    pub(super) fn all<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Fault> {
        let default = || match setting.default {
            DefaultValue::Text(text) => vec![(text.to_owned(), None)],
            DefaultValue::Found(_) | DefaultValue::Unset => Vec::new(),
        };
        let value =
            self.layers.value(setting).unwrap_or_else(|| RawValue { source: ValueSource::Default, texts: default() });
        let wrong = |text, why: String| self.layers.wrong(setting, &value.source, text, &why);
        let parsed = value.texts.iter().map(|text| parse(&text.0).map_err(|why| wrong(text, why)));
        let values = parsed.collect::<Result<Vec<T>, Fault>>()?;
        let show = |text: &str| if setting.is_secret() { notify::shown(text) } else { sumdb::redact(text) };
        let shown: Vec<String> = value.texts.iter().map(|(text, _)| show(text)).collect();
        self.shown.push((setting.name, shown.join(", "), value.source));
        Ok(values)
    }

    /// The values of a setting, one of which may say that there is none.
    pub(super) fn present<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<Option<T>, String>,
    ) -> Result<Vec<T>, Fault> {
        Ok(self.all(setting, parse)?.into_iter().flatten().collect())
    }

    /// The value of a setting that always has one.
    pub(super) fn one<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Fault> {
        self.optional(setting, parse)?.ok_or_else(|| Fault::Usage(format!("{}: no value", setting.name)))
    }

    /// The value of a setting that may have none.
    pub(super) fn optional<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        Ok(self.all(setting, parse)?.pop())
    }

    /// The value of a setting whose type has one that means nothing.
    pub(super) fn any<T: Default>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Fault> {
        Ok(self.optional(setting, parse)?.unwrap_or_default())
    }

    /// The data folder: the named one, else the user's.
    pub(super) fn data_folder(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<PathBuf, String>,
    ) -> Result<PathBuf, Fault> {
        if let Some(named) = self.optional(setting, parse)? {
            return Ok(named);
        }
        let found = config::data_folder(self.env)?;
        self.show_instead(found.display().to_string(), ValueSource::Default);
        Ok(found)
    }

    /// The databases: those of a setting of ours, else that of go's GOSUMDB where somebody set it, else the default.
    pub(super) fn databases(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<Sumdb, String>,
    ) -> Result<Vec<Sumdb>, Fault> {
        let named = self.all(setting, parse)?;
        if !named.is_empty() {
            return Ok(named);
        }
        let (value, source) =
            self.of_go("GOSUMDB").unwrap_or_else(|| (sumdb::DEFAULT.to_owned(), ValueSource::Default));
        let found = Sumdb::parse(&value)?;
        if found == Sumdb::Off {
            return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned()));
        }
        self.show_instead(sumdb::redact(&value), source);
        Ok(vec![found])
    }

    /// The proxies for modules: those of a setting of ours, else those of go's GOPROXY where somebody set it, but not `direct`, else
    /// the default.
    pub(super) fn proxy_list(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<ProxyList, String>,
    ) -> Result<ProxyList, Fault> {
        if let Some(named) = self.optional(setting, parse)? {
            return Ok(named);
        }
        let theirs = self.of_go("GOPROXY").map(|(_, source)| Ok((self.go.proxies()?.without_direct(), source)));
        let theirs = theirs.transpose()?.filter(|(list, _)| list.entries().len() > 0);
        let default = || Ok((ProxyList::parse(DEFAULT_PROXY)?, ValueSource::Default));
        let (list, source) = theirs.map_or_else(default, Ok)?;
        self.show_instead(sumdb::redact(&list.to_string()), source);
        Ok(list)
    }

    /// The proxies of go's GOPROXY, where somebody set it.
    pub(super) fn go_proxies(&self) -> Result<ProxyList, Fault> {
        self.of_go("GOPROXY").map_or_else(|| Ok(ProxyList::default()), |_| self.go.proxies())
    }

    /// What is to be said of names that are not used any more.
    pub(super) fn notes(&self) -> Vec<String> {
        self.layers.notes().cloned().collect()
    }

    /// A setting of go's that somebody set: in the environment, or by `go env -w`.
    fn of_go(&self, name: &'static str) -> Option<(String, ValueSource)> {
        Some((self.go.set_by_somebody(name)?.to_owned(), ValueSource::Go(name)))
    }

    /// Patterns of private modules, with commas between them: those of a setting of ours, else all of go's settings, each of which
    /// is shown.
    pub(super) fn private(&mut self, setting: &'static Setting) -> Result<String, Fault> {
        let patterns = self.all(setting, |text| private::check(text).map(|()| text.to_owned()))?;
        if patterns == [NONE] {
            return Ok(String::new());
        }
        if !patterns.is_empty() {
            let patterns = patterns.join(",");
            private::check(&patterns).map_err(|why| Fault::Usage(format!("{}: {why}", setting.name)))?;
            return Ok(patterns);
        }
        let theirs = self.go.private_from_anybody();
        let mut shown = theirs.iter().map(|theirs| (theirs.patterns.to_owned(), ValueSource::Go(theirs.setting)));
        if let Some((patterns, source)) = shown.next() {
            self.show_instead(patterns, source);
        }
        self.shown.extend(shown.map(|(patterns, source)| (setting.name, patterns, source)));
        let Checked { patterns, warnings } = private::of_go(&theirs);
        self.warnings.extend(warnings);
        Ok(patterns)
    }

    /// Shows a value that no layer gave, in place of the last one.
    fn show_instead(&mut self, value: String, source: ValueSource) {
        if let Some(last) = self.shown.last_mut() {
            last.1 = value;
            last.2 = source;
        }
    }
}
