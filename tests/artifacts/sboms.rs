//! SBOMs and the output of `go version -m -json`: each hash is proven, wherever the format has it.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{Spec, expect};
use crate::world::World;

/// Upper case, which package URLs do not have.
const ONE: (&str, &str) = ("a.example/One", "v1.0.0");
const TWO: (&str, &str) = ("a.example/two", "v2.0.0+incompatible");

fn world() -> Option<World> {
    World::new(&[Spec::new(ONE.0, ONE.1), Spec::new(TWO.0, TWO.1)])
}

/// The h1 of a module as hexadecimal SHA-256.
fn sha256(world: &World, module: (&str, &str)) -> String {
    use base64::Engine as _;
    let h1 = world.site.corpus.h1_zip(module.0, module.1);
    hex::encode(base64::engine::general_purpose::STANDARD.decode(&h1[3..]).unwrap())
}

fn write(world: &World, name: &str, document: &Value) -> String {
    let path = world.home.path().join(name);
    fs::write(&path, serde_json::to_vec_pretty(document).unwrap()).unwrap();
    path.display().to_string()
}

/// As cyclonedx-gomod and syft write it, a component in another.
fn cyclonedx(world: &World) -> Value {
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
        { "type": "library", "name": ONE.0, "version": ONE.1, "purl": "pkg:golang/a.example/one@v1.0.0?type=module&goos=linux",
          "hashes": [{ "alg": "SHA-256", "content": sha256(world, ONE) }],
          "components": [
            { "type": "library", "name": TWO.0, "version": TWO.1, "purl": "pkg:golang/a.example/two@v2.0.0%2Bincompatible",
              "properties": [{ "name": "syft:metadata:h1Digest", "value": world.site.corpus.h1_zip(TWO.0, TWO.1) }] }] },
        { "type": "library", "name": "std", "version": "v1.26.8", "purl": "pkg:golang/std@v1.26.8" },
        { "type": "library", "name": "left-pad", "version": "1.0.0", "purl": "pkg:npm/left-pad@1.0.0" },
    ] })
}

fn spdx(world: &World) -> Value {
    let package = |name: &str, version: &str, purl: &str, sha256: &str| {
        json!({ "name": name, "versionInfo": version, "SPDXID": "SPDXRef-x",
            "checksums": [{ "algorithm": "SHA256", "checksumValue": sha256 }],
            "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl }] })
    };
    json!({ "spdxVersion": "SPDX-2.3", "packages": [
        package(ONE.0, ONE.1, "pkg:golang/a.example/one@v1.0.0", &sha256(world, ONE)),
        package(TWO.0, TWO.1, "pkg:golang/a.example/two@v2.0.0+incompatible", &sha256(world, TWO)),
        { "name": "the document's own" },
    ] })
}

#[test]
fn each_hash_of_an_sbom_is_proven() {
    let Some(world) = world() else { return };
    for (name, document, artifact) in
        [("a.cdx.json", cyclonedx(&world), "CycloneDX"), ("a.spdx.json", spdx(&world), "SPDX")]
    {
        let path = write(&world, name, &document);
        let verified = [artifact, "2 golang packages", "2 verified", "a.example/One v1.0.0"];
        world.audit(&[&path, "--verbose"]).says(0, &verified);
        // Another hash, no hash, a hash that is none, and a module of another name.
        let text = serde_json::to_string(&document).unwrap();
        let wrong = |from: &str, to: &str| {
            let changed: Value = serde_json::from_str(&text.replace(from, to)).unwrap();
            assert!(text.contains(from), "{from}");
            world.audit(&[&write(&world, name, &changed)])
        };
        let hash = sha256(&world, ONE);
        wrong(&hash, &hash.replace(char::is_numeric, "0"))
            .says(1, &["DIFFERS  a.example/One v1.0.0", "1 verified, 1 DIFFERS"]);
        wrong(&hash, "abc").says(1, &["malformed", "the hash of a.example/One@v1.0.0"]);
        wrong("SHA", "MD").says(2, &["no hash  a.example/One v1.0.0", "the document gives no hash of it"]);
        wrong("@v1.0.0", "@latest").says(1, &["malformed"]);
        for format in ["json", "sarif", "junit"] {
            fs::write(&path, text.replace(&hash, &hash.replace(char::is_numeric, "0"))).unwrap();
            world.audit(&[&path, "--format", format]).says(1, &[&artifact.to_lowercase(), "0\""]);
        }
    }
    // Below a folder they are found by their names.
    world
        .audit(&[world.home.path().to_str().unwrap()])
        .says(1, &["a.cdx.json#/components/0:  DIFFERS", "a.spdx.json#/packages/0:"]);
}

#[test]
fn what_go_prints_of_programs_is_proven() {
    let Some(world) = world() else { return };
    let folder = world.project(&[ONE]);
    let program = world.build(&folder, "program", &[], &[]);
    let mut command = world.go.command(&["version", "-m", "-json"]);
    let (out, _) = expect(0, &command.arg(&program).output().unwrap());
    let path = world.home.path().join("printed");
    for text in [out.clone(), format!("{out}{out}")] {
        fs::write(&path, &text).unwrap();
        let count = text.matches("\"GoVersion\"").count();
        let verified = format!("{count} verified, {count} main module");
        world.audit(&[path.to_str().unwrap()]).says(0, &["the output of `go version -m -json`", &verified]);
    }
    fs::write(&path, out.replace("h1:", "h1:A")).unwrap();
    world.audit(&[path.to_str().unwrap()]).says(1, &["malformed"]);
}

#[test]
fn broken_documents_say_where() {
    let Some(world) = world() else { return };
    let text = serde_json::to_string_pretty(&cyclonedx(&world)).unwrap();
    let path = world.home.path().join("x");
    let audit = |text: &str, arguments: &[&str]| {
        fs::write(&path, text).unwrap();
        world.audit(&[&[path.to_str().unwrap()], arguments].concat())
    };
    audit(&text[..text.len() / 2], &[]).says(2, &["is not a CycloneDX SBOM", "line"]);
    audit(&text.replace("\"CycloneDX\"", "\"Other\""), &[]).says(2, &["its bomFormat is another"]);
    audit(&text.replace("\"alg\"", "\"x\""), &[]).says(2, &["missing field `alg`"]);
    audit(&text, &["--as", "spdx"]).says(2, &["is not an SPDX SBOM"]);
    audit(&text, &["--as", "cyclonedx"]).says(0, &["2 verified"]);
    audit("{}", &["--as", "build-info"]).says(2, &["missing field `GoVersion`"]);
    audit("{\"a\": 1}", &[]).says(1, &["this is not a go.sum file"]);
    let mut deep = json!({ "name": "x" });
    (0..40).for_each(|_| deep = json!({ "name": "x", "components": [deep] }));
    let document = json!({ "bomFormat": "CycloneDX", "components": [deep] }).to_string();
    audit(&document, &[]).says(0, &["0 golang packages"]);
}
