//! What an auditor would ask about: records that a checksum database should not have. They are kept beside the index, and each
//! is told once; none of them stops a mirror.

use std::fmt;

use rusqlite::{Connection, params};

/// Findings of one kind that are kept. A log of 50 million records of which every one is odd must not fill the disk.
pub const MAX_OF_A_KIND: u64 = 100_000;
/// What the table says of two records with one text, and of two with different hashes.
const SAME: &str = "same";
const DIFFERENT: &str = "different";

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// Two records about one module version.
    Duplicate {
        /// the older record
        first: u64,
        /// the newer one
        second: u64,
        /// `PATH@VERSION`
        module: String,
        /// whether both say the same; if not, the log gave the world two answers
        same: bool,
    },
    /// A record that is not two well-formed lines about one module version.
    Malformed {
        /// its number
        id: u64,
        /// the rule that it breaks
        why: String,
    },
    /// Two module paths that differ in case only: on many systems and hosts they are one.
    CaseTwin {
        /// a record about the one path
        first: u64,
        /// the first record about the other
        second: u64,
        /// the two paths
        paths: [String; 2],
    },
    /// More findings of a kind than are kept.
    More {
        /// which kind
        kind: Kind,
    },
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Oddity::Duplicate`]
    Duplicate,
    /// [`Oddity::Malformed`]
    Malformed,
    /// [`Oddity::CaseTwin`]
    CaseTwin,
}

impl Oddity {
    /// Which kind it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Oddity::Duplicate { .. } => Kind::Duplicate,
            Oddity::Malformed { .. } => Kind::Malformed,
            Oddity::CaseTwin { .. } => Kind::CaseTwin,
            Oddity::More { kind } => *kind,
        }
    }

    /// The newest record that it is about.
    pub fn newest(&self) -> u64 {
        match self {
            Oddity::Duplicate { second, .. } | Oddity::CaseTwin { second, .. } => *second,
            Oddity::Malformed { id, .. } => *id,
            Oddity::More { .. } => u64::MAX,
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Oddity::Duplicate { first, second, module, same: true } => {
                write!(f, "records {first} and {second} are the same: {module} stands in the log twice")
            }
            Oddity::Duplicate { first, second, module, same: false } => {
                write!(f, "records {first} and {second} give {module} different hashes: the log answered twice")
            }
            Oddity::Malformed { id, why } => write!(f, "record {id} is no record of a checksum database: {why}"),
            Oddity::CaseTwin { first, second, paths: [one, other] } => {
                write!(f, "{one} (record {first}) and {other} (record {second}) differ in case only")
            }
            Oddity::More { kind } => {
                write!(f, "more than {MAX_OF_A_KIND} findings of one kind ({}): no more are kept", kind.name())
            }
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Duplicate => "duplicate",
            Kind::Malformed => "malformed",
            Kind::CaseTwin => "case-twin",
        }
    }
}

const KINDS: [Kind; 3] = [Kind::Duplicate, Kind::Malformed, Kind::CaseTwin];

/// `one` and `other`: of a duplicate, the module version and whether both are the same; of a malformed record, why; of
/// twins, the two paths. `first` is NULL where there are more than are kept.
pub(super) const TABLE: &str = "
CREATE TABLE oddity (
    kind TEXT NOT NULL, first INTEGER, second INTEGER, one TEXT NOT NULL, other TEXT NOT NULL
) STRICT;
CREATE INDEX oddity_what ON oddity (kind, one, other);";

/// Keeps findings, and remembers which of them are news.
#[derive(Debug)]
pub(super) struct Keeper {
    kept: [u64; 3],
    /// what was not known before
    pub(super) news: Vec<Oddity>,
}

impl Keeper {
    pub(super) fn open(db: &Connection) -> rusqlite::Result<Keeper> {
        let mut kept = [0; 3];
        let mut counted = db.prepare("SELECT kind, count(*) FROM oddity GROUP BY kind")?;
        let mut rows = counted.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, count): (String, i64) = (row.get(0)?, row.get(1)?);
            let slots = KINDS.into_iter().zip(&mut kept).filter(|(known, _)| known.name() == kind);
            slots.for_each(|(_, slot)| *slot = u64::try_from(count).unwrap_or(u64::MAX));
        }
        Ok(Keeper { kept, news: Vec::new() })
    }

    /// Keeps a finding, unless it is kept already or is one too many.
    pub(super) fn keep(&mut self, db: &Connection, oddity: Oddity) -> rusqlite::Result<()> {
        let kind = oddity.kind();
        let Some((_, kept)) = KINDS.into_iter().zip(&mut self.kept).find(|(known, _)| *known == kind) else {
            return Ok(());
        };
        if *kept > MAX_OF_A_KIND || known(db, &oddity)? {
            return Ok(());
        }
        let oddity = if *kept == MAX_OF_A_KIND { Oddity::More { kind } } else { oddity };
        insert(db, &oddity)?;
        *kept += 1;
        self.news.push(oddity);
        Ok(())
    }
}

/// Twins are found again with every version of theirs that is appended.
fn known(db: &Connection, oddity: &Oddity) -> rusqlite::Result<bool> {
    let Oddity::CaseTwin { paths: [one, other], .. } = oddity else { return Ok(false) };
    let sql = "SELECT 1 FROM oddity WHERE kind = ?1 AND one = ?2 AND other = ?3";
    let mut known = db.prepare_cached(sql)?;
    let name = Kind::CaseTwin.name();
    Ok(known.exists(params![name, one, other])? || known.exists(params![name, other, one])?)
}

fn insert(db: &Connection, oddity: &Oddity) -> rusqlite::Result<()> {
    let number = |id: u64| i64::try_from(id).ok();
    let (first, second, one, other) = match oddity {
        Oddity::Duplicate { first, second, module, same } => {
            (number(*first), number(*second), module.as_str(), if *same { SAME } else { DIFFERENT })
        }
        Oddity::Malformed { id, why } => (number(*id), None, why.as_str(), ""),
        Oddity::CaseTwin { first, second, paths: [one, other] } => {
            (number(*first), number(*second), one.as_str(), other.as_str())
        }
        Oddity::More { .. } => (None, None, "", ""),
    };
    let sql = "INSERT INTO oddity (kind, first, second, one, other) VALUES (?1, ?2, ?3, ?4, ?5)";
    db.prepare_cached(sql)?.execute(params![oddity.kind().name(), first, second, one, other]).map(drop)
}

/// All that are kept, in the order in which they were found.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Oddity>> {
    let mut rows = db.prepare("SELECT kind, first, second, one, other FROM oddity ORDER BY rowid")?;
    let found = rows.query_map([], |row| {
        let number = |column: usize| -> rusqlite::Result<_> {
            Ok(row.get::<_, Option<i64>>(column)?.and_then(|id| u64::try_from(id).ok()))
        };
        let (name, first, second): (String, _, _) = (row.get(0)?, number(1)?, number(2)?);
        let (one, other): (String, String) = (row.get(3)?, row.get(4)?);
        let kind = KINDS.into_iter().find(|kind| kind.name() == name);
        Ok(match (kind, first, second) {
            (Some(Kind::Duplicate), Some(first), Some(second)) => {
                Oddity::Duplicate { first, second, module: one, same: other == SAME }
            }
            (Some(Kind::CaseTwin), Some(first), Some(second)) => {
                Oddity::CaseTwin { first, second, paths: [one, other] }
            }
            (Some(Kind::Malformed), Some(id), _) => Oddity::Malformed { id, why: one },
            (Some(kind), None, None) => Oddity::More { kind },
            _ => return Err(rusqlite::Error::InvalidQuery),
        })
    })?;
    found.collect()
}
