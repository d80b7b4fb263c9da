//! The pages: what is on them, and that a module's contents stay text.

use crate::client::Reply;
use crate::kit::{Site, Spec};
use crate::world::World;

/// What a browser asks for.
const HTML: [(&str, &str); 1] = [("Accept", "text/html")];

/// What stands between `<` and `>`.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

/// All that a page must not have, whatever is in a module.
#[track_caller]
fn assert_harmless(path: &str, reply: &Reply) {
    let page = reply.text();
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
    for tag in tags(&page) {
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default();
        assert!(!matches!(name, "script" | "img" | "iframe" | "object" | "embed" | "base"), "{path}: <{tag}>");
        assert!(
            !tag.contains(" onerror=") && !tag.contains(" onload=") && !tag.contains("javascript:"),
            "{path}: <{tag}>"
        );
    }
    assert!(
        !page.contains(['\u{202e}', '\u{2066}', '\u{1b}', '\u{7}', '\0']),
        "{path}: what cannot be seen is written out"
    );
    assert_eq!(page.matches("<main").count(), 1, "{path}");
    assert_eq!(page.matches("</main>").count(), 1, "{path}");
    assert_eq!(page.matches("<style>").count(), 1, "{path}");
    let outside = page.split("http").skip(1).filter(|rest| rest.starts_with("://") || rest.starts_with("s://"));
    let named = |rest: &&str| {
        rest.starts_with("://127.0.0.1")
            || rest.starts_with("://www.w3.org/2000/svg")
            || rest.starts_with("://localhost")
    };
    assert_eq!(outside.filter(|rest| !named(rest)).count(), 0, "{path} names another site");
}

