//! A fast check that accepts module versions of the usual shape. A reader of the whole log checks every record, and the full rules
//! (`path.rs`, `version.rs`) would take half of the processor time of `gosumcheck verify`. A text that this check does not accept
//! may still be valid: the full rules then decide.

use super::path::is_reserved_on_windows;
use super::semver::INCOMPATIBLE;

/// May stand in an element of a path. So may a tilde, but it is where the short names of Windows begin.
const PATH: u8 = 1;
/// May stand in a domain name.
const DOMAIN: u8 = 2;
/// May stand in an identifier of a prerelease.
const LABEL: u8 = 4;
/// Stands between the parts of a domain name, and between identifiers.
const DOT: u8 = 8;
/// May begin a name that Windows reserves.
const SUSPECT: u8 = 16;

/// What each byte may do: for as few bytes as a path has, a table is faster than comparisons.
static CLASSES: [u8; 256] = {
    let (mut classes, mut byte) = ([0; 256], 0);
    while byte < classes.len() {
        #[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "bytes below 256, when this is compiled")]
        {
            classes[byte] = class_of(byte as u8);
        }
        byte += 1;
    }
    classes
};

const fn class_of(byte: u8) -> u8 {
    match byte {
        b'a' | b'c' | b'l' | b'n' | b'p' => PATH | DOMAIN | LABEL | SUSPECT,
        b'a'..=b'z' | b'0'..=b'9' | b'-' => PATH | DOMAIN | LABEL,
        b'A' | b'C' | b'L' | b'N' | b'P' => PATH | LABEL | SUSPECT,
        b'A'..=b'Z' => PATH | LABEL,
        b'.' => PATH | DOMAIN | DOT,
        b'_' => PATH,
        _ => 0,
    }
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The offset of the space in a text `PATH VERSION` whose parts are certainly a valid module version; `None` where only the full
/// rules can decide.
pub(in crate::sumdb) fn space_in(text: &[u8]) -> Option<usize> {
    let (domain, mut path) = element(text)?;
    let is_domain = domain.classes & DOMAIN != 0 && domain.has_dot && !domain.text.starts_with(b"-");
    if !is_domain || domain.text == b"gopkg.in" {
        return None;
    }
    let mut last: &[u8] = b"";
    while let Some(elements) = path.strip_prefix(b"/") {
        let (element, rest) = element(elements)?;
        (last, path) = (element.text, rest);
    }
    let version = path.strip_prefix(b" ")?;
    is_plain_version(version, major(last)?).then(|| text.len() - path.len())
}

/// An element of a path.
struct Element<'a> {
    text: &'a [u8],
    /// what all of its bytes may do
    classes: u8,
    has_dot: bool,
}

/// The element that `text` begins with, and what follows it.
fn element(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (mut all, mut any, mut len) = (u8::MAX, 0, 0);
    for byte in text {
        let class = class(*byte);
        if class & PATH == 0 {
            break;
        }
        (all, any, len) = (all & class, any | class, len + 1);
    }
    let (element, rest) = text.split_at_checked(len)?;
    let (first, last) = (*element.first()?, *element.last()?);
    let is_reserved = || class(first) & SUSPECT != 0 && is_reserved_on_windows(element);
    let is_plain = first != b'.' && last != b'.' && !is_reserved();
    is_plain.then_some((Element { text: element, classes: all, has_dot: any & DOT != 0 }, rest))
}

/// The digits of the major version in the last element of a path; empty where the path has none.
fn major(last: &[u8]) -> Option<&[u8]> {
    let number = last.strip_prefix(b"v").unwrap_or_default();
    let is_numeric = number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    match number {
        _ if !is_numeric => Some(b""),
        [] => Some(b""),
        [b'0', ..] | [b'1'] => None,
        _ => number.iter().all(u8::is_ascii_digit).then_some(number),
    }
}

/// `vN.N.N`, with a prerelease and `+incompatible` or without, of this major version, or of one that no path has to say.
fn is_plain_version(version: &[u8], major: &[u8]) -> bool {
    let stripped = version.strip_suffix(INCOMPATIBLE.as_bytes());
    let numbers = || {
        let (first, rest) = number(stripped.unwrap_or(version).strip_prefix(b"v")?)?;
        let (_, rest) = number(rest.strip_prefix(b".")?)?;
        let (_, rest) = number(rest.strip_prefix(b".")?)?;
        Some((first, rest))
    };
    let Some((first, rest)) = numbers() else { return false };
    let goes = match major {
        b"" => matches!(first, b"0" | b"1") || stripped.is_some(),
        wanted => first == wanted && stripped.is_none(),
    };
    goes && (rest.is_empty() || rest.strip_prefix(b"-").is_some_and(is_prerelease))
}

