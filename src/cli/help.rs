//! Help texts that stand below the arguments of a command: what its exit codes mean, and what it does to the data folder.

/// Help of the program.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  all proven
  1  findings: something differs from what the log says
  2  could not tell: wrong usage, a network or disk failure, or invalid data from a source
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2.";

/// Help of `--exclude`.
pub(super) const EXCLUDE: &str = "\
Do not search the folders and files below the PATHs that match this pattern, written as in .gitignore. Repeatable. Patterns can also \
stand in the file .gosumcheckignore of a PATH. The report names what was excluded";

/// Help of `verify`.
pub(super) const VERIFY_EXIT_CODES: &str = "\
Without --repair the data folder is only read, so a server may use it at the same time.

Exit codes:
  0  nothing is damaged, or all was repaired; also where there is nothing to check yet: an empty data folder, or a first sync that has not reached
     a signed tree head (what it has stored is checked)
  1  findings: stored data is damaged, or is not what the log says
  2  could not tell: wrong usage, no data folder, or a failure of the disk
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2.";

/// Help of `audit` and `verify-proof`.
pub(super) const AUDIT_EXIT_CODES: &str = "\
Exit codes:
  0  all proven, or exempt; also where there is no line to prove
  1  findings: something differs from what the log says, is not in the log, or is not a go.sum line; a vendor folder was altered
  2  could not tell: wrong usage, a network or disk failure, a file that could not be read, invalid data from a source, or a module
     that a program, an SBOM or a vendor folder names without its hash; also
     where the environment exempts all that could be proven (GOPRIVATE, GONOSUMDB), and --private does not
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2.";

/// Help of `lookup`.
pub(super) const LOOKUP_EXIT_CODES: &str = "\
Exit codes:
  0  all proven: the lines of all module versions are printed
  1  findings: a module version is not in the log
  2  could not tell: wrong usage, a network or disk failure, or invalid data from a source
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2.";

/// Help of `verify-evidence`.
pub(super) const EVIDENCE_EXIT_CODES: &str = "\
Exit codes:
  2  the file is not evidence, or cannot be read
  3  the evidence holds: the log misbehaved";

/// Help of `index`.
pub(super) const INDEX_EXIT_CODES: &str = "\
The index finds the record of a module version. It is derived from the full log and can be rebuilt at any time; no proof \
depends on it.

Exit codes:
  0  the index is up to date, and no new record is a finding; with --findings, the index holds none. Module paths that
     differ in case only are listed, and do not change the exit code
  1  the index is up to date, and new records repeat a module version or are malformed; with --findings, the index holds such
  2  the index or the full log could not be read or written";

/// Help of `serve`.
pub(super) const SERVE_EXIT_CODES: &str = "\
Use it from go:
  go env -w GOPROXY=http://127.0.0.1:3000 GOSUMDB=\"sum.golang.org http://127.0.0.1:3000\"

Every option is also an environment variable and a key in gosumcheck.toml. Options override variables, and variables override \
the file. A SIZE is written as in 500MB, 64MiB or 1.5GiB, a DURATION as in 30s, 5m, 1h30m or 2d.

Exit codes:
  0  stopped by a signal; with --check-config: the settings are valid
  2  an invalid setting, an address in use, or a data folder that cannot be read";

/// What `--policy` means to `verify`.
pub(super) const POLICY: &str =
    "Also require that the newest tree head is cosigned as this policy file says (C2SP tlog-policy)";
