//! Inputs to start from: valid ones of every kind, made in code or real ones of `testdata/demo`, and some that are nearly so.

use std::fs;
use std::path::Path;

use gosumcheck::sumdb::note::{Signature, SignerKey, message};
use gosumcheck::sumdb::record::{LookupResponse, join_records};
use gosumcheck::sumdb::tile::Want;

use crate::checks::notes::TEXTS;
use crate::checks::proofs::{genuine_evidence, genuine_proofs};
use crate::checks::world::{record, world};
use crate::crafted;

/// Texts as inputs.
fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Real files below `testdata/demo`.
fn demo(folder: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo").join(folder);
    let mut files: Vec<_> = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap).collect();
    files.retain(|entry| entry.file_type().is_file());
    files.sort_by_key(|entry| entry.path().to_owned());
    files.iter().map(|entry| fs::read(entry.path()).unwrap()).collect()
}

pub fn notes() -> Vec<Vec<u8>> {
    let (log, witness) = (&world().log, &world().witness);
    let other = SignerKey::from_seed("example.org/log", [9; 32]).unwrap();
    let signatures = |text: &str| -> [Vec<Signature>; 4] {
        [
            vec![log.sign(text)],
            vec![other.sign(text), log.sign(text), witness.cosign(text, 1_738_713_836)],
            vec![witness.cosign(text, u64::MAX)],
            [vec![other.sign(text); 40], vec![log.sign(text); 59]].concat(),
        ]
    };
    let notes = TEXTS.iter().flat_map(|text| signatures(text).map(|signed| message(text, &signed).unwrap().into()));
    notes.collect()
}

pub fn checkpoints() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = world().trees.iter().map(|tree| tree.note_text().into()).collect();
    seeds.extend(seeds.first().map(|text| [text.as_slice(), b"an extension\n"].concat()));
    seeds.extend(texts(&["go.sum database tree\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"]));
    seeds
}

pub fn witnessed() -> Vec<Vec<u8>> {
    world().trees.iter().map(|tree| world().head(tree).bytes().to_vec()).collect()
}

pub fn vkeys() -> Vec<Vec<u8>> {
    let key = world().log.verifier();
    let [log, witness] = [key.to_string(), key.as_witness().to_string()];
    texts(&[&log, &witness, gosumcheck::config::sumdb::SUM_GOLANG_ORG, &log.to_uppercase()])
}

pub fn skeys() -> Vec<Vec<u8>> {
    texts(&[&world().log.secret_text(), &world().witness.secret_text()])
}

pub fn tile_paths() -> Vec<Vec<u8>> {
    texts(&[
        "tile/8/0/000",
        "tile/8/0/000.p/1",
        "tile/8/3/x001/x234/067",
        "tile/8/7/000.p/64",
        "tile/8/data/x246/472.p/76",
        "tile/8/0/x018/x014/x398/x509/x481/983",
    ])
}

pub fn admissions() -> Vec<Vec<u8>> {
    let trees = 0..world().trees.len() as u8;
    let starts = trees.flat_map(|tree| {
        [0, 1, 2].map(|want| vec![tree, want, tree.wrapping_mul(37), tree / 3, (tree > 8).into(), 0, 1, 0, 0, 0])
    });
    starts.collect()
}

pub fn merkle() -> Vec<Vec<u8>> {
    let proof = |tree, index: u64| {
        let verified = world().verified(tree, &[Want::Leaf(index), Want::Consistency(index.max(1))]);
        let [leaf, older] = [verified.leaf(index), verified.root_at(index.max(1))].map(Option::unwrap);
        [
            (index, leaf, verified.inclusion_proof(index).unwrap()),
            (index.max(1), older, verified.consistency_proof(index.max(1)).unwrap()),
        ]
        .map(|(index, first, proof)| {
            let hashes = [&[first, tree.root], proof.as_slice()].concat();
            [
                &index.to_le_bytes()[..],
                &tree.size.to_le_bytes(),
                hashes.iter().map(|hash| hash.0).collect::<Vec<_>>().as_flattened(),
            ]
            .concat()
        })
    };
    let trees = world().trees.iter().step_by(3);
    trees.flat_map(|tree| [0, tree.size / 3, tree.size - 1].map(|index| proof(*tree, index))).flatten().collect()
}

pub fn records() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [0, 1, 65_999].map(|index| record(index).into()).into();
    seeds.extend(texts(&["a.b/c v1.0.0 h2:x\na.b/c v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"]));
    seeds
}

pub fn lookups() -> Vec<Vec<u8>> {
    let head = world().head(&world().trees[5]);
    let mut seeds = demo("sum.golang.org/lookup");
    seeds.push(LookupResponse::build(7, &record(7), head.bytes()));
    seeds.push(LookupResponse::build(u64::MAX, "any text\n", b""));
    seeds
}

