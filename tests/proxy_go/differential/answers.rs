//! The generated answers: statuses, bodies, headers, endpoints, and who says them. The same on every machine.

use crate::kit::Fault;

/// A version without a tag.
const PSEUDO: &str = "v0.0.0-20260102030405-0123456789ab";
/// A version with one.
const TAGGED: &str = "v1.0.0";

/// Statuses of which all but 200 fail; 404 and 410 are absences.
const STATUSES: [u16; 20] =
    [201, 204, 206, 304, 400, 401, 402, 403, 404, 405, 406, 410, 418, 422, 429, 451, 500, 502, 503, 504];
/// Bodies of `.info`, `@latest` and branches; VERSION stands for the right version.
const INFOS: [&str; 20] = [
    r#"{"Version":"VERSION"}"#,
    r#"{"version":"VERSION","TIME":"2024-01-02T03:04:05Z"}"#,
    r#"{"Version":"VERSION","Time":"2024-01-02T03:04:05.123456789+02:00","Later":[1]}"#,
    r#"{"Version":"VERSION","Time":"2024-01-02 03:04:05"}"#,
    r#"{"Version":"VERSION","Time":17}"#,
    r#"{"Version":"VERSION","Time":null,"Origin":null}"#,
    r#"{"Version":"VERSION","Time":"2024-13-40T00:00:00Z"}"#,
    r#"{"Version":"VERSION","Time":""}"#,
    r#"{"Version":"v9.9.9","Version":"VERSION"}"#,
    r#"{"Version":"VERSION","Version":7}"#,
    r#"{"Version":"VERSION","Origin":"git"}"#,
    r#"{"Version":"VERSION","Origin":{"VCS":"git","URL":"https://example.com/x","Ref":"refs/tags/v1.0.0"}}"#,
    r#"{"Version":"VERSION","Origin":[]}"#,
    r#"{"Version":"VERSION"} more"#,
    r#"{"Version":"VERSION""#,
    "[]",
    "\"VERSION\"",
    "",
    "<!DOCTYPE html>\n<html></html>\n",
    "\u{feff}{\"Version\":\"VERSION\"}",
];
/// Bodies of a list.
const LISTS: [&str; 10] = [
    "v1.0.0\r\n",
    "v1.0.0 2024-01-02T03:04:05Z\n",
    "v1.0.0\n\n\nv1.0.0\n",
    "  v1.0.0  \nmaster\n",
    "v0.0.0-20260102030405-0123456789ab\nv1.0.0\n",
    "v1.0.0",
    "not a version\nv1.0.0\n",
    "V1.0.0\nv1.0.0\n",
    "v2.0.0\nv1.0.0\n",
    "<!DOCTYPE html>\n<html></html>\n",
];
/// Codings that an answer says that it has, and has not.
const CODINGS: [&str; 4] = ["identity", "utf-8", "aws-chunked", "br"];

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Info,
    GoMod,
    Zip,
    List,
    Latest,
    Branch,
}

const ENDPOINTS: [Endpoint; 6] =
    [Endpoint::Info, Endpoint::GoMod, Endpoint::Zip, Endpoint::List, Endpoint::Latest, Endpoint::Branch];