#[test]
fn browsers_get_pages_and_others_the_text() {
    let world = World::new();
    let text = world.get("/");
    assert_eq!(text.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert!(
        text.text().starts_with("gosumcheck ") && text.text().contains("  go env -w GOPROXY=http://localhost,direct\n")
    );
    assert_eq!(text.header("vary"), Some("accept, host"));
    assert_eq!(world.ask("/", &[("Accept", "*/*")]).text(), text.text());
    let reply = world.ask("/", &HTML);
    assert_eq!(
        (reply.header("cache-control"), reply.header("vary")),
        (Some("no-store"), Some("accept, accept-encoding, host"))
    );
    let page = reply.text();
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
    assert!(page.contains("go env -w GOPROXY=http://localhost,direct\n"), "the lines for this very host");
    let corpus = &world.site.corpus;
    for shown in [
        corpus.h1_zip("example.com/lied", "v1.0.0").as_str(),
        "example.com/lied@v1.0.0",
        "Wrong bytes refused",
        "<svg class=\"chart\"",
        &world.site.mirror.url(),
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
}

#[test]
fn a_module_can_be_read_and_changes_nothing() {
    let world = World::new();
    let version = "/modules/example.com/a@v1.2.0";
    for path in [
        "/",
        "/modules",
        "/modules?contains=%3Cscript%3Ealert(1)%3C/script%3E%22%27%E2%80%AE",
        "/modules?contains=EXAMPLE",
        "/modules/example.com/a",
        "/modules/example.com/none",
        version,
        "/modules/example.com/a@v1.9.0",
        "/modules/example.com/a@v1.2.0?file=README.md",
        "/modules/example.com/a@v1.2.0?file=sub/t%C3%A9st+%C3%A9.txt",
        "/incidents",
    ] {
        let reply = world.ask(path, &HTML);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        assert_harmless(path, &reply);
    }
    let page = world.page(version);
    assert!(page.contains("module example.com/a") && page.contains("?file=sub/t%C3%A9st%20%C3%A9.txt"), "{page}");
    assert!(page.contains("/api/v1/proofs/example.com/a@v1.2.0?format=tlog-proof"), "{page}");
    assert!(page.contains("href=\"/example.com/a/@v/v1.2.0.zip\""), "{page}");
    let readme = world.page("/modules/example.com/a@v1.2.0?file=README.md");
    assert!(readme.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && readme.contains("U+202E"), "{readme}");
    let found = world.page("/modules?contains=EXAMPLE");
    assert!(found.contains("/modules/example.com/a\""), "{found}");
    for (path, status) in
        [("/modules/example.com/a@v1.2.0?file=none", 404), ("/modules/nodot", 400), ("/modules/example.com/a@x", 400)]
    {
        assert_eq!(world.ask(path, &HTML).status, status, "{path}");
    }
}

#[test]
fn names_of_files_and_a_go_mod_stay_text() {
    let module = "example.com/names@v1.0.0";
    let go_mod = "module example.com/names\n\n// </pre></main><script>alert(1)</script>\u{202e}\u{1b}[31m\ngo 1.21\n";
    let names = ["a&b=c#d%41+e.txt", "&lt(script)&gt.go", "{x}[y]~!$,@^_.md", "é ü.go"];
    let spec = Spec::new("example.com/names", "v1.0.0").go_mod(go_mod);
    let spec = names.iter().fold(spec, |spec, name| spec.file(name, name.as_bytes()));
    // Go allows no file a name that could end a tag or an attribute: such a zip is not taken.
    let worse = Spec::new("example.com/worse", "v1.0.0").file("\"><script>alert(1)</script>.go", b"");
    let world = World::over(Site::of(&[spec, worse]), &[], &[module]);
    assert_ne!(world.get("/example.com/worse/@v/v1.0.0.zip").status, 200);
    let listed = world.json(&format!("modules/{module}/files?limit=100"));
    let path = format!("/modules/{module}");
    let page = world.ask(&path, &HTML);
    assert_harmless(&path, &page);
    assert!(page.text().contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.text().contains("U+202E"));
    // Each link leads to its own file.
    let page = page.text();
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let links: Vec<&str> = links.into_iter().filter(|link| link.contains("?file=")).collect();
    assert_eq!(links.len(), listed["files"].as_array().unwrap().len(), "{links:?}");
    for name in names {
        let file = &listed["files"].as_array().unwrap().iter().position(|file| file["path"] == name);
        let link = links[file.unwrap_or_else(|| panic!("{name} is not in {listed}"))];
        let reply = world.ask(link, &HTML);
        assert_eq!(reply.status, 200, "{name}: {link}: {reply:?}");
        assert_harmless(link, &reply);
        let raw = world
            .get(&link.replace("&amp;", "&").replace("/modules/", "/api/v1/modules/").replace("?file=", "/file?path="));
        assert_eq!(raw.text(), name, "{link}");
    }
}

#[test]
fn people_are_refused_with_a_page_and_programs_with_text() {
    let world = World::new();
    for (path, status, words) in [
        ("/modules/example.com/a@v1.2.0?file=none", 404, "Nothing is here"),
        ("/modules/example.com/a@x", 400, "This cannot be asked for"),
        ("/modules/%3Cscript%3E", 400, "This cannot be asked for"),
        ("/nowhere", 404, "Nothing is here"),
    ] {
        let page = world.ask(path, &HTML);
        let kind = (page.status, page.header("content-type"), page.header("cache-control"));
        assert_eq!(kind, (status, Some("text/html; charset=utf-8"), Some("no-store")), "{path}");
        assert_harmless(path, &page);
        let id = format!("request ID: {}", page.header("x-request-id").unwrap());
        assert!(page.text().contains(words) && page.text().contains(&id), "{path}: {}", page.text());
        let text = world.ask(path, &[("Accept", "*/*")]);
        assert_eq!((text.status, text.header("content-type")), (status, Some("text/plain; charset=utf-8")), "{path}");
    }
    // What go asks for has the answer that go shows, whatever the client accepts.
    let refused = world.ask("/example.com/lied/@v/v1.0.0.zip", &HTML);
    assert_eq!((refused.status, refused.header("content-type")), (403, Some("text/plain; charset=utf-8")));
    assert!(refused.text().starts_with("SECURITY"), "{refused:?}");
}

#[test]
fn links_stay_below_the_prefix() {
    let world = World::over(World::new().site, &["--prefix", "/go"], &["example.com/a@v1.0.0"]);
    let refused = world.ask("/go/modules/nodot", &HTML).text();
    let paths =
        ["/go/", "/go/modules", "/go/modules/example.com/a", "/go/modules/example.com/a@v1.0.0", "/go/incidents"];
    for (path, page) in paths.map(|path| (path, world.page(path))).into_iter().chain([("refused", refused)]) {
        let links = page.split("href=\"").skip(1).chain(page.split("action=\"").skip(1));
        let links: Vec<&str> =
            links.filter_map(|rest| rest.split('"').next()).filter(|link| link.starts_with('/')).collect();
        assert!(!links.is_empty() && links.iter().all(|link| link.starts_with("/go/")), "{path}: {links:?}");
    }
}

#[test]
fn badges_say_what_is_proven() {
    let world = World::new();
    let record = world.site.log.find("example.com/a", "v1.2.0").unwrap();
    for (module, words) in [
        ("example.com/a@v1.2.0", format!("proven · record {record}")),
        ("example.com/never@v1.0.0", "not held here".to_owned()),
    ] {
        let reply = world.get(&format!("/badge/{module}.svg"));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/svg+xml")), "{reply:?}");
        assert!(reply.text().contains(&words), "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
        let tag = reply.header("etag").unwrap();
        assert_eq!(world.ask(&format!("/badge/{module}.svg"), &[("If-None-Match", tag)]).status, 304);
    }
    for (path, status) in
        [("/badge/example.com/a.svg", 400), ("/badge/example.com/a@v1.2.0", 404), ("/badge/%3Csvg%3E@v1.0.0.svg", 400)]
    {
        assert_eq!(world.get(path).status, status, "{path}");
    }
}