pub fn data_tiles() -> Vec<Vec<u8>> {
    let tile = |width: u64| {
        let records: Vec<String> = (0..width).map(record).collect();
        join_records(&records.iter().map(String::as_bytes).collect::<Vec<_>>())
    };
    let mut seeds = vec![Vec::new(), tile(1), tile(2), tile(17), tile(256)];
    seeds.extend(texts(&["a\n\nb\n\n", "a\nb\n\nc\n", "a\n"]));
    seeds
}

pub fn gosums() -> Vec<Vec<u8>> {
    let ours: String = (0..20).map(record).collect();
    let mut seeds = demo("go.sum");
    seeds.push(ours.replace('\n', "\r\n").into());
    seeds.push([b"\xef\xbb\xbf<<<<<<< HEAD\n", ours.as_bytes(), ours.as_bytes()].concat());
    seeds.extend(texts(&[
        "a.b/c v1.0.0 h2:x\n\n \t\na.b/c v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=",
    ]));
    seeds
}

/// The short ones of the crafted zips of `h1.rs`, honest and otherwise.
pub fn zips() -> Vec<Vec<u8>> {
    crafted::agreed().into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 8 << 10).collect()
}

pub fn proofs() -> Vec<Vec<u8>> {
    let proofs: Vec<String> = genuine_proofs().iter().map(ToString::to_string).collect();
    let mut seeds: Vec<Vec<u8>> = proofs.iter().map(|proof| proof.clone().into()).collect();
    seeds.push(proofs.concat().into());
    seeds.extend(texts(&["c2sp.org/tlog-proof@v1\nindex 0\n\n"]));
    seeds
}

pub fn evidence() -> Vec<Vec<u8>> {
    let text = genuine_evidence().0.to_string();
    let title: String = text.split_inclusive('\n').take(3).collect();
    let stamped: String = text.lines().zip(10..).map(|(line, at)| format!("12:00:{at} {line}\n")).collect();
    let fake = text.replace("\t3\n", "\t4\n");
    texts(&[
        &text,
        &format!("go: a line before\n{text}\n"),
        &text.replace('\n', "\r\n"),
        &stamped,
        &stamped.replace(" \n", "\n"),
        &format!("{title}{title}{text}\n"),
        &format!("{fake}\n{text}"),
    ])
}

pub fn modules() -> Vec<Vec<u8>> {
    texts(&[
        "github.com/Azure/azure-sdk-for-go@v1.0.0-RC1",
        "lookup/github.com/!azure/azure-sdk-for-go@v1.0.0-!r!c1",
        "lookup/golang.org/toolchain@v0.0.1-go1.21.0.linux-amd64",
        "github.com/go-chi/chi/v5",
        "gopkg.in/yaml.v2-unstable@v2.0.0",
        "v2.0.0+incompatible",
        "v0.0.0-20161208181325-20d25e280405",
        "v1.2.4-0.20161208181325-20d25e280405+incompatible",
        "v1.2.3-pre.0.20161208181325-20d25e280405",
        "!gopher.example/!a~1b",
    ])
}

pub fn hints() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"Version":"v1.0.0","Time":"2026-01-02T03:04:05.5+02:00","Origin":{"VCS":"git","URL":"https://h/m","Hash":"abc","Ref":"refs/tags/v1.0.0"}}"#,
        r#"{"version":"v9.9.9","Version":"v1.0.0","Name":[1,{"x":null}],"origin":null}"#,
        r#"{"Version":"v1.0.0","Ver\u017fion":null,"time":null,"Origin":{"tagSum":"\ud83d\ude00","TagPrefix":"<>"}}"#,
        "v1.0.0\r\nv1.1.0 2024-01-01T00:00:00Z\nmaster\n\nv0.0.0-20240102030405-abcdefabcdef\n",
    ])
}

pub fn gomods() -> Vec<Vec<u8>> {
    texts(&[
        "module example.com/m\n\ngo 1.21\n\nrequire (\n\ta.b/c v1.0.0\n\tx.y/z/v2 v2.1.0 // indirect\n)\n",
        "module m // Deprecated: no\ngo 1.16\nrequire \"a.b/c\" v2.0.0+incompatible//indirect; words\nreplace a.b/c => ../c\n",
        "retract [v1.0.0, v1.1.0] // words\nexclude (\n)\nrequire ()\ntoolchain go1.21.0\n",
    ])
}

pub fn versions() -> Vec<Vec<u8>> {
    texts(&["v1\nv1.0.0", "v1.2.3-rc.1+meta\nv1.2.3-rc.01", "v1.0.0-a.b.1\nv1.0.0-a.b.10", "v0.0.0-2-\nbad"])
}

