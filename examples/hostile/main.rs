//! `hostile`: clients that attack a server on this machine, and one beside them that only wants its modules. For bench/hostile.sh and
//! bench/limits.sh.

mod attacks;
mod victim;
mod wire;

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use attacks::Windows;
use clap::{Parser, Subcommand};
use victim::{Waits, Wishes};

/// Attacks a server on loopback, or measures what another client waits meanwhile.
#[derive(Parser)]
struct Arguments {
    /// The server; only loopback addresses are attacked
    #[arg(long)]
    to: SocketAddr,
    /// The address to come from
    #[arg(long, default_value = "127.0.0.1")]
    from: IpAddr,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Ask for unknown modules, and go away at once
    Abandon { count: usize },
    /// Ask for as many different absent paths
    Absent { count: usize, length: usize },
    /// HTTP/2 connections that take nothing, and ping
    Windows { clients: usize, streams: u32, window: u32, path: String, seconds: u64 },
    /// Connections that send their request byte by byte
    Trickle { sockets: usize, seconds: u64 },
    /// Connections that send nothing
    Idle { sockets: usize, seconds: u64 },
    /// Connections that read the answer byte by byte
    Sip { sockets: usize, path: String, seconds: u64 },
    /// Requests as fast as they are answered, over connections that stay open
    Flood {
        path: String,
        connections: usize,
        seconds: u64,
        #[arg(long)]
        authorization: Option<String>,
    },
    /// The other client: a warm file every 10 ms, over a new connection each time
    Wait { path: String, seconds: u64 },
    /// The other client: a warm file again and again, and new modules
    Probe {
        warm: String,
        /// Before the number of a new module, as in /example.com/m50000/n
        new: String,
        first: usize,
        seconds: u64,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.to.ip().is_loopback() {
        let _ = writeln!(io::stderr(), "hostile: {} is not a loopback address", arguments.to);
        return ExitCode::from(2);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let told = runtime.map(|runtime| runtime.block_on(run(&arguments)));
    match told.and_then(|told| writeln!(io::stdout(), "{told}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "hostile: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: &Arguments) -> String {
    let (to, from) = (arguments.to, arguments.from);
    match &arguments.what {
        What::Abandon { count } => format!("{} requests abandoned", attacks::abandon(to, from, *count).await),
        What::Absent { count, length } => {
            format!("{} absent paths answered", attacks::absent(to, from, *count, *length).await)
        }
        What::Windows { clients, streams, window, path, seconds } => {
            let attack = Windows { clients: *clients, streams: *streams, window: *window, path };
            let ended = attacks::windows(to, from, &attack, Duration::from_secs(*seconds)).await;
            format!("{ended} of {clients} connections ended by the server")
        }
        What::Trickle { sockets, seconds } => {
            let closed = attacks::trickle(to, from, *sockets, Duration::from_secs(*seconds)).await;
            format!("{closed} slow connections closed by the server")
        }
        What::Idle { sockets, seconds } => {
            let closed = attacks::idle(to, from, *sockets, Duration::from_secs(*seconds)).await;
            format!("{closed} silent connections closed by the server")
        }
        What::Sip { sockets, path, seconds } => {
            let closed = attacks::sip(to, from, *sockets, path, Duration::from_secs(*seconds)).await;
            format!("{closed} slow readers closed by the server")
        }
        What::Flood { path, connections, seconds, authorization } => {
            let load = (*connections, Duration::from_secs(*seconds));
            let flooded = victim::flood(to, from, path, load, authorization.as_deref()).await;
            format!("{} {} {}", flooded.accepted, flooded.refused, flooded.others)
        }
        What::Wait { path, seconds } => {
            let (every, time) = (Duration::from_millis(10), Duration::from_secs(*seconds));
            line("wait", &victim::wait(to, from, path, every, time).await)
        }
        What::Probe { warm, new, first, seconds } => {
            let wishes = Wishes { warm, new, first: *first };
            let (every, time) = (Duration::from_millis(100), Duration::from_secs(*seconds));
            let (warm, new) = victim::probe(to, from, &wishes, every, time).await;
            format!("{}\n{}", line("warm", &warm), line("new", &new))
        }
    }
}

/// `NAME REQUESTS FAILED P50 P99 MAX`, in seconds.
fn line(name: &str, waits: &Waits) -> String {
    let [half, most, all] = [50, 99, 100].map(|percent| waits.percentile(percent).as_secs_f64());
    format!("{name} {} {} {half:.4} {most:.4} {all:.4}", waits.took.len(), waits.failed)
}
