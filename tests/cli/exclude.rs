//! `audit --exclude` and `.gosumcheckignore`: what is left out is named, and nothing passes because of it unnoticed.

use std::os::unix::fs::symlink;

use crate::world::World;

const BROKEN: &str = "<<<<<<< HEAD\n";

/// A project with its right go.sum, and broken ones in three folders.
fn project() -> World {
    let world = World::new();
    world.machine.write("p/go.sum", world.gosum());
    for folder in ["internal/fixtures/bad", "web/generated/p", "testdata"] {
        world.machine.write(&format!("p/{folder}/go.sum"), BROKEN);
    }
    world
}

#[test]
fn excluded_folders_are_not_searched_and_are_named() {
    let world = project();
    let ran =
        world.run(&["audit", "p", "--exclude", "fixtures", "--exclude", "/web/generated", "--exclude", "testdata/"]);
    ran.says(
        0,
        &[
            "40 lines: 40 verified",
            "note: 3 folders or files were excluded by --exclude: p/testdata, p/internal/fixtures, p/web/generated",
        ],
    )
    .quiet();
    let ran = world.run(&["audit", "p", "--exclude", "fixtures"]);
    ran.says(1, &["p/testdata/go.sum:1:", "p/web/generated/p/go.sum:1:", "1 folder or file was excluded"]);
    assert!(!ran.out.contains("bad/go.sum"), "{}", ran.show());
    // What go itself does not build is searched as ever.
    world.run(&["audit", "p"]).says(1, &["p/testdata/go.sum:1:"]);
    world.run(&["audit", "p", "--exclude", "p/web/generated/p/go.sum", "--exclude", "./web/generated/p/go.sum"]).says(
        1,
        &[
            "warning: --exclude p/web/generated/p/go.sum excludes nothing",
            "excluded by --exclude: p/web/generated/p/go.sum",
        ],
    );
    // All formats say so.
    for format in ["json", "sarif", "junit"] {
        let ran = world.run(&["audit", "p", "--exclude", "*", "--exclude", "!go.sum", "--format", format]);
        ran.says(0, &[if format == "junit" { "testcase" } else { "were excluded by --exclude" }]);
    }
}

#[test]
fn where_everything_is_excluded_nothing_is_proven() {
    let world = project();
    world
        .run(&["audit", "p", "--exclude", "*"])
        .says(2, &["p:  not read  no go.sum", "except where the patterns exclude it"]);
    // A file that is named itself is audited.
    world
        .run(&["audit", "p/testdata/go.sum", "--exclude", "testdata"])
        .says(1, &["conflict marker", "excludes nothing"]);
    world.run(&["audit", "--exclude", "nosuchfolder"]).says(0, &["warning: --exclude nosuchfolder excludes nothing"]);
}

#[test]
fn the_file_of_a_folder_is_read_and_named() {
    let world = project();
    world.machine.write("p/.gosumcheckignore", "# broken on purpose\n/internal/fixtures/\n\ntestdata\ngenerated\n");
    world
        .run(&["audit", "p"])
        .says(0, &["40 verified", "3 folders or files were excluded by p/.gosumcheckignore: "])
        .quiet();
    // An argument decides over the file; a file further down means nothing.
    world.run(&["audit", "p", "--exclude", "!testdata"]).says(1, &["p/testdata/go.sum:1:", "2 folders or files"]);
    world.machine.write("p/.gosumcheckignore", "fixtures\ntestdata\n").write("p/web/.gosumcheckignore", "generated\n");
    world.run(&["audit", "p"]).says(1, &["p/web/generated/p/go.sum:1:"]);
    // One that cannot be used is no reason to pass.
    world.machine.write("p/.gosumcheckignore", "fixtures\n[x\n");
    let ran = world.run(&["audit", "p", "--exclude", "internal", "--exclude", "web", "--exclude", "testdata"]);
    ran.says(2, &["40 verified", "p/.gosumcheckignore:  not read  line 2: "]).quiet();
    std::fs::remove_file(world.machine.at("p/.gosumcheckignore")).unwrap();
    symlink("/etc/hostname", world.machine.at("p/.gosumcheckignore")).unwrap();
    let ran = world.run(&["audit", "p", "--exclude", "internal", "--exclude", "web", "--exclude", "testdata"]);
    ran.says(2, &["p/.gosumcheckignore:  not read  is a link"]);
}

#[test]
fn what_is_no_pattern_is_wrong_usage() {
    let world = project();
    for pattern in ["", "#x", "[", "{a"] {
        world.run(&["audit", "p", "--exclude", pattern]).complains(2, &["--exclude", ".gitignore"]);
    }
    world.run(&["audit", "--modcache", "p", "--exclude", "x"]).complains(2, &["cannot be used with"]);
    assert_eq!(world.log.requests().len(), 0);
}

#[test]
fn verify_proof_leaves_out_the_same() {
    let world = project();
    world.run(&[
        "audit",
        "p",
        "--exclude",
        "fixtures",
        "--exclude",
        "web",
        "--exclude",
        "testdata",
        "--proof",
        "p.txt",
    ]);
    world.run(&["verify-proof", "p.txt", "p"]).says(1, &["conflict marker"]);
    world.machine.write("p/.gosumcheckignore", "fixtures\nweb\n");
    world.run(&["verify-proof", "p.txt", "p", "--exclude", "testdata"]).says(0, &["40 verified", "3 folders or files"]);
}