/// Digits without a leading zero, and what follows them.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    (!number.is_empty() && !has_leading_zero(number)).then_some((number, rest))
}

fn has_leading_zero(digits: &[u8]) -> bool {
    matches!(digits, [b'0', _, ..])
}

/// Identifiers with dots between them; those that are numbers have no leading zero.
fn is_prerelease(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'.').all(|identifier| {
        let classes = identifier.iter().fold(u8::MAX, |all, byte| all & class(*byte));
        let is_number = || identifier.iter().all(u8::is_ascii_digit);
        !identifier.is_empty() && classes & LABEL != 0 && !(has_leading_zero(identifier) && is_number())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::go_together;
    use super::*;

    fn is_plain(path: &str, version: &str) -> bool {
        let space = space_in(format!("{path} {version}").as_bytes());
        assert!(space.is_none_or(|space| space == path.len()), "{path} {version}");
        space.is_some()
    }

    #[test]
    fn the_usual_are_plain() {
        for (path, version) in [
            ("github.com/stretchr/testify", "v1.10.0"),
            ("github.com/Azure/azure-sdk-for-go", "v68.0.0+incompatible"),
            ("github.com/BurntSushi/toml", "v1.5.0"),
            ("golang.org/x/net", "v0.0.0-20190620200207-3b0461eec859"),
            ("k8s.io/api", "v0.31.0-alpha.2"),
            ("github.com/cespare/xxhash/v2", "v2.3.0"),
            ("github.com/a/v", "v0.9.0-rc1"),
            ("golang.org/toolchain", "v0.0.1-go1.21.0.linux-amd64"),
        ] {
            assert!(is_plain(path, version) && go_together(path, version), "{path} {version}");
        }
    }

    /// All texts of up to `longest` of these symbols.
    fn texts(symbols: &str, longest: u32) -> impl Iterator<Item = String> {
        let symbols: Vec<char> = symbols.chars().collect();
        let count = |length| symbols.len().pow(length);
        let all: Vec<(u32, usize)> =
            (0..=longest).flat_map(|length| (0..count(length)).map(move |n| (length, n))).collect();
        all.into_iter().map(move |(length, mut n)| {
            let digits = (0..length).filter_map(|_| {
                let symbol = symbols.get(n % symbols.len()).copied();
                n /= symbols.len();
                symbol
            });
            digits.collect()
        })
    }

    #[test]
    fn what_is_plain_follows_the_rules() {
        let mut plain = 0_u32;
        let mut check = |path: &str, version: &str| {
            if is_plain(path, version) {
                assert!(go_together(path, version), "{path} {version}");
                plain += 1;
            }
        };
        for path in texts("a.-/~v12", 6) {
            check(&path, "v1.0.0");
            check(&format!("x.y{path}"), "v2.0.0");
            check(&format!("x.y/{path}"), "v0.0.0-1");
        }
        for version in texts("v01.-+a", 7) {
            check("x.y/z", &version);
            check("x.y/z", &format!("v0.{version}"));
            check("x.y/z", &format!("v0.0.1-{version}"));
            check("x.y/z/v10", &format!("v10.1{version}"));
        }
        for element in ["con", "CON", "nul.x", "com1", "Lpt9.txt", "prn", "aux", "coN1", "é", "a b", "A_b", "gopkg.in"]
        {
            for version in ["v0.1.0", "v2.0.0", "v2.0.0+incompatible", "v2.0.0+meta"] {
                check(&format!("x.y/{element}"), version);
                check(&format!("x.y/{element}/v2"), version);
                check(&format!("{element}/yaml.v2"), version);
            }
        }
        assert!(plain > 10_000, "{plain}");
    }

    proptest! {
        #[test]
        fn what_is_plain_follows_the_rules_whatever_it_is_made_of(
            path in "(x\\.y|gopkg\\.in|[a-z.-]{1,5})(/(v[0-9.]{1,3}|[a-zA-Z0-9._~-]{1,6}|con|aux\\.)){0,3}",
            version in "v(0|1|2|[0-9]{1,2})\\.[0-9]{1,2}\\.[0-9]{1,2}(-[0-9a-zA-Z.-]{1,8})?(\\+incompatible|\\+[a-z]{1,3})?",
        ) {
            prop_assert!(!is_plain(&path, &version) || go_together(&path, &version));
        }
    }
}
