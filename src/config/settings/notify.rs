//! Values of the settings of the nightly job: whom it tells, when it runs, and what share it covers.

use std::fmt;

use crate::sumdb::redact::redact;

/// Minutes of a day, and of an hour.
const DAY: u32 = 24 * 60;
const HOUR: u32 = 60;
/// Millionths of one percent.
const PERCENT: f64 = 10_000.0;

/// Who gets a message about a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyTarget {
    /// a POST of JSON to this URL
    Webhook(String),
    /// an e-mail to this address, through sendmail
    Mail(String),
    /// this command, by `sh -c`
    Command(String),
}

impl NotifyTarget {
    /// `https://...`, `mailto:ADDRESS` or `command:COMMAND`.
    ///
    /// # Errors
    /// What could have been written.
    pub fn parse(text: &str) -> Result<NotifyTarget, String> {
        let is_plain = |rest: &str| !rest.is_empty() && !rest.chars().any(|c| c.is_control());
        let target = match text.split_once(':') {
            Some(("http" | "https", rest)) if rest.starts_with("//") && rest.len() > 2 && !rest.contains(' ') => {
                Some(NotifyTarget::Webhook(text.to_owned()))
            }
            // sendmail would take what begins with a dash for an option.
            Some(("mailto", address))
                if address.contains('@') && !address.starts_with('-') && !address.contains([' ', ',']) =>
            {
                Some(NotifyTarget::Mail(address.to_owned()))
            }
            Some(("command", command)) => Some(NotifyTarget::Command(command.to_owned())),
            _ => None,
        };
        let why = "not a target; write https://HOST/PATH, mailto:ADDRESS or command:COMMAND";
        target.filter(|_| text.split_once(':').is_some_and(|(_, rest)| is_plain(rest))).ok_or_else(|| why.to_owned())
    }
}

impl fmt::Display for NotifyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Webhooks have their secrets in the path, as Slack's do.
            NotifyTarget::Webhook(url) => {
                let end = url.split_once("://").and_then(|(scheme, rest)| Some(scheme.len() + 3 + rest.find('/')?));
                f.write_str(&redact(url.get(..end.unwrap_or(url.len())).unwrap_or(url)))
            }
            NotifyTarget::Mail(address) => write!(f, "mailto:{address}"),
            NotifyTarget::Command(_) => f.write_str("the command"),
        }
    }
}

/// A target as it may be shown.
pub(super) fn shown(text: &str) -> String {
    NotifyTarget::parse(text).map_or_else(|why| why, |target| target.to_string())
}

/// A time of the day, in minutes.
pub(super) fn time_of_day(text: &str) -> Result<u32, String> {
    let number = |part: &str| {
        Some(part)
            .filter(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|part| part.parse::<u32>().ok())
    };
    let time = text.split_once(':').and_then(|(hours, minutes)| Some((number(hours)?, number(minutes)?)));
    let minutes = time.filter(|(_, minutes)| *minutes < HOUR).map(|(hours, minutes)| hours * HOUR + minutes);
    minutes.filter(|minutes| *minutes < DAY).ok_or_else(|| "not a time of the day; write it as in 03:00".to_owned())
}

/// Millionths of a share in percent.
pub(super) fn share(text: &str) -> Result<u32, String> {
    let number =
        text.strip_suffix('%').filter(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let number = number.and_then(|number| number.parse::<f64>().ok()).filter(|number| (0.0..=100.0).contains(number));
    let millionths = number.and_then(|number| format!("{:.0}", number * PERCENT).parse().ok());
    millionths.ok_or_else(|| "not a share; write it as in 5% or 0.5%, up to 100%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares_as_people_write_them() {
        assert_eq!([time_of_day("03:00"), time_of_day("23:59"), time_of_day("00:00")], [Ok(180), Ok(1439), Ok(0)]);
        for wrong in ["", "3:00", "24:00", "12:60", "1200", "12:0", "+1:00", "03:00:00", "-1:00"] {
            assert!(time_of_day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            [share("5%"), share("0.5%"), share("100%"), share("0%")],
            [Ok(50_000), Ok(5000), Ok(1_000_000), Ok(0)]
        );
        for wrong in ["", "5", "%", "101%", "-5%", "1e1%", "NaN%", ".%", "5 %"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn targets_are_told_apart_and_their_secrets_are_not_shown() {
        for (text, shown) in [
            ("https://hooks.example/services/T0/secret", "https://hooks.example"),
            ("http://user:secret@127.0.0.1:8080/x", "127.0.0.1:8080"),
            ("mailto:ops@example.com", "mailto:ops@example.com"),
            ("command:tell secret", "the command"),
        ] {
            let target = NotifyTarget::parse(text).map(|target| target.to_string());
            assert!(
                target.as_ref().is_ok_and(|target| target.contains(shown) && !target.contains("secret")),
                "{target:?}"
            );
        }
        for wrong in [
            "",
            "https://",
            "ftp://x/",
            "mailto:x",
            "mailto:-x@y",
            "mailto:a@b, c@d",
            "command:",
            "a@b",
            "mailto:a@b\nBcc: c@d",
        ] {
            assert!(NotifyTarget::parse(wrong).is_err(), "{wrong}");
        }
    }
}
