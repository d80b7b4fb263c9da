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
fn nothing_in_an_sbom_hides_behind_something_else_in_it() {
    let Some(world) = world() else { return };
    let right = sha256(&world, ONE);
    let wrong = right.replace(char::is_numeric, "0");
    // The second of two hashes, a property beside a hash, and spellings of the same package URL.
    let component = |purl: &str, hashes: [&str; 2], property: Option<&str>| {
        let hashes: Vec<Value> = hashes.iter().map(|hash| json!({ "alg": "SHA-256", "content": hash })).collect();
        let properties: Vec<Value> =
            property.iter().map(|h1| json!({ "name": "syft:metadata:h1Digest", "value": h1 })).collect();
        let component = json!({ "type": "library", "name": ONE.0, "version": ONE.1, "purl": purl, "hashes": hashes, "properties": properties });
        json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [component] })
    };
    let audit = |document: &Value| world.audit(&[&write(&world, "a.cdx.json", document)]);
    let (purl, h1) = ("pkg:golang/a.example/one@v1.0.0", world.site.corpus.h1_zip(ONE.0, ONE.1));
    audit(&component(purl, [&right, &right], Some(&h1))).says(0, &["1 verified"]);
    audit(&component(purl, [&right, &wrong], None)).says(1, &["1 verified, 1 DIFFERS"]);
    audit(&component(purl, [&wrong, &right], Some(&h1))).says(1, &["1 verified, 1 DIFFERS"]);
    for purl in ["PKG:Golang/a.example/one@v1.0.0", "pkg://golang/a.example/one@v1.0.0"] {
        audit(&component(purl, [&wrong, &wrong], None)).says(1, &["1 DIFFERS"]);
    }
    for purl in ["pkg:golangx/a.example/one@v1.0.0", "golang/a.example/one@v1.0.0"] {
        audit(&component(purl, [&wrong, &wrong], None)).says(0, &["0 golang packages"]);
    }
    // Of several package URLs the one of Go counts, wherever it stands.
    let mut document = spdx(&world);
    let npm = json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/one@1.0.0" });
    document["packages"][0]["externalRefs"].as_array_mut().unwrap().insert(0, npm);
    let checksum = json!({ "algorithm": "SHA256", "checksumValue": wrong });
    document["packages"][0]["checksums"].as_array_mut().unwrap().push(checksum);
    world.audit(&[&write(&world, "a.spdx.json", &document)]).says(1, &["2 verified, 1 DIFFERS"]);
}

#[test]
fn each_version_of_go_is_told_and_not_the_first_alone() {
    let Some(world) = world() else { return };
    let program = |go: &str| json!({ "GoVersion": go, "Path": "x", "Main": { "Path": "x", "Version": "(devel)" } });
    let programs = json!([program("go1.26.8"), program("go1.26.2"), program("devel go1.28-abc"), program("go1.26.2")]);
    let ran = world.audit(&[&write(&world, "printed", &programs), "--private", "golang.org/*"]);
    ran.says(0, &["go1.26.2 built it", "CVE-2026-42501", "devel go1.28-abc, which built it, is not a release of Go"]);
    assert_eq!(ran.out.matches("go1.26.2 built it").count(), 1, "{}", ran.show());
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
    // Behind the mark that some editors put before a text.
    audit(&format!("\u{feff}{text}"), &[]).says(0, &["2 verified"]);
    audit("{}", &["--as", "build-info"]).says(2, &["missing field `GoVersion`"]);
    audit("{\"a\": 1}", &[]).says(1, &["this is not a go.sum file"]);
    let mut deep = json!({ "name": "x" });
    (0..40).for_each(|_| deep = json!({ "name": "x", "components": [deep] }));
    let document = json!({ "bomFormat": "CycloneDX", "components": [deep] }).to_string();
    audit(&document, &[]).says(0, &["0 golang packages"]);
}

/// As cyclonedx-gomod writes it: the module that the document is of, one component in another, the standard library.
fn cyclonedx_xml(world: &World) -> String {
    let (one, two) = (sha256(world, ONE), world.site.corpus.h1_zip(TWO.0, TWO.1));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">
  <metadata><component type="application"><name>a.example/tool</name><purl>pkg:golang/a.example/tool@v1.0.0</purl></component></metadata>
  <components>
    <component type="library">
      <name>{}</name><version>{}</version>
      <hashes><hash alg="MD5">00</hash><hash alg="SHA-256">{one}</hash></hashes>
      <purl>pkg:golang/a.example/one@v1.0.0?type=module&amp;goos=linux</purl>
      <components>
        <component type="library">
          <name><![CDATA[{}]]></name><version>{}</version><purl>pkg:golang/a.example/two@v2.0.0%2Bincompatible</purl>
          <properties><property name="syft:metadata:h1Digest">{two}</property></properties>
        </component>
      </components>
    </component>
    <component type="library"><name>std</name><version>v1.26.8</version><purl>pkg:golang/std@v1.26.8</purl></component>
  </components>
</bom>
"#,
        ONE.0, ONE.1, TWO.0, TWO.1
    )
}

