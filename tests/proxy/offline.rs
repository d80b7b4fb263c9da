//! Where nobody can be asked, what is held is offered: the versions of a module, and the newest of them; and the folder of modules is
//! a module proxy by itself.

use std::fs;

use gosumcheck::proxy::{Denied, Proxy};
use gosumcheck::sumdb::module::Patterns;

use crate::kit::{Corpus, FakeMirror, Fault, Machine, Spec, expect};
use crate::world::{World, text};

const LIST: &str = "example.com/a/@v/list";
const LATEST: &str = "example.com/a/@latest";
const PSEUDO: &str = "v0.0.0-20260102030405-0123456789ab";

fn corpus() -> Corpus {
    let specs = ["v1.2.0", "v1.10.0", "v1.11.0", "v2.0.0-rc.1+incompatible"].map(|v| Spec::new("example.com/a", v));
    let specs: Vec<Spec> = specs.into_iter().chain([Spec::new("example.com/p", PSEUDO)]).collect();
    Corpus::of(&specs)
}

/// Asks for all of a version, as `go mod download` does.
fn download(world: &World, proxy: &Proxy, version: &str) {
    for end in ["info", "mod", "zip"] {
        world.ask(proxy, &format!("{version}.{end}")).unwrap();
    }
}

fn said(world: &World, proxy: &Proxy, path: &str) -> String {
    String::from_utf8(text(world.ask(proxy, path)).bytes.to_vec()).unwrap()
}

