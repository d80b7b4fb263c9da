//! `fakelog`: a synthetic checksum database on a port. Prints `vkey: <verifier key>` as its first line when it is ready.

mod fake;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{error, fs};

use clap::{Parser, ValueEnum};
use fake::{Ending, FakeSumdb, Fault};

/// Serves a synthetic Go checksum database, honest or not.
#[derive(Parser)]
struct Arguments {
    /// Records in the log
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    records: u64,
    /// What names, hashes and the key are derived from
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: String,
    /// The database's name
    #[arg(long, default_value = fake::DEFAULT_NAME)]
    name: String,
    /// Sign only the first N0 records; POST /grow?to=N signs more
    #[arg(long, value_name = "N0")]
    size: Option<u64>,
    /// Newlines at the end of a data tile: one as sum.golang.org, two as x/mod's server
    #[arg(long, value_enum, default_value = "one")]
    ending: EndingArgument,
    /// Spoil answers (repeatable): KIND[:ARGUMENT][:PATH][,times=N][,after=N]; examples/fakelog/fake/fault.rs lists them
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// Make the log of the lines of a go.sum file
    #[arg(long, value_name = "FILE", conflicts_with = "records")]
    from_gosum: Option<PathBuf>,
    /// Write a go.sum of the log's lines before serving
    #[arg(long, value_name = "FILE")]
    gosum: Option<PathBuf>,
    /// Lines of that go.sum
    #[arg(long, default_value_t = 1000, value_name = "N")]
    lines: usize,
    /// Write latest, data tiles and the hash tiles above level 0 below DIR, and serve nothing
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// With --dump: the hash tiles of level 0 too
    #[arg(long, requires = "dump")]
    dump_leaves: bool,
    /// With --dump: so many lookups too
    #[arg(long, requires = "dump", value_name = "N", default_value_t = 0)]
    dump_lookups: u64,
    /// Print each request to standard error
    #[arg(long)]
    log: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum EndingArgument {
    One,
    Two,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "fakelog: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn error::Error>> {
    let started = Instant::now();
    let database = build(&arguments)?;
    let built = started.elapsed();
    database.log_requests(false);
    database.set_ending(match arguments.ending {
        EndingArgument::One => Ending::One,
        EndingArgument::Two => Ending::Two,
    });
    if let Some(size) = arguments.size {
        if !database.can_grow(size) {
            return Err(format!("--size {size}: the log has {} records", database.size()).into());
        }
        database.grow(size);
    }
    if let Some(file) = &arguments.gosum {
        let text = fake::write_gosum(&database, arguments.lines, arguments.seed);
        fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    if let Some(dir) = &arguments.dump {
        let extra = fake::Extra { leaves: arguments.dump_leaves, lookups: arguments.dump_lookups };
        let files = fake::dump(&database, dir, extra).map_err(|e| format!("{}: {e}", dir.display()))?;
        let (vkey, size) = (database.vkey(), database.size());
        writeln!(io::stdout(), "vkey: {vkey}\nsize: {size}\nfiles: {files}")?;
        return Ok(());
    }
    for fault in arguments.fault {
        database.add_fault(fault)?;
    }
    let served = database
        .serve_on(&arguments.listen, arguments.log)
        .map_err(|e| format!("--listen {}: {e}", arguments.listen))?;
    let mut out = io::stdout().lock();
    writeln!(out, "vkey: {}", database.vkey())?;
    writeln!(out, "url: {}", served.url())?;
    writeln!(out, "proxy: {}/sumdb/{}", served.url(), database.name())?;
    writeln!(out, "size: {}", database.size())?;
    writeln!(out, "built: {:.2} s", built.as_secs_f64())?;
    out.flush()?;
    drop(out);
    served.wait();
    Ok(())
}

fn build(arguments: &Arguments) -> Result<FakeSumdb, Box<dyn error::Error>> {
    let Some(file) = &arguments.from_gosum else {
        return Ok(FakeSumdb::named(&arguments.name, arguments.records, arguments.seed));
    };
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(FakeSumdb::with_records(&arguments.name, &fake::read_gosum(&text), arguments.seed))
}
