//! Anomalies: records that a checksum database should not have, which an auditor would ask about. They are stored in the index, and
//! each is reported once; none of them stops a mirror.

use std::fmt;

use rusqlite::{Connection, params};

/// Anomalies of one kind that are stored. A log in which each of 50 million records is one must not fill the disk.
pub const MAX_OF_A_KIND: u64 = 100_000;
/// What the table says of two records with one text, and of two with different hashes.
const SAME: &str = "same";
const DIFFERENT: &str = "different";

/// An anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anomaly {
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
    CaseCollision {
        /// a record about the one path
        first: u64,
        /// the first record about the other
        second: u64,
        /// the two paths
        paths: [String; 2],
    },
    /// More anomalies of a kind than are stored.
    More {
        /// which kind
        kind: AnomalyKind,
    },
}

/// The kinds of anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnomalyKind {
    /// [`Anomaly::Duplicate`]
    Duplicate,
    /// [`Anomaly::Malformed`]
    Malformed,
    /// [`Anomaly::CaseCollision`]
    CaseCollision,
}

impl Anomaly {
    /// Which kind it is of.
    pub fn kind(&self) -> AnomalyKind {
        match self {
            Anomaly::Duplicate { .. } => AnomalyKind::Duplicate,
            Anomaly::Malformed { .. } => AnomalyKind::Malformed,
            Anomaly::CaseCollision { .. } => AnomalyKind::CaseCollision,
            Anomaly::More { kind } => *kind,
        }
    }

    /// The newest record that it is about.
    pub fn newest(&self) -> u64 {
        match self {
            Anomaly::Duplicate { second, .. } | Anomaly::CaseCollision { second, .. } => *second,
            Anomaly::Malformed { id, .. } => *id,
            Anomaly::More { .. } => u64::MAX,
        }
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Anomaly::Duplicate { first, second, module, same: true } => {
                write!(f, "records {first} and {second} are the same: {module} stands in the log twice")
            }
            Anomaly::Duplicate { first, second, module, same: false } => {
                write!(f, "records {first} and {second} give {module} different hashes: the log answered twice")
            }
            Anomaly::Malformed { id, why } => write!(f, "record {id} is not a record of a checksum database: {why}"),
            Anomaly::CaseCollision { first, second, paths: [one, other] } => {
                write!(f, "{one} (record {first}) and {other} (record {second}) differ in case only")
            }
            Anomaly::More { kind } => {
                write!(f, "more than {MAX_OF_A_KIND} findings of one kind ({}): no more are kept", kind.name())
            }
        }
    }
}

impl AnomalyKind {
    fn name(self) -> &'static str {
        match self {
            AnomalyKind::Duplicate => "duplicate",
            AnomalyKind::Malformed => "malformed",
            AnomalyKind::CaseCollision => "case-twin",
        }
    }
}

const KINDS: [AnomalyKind; 3] = [AnomalyKind::Duplicate, AnomalyKind::Malformed, AnomalyKind::CaseCollision];

/// `one` and `other`: of a duplicate, the module version and whether both are the same; of a malformed record, why; of
/// twins, the two paths. `first` is NULL where there are more than are kept.
pub(super) const TABLE: &str = "
CREATE TABLE oddity (
    kind TEXT NOT NULL, first INTEGER, second INTEGER, one TEXT NOT NULL, other TEXT NOT NULL
) STRICT;
CREATE INDEX oddity_what ON oddity (kind, one, other);";

/// Stores anomalies, and collects those that are new.
#[derive(Debug)]
pub(super) struct AnomalyTable {
    kept: [u64; 3],
    /// those that were not stored before
    pub(super) news: Vec<Anomaly>,
}

