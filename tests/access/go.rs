//! The real go command signs in: netrc, a URL, GOAUTH; with a user's password, a token of ours. Over https, since go sends
//! credentials over nothing else.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::kit::{Machine, expect, told};
use crate::world::{PASSWORD, RULES, Server, World};

/// The name in the certificate.
const HOST: &str = "git.example.com";

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(name)
}

/// An outbound proxy through which `HOST` is `server` behind TLS; gives its address.
fn tls_before(server: SocketAddr) -> SocketAddr {
    let certificates = CertificateDer::pem_file_iter(testdata("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(testdata("server.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    assert!(head.starts_with(format!("CONNECT {HOST}:443 ").as_bytes()));
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                    let (mut plain, mut own) = (acceptor.accept(stream).await?, TcpStream::connect(server).await?);
                    copy_bidirectional(&mut plain, &mut own).await
                });
            }
        })
    });
    at
}

/// A go command that asks the server at `url` through TLS, and nobody else.
fn machine(world: &World, proxy: SocketAddr, url: &str) -> Option<Machine> {
    let machine = Machine::new(url, &world.site.log.vkey())?;
    let machine = machine.with("HTTPS_PROXY", &format!("http://{proxy}")).with("GONOSUMDB", "corp.example");
    fs::create_dir_all(machine.path("home")).unwrap();
    Some(
        machine
            .with("SSL_CERT_FILE", &testdata("authority.pem").display().to_string())
            .with("GIT_TERMINAL_PROMPT", "0"),
    )
}

fn serve(world: &World) -> (Server, SocketAddr) {
    let server = world.serve(&format!("hosts = [\"{HOST}\"]\n[access]\nusers = \"users\"\n{RULES}"), &[]);
    let proxy = tls_before(server.at);
    (server, proxy)
}

/// A build with a public and a private module, from nothing.
#[track_caller]
fn build(machine: &Machine) {
    machine.forget();
    let folder = machine.project("main", &[("example.com/a", "v1.0.0"), ("corp.example/team-a/Lib", "v1.0.0")]);
    expect(0, &machine.go(&folder, &["mod", "tidy"]));
    expect(0, &machine.go(&folder, &["build", "-o", "program", "."]));
}

#[test]
fn go_builds_with_each_kind_of_credential() {
    let world = World::new();
    let token = world.token(&["ci-a", "--module", "corp.example/team-a,example.com"]);
    let (_server, proxy) = serve(&world);
    let plain = format!("https://{HOST}");
    let password = PASSWORD.replace(' ', "%20").replace(':', "%3A");
    // In the URL.
    for login in [format!("alice:{password}"), format!("x:{token}"), format!("oauth2:{token}")] {
        let Some(machine) = machine(&world, proxy, &format!("https://{login}@{HOST}")) else { return };
        build(&machine);
    }
    // In netrc, which has no words with blanks.
    let Some(mut machine) = machine(&world, proxy, &plain) else { return };
    let netrc = machine.path("home/.netrc");
    fs::write(&netrc, format!("machine {HOST} login any password {token}\n")).unwrap();
    for goauth in ["", "netrc"] {
        machine.set("GOAUTH", goauth);
        build(&machine);
    }
    fs::remove_file(&netrc).unwrap();
    // By a command.
    let script = machine.path("credentials");
    let text = format!("#!/bin/sh\nprintf 'https://{HOST}\\n\\nAuthorization: Bearer {token}\\n\\n'\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    machine.set("GOAUTH", &script.display().to_string());
    build(&machine);
}

#[test]
fn go_shows_why_it_may_not_and_asks_nobody_else() {
    let world = World::new();
    let (server, proxy) = serve(&world);
    let Some(machine) = machine(&world, proxy, &format!("https://{HOST},direct")) else { return };
    let folder = machine.project("main", &[("corp.example/team-a/Lib", "v1.0.0")]);
    let (code, _, err) = told(&machine.go(&folder, &["mod", "tidy"]));
    assert!(
        code == 1 && err.contains("401 Unauthorized") && err.contains("sign in to read corp.example/team-a/Lib"),
        "{err}"
    );
    machine.path("home/.netrc");
    let bob = format!("bob:{}", PASSWORD.replace(' ', "%20").replace(':', "%3A"));
    let Some(machine) = self::machine(&world, proxy, &format!("https://{bob}@{HOST},direct")) else { return };
    let folder = machine.project("main", &[("corp.example/team-a/Lib", "v1.0.0")]);
    let (code, _, err) = told(&machine.go(&folder, &["mod", "tidy"]));
    assert!(
        code == 1 && err.contains("403 Forbidden") && err.contains("user:bob may not read corp.example/team-a/Lib"),
        "{err}"
    );
    assert!(err.contains("ask the team that owns it"), "{err}");
    // Over plain http go sends no credentials.
    let at = server.at;
    let machine = machine.with("GOPROXY", &format!("http://bob:pw@{at}"));
    let (code, _, err) = told(&machine.go(&folder, &["mod", "tidy"]));
    assert!(code == 1 && err.contains("refusing to pass credentials to insecure URL"), "{err}");
}
