//! Git repositories that tests make: a world with a git command, commits as `git fast-import` reads them, and what an audit of them
//! says.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kit::Spec;
use crate::world::World;

/// 2026-01-01, in seconds since 1970.
const START: u64 = 1_767_225_600;
const HOUR: u64 = 3_600;

pub fn world() -> Option<World> {
    let has_git = Command::new("git").arg("--version").output().is_ok();
    if !has_git {
        assert!(std::env::var_os("GOSUMCHECK_REQUIRE_GO").is_none(), "there is no git command");
        eprintln!("skipped: there is no git command");
        return None;
    }
    World::new(&(0..30).map(|number| Spec::new(&format!("a.example/m{number}"), "v1.0.0")).collect::<Vec<_>>())
}

pub fn git(world: &World, folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.home.path());
    command.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(folder).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Commits as `git fast-import` reads them, an hour apart.
#[derive(Default)]
pub struct Stream {
    text: String,
    pub commits: u64,
}

impl Stream {
    /// A commit of `author` on `branch`, on top of `parents`, with these changes; gives its mark.
    pub fn commit(&mut self, branch: &str, author: &str, parents: &[u64], files: &[(&str, &str)]) -> u64 {
        self.commits += 1;
        let (mark, time) = (self.commits, START + self.commits * HOUR);
        let text = &mut self.text;
        writeln!(text, "commit refs/heads/{branch}\nmark :{mark}").unwrap();
        writeln!(text, "author {author} <{author}@a.example> {time} +0100").unwrap();
        writeln!(text, "committer ci <ci@a.example> {time} +0000\ndata 1\nx").unwrap();
        for (number, parent) in parents.iter().enumerate() {
            writeln!(text, "{} :{parent}", if number == 0 { "from" } else { "merge" }).unwrap();
        }
        for (path, content) in files {
            match *content {
                "" => writeln!(text, "D {path}").unwrap(),
                "submodule" => writeln!(text, "M 160000 1111111111111111111111111111111111111111 {path}").unwrap(),
                content => {
                    let mode = if content.starts_with("../") { "120000" } else { "100644" };
                    writeln!(text, "M {mode} inline {path}\ndata {}\n{content}", content.len()).unwrap();
                }
            }
        }
        mark
    }

    /// `count` commits, each with another part of `lines` in `path`, and `more` behind it.
    pub fn run(&mut self, branch: &str, parent: u64, count: u64, path: &str, lines: &[String], more: &str) -> u64 {
        (0..count).fold(parent, |parent, number| {
            let skip = usize::try_from(number).unwrap() % (lines.len() - 1);
            let text: String = lines.iter().skip(skip).map(String::as_str).collect();
            self.commit(branch, "dev", &[parent], &[(path, &format!("{text}{more}"))])
        })
    }
}

pub fn time(mark: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(START + mark * HOUR).unwrap()).unwrap().to_string()
}

pub fn lines(world: &World) -> Vec<String> {
    world.site.corpus.go_sum().lines().map(|line| format!("{line}\n")).collect()
}

/// A bare repository of these commits.
pub fn import(world: &World, stream: &Stream) -> PathBuf {
    let path = world.home.path().join("bare.git");
    std::fs::create_dir(&path).unwrap();
    git(world, &path, &["init", "--quiet", "--bare", "--initial-branch=main"], b"");
    git(world, &path, &["fast-import", "--quiet"], stream.text.as_bytes());
    path
}

pub fn report(world: &World, arguments: &[&str]) -> (i32, Value) {
    let ran = world.audit(&[arguments, &["--format", "json"]].concat());
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err)))
}

/// The findings of a report: verdict and line.
pub fn findings(report: &Value) -> Vec<&Value> {
    let lines = report["files"].as_array().unwrap().iter().flat_map(|file| file["lines"].as_array().unwrap());
    lines.filter(|line| line["class"] == "finding").collect()
}
