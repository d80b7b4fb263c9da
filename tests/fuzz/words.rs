//! The tokens of each format, to be put where a mutation would hardly ever write one.

pub const NOTE: &[&str] =
    &["— ", "\n\n", "\n— ", "example.org/log ", "+", "AAAAAAAAAAAA=", "go.sum database tree\n", "\u{2028}", "é"];
pub const KEY: &[&str] = &["+", "PRIVATE+KEY+", "=", "AQ", "BA", "example.org/log", "00000000", "\u{a0}", " ", "/"];
pub const TILE: &[&str] = &["tile/8/", "data/", "x000/", "x001/", "000", ".p/", "/", "255", "256", "x999/x999/x999/"];
pub const RECORD: &[&str] =
    &["\n\n", " h1:", "/go.mod h1:", " v1.0.0", "h2:x", "=", "example.com/Mod0/m", "\u{e9}", "\n1\n"];
pub const GOSUM: &[&str] = &[
    "\r\n",
    "<<<<<<< ",
    "=======\n",
    ">>>>>>> x",
    " h1:",
    "/go.mod ",
    "\0",
    "\u{feff}",
    "\u{a0}",
    "h2:x",
    "+incompatible",
    "\n\n",
];
pub const ZIP: &[&str] = &[
    "PK\x05\x06",
    "PK\x06\x06",
    "PK\x06\x07",
    "PK\x01\x02",
    "PK\x03\x04",
    "PK\x07\x08",
    "example.com/m@v1.0.0/",
    "go.mod",
    "/",
];
pub const PROOF: &[&str] =
    &["c2sp.org/tlog-proof@v1\n", "extra ", "index ", "\n\n", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "— "];
pub const EVIDENCE: &[&str] = &[
    "SECURITY ERROR\ngo.sum database server misbehavior detected!\n\n",
    "old database:\n\t",
    "\nnew database:\n\t",
    "\nproof of misbehavior:\n\t",
    "\n\t",
    "\t",
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
];
pub const MODULE: &[&str] = &[
    "/v2",
    "/v1",
    ".v2",
    "gopkg.in/",
    "-unstable",
    "+incompatible",
    "-0.",
    "-pre",
    ".0.",
    "20161208181325-20d25e280405",
    "!a",
    "!",
    "@v",
    "lookup/",
    "con",
    "~1",
    "v0.0.0-",
    "\u{212a}",
    "..",
    "-",
];
pub const PATTERN: &[&str] =
    &["*", "?", "[", "]", "^", "-", "\\", "[^a-z]", ",", "/", "*/", "a*a*a*a*a*", "\u{e9}", "\n"];
pub const SETTING: &[&str] = &[
    "off",
    "direct",
    ",",
    "|",
    " ",
    "https://",
    "http://",
    "file://",
    "file:///",
    "sum.golang.org",
    "@",
    ":8080",
    "..",
    "%2e",
    "?",
    "#",
    "me:s3cret@",
    "localhost",
    "[::1]",
    "\\",
    "//",
];
pub const GO_ENV: &[&str] =
    &["\nGOSUMDB=", "\nGOPROXY=", "\nGONOSUMDB=", "\nGOPRIVATE=", "\nGOPATH=", "none", "\0", "\r", "=", ":", "#"];
pub const GOMOD: &[&str] = &[
    "module ",
    "require ",
    "require (\n",
    "\n)\n",
    "go 1.17\n",
    "go 1.16\n",
    " v1.0.0",
    "a.b/c",
    "// indirect",
    "// indirect; x",
    "\"",
    "`",
    "\\",
    "/*",
    "//",
    "(",
    ")",
    "[",
    ",",
    "=>",
    "\r\n",
    "\t",
];

pub const HINT: &[&str] = &[
    "\"Version\":",
    "\"version\":",
    "\"Time\":",
    "\"Origin\":{",
    "\"VCS\":\"git\"",
    "\"URL\":\"https://h\"",
    "\"v1.0.0\"",
    "null",
    "true",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u017f",
    "\\ud83d",
    "\\n",
    "2026-01-02T03:04:05Z",
    "+07:60",
    ",5",
    "e1",
    "-",
    "0.",
    "\nv1.0.0\n",
];
pub const BUILD_INFO: &[&str] =
    &["path\t", "mod\t", "dep\t", "=>\t", "build\t", "\t", "\n", "h1:", "\"", "\\x", "`", "=", "(devel)", "go1.", "rc"];
pub const PROGRAM: &[&str] = &[
    "\u{7f}ELF",
    "MZ",
    "PE\0\0",
    " Go buildinf:\u{8}\u{2}",
    ".go.buildinfo",
    "__go_buildinfo",
    "UPX!",
    "\u{7f}\u{7f}\u{7f}\u{7f}",
    "\0\0\0\0",
];
pub const MODULES_TXT: &[&str] = &["# ", "## explicit", " => ", "../", "/..", " v1.0.0", "\n", "a.b/c", "a.b/c/x\n"];
pub const GO_SOURCE: &[&str] = &[
    "//go:build ",
    "// +build ",
    "//go:embed ",
    "ignore",
    "&&",
    "||",
    "!",
    "((((",
    "))))",
    "/*",
    "*/",
    "\n\n",
    "\"embed\"",
    "\u{feff}",
    "`",
];
pub const SBOM: &[&str] = &[
    "\"components\":[",
    "\"purl\":\"pkg:golang/",
    "\"hashes\":[]",
    "\"Replace\":{",
    "\"Sum\":\"h1:",
    "%2",
    "@v1.0.0",
    "null",
    "[[[[",
    "{\"",
    "\\u0000",
];