/// As syft writes it.
fn spdx_tag_value(world: &World) -> String {
    let package = |(name, version): (&str, &str), purl: &str, sha256: &str| {
        format!(
            "\n##### Package: {name}\n\nPackageName: {name}\nSPDXID: SPDXRef-x\nPackageVersion: {version}\n\
             PackageChecksum: SHA256: {sha256}\nPackageCopyrightText: <text>two\nPackageName: lines</text>\n\
             ExternalRef: SECURITY cpe23Type cpe:2.3:a:x:x:*\nExternalRef: PACKAGE-MANAGER purl {purl}\n"
        )
    };
    let (one, two) = (sha256(world, ONE), sha256(world, TWO));
    let head = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n";
    let one = package(ONE, "pkg:golang/a.example/one@v1.0.0", &one);
    let two = package(TWO, "pkg:golang/a.example/two@v2.0.0+incompatible", &two);
    format!("{head}{one}{two}Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-x\n")
}

#[test]
fn both_formats_are_read_in_their_other_spellings() {
    let Some(world) = world() else { return };
    for (name, text, artifact) in [
        ("a.cdx.xml", cyclonedx_xml(&world), "cyclonedx"),
        ("a.spdx", format!("\u{feff}{}", spdx_tag_value(&world)), "spdx"),
    ] {
        let path = world.home.path().join("sboms").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
        let path = path.display().to_string();
        let ran = world.audit(&[&path, "--format", "json"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(
            (ran.code, &report["tally"][0]["lines"], &report["total_lines"]),
            (0, &json!(2), &json!(2)),
            "{report:#}"
        );
        assert_eq!(report["files"][0]["artifact"], artifact);
        assert_eq!(report["files"][0]["lines"][0]["module"], ONE.0);
        fs::write(&path, text.replace(&sha256(&world, ONE), &"0".repeat(64))).unwrap();
        world.audit(&[&path]).says(1, &["DIFFERS", "1 verified, 1 DIFFERS"]);
    }
    // Found by their names.
    let folder = world.home.path().join("sboms").display().to_string();
    world.audit(&[&folder]).says(1, &["2 verified, 2 DIFFERS"]);
}

#[test]
fn broken_documents_in_other_spellings_say_where() {
    let Some(world) = world() else { return };
    let path = world.home.path().join("x");
    let audit = |text: &str, arguments: &[&str]| {
        fs::write(&path, text).unwrap();
        world.audit(&[&[path.to_str().unwrap()], arguments].concat())
    };
    let text = cyclonedx_xml(&world);
    audit(text.split("</hashes>").next().unwrap(), &[]).says(2, &["is not a CycloneDX SBOM", "at line 7"]);
    audit(&text.replace("</version>", "</x>"), &[]).says(2, &["at line 6"]);
    audit(&text.replace("<bom", "<!DOCTYPE bom [<!ENTITY a \"b\">]>\n<bom"), &[]).says(2, &["DOCTYPE", "at line 2"]);
    audit(&text.replace("std<", "&a;<"), &[]).says(2, &["an entity that XML does not define at line 16"]);
    audit(&text.replace("<components>", &"<x>".repeat(200)), &[]).says(2, &["more than 128 elements", "at line 4"]);
    audit(&text.replace("schema/bom/1.6", "other"), &["--as", "cyclonedx"])
        .says(2, &["no `bom` of CycloneDX at line 2"]);
    let text = spdx_tag_value(&world);
    audit(&text.replace("SHA256: ", ""), &[])
        .says(2, &["is not an SPDX SBOM", "a checksum without its algorithm at line 9"]);
    audit(&text.replace("purl ", ""), &[]).says(2, &["of 2 fields, not 3, at line 13"]);
    audit(&text.replace("</text>", ""), &[]).says(2, &["a text without its end at line 10"]);
    audit(&format!("{text}x\n"), &[]).says(2, &["neither a tag nor a comment at line"]);
    audit("x: y\n", &["--as", "spdx"]).says(2, &["no line with SPDXVersion"]);
}