pub fn patterns() -> Vec<Vec<u8>> {
    texts(&[
        "*.corp.example.com,rsc.io/private/\nrsc.io/private/quux",
        "*/quo??/*,[a-z]*.[^x]o,\\*\nrsc.io/quote/v3",
        "[,a.b/[x-]/,*a*b*c*d*e*\naxbxcxdxe/f",
    ])
}

pub fn printables() -> Vec<Vec<u8>> {
    texts(&["plain text", "\u{202e}\u{1b}[31m\\u{1b}\t", "\u{fe}é\u{1f980}\u{200b}\u{feff}"])
}

pub fn settings() -> Vec<Vec<u8>> {
    let key = world().log.verifier();
    texts(&[
        "off",
        "sum.golang.org https://me:s3cret@mirror.example/x",
        "sum.golang.google.cn",
        &format!("{key} http://localhost:8080"),
        "https://a.example|http://b,file:///c,direct",
        "a.example/x | , off",
        "file:///root/go/pkg/mod/cache/download/sumdb/sum.golang.org",
        "http://[::1]:8080/sumdb",
    ])
}

pub fn go_envs() -> Vec<Vec<u8>> {
    texts(&[
        "GOPROXY=https://a,direct\nGOSUMDB=sum.golang.org\n# a comment\nGONOSUMDB=*.corp\nGOPRIVATE=x\0GOSUMDB=off\n",
        "GOPATH=/a:/b\nGONOSUMCHECK=1\r\nGOPRIVATE=none\n=\nGOPROXY=\n",
    ])
}

/// What the go command embeds, of some length and with all kinds of lines.
const BUILD_INFO: &str = "path\texample.com/m/cmd\nmod\texample.com/m\t(devel)\t\ndep\ta.b/c\tv1.0.0\t\
    h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\ndep\tx.y/z\tv1.2.0\n=>\t../z\t(devel)\t\n\
    build\t-ldflags=\"-s \\\"w\\x41\\u00e9\\101\"\nbuild\tGOOS=linux\nbuild\t`a b`=c\n";

pub fn build_infos() -> Vec<Vec<u8>> {
    texts(&[BUILD_INFO, "go1.26.8 X:nocoverageredesign", "go1.27rc3", "path\tcmd/go\nmod\tcmd\n"])
}

pub fn programs() -> Vec<Vec<u8>> {
    use crate::crafted::programs::{by_pointers, elf, fat, inline, macho, pe};
    let now = inline("go1.26.8", BUILD_INFO);
    let old = [(8, false), (4, true)].map(|(size, is_big)| elf(&by_pointers("go1.17.1", BUILD_INFO, size, is_big)));
    let all = [elf(&now), macho(&now), pe(&now), fat(&[macho(&now), macho(&inline("go1.20", "path\tx\n"))])];
    all.into_iter().chain(old).collect()
}

pub fn modules_txts() -> Vec<Vec<u8>> {
    texts(&[
        "# a.b/c v1.0.0\n## explicit; go 1.21\na.b/c\na.b/c/d\n# x.y/z v1.0.0 => ../z\nx.y/z\n# q.r/s => t.u/v v1.2.0\n",
        "## workspace\n# a.b/c/v2 v2.0.0 => d.e/f v0.0.0-20240102030405-abcdefabcdef\na.b/c/v2/x\n",
    ])
}

pub fn go_sources() -> Vec<Vec<u8>> {
    texts(&[
        "// A licence.\n\n//go:build !(linux || ignore) && (a.b || !cgo)\n\npackage a\n\nimport _ \"embed\"\n\n//go:embed a \"b c\" `d`\nvar x string\n",
        "/* words */ // +build linux,!ignore windows\n// +build ignore\n\npackage a\n",
    ])
}

pub fn sboms() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a.b/C","version":"v1.0.0","purl":"pkg:golang/a.b/c@v1.0.0%2Bincompatible?type=module","hashes":[{"alg":"SHA-256","content":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"components":[{"name":"x","purl":"pkg:golang/x.y/z@v1.0.0","properties":[{"name":"syft:metadata:h1Digest","value":"h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}]}]}]}"#,
        r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"a.b/c","versionInfo":"v1.0.0","checksums":[{"algorithm":"SHA256","checksumValue":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:golang/a.b/c@v1.0.0"}]}]}"#,
        r#"[{"GoVersion":"go1.26.8","Path":"a.b/c","Main":{"Path":"a.b/c","Version":"(devel)"},"Deps":[{"Path":"x.y/z","Version":"v1.0.0","Sum":"h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","Replace":null}]}]"#,
    ])
}
