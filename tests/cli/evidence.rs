//! `verify-evidence`: a report is found in whatever a build's log put around it, and nothing before it hides it.

use gosumcheck::sumdb::checkpoint::{Checkpoint, Policy};
use gosumcheck::sumdb::evidence::Evidence;
use gosumcheck::sumdb::note::VerifierKey;

use crate::world::World;

/// Two heads of one size that a log signed, and the world that knows its key.
fn fork() -> (World, String) {
    let world = World::new();
    let policy = Policy::log(VerifierKey::parse(&world.log.vkey()).unwrap());
    let head = || Checkpoint::open(world.log.head(100).as_bytes(), &policy).unwrap();
    let one = head();
    world.log.fork(50);
    let evidence = Evidence::of_one_size(&one, &head()).unwrap().to_string();
    (world, evidence)
}

#[test]
fn a_fake_title_does_not_hide_a_real_report() {
    let (world, report) = fork();
    let title = "SECURITY ERROR\ngo.sum database server misbehavior detected!\n\n";
    let fakes = [
        title.to_owned(),
        "SECURITY ERROR\n".to_owned(),
        format!("{title}old database:\n\tnonsense\n"),
        format!("{title}old database:\n"),
        format!("{title}old database:\n\ta\nnew database:\n\tb\nproof of misbehavior:\n\tc\n"),
        report.replace("\t100\n", "\t101\n") + "\n",
        format!("verifying x: {title}").repeat(1_000),
    ];
    for fake in fakes {
        world.machine.write("log.txt", format!("{fake}{report}\nmake: *** [build] Error 1\n"));
        world.run(&["verify-evidence", "log.txt"]).says(3, &["misbehaved", "tree of size 100"]).quiet();
    }
    world.machine.write("log.txt", [b"\xff\xfe not text\n", report.as_bytes()].concat());
    world.run(&["verify-evidence", "log.txt"]).says(3, &["misbehaved"]).quiet();
    world.machine.write("log.txt", title.repeat(3));
    world
        .run(&["verify-evidence", "log.txt"])
        .complains(2, &["log.txt", "holds no valid evidence", "none of the 3 reports in it"]);
}

#[test]
fn a_report_in_the_log_of_a_build_service_is_read() {
    let (world, report) = fork();
    let by_line = |prefix: &dyn Fn(usize) -> String| -> String {
        let lines = report.lines().enumerate().map(|(at, line)| format!("{}{line}\n", prefix(at)));
        lines.collect()
    };
    let stamps = by_line(&|at| format!("2026-11-27T13:52:{:02}.{:07}Z ", at % 60, at * 7919));
    for text in [
        format!("{report}\n").replace('\n', "\r\n"),
        by_line(&|_| "#12 | ".to_owned()),
        by_line(&|_| "    ".to_owned()),
        by_line(&|_| "> ".to_owned()),
        stamps.replace('\n', "\r\n"),
        // Mail and editors take blanks from the ends of lines.
        stamps.lines().map(|line| format!("{}\n", line.trim_end())).collect(),
        format!("{}{stamps}", by_line(&|_| "> ".to_owned()).replace("\t100\n", "\t101\n")),
        stamps,
    ] {
        world.machine.write("log.txt", format!("go: downloading\r\n{text}done\n"));
        world.run(&["verify-evidence", "log.txt"]).says(3, &["misbehaved", "tree of size 100"]).quiet();
    }
}