impl Endpoint {
    /// The version of its module.
    pub(super) fn version(self) -> &'static str {
        if matches!(self, Endpoint::Latest | Endpoint::Branch) { PSEUDO } else { TAGGED }
    }

    /// Whether it is asked for a version.
    pub(super) fn is_of_version(self) -> bool {
        matches!(self, Endpoint::Info | Endpoint::GoMod | Endpoint::Zip)
    }

    fn is_file(self) -> bool {
        matches!(self, Endpoint::GoMod | Endpoint::Zip)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(super) enum Answered {
    Status(u16),
    Body(String),
    Gzip,
    FalseGzip,
    Coding(&'static str),
    Html,
    Empty,
    NoLength,
    Truncated,
    Reset,
}

impl Answered {
    pub(super) fn fault(&self) -> Fault {
        match self {
            Answered::Status(status) if matches!(status, 204 | 304) => Fault::Status(*status, String::new()),
            Answered::Status(status) => Fault::Status(*status, "words\n".to_owned()),
            Answered::Body(body) => Fault::Replace(body.clone().into_bytes()),
            Answered::Gzip => Fault::Gzip,
            Answered::FalseGzip => Fault::FalseGzip,
            Answered::Coding(coding) => Fault::Header("Content-Encoding".to_owned(), (*coding).to_owned()),
            Answered::Html => Fault::Html,
            Answered::Empty => Fault::Empty,
            Answered::NoLength => Fault::NoLength,
            Answered::Truncated => Fault::Truncated,
            Answered::Reset => Fault::Reset(None),
        }
    }

    /// Whether it is an HTML page.
    pub(super) fn is_page(&self) -> bool {
        matches!(self, Answered::Html) || matches!(self, Answered::Body(body) if body.starts_with('<'))
    }

    /// Whether it is a list of which not every line is a version of the module, or not once.
    pub(super) fn is_cleaned(&self) -> bool {
        matches!(self, Answered::Body(body) if body.contains("v2.0.0") || body.matches("v1.0.0\n").count() > 1)
    }

    /// Whether it breaks off, or is none.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Answered::FalseGzip | Answered::Truncated | Answered::Reset)
    }

    /// Whether it says that there is no such thing.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Answered::Status(404 | 410))
    }

    /// Whether it is a whole file, and not the right one.
    pub(super) fn is_wrong_file(&self, endpoint: Endpoint) -> bool {
        endpoint.is_file() && matches!(self, Answered::Html | Answered::Empty | Answered::Body(_))
    }
}

/// One answer, about a module of its own.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) module: String,
    pub(super) endpoint: Endpoint,
    pub(super) answer: Answered,
    pub(super) list: &'static str,
    /// whether A says it, and B
    pub(super) strikes: [bool; 2],
}

impl Case {
    /// What is asked for.
    pub(super) fn path(&self) -> String {
        let (module, version) = (&self.module, self.endpoint.version());
        match self.endpoint {
            Endpoint::Info => format!("{module}/@v/{version}.info"),
            Endpoint::GoMod => format!("{module}/@v/{version}.mod"),
            Endpoint::Zip => format!("{module}/@v/{version}.zip"),
            Endpoint::List => format!("{module}/@v/list"),
            Endpoint::Latest => format!("{module}/@latest"),
            Endpoint::Branch => format!("{module}/@v/master.info"),
        }
    }

    /// What go is asked for of the module.
    pub(super) fn query(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Branch => "master",
            Endpoint::List | Endpoint::Latest => "latest",
            Endpoint::Info | Endpoint::GoMod | Endpoint::Zip => self.endpoint.version(),
        }
    }
}

/// All that may be answered to a question.
fn answers(endpoint: Endpoint) -> Vec<Answered> {
    let bodies: &[&str] = match endpoint {
        Endpoint::Info | Endpoint::Latest | Endpoint::Branch => &INFOS,
        Endpoint::List => &LISTS,
        Endpoint::GoMod | Endpoint::Zip => &["module example.com/another\n"],
    };
    let mut answers: Vec<Answered> = STATUSES.into_iter().map(Answered::Status).collect();
    answers.extend(bodies.iter().map(|body| Answered::Body(body.replace("VERSION", endpoint.version()))));
    answers.extend(CODINGS.into_iter().map(Answered::Coding));
    let others = [
        Answered::Gzip,
        Answered::FalseGzip,
        Answered::Html,
        Answered::Empty,
        Answered::NoLength,
        Answered::Truncated,
        Answered::Reset,
    ];
    answers.extend(others);
    answers
}

/// Every answer to every question, dealt to the lists in turn; three in four are said by one upstream alone.
pub(super) fn cases(lists: &[&'static str]) -> Vec<Case> {
    let mut cases = Vec::new();
    for endpoint in ENDPOINTS {
        for (at, answer) in answers(endpoint).into_iter().enumerate() {
            for turn in 0..2 {
                let n = cases.len();
                let list = lists[(at + turn) % lists.len()];
                let both = (at / lists.len() + turn) % 4 == 3;
                let strikes = [both || list != "B,A", both || list == "B,A"];
                cases.push(Case {
                    module: format!("example.com/d{n}"),
                    endpoint,
                    answer: answer.clone(),
                    list,
                    strikes,
                });
            }
        }
    }
    cases
}