#[test]
fn lists_and_the_newest_are_what_is_held() {
    for cached_only in [false, true] {
        let mut world = World::new(corpus(), 1);
        let proxy = world.proxy();
        download(&world, &proxy, "example.com/a/@v/v1.2.0");
        download(&world, &proxy, "example.com/a/@v/v1.10.0");
        download(&world, &proxy, &format!("example.com/p/@v/{PSEUDO}"));
        // Of this one there is no zip, so that it could not be had.
        world.ask(&proxy, "example.com/a/@v/v1.11.0.mod").unwrap();
        if cached_only {
            assert_eq!(text(world.cached(&proxy, LIST)).bytes, "v1.2.0\nv1.10.0\n");
            assert!(String::from_utf8_lossy(&text(world.cached(&proxy, LATEST)).bytes).contains("v1.10.0"));
            continue;
        }
        // What an upstream has besides counts for nothing where none is asked.
        world.ask(&proxy, LIST).unwrap();
        world.ask(&proxy, LATEST).unwrap();
        drop(proxy);
        world.mirrors.clear();
        world.offline = true;
        let proxy = world.proxy();
        assert_eq!(said(&world, &proxy, LIST), "v1.2.0\nv1.10.0\n");
        assert!(said(&world, &proxy, LATEST).contains(r#""Version":"v1.10.0","Time":"#));
        assert_eq!(said(&world, &proxy, "example.com/p/@v/list"), "", "it has no tag");
        assert!(said(&world, &proxy, "example.com/p/@latest").contains(PSEUDO));
        for path in ["example.com/absent/@v/list", "example.com/absent/@latest", "example.com/a/b/@v/list"] {
            assert!(matches!(world.ask(&proxy, path), Err(Denied::Fault(_))), "{path}: nothing is claimed");
        }
    }
}

#[test]
fn that_there_is_no_such_thing_is_said_again_while_nobody_can_say_otherwise() {
    let mut world = World::new(corpus(), 1);
    let absent = ["example.com/absent/@v/list", "example.com/absent/@latest", "example.com/a/@v/v9.0.0.info"];
    let is_absent =
        |world: &World, proxy: &Proxy, path: &str| matches!(world.ask(proxy, path), Err(Denied::NotFound(_)));
    let proxy = world.proxy();
    absent.iter().for_each(|path| assert!(is_absent(&world, &proxy, path), "{path}"));
    drop(proxy);
    // Another process, in the same data folder, whose upstream is out.
    world.mirrors[0].fault("*", Fault::Status(503, String::new()));
    let proxy = world.proxy();
    for path in absent {
        assert!(is_absent(&world, &proxy, path), "{path}");
        // Of what nobody was asked nothing is claimed.
        let never = path.replace("absent", "never").replace("v9", "v8");
        assert!(matches!(world.ask(&proxy, &never), Err(Denied::Fault(_))), "{never}");
    }
    drop(proxy);
    // Where the upstream refuses, its word counts.
    world.mirrors[0].heal();
    world.mirrors[0].fault("*", Fault::Status(403, String::new()));
    let proxy = world.proxy();
    absent.iter().for_each(|path| assert!(matches!(world.ask(&proxy, path), Err(Denied::Refused(..))), "{path}"));
    drop(proxy);
    world.mirrors.clear();
    world.offline = true;
    let proxy = world.proxy();
    absent.iter().for_each(|path| assert!(is_absent(&world, &proxy, path), "{path}"));
    drop(proxy);
    // It is there by now.
    world.offline = false;
    world.mirrors = vec![FakeMirror::serve(&world.corpus)];
    world.corpus.add(&Spec::new("example.com/absent", "v1.0.0"));
    let proxy = world.proxy();
    assert_eq!(said(&world, &proxy, absent[0]), "v1.0.0\n");
    drop(proxy);
    world.mirrors.clear();
    world.offline = true;
    // Nothing of it is held, but it is not absent either.
    assert!(matches!(world.ask(&world.proxy(), absent[0]), Err(Denied::Fault(_))));
    // What is too old is not said.
    world.options.stale = std::time::Duration::ZERO;
    assert!(matches!(world.ask(&world.proxy(), absent[1]), Err(Denied::Fault(_))));
}

#[test]
fn only_a_go_mod_is_something_too() {
    let mut world = World::new(corpus(), 1);
    world.ask(&world.proxy(), "example.com/a/@v/v1.11.0.mod").unwrap();
    world.mirrors.clear();
    let proxy = world.proxy();
    assert_eq!(said(&world, &proxy, LIST), "v1.11.0\n");
    assert!(said(&world, &proxy, LATEST).contains("v1.11.0"));
}

#[test]
fn the_folder_is_a_module_proxy() {
    let world = World::new(corpus(), 1);
    let proxy = world.proxy();
    // A build with a full go.sum asks for no `.info`.
    for version in ["v1.10.0", "v1.2.0"] {
        for end in ["mod", "zip"] {
            world.ask(&proxy, &format!("example.com/a/@v/{version}.{end}")).unwrap();
        }
    }
    let modules = world.data.path().join("modules");
    assert_eq!(fs::read_to_string(modules.join(LIST)).unwrap(), "v1.2.0\nv1.10.0\n");
    for version in ["v1.2.0", "v1.10.0"] {
        let info = fs::read_to_string(modules.join(format!("example.com/a/@v/{version}.info"))).unwrap();
        assert_eq!(info, format!("{{\"Version\":\"{version}\"}}"));
    }
    let served = world.log.serve();
    let sumdb = format!("{} {}", world.log.vkey(), served.url());
    let Some(machine) = Machine::new(&format!("file://{}", modules.display()), &sumdb) else { return };
    let here = machine.path(".");
    let (told, _) = expect(0, &machine.go(&here, &["list", "-m", "-versions", "example.com/a@latest"]));
    assert_eq!(told, "example.com/a v1.2.0 v1.10.0\n");
    expect(0, &machine.go(&here, &["mod", "download", "example.com/a@latest"]));
}

/// What is said of a private module's versions lies in the tree of private modules, also what an older version put elsewhere.
#[test]
fn an_info_of_a_private_module_is_private() {
    let mut world = World::new(corpus(), 1);
    world.private = vec![FakeMirror::serve(&world.corpus)];
    world.options.private = Patterns::parse("example.com");
    let proxy = world.proxy();
    download(&world, &proxy, "example.com/a/@v/v1.2.0");
    let [public, private] =
        ["modules", "private"].map(|tree| world.data.path().join(tree).join("example.com/a/@v/v1.2.0.info"));
    assert!(private.is_file() && !public.exists());
    let kept = fs::read(&private).unwrap();
    fs::create_dir_all(public.parent().unwrap()).unwrap();
    fs::rename(&private, &public).unwrap();
    // The journal has forgotten it too.
    for name in ["proxy.sqlite", "proxy.sqlite-wal", "proxy.sqlite-shm"] {
        let _ = fs::remove_file(world.data.path().join(name));
    }
    drop(proxy);
    world.private[0].stop();
    let proxy = world.proxy();
    assert!(said(&world, &proxy, "example.com/a/@v/v1.2.0.info").contains("v1.2.0"));
    assert!(private.is_file() && !public.exists(), "it is taken over");
    assert_eq!(fs::read(&private).unwrap(), kept);
}
