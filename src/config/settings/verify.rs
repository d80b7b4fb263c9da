//! The settings of the nightly job, `[verify]`: for `gosumcheck verify`, and for `gosumcheck serve`, which can run it.

use std::path::PathBuf;
use std::time::Duration;

use super::layers::Layers;
use super::notify::{NotifyTarget, share};
use super::reader::{SettingsReader, Shown, place_of};
use super::setting::Setting;
use super::table::rows;
use super::values::{flag, path_of_file, period};
use crate::config::{GoEnv, units};
use crate::fault::Fault;

/// The settings that `gosumcheck verify` goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifySettings {
    /// bytes a second that are read; none for no limit
    pub max_rate: Option<u64>,
    /// the share of what is old that is covered, in millionths; none where everything is
    pub sample: Option<u32>,
    /// the longest time between two complete verifications; none for no limit
    pub full_every: Option<Duration>,
    /// whether the upstreams are asked what they have of the stored modules
    pub ask_upstreams: bool,
    /// who gets a message
    pub notify: Vec<NotifyTarget>,
    /// the key under which messages to webhooks are authenticated
    pub notify_key: Option<PathBuf>,
    /// whether a message is sent too where all is well
    pub notify_always: bool,
    /// the key that signs the record
    pub sign_key: Option<PathBuf>,
    /// each with its source
    shown: Vec<Shown>,
}

impl VerifySettings {
    /// What the layers say.
    ///
    /// # Errors
    /// `Usage`: a value makes no sense.
    pub fn of(layers: &Layers) -> Result<VerifySettings, Fault> {
        let go = GoEnv::resolve(|_| None, "", "");
        let mut reader = SettingsReader::new(layers, &go, &|_| None);
        Ok(VerifySettings {
            max_rate: reader.optional(&rows::verify_max_rate, units::rate)?,
            sample: reader.optional(&rows::verify_sample, share)?,
            full_every: reader.one(&rows::verify_full_every, period)?,
            ask_upstreams: reader.one(&rows::verify_ask_upstreams, flag)?,
            notify: reader.all(&rows::verify_notify, NotifyTarget::parse)?,
            notify_key: reader.optional(&rows::verify_notify_key, path_of_file)?,
            notify_always: reader.one(&rows::verify_notify_always, flag)?,
            sign_key: reader.optional(&rows::verify_sign_key, path_of_file)?,
            shown: reader.shown,
        })
    }

    /// The place that sets `setting`, for messages of those who read later what its value names.
    pub fn place_of(&self, setting: &Setting) -> String {
        place_of(&self.shown, setting)
    }
}
