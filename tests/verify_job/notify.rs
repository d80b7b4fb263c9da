//! Messages about a run: a real HTTP server, a sendmail that writes down what it gets, and a command.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::thread::{self, JoinHandle};

use gosumcheck::report::integrity::Flaw;
use serde_json::Value;

use super::command::Machine;
use super::log::World;
use super::machine;

/// A request as it came: its headers, in lower case, and its body.
struct Request {
    head: Vec<String>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A server that gives these answers, one a connection; what it was asked.
fn server(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/secret", listener.local_addr().unwrap());
    let serve = move || {
        let answer = |status: &&str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim_end().is_empty() {
                    break;
                }
                head.push(line.trim_end().to_owned());
            }
            let mut request = Request { head, body: String::new() };
            let length = request.header("content-length").unwrap().parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            request.body = String::from_utf8(body).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            request
        };
        answers.iter().map(answer).collect()
    };
    (url, thread::spawn(serve))
}

fn world() -> (World, Machine) {
    let world = World::new(600, &[600]);
    let machine = machine(&world);
    (world, machine)
}

fn damage(world: &World) {
    let mut records = world.bytes("records");
    records[70] ^= 1;
    world.put("records", &records);
}

fn hmac(key: &[u8], text: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    format!("sha256={}", hex::encode(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
}

#[test]
fn a_webhook_is_told_again_until_it_answers_and_can_check_who_speaks() {
    let (world, machine) = world();
    damage(&world);
    machine.write("key", "s3cret\n");
    let (url, asked) = server(&["503 Service Unavailable", "204 No Content"]);
    machine.run(&["verify", "--notify-webhook", &url, "--notify-key", "key"]).says(1, &["records-damaged"]);
    let asked = asked.join().unwrap();
    assert_eq!(asked.len(), 2);
    for request in &asked {
        assert!(request.head[0].starts_with("POST /hook/secret HTTP/1.1"), "{:?}", request.head);
        let (time, signature) = (request.header("x-gosumcheck-timestamp"), request.header("x-gosumcheck-signature"));
        assert_eq!(signature, Some(hmac(b"s3cret", &format!("{}.{}", time.unwrap(), request.body)).as_str()));
        let told: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((told["state"].as_str(), told["exit_code"].as_u64()), (Some("FINDINGS"), Some(1)));
        assert_eq!((told["first"][0]["kind"].as_str(), told["findings"].as_u64()), (Some("records-damaged"), Some(1)));
        let text = told["text"].as_str().unwrap();
        assert!(text.starts_with("gosumcheck verify: FINDINGS: 600 records") && text.lines().count() == 2, "{text}");
    }
}

#[test]
fn a_webhook_that_refuses_or_is_gone_is_said_and_its_url_is_not() {
    let (world, machine) = world();
    damage(&world);
    let (url, asked) = server(&["403 Forbidden"]);
    let ran = machine.run(&["verify", "--notify-webhook", &url]);
    ran.says(1, &["notification of http://127.0.0.1:", "answered 403 Forbidden"]);
    assert!(!ran.err.contains("secret"), "{}", ran.show());
    let asked = asked.join().unwrap();
    assert_eq!((asked.len(), asked[0].header("x-gosumcheck-signature")), (1, None));
    // All is well, but that could not be told.
    let well = World::new(600, &[600]);
    let data = well.root.path().to_str().unwrap();
    let (url, asked) = server(&["410 Gone"]);
    let ran = machine.run(&["verify", "--data", data, "--notify-webhook", &url, "--notify-always"]);
    ran.says(2, &["600 records", "answered 410 Gone"]);
    assert!(asked.join().unwrap()[0].body.contains("all is well"));
    // Wrong keys, and wrong targets.
    for (args, said) in [
        (vec!["--notify-webhook", &url, "--notify-key", "nowhere"], "cannot be read"),
        (vec!["--notify-webhook", "example.com/x"], "not a target"),
        (vec!["--notify-mail", "ops"], "not a target"),
    ] {
        machine.run(&[&["verify"], args.as_slice()].concat()).says(if said == "not a target" { 2 } else { 1 }, &[said]);
    }
}

#[test]
fn mail_goes_through_sendmail_and_one_line_where_all_is_well() {
    let (world, mut machine) = world();
    let script = "#!/bin/sh\nexec >>\"$HOME/mail\"\necho \"args: $*\"\n/bin/cat\n";
    machine.write("bin/sendmail", script);
    fs::set_permissions(machine.at("bin/sendmail"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/bin:/usr/bin", machine.at("bin").display());
    machine.set("PATH", path);
    let mail = |machine: &Machine| fs::read_to_string(machine.home().join("mail")).unwrap_or_default();
    machine.run(&["verify", "--notify-mail", "ops@example.com"]).says(0, &["600 records"]);
    assert_eq!(mail(&machine), "", "nothing is said where all is well");
    machine.run(&["verify", "--notify-mail", "ops@example.com", "--notify-always"]).says(0, &[]);
    let told = mail(&machine);
    assert!(
        told.starts_with(
            "args: -i ops@example.com\nTo: ops@example.com\nSubject: gosumcheck verify: all is well: 600 records"
        ),
        "{told}"
    );
    let (_, body) = told.split_once("\n\n").unwrap();
    assert_eq!(body.lines().count(), 1, "{body}");
    damage(&world);
    fs::remove_file(machine.home().join("mail")).unwrap();
    // Set for every run, in the file.
    machine.write(
        "g.toml",
        "verify.notify = [\"mailto:ops@example.com\", \"command:/bin/cat > told-$GOSUMCHECK_EXIT_CODE\"]\n",
    );
    machine.run(&["verify", "--config", "g.toml"]).says(1, &[]);
    assert!(
        mail(&machine).contains("\n\ngosumcheck verify: FINDINGS: ") && mail(&machine).contains(": records-damaged  ")
    );
    let told = machine.read("told-1");
    assert!(told.starts_with("gosumcheck verify: FINDINGS: ") && told.lines().count() == 2, "{told}");
    // So is a run that could not begin.
    machine.run(&["verify", "--config", "g.toml", "--data", "nowhere"]).says(2, &["there is no mirror"]);
    assert!(machine.read("told-2").starts_with("gosumcheck verify: COULD NOT TELL: nowhere"));
    // What fails is said, and the others are told all the same.
    fs::remove_file(machine.at("told-1")).unwrap();
    fs::write(machine.at("bin/sendmail"), "#!/bin/sh\nexit 75\n").unwrap();
    machine
        .run(&["verify", "--config", "g.toml"])
        .says(1, &["notification of mailto:ops@example.com: sendmail: ended with exit status: 75"]);
    assert!(machine.at("told-1").exists());
}

#[test]
fn junit_has_a_case_for_each_kind() {
    let (world, machine) = world();
    let well = machine.run(&["verify", "--format", "junit"]);
    well.says(0, &["<testcase name=\"records-damaged\"", "<skipped message=\"nothing of this was looked at\""]);
    assert!(!well.out.contains("<failure"), "{}", well.show());
    damage(&world);
    let ran = machine.run(&["verify", "--format", "junit"]);
    let cases = format!("tests=\"{}\"", Flaw::ALL.len() + 1); // and one for a log that misbehaves
    ran.says(1, &["<failure message=\"1: These bytes", "type=\"records-damaged\"", &cases, "failures=\"1\""]);
}
