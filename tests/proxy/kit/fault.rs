//! Which answers of a mirror are spoilt, and how.

use super::gate::Gate;
use super::hostile::Bomb;

/// One way to be wrong. Faults that strike the same answer work on it in the order in which they were given.
#[derive(Clone, Debug)]
pub enum Fault {
    /// a zip with one thing changed
    Zip(Tamper),
    /// the true answer to another path: one module's bytes as another's
    Swap(String),
    /// these bytes
    Replace(Vec<u8>),
    /// a page of HTML, as 200
    Html,
    /// no bytes, as 200
    Empty,
    /// a go.mod that requires one module more
    WrongGoMod,
    /// `.info` of another version: the tag has moved
    MovedTag(String),
    /// a status with a text of its own
    Status(u16, String),
    /// a status with this `Retry-After`
    RetryAfter(u16, String),
    /// 302 to a URL, with a page of HTML
    Redirect(String),
    /// 401, but for requests with this `Authorization`
    Guard(String),
    /// Content-Length of the whole, half of the bytes, the end of the connection
    Truncated,
    /// half of the bytes, and a Content-Length that says so
    Short,
    /// 501 MiB that are made while they are sent; with a Content-Length or without
    Oversized {
        /// with a Content-Length
        declared: bool,
    },
    /// the connection stays, and nothing comes after this many bytes of the body; `None`: nothing at all. The client may leave
    Hang(Option<u64>),
    /// the connection is reset after this many bytes of the body; `None`: at once
    Reset(Option<u64>),
    /// nothing comes before the gate lets a byte pass
    Hold(Gate),
    /// the head comes at once, and of the body what the gate lets pass
    Drip(Gate),
    /// `Range` is ignored
    NoRange,
    /// the answer to a `Range` begins a byte late and says that it does not
    WrongRange,
    /// another ETag with every answer
    RestlessEtag,
    /// no Content-Length: the end of the connection ends the body
    NoLength,
    /// gzip, and a Content-Encoding that says so
    Gzip,
    /// a Content-Encoding that says gzip, and no gzip
    FalseGzip,
    /// one header more, or another value for one
    Header(String, String),
    /// a header of this many bytes
    LongHeader(usize),
}

/// What is changed in a zip, which stays a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// one bit of one file
    FlipBit,
    /// a file more
    AddFile,
    /// a file less
    RemoveFile,
    /// another file's name ends in upper case: `A.go` beside `a.go`
    CaseClash,
    /// a file `M@V/../../escaped.go`
    ParentName,
    /// a file `/escaped.go`
    AbsoluteName,
    /// a file of another module's name
    ForeignName,
    /// bytes before and after the zip, which readers pass over
    Wrapped,
    /// the same files, deflated anew in another order: another zip of the same hash, and nothing wrong with it
    Repacked,
    /// a small zip of large files
    Bomb(Bomb),
}

/// A fault, and where and how often it strikes.
pub(super) struct Strike {
    pub(super) pattern: String,
    pub(super) fault: Fault,
    /// answers that it lets pass first
    pub(super) skip: usize,
    /// answers that it then spoils
    pub(super) left: usize,
}

impl Strike {
    /// Whether it strikes this request; counts.
    pub(super) fn strikes(&mut self, path: &str) -> bool {
        if !matches(&self.pattern, path) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let strikes = self.left > 0;
        self.left = self.left.saturating_sub(1);
        strikes
    }
}

/// Whether `*` (any characters, slashes too) and letters fit the path.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(path) = path.strip_prefix(first) else { return false };
    (0..=path.len()).any(|at| path.is_char_boundary(at) && matches(rest, &path[at..]))
}
