//! The settings in effect: every layer read, every value understood, and whether they agree with each other.

use std::path::{Path, PathBuf};

use super::access;
use super::layers::Layers;
use super::reader::{SettingsReader, place_of};
use super::rules_file;
use super::setting::Setting;
use super::source::ValueSource;
use super::table::{Settings, rows};
use super::upstream::Upstream;
use super::upstreams;
use super::values::path;
use crate::config::private::Checked;
use crate::config::{GoEnv, Sumdb};
use crate::fault::Fault;
use crate::sumdb::module::Patterns;

/// A store of fewer bytes is a slip of the pen: the unit is missing.
const SMALL_STORE: u64 = 1 << 20;

/// The patterns of private modules alone, for a command that needs no other setting.
///
/// # Errors
/// `Usage`: the value makes no sense.
pub fn private_patterns(layers: &Layers, go: &GoEnv) -> Result<Checked, Fault> {
    let mut reader = SettingsReader::new(layers, go, &|_| None);
    let patterns = reader.private(&rows::private)?;
    Ok(Checked { patterns, warnings: reader.warnings })
}

/// The file with the tokens of a server, for the command that writes them: `access.tokens`, else its place in the data folder.
///
/// # Errors
/// `Usage`: the user has no data folder, and none is named.
pub fn token_file(layers: &Layers, env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, Fault> {
    let go = GoEnv::resolve(|_| None, "", "");
    let mut reader = SettingsReader::new(layers, &go, &env);
    match reader.optional(&rows::access_tokens, path)? {
        Some(named) => Ok(named),
        None => Ok(own_token_file(&reader.data_folder(&rows::data, path)?)),
    }
}

/// The token file that the data folder `data` has.
fn own_token_file(data: &Path) -> PathBuf {
    data.join("access").join("tokens.toml")
}

impl Settings {
    /// Whether credentials are asked for.
    pub fn has_access_control(&self) -> bool {
        let tables = &self.access_tables;
        let is_set =
            |name: &str| self.shown.iter().any(|(shown, _, source)| *shown == name && *source != ValueSource::Default);
        self.access_users.is_some()
            || is_set(rows::access_tokens.name)
            || !tables.rules.is_empty()
            || !tables.issuers.is_empty()
    }

    /// The file with the tokens.
    pub fn token_file(&self) -> PathBuf {
        self.access_tokens.clone().unwrap_or_else(|| own_token_file(&self.data))
    }

    /// The settings in effect. `go` says which modules are private where no layer does; `env` where the data folder is.
    ///
    /// # Errors
    /// `Usage`: a value makes no sense, at the place that the message names, or two settings contradict each other.
    pub fn of(layers: &Layers, go: &GoEnv, env: impl Fn(&str) -> Option<String>) -> Result<Settings, Fault> {
        let mut settings = Settings::read(SettingsReader::new(layers, go, &env))?;
        settings.leave_out_ourselves()?;
        settings.read_rules()?;
        upstreams::read(layers, &mut settings)?;
        if let Some(document) = layers.document() {
            settings.access_tables = access::read(document)?;
            settings.shown.extend(settings.access_tables.shown(document));
        }
        settings.agree()?;
        if let Some(size) = settings.store_max_size.filter(|size| *size < SMALL_STORE) {
            let why = format!("store.max_size: {size} bytes hold no module; a size has a unit, as in 20GB");
            settings.warnings.push(why);
        }
        Ok(settings)
    }

    /// The place that sets `setting`, for messages of those who read later what its value names.
    pub fn place_of(&self, setting: &Setting) -> String {
        place_of(&self.shown, setting)
    }

    /// What the file says about the entry `url` of `proxy` or `private_proxy`, or about the source `url` of the database.
    pub fn upstream(&self, url: &str) -> Option<&Upstream> {
        self.upstreams.iter().find(|upstream| upstream.is(url))
    }

    /// Checks of the settings of TLS that none of them alone can make.
    fn tls_agrees(&self) -> Result<(), Fault> {
        let why = match (&self.tls_certificate, &self.tls_key) {
            (None, None) if !self.tls_listen.is_empty() => "tls.listen is set: set tls.cert and tls.key too",
            (None, None) if self.tls_client_ca.is_some() => "tls.client_ca is set: set tls.cert and tls.key too",
            (Some(_), None) => "tls.cert is set: set tls.key too, the file with its private key",
            (None, Some(_)) => "tls.key is set: set tls.cert too, the file with its certificate",
            (Some(_), Some(_)) if self.tls_listen.is_empty() => {
                "tls.cert is set, but no address speaks TLS: set tls.listen, as in tls.listen = \"0.0.0.0:8443\""
            }
            _ => return Ok(()),
        };
        Err(Fault::Usage(why.to_owned()))
    }

    /// Reads the file of rules, if one is named.
    fn read_rules(&mut self) -> Result<(), Fault> {
        if let Some(path) = &self.rules {
            self.rules_file = rules_file::read(path, &Patterns::parse(&self.private))?;
            self.warnings.extend(self.rules_file.warnings());
        }
        Ok(())
    }

    /// Checks that no setting alone can make.
    fn agree(&self) -> Result<(), Fault> {
        let usage = |why: String| Err(Fault::Usage(why));
        if self.listen.is_empty() && self.tls_listen.is_empty() {
            let why = "listen: no address to listen at; set it, as in listen = \"127.0.0.1:3000\", or set tls.listen";
            return usage(why.to_owned());
        }
        self.tls_agrees()?;
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            return usage(
                "proxy_protocol is set, but no proxy is trusted: set trusted_proxies, as in trusted_proxies = \"10.0.0.0/8\""
                    .to_owned(),
            );
        }
        if self.sumdb.is_empty() {
            return usage("sumdb: no database to serve".to_owned());
        }
        if self.sumdb.len() > 1 && !self.sumdb_url.is_empty() {
            return usage(
                "sumdb_url: with several databases, which one is meant? Write the URL behind the name: sumdb = [\"KEY URL\", ...]"
                    .to_owned(),
            );
        }
        if self.offline && self.mirror {
            return usage(
                "mirror and offline are both set: mirror syncs from upstream in the background, offline forbids it"
                    .to_owned(),
            );
        }
        if self.proxy.is_off() && !self.private_proxy.is_off() {
            return usage(
                "private_proxy is set and proxy is off, which serves no modules at all: name a proxy, as in proxy = \"direct\""
                    .to_owned(),
            );
        }
        if self.private.is_empty() && !self.private_proxy.is_off() {
            return usage(
                "private_proxy is set, but no module is private: set private too, as in GOPRIVATE".to_owned(),
            );
        }
        let name = |at: &Sumdb| if let Sumdb::On { name, .. } = at { name.clone() } else { String::new() };
        let mut names: Vec<String> = self.sumdb.iter().map(name).collect();
        names.sort();
        if let Some([twice, _]) = names.array_windows().find(|[a, b]| a == b) {
            return usage(format!("sumdb: {twice} is named twice"));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::settings::{DiskFloor, SETTINGS};

    #[test]
    fn values_mean_what_their_texts_say() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "stale = \"2d\"\n[limits]\nmemory = \"10MiB\"\n").unwrap();
        let layers = Layers::read(SETTINGS, Some(file.path()), |name| match name {
            "GOSUMCHECK_FRESHNESS" => Some("1h30m".to_owned()),
            "GOSUMCHECK_DISK_FLOOR" => Some("10mb".to_owned()),
            _ => None,
        });
        let layers = layers.unwrap().flag(&rows::jobs, ["7".to_owned()]).flag(&rows::offline, ["true".to_owned()]);
        let settings = Settings::of(&layers, &GoEnv::resolve(|_| None, "", ""), |_| None).unwrap();
        assert_eq!(settings.memory, 10 << 20);
        assert_eq!(settings.disk_floor, DiskFloor::Bytes(10_000_000));
        assert_eq!(settings.stale, Duration::from_secs(2 * 24 * 3600));
        assert_eq!(settings.freshness, Duration::from_secs(5400));
        assert_eq!((settings.jobs, settings.offline, settings.mirror), (7, true, false));
        assert_eq!((settings.log_level, settings.connections), ("info", None));
    }

    #[test]
    fn names_variables_and_flags_are_said_once() {
        for (n, setting) in SETTINGS.iter().enumerate() {
            assert!(setting.variable.starts_with("GOSUMCHECK_") && setting.flag.starts_with("--"), "{setting:?}");
            assert!(setting.help.ends_with('.') && !setting.help.contains("  "), "{setting:?}");
            let is_twin = |other: &&&Setting| {
                other.name == setting.name || other.variable == setting.variable || other.flag == setting.flag
            };
            assert_eq!(SETTINGS.iter().skip(n).filter(is_twin).count(), 1, "{setting:?}");
        }
    }
}
