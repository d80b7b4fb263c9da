//! The renderings of a report, and their names on the command line.

use std::str::FromStr;

use super::printable;

/// The renderings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// for people
    Text,
    /// for programs: `testdata/schema/audit-report-1.schema.json`
    Json,
    /// for code scanning: SARIF 2.1.0
    Sarif,
    /// for CI systems that show tests: JUnit XML
    Junit,
}

impl Format {
    /// All renderings, in the order of the help text.
    pub const ALL: [Format; 4] = [Format::Text, Format::Json, Format::Sarif, Format::Junit];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// The rendering of exactly this name.
    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// No rendering has this name. Fault of the caller; the message names the ones that exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no report format \"{}\": choose one of {}", printable(name), Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat {
    /// what was asked for
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_format() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_choices() {
        for (name, shown) in [("yaml", "yaml"), ("JSON", "JSON"), ("", ""), ("\x1b[2J", "\\u{1b}[2J")] {
            let message = name.parse::<Format>().map_err(|error| error.to_string());
            let expected = format!("there is no report format \"{shown}\": choose one of text, json, sarif, junit");
            assert_eq!(message, Err(expected));
        }
    }
}
