//! What makes room asks no upstream about a module that the rules refuse, and asks about a routed one where its route leads.

use std::sync::Arc;

use gosumcheck::proxy::{ModulePolicy, ProxyLimits, StoreLimits};
use gosumcheck::rules::Rules;
use gosumcheck::upstream::{Base, Proxies, ProxyEntry, ProxyPlace, Settings};

use crate::kit::{Corpus, FakeMirror, Spec};
use crate::world::World;

fn zip(name: &str) -> String {
    format!("example.com/{name}/@v/v1.0.0.zip")
}

fn heard(mirror: &FakeMirror, name: &str) -> usize {
    mirror.requests().iter().filter(|request| request.path.contains(name)).count()
}

#[test]
fn no_upstream_hears_of_a_refused_module_when_room_is_made() {
    let names = ["refused", "routed", "free", "last"];
    let corpus = Corpus::of(&names.map(|name| Spec::new(&format!("example.com/{name}"), "v1.0.0").noise(400_000)));
    let world = World::new(corpus, 1);
    let route = FakeMirror::serve(&world.corpus);
    let store = StoreLimits { max_size: Some(1_500_000), ..StoreLimits::default() };
    let proxy = world.limited(ProxyLimits { store, ..ProxyLimits::default() });
    for name in ["refused", "routed", "free"] {
        world.expect_true(&proxy, &zip(name));
    }
    let before = names.map(|name| heard(&world.mirrors[0], name));
    let rules = format!("deny example.com/refused\nroute public example.com/routed = {}\n", route.url());
    let rules = Rules::parse(&rules).unwrap();
    let base = Base::parse(&route.url()).unwrap();
    let entry = ProxyEntry { place: ProxyPlace::Base(base, Settings::default()), falls_back: false };
    let routes = vec![(1, Proxies::new(vec![entry]))];
    proxy.set_policy(Arc::new(ModulePolicy { name: "rules".to_owned(), rules, routes, is_dry_run: false }));
    world.expect_true(&proxy, &zip("last"));
    let is_stored = |name: &str| world.data.path().join("modules").join(zip(name)).is_file();
    assert!(is_stored("refused") && is_stored("last") && (!is_stored("routed") || !is_stored("free")));
    assert_eq!(heard(&world.mirrors[0], "refused"), before[0], "its name left");
    assert_eq!(heard(&world.mirrors[0], "routed"), before[1], "its route leads elsewhere");
    assert_eq!(heard(&route, "refused"), 0);
    assert_eq!(heard(&route, "routed") > 0, !is_stored("routed"));
}
