//! What may be named.

use crate::world::{MODULES, World, paths};

/// A list as `go list -m all` prints it.
const LIST: &str = "example.com/main\na.example/one v1.0.0\na.example/old v1.0.0 => b.example/three/v3 v3.0.1\na.example/x v1.0.0 => ./x\n";

#[test]
fn lists_go_mods_module_versions_and_standard_input_name_the_same() {
    let go_mod = "module example.com/main\n\ngo 1.21\n\nrequire a.example/one v1.0.0\n\nrequire (\n\tb.example/three/v3 v3.0.1 // indirect\n)\n";
    let at = "# a list\na.example/one@v1.0.0\n\nb.example/three/v3@v3.0.1 # why\n";
    for (what, name, text) in [("list", "modules.txt", LIST), ("list", "list", at), ("go.mod", "go.mod", go_mod)] {
        let world = World::new();
        let ran = world.prefetch(&[&world.file(name, text)]);
        assert_eq!(ran.code, 0, "{what}: {}{}", ran.out, ran.err);
        assert_eq!(world.stored(), paths(&[MODULES[0], MODULES[2]]), "{what}");
    }
    let world = World::new();
    assert_eq!(world.prefetch(&["a.example/two@v1.2.0"]).code, 0);
    assert_eq!(world.stored(), paths(&[MODULES[1]]));
    assert_eq!(world.prefetch_with(&["-"], &world.site.corpus.go_sum()).code, 0);
    assert_eq!(world.stored(), paths(&MODULES));
    let world = World::new();
    assert_eq!(world.prefetch_with(&["-"], LIST).code, 0);
    assert_eq!(world.stored(), paths(&[MODULES[0], MODULES[2]]));
}

#[test]
fn folders_are_searched_and_without_arguments_this_one_has_a_go_sum() {
    let world = World::new();
    let _ = world.go_sum();
    assert_eq!(world.prefetch(&["."]).code, 0);
    assert_eq!(world.stored(), paths(&MODULES));
    let world = World::new();
    let _ = world.go_sum();
    assert_eq!(world.prefetch(&[]).code, 0);
    assert_eq!(world.stored(), paths(&MODULES));
    let world = World::new();
    let ran = world.prefetch(&[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("there is no go.sum in this folder: name one, or a list of module versions"),
        "{}",
        ran.err
    );
}

#[test]
fn what_names_nothing_is_told_with_its_line_and_the_rest_is_brought() {
    let world = World::new();
    let text = format!("{}a.example/bad line\n", world.site.corpus.go_sum());
    let ran = world.prefetch(&[&world.file("go.sum", &text)]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.lines().any(|line| line.starts_with("NO LINE") && line.contains("go.sum:7: ")), "{}", ran.out);
    assert_eq!(world.stored(), paths(&MODULES));
    let ran = world.prefetch(&[&world.file("list", "a.example/one@latest\n")]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("list:1: "), "{}", ran.out);
}

#[test]
fn an_argument_that_is_nothing_is_a_usage_error_with_the_right_spelling() {
    let world = World::new();
    for (argument, words) in [
        ("a.example/one@1.0.0", "write a.example/one@v1.0.0"),
        ("nothing.txt", "is neither a file nor a module version"),
        ("a.example/one", "it has no version"),
    ] {
        let ran = world.prefetch(&[argument]);
        assert_eq!(ran.code, 2, "{argument}");
        assert!(ran.err.contains(words), "{argument}: {}", ran.err);
    }
    assert_eq!(world.site.mirror.requests().len(), 0);
}

#[test]
fn a_module_version_that_the_log_lacks_is_a_finding_and_the_rest_is_brought() {
    let world = World::new();
    let ran = world.prefetch(&["a.example/one@v1.9.9", "a.example/two@v1.2.0"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let absent: Vec<&str> =
        ran.out.lines().filter(|line| line.starts_with("ABSENT   a.example/one/@v/v1.9.9.")).collect();
    assert_eq!(absent.len(), 2, "{}", ran.out);
    assert_eq!(world.stored(), paths(&[MODULES[1]]), "{}{}", ran.out, ran.err);
}
