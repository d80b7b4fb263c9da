//! Command-line arguments made of rows of the table of settings.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::output::warn;
use super::setup;
use crate::config::GoEnv;
use crate::config::settings::{DefaultValue, Layers, RENAMED, Renamed, SETTINGS, Setting, Settings, Value};
use crate::fault::Fault;

/// Which settings a command takes as arguments; the others it takes from the file and from variables alone.
pub(super) trait Takes: Debug {
    fn takes(setting: &Setting) -> bool;
}

/// All settings: those of a server.
#[derive(Debug)]
pub(super) struct All;

impl Takes for All {
    fn takes(_: &Setting) -> bool {
        true
    }
}

/// The arguments of the settings that a command takes, and what was given.
#[derive(Debug)]
pub(super) struct SettingArgs<T> {
    takes: PhantomData<T>,
    given: Vec<(&'static Setting, Vec<String>)>,
    /// flags under names that are not used any more
    renamed: Vec<(&'static Renamed, Vec<String>)>,
}

impl<T: Takes> SettingArgs<T> {
    /// What the configuration file (`config`, else the user's own), the variables and these flags say. Warnings about them are
    /// printed.
    ///
    /// # Errors
    /// `Usage`: the file cannot be read, or a setting is wrong.
    pub(super) fn read(&self, config: Option<&Path>) -> Result<Settings, Fault> {
        let environment = |name: &str| std::env::var(name).ok();
        let layers = self.over(Layers::read(SETTINGS, config, environment)?);
        let settings = Settings::of(&layers, &GoEnv::of_process(), environment)?;
        warn(&setup::warned(settings.warnings.iter().cloned()));
        warn(&setup::noted(settings.notes.iter().cloned()));
        Ok(settings)
    }

    /// What the flags say, over what was said before.
    pub(super) fn over(&self, layers: Layers) -> Layers {
        let given =
            self.given.iter().fold(layers, |layers, (setting, values)| layers.flag(setting, values.iter().cloned()));
        self.renamed.iter().filter(|(_, values)| !values.is_empty()).fold(given, |layers, (renamed, values)| {
            let now = SETTINGS.iter().find(|setting| setting.name == renamed.name_now());
            let layers = layers.note(renamed.flag_note());
            match now {
                Some(setting) => layers.flag(setting, values.iter().cloned()),
                None => layers,
            }
        })
    }
}

impl<T: Takes> Args for SettingArgs<T> {
    fn augment_args(command: Command) -> Command {
        let taken = SETTINGS.iter().filter(|setting| T::takes(setting));
        command.args(taken.map(|setting| arg(setting))).args(renamed::<T>().map(old_arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: Takes> FromArgMatches for SettingArgs<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<SettingArgs<T>, clap::Error> {
        let values = |setting: &Setting| match setting.value {
            Value::Switch if matches.get_flag(setting.name) => vec!["true".to_owned()],
            Value::Switch => Vec::new(),
            _ => matches.get_many::<String>(setting.name).unwrap_or_default().cloned().collect(),
        };
        let old = |renamed: &Renamed| {
            let given = matches.get_many::<String>(renamed.name).unwrap_or_default();
            given.cloned().collect()
        };
        let taken = SETTINGS.iter().filter(|setting| T::takes(setting));
        Ok(SettingArgs {
            takes: PhantomData,
            given: taken.map(|setting| (*setting, values(setting))).collect(),
            renamed: renamed::<T>().map(|renamed| (renamed, old(renamed))).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = SettingArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The names that are not used any more of settings that are taken.
fn renamed<T: Takes>() -> impl Iterator<Item = &'static Renamed> {
    let is_taken = |name: &str| SETTINGS.iter().any(|setting| setting.name == name && T::takes(setting));
    RENAMED.iter().filter(move |renamed| is_taken(renamed.name_now()))
}

fn arg(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name).long(setting.long()).help_heading(setting.heading).help(help(setting));
    match setting.value {
        Value::Switch => arg.action(ArgAction::SetTrue),
        Value::One(name) => arg.action(ArgAction::Set).value_name(name),
        Value::Several(name) => arg.action(ArgAction::Append).value_name(name),
    }
}

/// A flag under a name that is not used any more.
fn old_arg(renamed: &'static Renamed) -> Arg {
    let arg = Arg::new(renamed.name).long(renamed.flag.trim_start_matches('-')).hide(true);
    arg.action(ArgAction::Append).conflicts_with(renamed.name_now())
}

/// Help for a command that reads the variable too.
pub(super) fn help(setting: &Setting) -> String {
    let variable = format!(" [env: {}]", setting.variable);
    let default = setting.shown_default().map_or_else(String::new, |default| format!(" [default: {default}]"));
    plain_help(setting) + &variable + &default
}

/// Help for a command that reads neither the file nor the variable.
pub(super) fn plain_help(setting: &Setting) -> String {
    let repeatable = if setting.is_list() { " Repeatable." } else { "" };
    format!("{}{repeatable}", setting.help).trim_end_matches('.').to_owned()
}

/// What help calls a value of the setting.
pub(super) fn value_name(setting: &Setting) -> &'static str {
    setting.value_name().unwrap_or_default()
}

/// The default as the user could write it.
pub(super) fn default_text(setting: &Setting) -> &'static str {
    if let DefaultValue::Text(text) = setting.default { text } else { "" }
}
