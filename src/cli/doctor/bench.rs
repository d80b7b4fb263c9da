//! `gosumcheck doctor --bench`: module proxies measured and ranked, and the line that sets the best of them.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use super::super::output::{complain, say, tell};
use super::super::{DatabaseArgs, setup};
use super::{DoctorArgs, data, read, run_and_leave};
use crate::config::units;
use crate::config::{self, Sumdb, private, sumdb};
use crate::doctor::bench::{BenchPlan, BenchReport, DEFAULT_TIME, Looked, ProxyStanding, Row};
use crate::doctor::change;
use crate::fault::Fault;
use crate::report::{grouped, printable, write_json};
use crate::sumdb::module::Patterns;
use crate::upstream::Settings;

/// For a connection, TLS included: a person waits, and a proxy that takes longer is none to recommend.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// Without a byte.
const SILENCE: Duration = Duration::from_secs(15);
/// Requests to the database at once.
const JOBS: u16 = 16;
/// Columns of the longest URL in the table.
const URL_COLUMNS: usize = 48;

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Measure the proxies in GOPROXY and the well-known public ones, by well-known modules that the database proves, and rank them;
    /// with --fix or --write, the setting of the best
    #[arg(long, conflicts_with_all = ["offline", "undo"])]
    bench: bool,
    /// With --bench: measure this proxy and the others that are named so, and none else (repeatable)
    #[arg(long, value_name = "URL", requires = "bench")]
    proxy: Vec<String>,
    /// With --bench: ask for this module version in place of the well-known ones (repeatable); every proxy learns its name
    #[arg(long, value_name = "MODULE@VERSION", requires = "bench")]
    sample: Vec<String>,
    /// How long all requests together may take [default: 20s; with --bench, 90s]
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["offline", "undo"], value_parser = timeout)]
    pub(super) timeout: Option<Duration>,
}

/// A time in which something can be measured.
fn timeout(text: &str) -> Result<Duration, String> {
    let time = units::duration(text)?;
    let is_sane = (Duration::from_secs(1)..=Duration::from_secs(60 * 60)).contains(&time);
    if is_sane { Ok(time) } else { Err("should be between 1s and 1h".to_owned()) }
}

impl BenchArgs {
    /// Whether it was asked for.
    pub(super) fn is_on(&self) -> bool {
        self.bench
    }
}

/// Measures; gives the exit code.
pub(super) fn run(args: &DoctorArgs) -> Result<u8, Fault> {
    let machine = read();
    // What nothing proves cannot be told from wrong bytes: GOSUMDB=off is not followed here.
    let off = matches!(machine.go.sumdb(), Ok(Sumdb::Off)).then(|| sumdb::DEFAULT.to_owned());
    let setup = setup::prepare(&database_args(args, off))?;
    let time = args.bench.timeout.unwrap_or(DEFAULT_TIME);
    // A name that is kept from anybody is kept from those who are measured.
    let private = Patterns::parse(&private::of_go(&machine.go.private_from_anybody()).patterns);
    let plan = BenchPlan::new(&machine.go, &args.bench.proxy, &args.bench.sample, &private, time)?;
    let netrc = config::netrc_file(|name| std::env::var(name).ok());
    let limits = Settings {
        connect: CONNECT,
        silence: SILENCE,
        total: time,
        file_total: time,
        tries: super::TRIES,
        ..Settings::default()
    };
    let settings = Settings { netrc, ..limits };
    let measured = run_and_leave(async {
        let looked = Looked::at(&plan, &setup.name, &settings).await;
        let database = setup.database_by(&looked.relays())?;
        looked.finish(&plan, &machine, &database, &settings).await
    })?;
    let report = match measured {
        Ok(report) => report,
        Err(fault) => {
            complain(&fault);
            return Ok(fault.exit_code());
        }
    };
    if args.write {
        return write(args, &report);
    }
    if args.fix {
        tell(|out| lines(out, &report))?;
        return Ok(if report.recommended.is_some() { 0 } else { report.exit_code() });
    }
    match args.format.as_str() {
        "json" => tell(|out| write_json(&report, out))?,
        _ => tell(|out| show(out, &report))?,
    }
    Ok(report.exit_code())
}

fn database_args(args: &DoctorArgs, sumdb: Option<String>) -> DatabaseArgs {
    DatabaseArgs {
        sumdb,
        sumdb_url: Vec::new(),
        upstream: Vec::new(),
        private: None,
        data: args.data.clone(),
        policy: None,
        distributor: Vec::new(),
        pin_head: Vec::new(),
        offline: false,
        jobs: JOBS,
        request_rate: None,
    }
}

