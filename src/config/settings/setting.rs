//! One setting: its name in every place that can set it, its value, its default and its help; and the macro that makes a table of
//! them.

/// One setting of `gosumcheck serve`; some are those of other commands too.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// in the file, with the table that it stands in: `limits.header_timeout`
    pub name: &'static str,
    /// in the environment
    pub variable: &'static str,
    /// on the command line, with its two dashes
    pub flag: &'static str,
    /// how many values it takes, and what help calls one
    pub value: Value,
    /// what it is where nothing sets it
    pub default: DefaultValue,
    /// what it is listed under
    pub heading: &'static str,
    /// what it does, in a sentence or two
    pub help: &'static str,
}

/// How many values a setting takes, and what help calls one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// true or false; a flag without a value
    Switch,
    /// one, called so
    One(&'static str),
    /// any number, each called so: a list in the file, commas in a variable, a flag that may be repeated
    Several(&'static str),
}

/// What a setting is where nothing sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// what this text says, as if it had been set
    Text(&'static str),
    /// what is found elsewhere; in words
    Found(&'static str),
    /// no value
    Unset,
}

impl Setting {
    /// The flag as clap names it, without its dashes.
    pub fn long(&self) -> &'static str {
        self.flag.trim_start_matches('-')
    }

    /// What help calls its value; none for a switch.
    pub fn value_name(&self) -> Option<&'static str> {
        match self.value {
            Value::Switch => None,
            Value::One(name) | Value::Several(name) => Some(name),
        }
    }

    /// Whether it takes any number of values.
    pub fn is_list(&self) -> bool {
        matches!(self.value, Value::Several(_))
    }

    /// Whether a secret may be anywhere in its values: webhooks have theirs in the path, commands in their arguments.
    pub(super) fn is_secret(&self) -> bool {
        self.name == "verify.notify"
    }

    /// The default in a few words; none where there is no value, and for a switch, which is off.
    pub fn shown_default(&self) -> Option<&'static str> {
        match self.default {
            DefaultValue::Text(text) if self.value != Value::Switch => Some(text),
            DefaultValue::Found(words) => Some(words),
            DefaultValue::Text(_) | DefaultValue::Unset => None,
        }
    }
}

/// Makes of rows: `SETTINGS`, all of them; `rows`, each by its name; `Settings`, the value of each; and `Settings::read`. The
/// comment above a row is its help. `one`, `all`, ... are the methods of `SettingsReader`; what stands in their brackets is the
/// parser.
macro_rules! settings {
    ($(
        $(#[doc = $help:literal])+
        $field:ident: $type:ty = $read:ident($($parse:expr)?) {
            name: $name:expr, variable: $variable:expr, flag: $flag:expr,
            value: $value:expr, default: $default:expr, heading: $heading:expr,
        }
    )+) => {
        /// Each setting by the name of its field in `Settings`.
        #[allow(non_upper_case_globals, reason = "they have the names of the fields")]
        pub mod rows {
            use super::*;
            $(
                $(#[doc = $help])+
                pub static $field: Setting = Setting {
                    name: $name,
                    variable: $variable,
                    flag: $flag,
                    value: $value,
                    default: $default,
                    heading: $heading,
                    help: concat!($($help),+).trim_ascii_start(),
                };
            )+
        }

        /// All settings, in the order in which they are shown.
        pub static SETTINGS: &[&Setting] = &[$(&rows::$field),+];

        /// The settings in effect.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $( $(#[doc = $help])+ pub $field: $type, )+
            /// What the file says about single entries of `proxy` and `private_proxy`, and sources of the database.
            pub upstreams: Vec<Upstream>,
            /// Groups, rules and issuers: the tables of `[access]`.
            pub access_tables: AccessTables,
            /// The proxies of go's own GOPROXY, which may relay the database.
            pub go_proxies: ProxyList,
            /// What the file that `rules` names says.
            pub rules_file: RulesFile,
            /// What is to be said of names that are not used any more.
            pub notes: Vec<String>,
            /// What is wrong with go's settings, which decide nothing where one of ours is set.
            pub warnings: Vec<String>,
            /// Each setting's name, value and source, as `--check-config` shows them.
            pub shown: Vec<Shown>,
        }

        impl Settings {
            /// The value of each row.
            pub(super) fn read(mut reader: SettingsReader<'_>) -> Result<Settings, Fault> {
                Ok(Settings {
                    $( $field: reader.$read(&rows::$field $(, $parse)?)?, )+
                    upstreams: Vec::new(),
                    access_tables: AccessTables::default(),
                    go_proxies: reader.go_proxies()?,
                    rules_file: RulesFile::default(),
                    notes: reader.notes(),
                    warnings: reader.warnings,
                    shown: reader.shown,
                })
            }
        }
    };
}
pub(super) use settings;