impl AnomalyTable {
    pub(super) fn open(db: &Connection) -> rusqlite::Result<AnomalyTable> {
        let mut kept = [0; 3];
        let mut counted = db.prepare("SELECT kind, count(*) FROM oddity GROUP BY kind")?;
        let mut rows = counted.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, count): (String, i64) = (row.get(0)?, row.get(1)?);
            let slots = KINDS.into_iter().zip(&mut kept).filter(|(known, _)| known.name() == kind);
            slots.for_each(|(_, slot)| *slot = u64::try_from(count).unwrap_or(u64::MAX));
        }
        Ok(AnomalyTable { kept, news: Vec::new() })
    }

    /// Stores an anomaly, unless it is stored already or exceeds [`MAX_OF_A_KIND`].
    pub(super) fn keep(&mut self, db: &Connection, anomaly: Anomaly) -> rusqlite::Result<()> {
        let kind = anomaly.kind();
        let Some((_, kept)) = KINDS.into_iter().zip(&mut self.kept).find(|(known, _)| *known == kind) else {
            return Ok(());
        };
        if *kept > MAX_OF_A_KIND || known(db, &anomaly)? {
            return Ok(());
        }
        let anomaly = if *kept == MAX_OF_A_KIND { Anomaly::More { kind } } else { anomaly };
        insert(db, &anomaly)?;
        *kept += 1;
        self.news.push(anomaly);
        Ok(())
    }
}

/// A case collision is found again with every version of its paths that is appended.
fn known(db: &Connection, anomaly: &Anomaly) -> rusqlite::Result<bool> {
    let Anomaly::CaseCollision { paths: [one, other], .. } = anomaly else { return Ok(false) };
    let sql = "SELECT 1 FROM oddity WHERE kind = ?1 AND one = ?2 AND other = ?3";
    let mut known = db.prepare_cached(sql)?;
    let name = AnomalyKind::CaseCollision.name();
    Ok(known.exists(params![name, one, other])? || known.exists(params![name, other, one])?)
}

fn insert(db: &Connection, anomaly: &Anomaly) -> rusqlite::Result<()> {
    let number = |id: u64| i64::try_from(id).ok();
    let (first, second, one, other) = match anomaly {
        Anomaly::Duplicate { first, second, module, same } => {
            (number(*first), number(*second), module.as_str(), if *same { SAME } else { DIFFERENT })
        }
        Anomaly::Malformed { id, why } => (number(*id), None, why.as_str(), ""),
        Anomaly::CaseCollision { first, second, paths: [one, other] } => {
            (number(*first), number(*second), one.as_str(), other.as_str())
        }
        Anomaly::More { .. } => (None, None, "", ""),
    };
    let sql = "INSERT INTO oddity (kind, first, second, one, other) VALUES (?1, ?2, ?3, ?4, ?5)";
    db.prepare_cached(sql)?.execute(params![anomaly.kind().name(), first, second, one, other]).map(drop)
}

/// All that are kept, in the order in which they were found.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Anomaly>> {
    let mut rows = db.prepare("SELECT kind, first, second, one, other FROM oddity ORDER BY rowid")?;
    let found = rows.query_map([], |row| {
        let number = |column: usize| -> rusqlite::Result<_> {
            Ok(row.get::<_, Option<i64>>(column)?.and_then(|id| u64::try_from(id).ok()))
        };
        let (name, first, second): (String, _, _) = (row.get(0)?, number(1)?, number(2)?);
        let (one, other): (String, String) = (row.get(3)?, row.get(4)?);
        let kind = KINDS.into_iter().find(|kind| kind.name() == name);
        Ok(match (kind, first, second) {
            (Some(AnomalyKind::Duplicate), Some(first), Some(second)) => {
                Anomaly::Duplicate { first, second, module: one, same: other == SAME }
            }
            (Some(AnomalyKind::CaseCollision), Some(first), Some(second)) => {
                Anomaly::CaseCollision { first, second, paths: [one, other] }
            }
            (Some(AnomalyKind::Malformed), Some(id), _) => Anomaly::Malformed { id, why: one },
            (Some(kind), None, None) => Anomaly::More { kind },
            _ => return Err(rusqlite::Error::InvalidQuery),
        })
    })?;
    found.collect()
}
