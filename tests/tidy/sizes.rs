//! Files and functions are short.

use super::source::{Source, Token};
use super::{FILE_LINES, FUNCTION_LINES, Fault, LONG_FILE_LINES, LONG_FILES};

/// A file with too many lines, and every function with too many.
pub(crate) fn check(source: &Source) -> Vec<Fault> {
    let lines = source.text.lines().count() - source.test_lines;
    let long = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    let limit = if long { LONG_FILE_LINES } else { FILE_LINES };
    let mut faults = Vec::new();
    if lines > limit {
        let why = format!("{lines} lines without tests, more than {limit}: split it by the questions that it answers");
        faults.push(Fault { path: source.path.clone(), line: limit, why });
    }
    functions(&source.tokens, &mut |name, line, lines| {
        if lines > FUNCTION_LINES {
            let why = format!("fn {name} has {lines} lines, more than {FUNCTION_LINES}");
            faults.push(Fault { path: source.path.clone(), line, why });
        }
    });
    faults
}

/// Name, line and length of every function that has a body.
fn functions(tokens: &[Token], found: &mut impl FnMut(&str, usize, usize)) {
    for (at, token) in tokens.iter().enumerate() {
        functions(&token.inside, found);
        let Some(name) = tokens.get(at + 1).filter(|next| token.is("fn") && next.word) else { continue };
        let end = tokens[at..].iter().find(|t| t.is("{") || t.is(";"));
        if let Some(body) = end.filter(|t| t.is("{")) {
            found(&name.text, token.line, body.end - token.line + 1);
        }
    }
}

#[test]
fn long_files_and_functions_are_caught() {
    let faults = |text: String| check(&Source::parse("src/x.rs", &text)).len();
    let body = |lines: usize| "\n".repeat(lines - 1);
    assert_eq!(faults(format!("fn f() {{{}}}", body(FUNCTION_LINES))), 0);
    assert_eq!(faults(format!("fn f() {{{}}}", body(FUNCTION_LINES + 1))), 1);
    assert_eq!(faults(format!("impl A {{ fn f<T>(x: T) -> u8 where T: B {{{}}} }}", body(FUNCTION_LINES + 1))), 1);
    assert_eq!(faults(format!("trait A {{ fn f();\n const X: fn(u8) = {{{}}}; }}", body(FUNCTION_LINES + 1))), 0);
    assert_eq!(faults(format!("//!{}", body(FILE_LINES))), 0);
    assert_eq!(faults(format!("//!{}//", body(FILE_LINES + 1))), 1);
    assert_eq!(faults(format!("//!\n#[cfg(test)]\nmod tests {{{}}}", body(FILE_LINES + 1))), 0);
}