/// Runs the lines that can be run, and prints all.
fn write(args: &DoctorArgs, report: &BenchReport) -> Result<u8, Fault> {
    let planned = change::planned(report.setting.fix().iter());
    if !planned.is_empty() {
        change::write(&planned, &read(), &data(args)?)?;
    }
    tell(|out| lines(out, report))?;
    let rest = report.setting.fix().len() > planned.len();
    say(match (planned.is_empty(), rest) {
        (true, true) => "nothing was written: the environment is for its owner to change",
        (true, false) => "nothing was written",
        (false, true) => {
            "written, apart from what stands in the environment; `gosumcheck doctor --undo` puts back what was there"
        }
        (false, false) => "written; `gosumcheck doctor --undo` puts back what was there",
    });
    Ok(if report.recommended.is_some() { 0 } else { report.exit_code() })
}

/// The lines that set the best proxy, below what they are for.
fn lines(out: &mut dyn Write, report: &BenchReport) -> io::Result<()> {
    writeln!(out, "# {}", printable(&verdict(report)))?;
    report.setting.fix().iter().try_for_each(|fix| writeln!(out, "{}", printable(&fix.to_string())))
}

/// What follows, in words.
fn verdict(report: &BenchReport) -> String {
    match (&report.recommended, &report.left) {
        (Some(proxy), _) if report.setting.fix().is_empty() => format!("{proxy} is the best of them, and set already"),
        (Some(proxy), _) => format!("{proxy} is the best of them"),
        (None, why) => why.clone().unwrap_or_default(),
    }
}

/// The table, for people.
fn show(out: &mut dyn Write, report: &BenchReport) -> io::Result<()> {
    let tree = report.tree.map_or_else(|| "no tree".to_owned(), |tree| format!("tree {}", grouped(tree)));
    writeln!(out, "{}, {tree}, proves what they send of:", printable(&report.database))?;
    for sample in &report.samples {
        let why = sample.unproven.as_ref().map(|why| format!(" (not proven: {why})")).unwrap_or_default();
        writeln!(out, "  {}", printable(&format!("{}{why}", sample.module)))?;
    }
    let longest = report.proxies.iter().map(|row| row.url.len()).max().unwrap_or(0);
    let width = longest.clamp("proxy".len(), URL_COLUMNS);
    writeln!(
        out,
        "\n    {:width$}  {:9}  {:>7}  {:>8}  {:>7}  {:>7}  {:>7}  {:>5}  {:>4}  {:5}  files",
        "proxy", "standing", "first", "MB/s", "dns", "connect", "tls", "cert", "h2", "relay"
    )?;
    for row in &report.proxies {
        writeln!(out, "{}", line(row, width))?;
        for remark in &row.remarks {
            writeln!(out, "      {}", printable(remark))?;
        }
    }
    writeln!(out, "\n{}", printable(&verdict(report)))?;
    report.setting.fix().iter().try_for_each(|fix| writeln!(out, "  {}", printable(&fix.to_string())))
}

/// One row; times in milliseconds, the certificate in days.
fn line(row: &Row, width: usize) -> String {
    let ms = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"));
    let yes = |is: Option<bool>| is.map_or("-", |is| if is { "yes" } else { "no" });
    let files = row.proven + row.lacking + row.wrong;
    let speed = row.bytes_per_second.map(|speed| format!("{}.{:02}", speed / 1_000_000, speed % 1_000_000 / 10_000));
    let standing = match row.standing {
        ProxyStanding::Sound => "sound",
        ProxyStanding::Usable => "usable",
        ProxyStanding::Unproven => "unproven",
        ProxyStanding::Dead => "dead",
        ProxyStanding::Dishonest => "DISHONEST",
    };
    format!(
        "{:>3} {:width$}  {standing:9}  {:>7}  {:>8}  {:>7}  {:>7}  {:>7}  {:>5}  {:>4}  {:5}  {}/{files}",
        row.rank,
        printable(&row.url),
        ms(row.first_byte_ms),
        speed.unwrap_or_else(|| "-".to_owned()),
        ms(row.dns_ms),
        ms(row.connect_ms),
        ms(row.tls_ms),
        row.certificate_days.map_or_else(|| "-".to_owned(), |days| days.to_string()),
        yes(row.http2),
        yes(row.relays),
        row.proven,
    )
}
