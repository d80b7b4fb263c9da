//! The fenced code blocks of a Markdown document, and the commands in those that show a terminal (```` ```console ````).

#![allow(dead_code, unreachable_pub, reason = "each test program uses another part of it")]

/// What marks the block of a terminal.
pub const CONSOLE: &str = "console";
const FENCE: &str = "```";
const PROMPT: &str = "$ ";
/// What a shell prints before the next line of a command that is not finished.
const MORE: &str = "> ";

/// A fenced code block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// what follows the opening fence
    pub info: &'a str,
    /// the number of the line of the opening fence, from 1
    pub line: usize,
    pub lines: Vec<&'a str>,
}

/// A command of a console block, and what the block shows below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// the number of the command's line, from 1
    pub line: usize,
    /// without the prompt; of several lines where lines that begin with `> ` follow at once
    pub command: String,
    /// each line with its newline
    pub output: String,
}

/// The code blocks of a document, in order.
///
/// # Errors
/// A block is not closed.
pub fn blocks(markdown: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (line, text) in (1..).zip(markdown.lines()) {
        match (text.strip_prefix(FENCE), blocks.last_mut()) {
            (Some(_), _) if is_open => is_open = false,
            (Some(info), _) => {
                is_open = true;
                blocks.push(Block { info, line, lines: Vec::new() });
            }
            (None, Some(block)) if is_open => block.lines.push(text),
            (None, _) => {}
        }
    }
    match blocks.last() {
        Some(block) if is_open => Err(format!("line {}: the block is not closed", block.line)),
        _ => Ok(blocks),
    }
}

/// The commands of all console blocks of a document, in order.
///
/// # Errors
/// A block is not closed, or does not begin with a command.
pub fn steps(markdown: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks(markdown)?.iter().filter(|block| block.info == CONSOLE) {
        let before = steps.len();
        for (line, text) in (block.line + 1..).zip(&block.lines) {
            if let Some(command) = text.strip_prefix(PROMPT) {
                steps.push(Step { line, command: command.to_owned(), output: String::new() });
                continue;
            }
            let Some(step) = steps.get_mut(before..).and_then(<[Step]>::last_mut) else {
                return Err(format!("line {line}: a console block begins with a command: {text}"));
            };
            match text.strip_prefix(MORE).filter(|_| step.output.is_empty()) {
                Some(more) => step.command += &format!("\n{more}"),
                None => step.output += &format!("{text}\n"),
            }
        }
    }
    Ok(steps)
}

#[test]
fn commands_and_their_output_are_told_apart() {
    let text = "a\n```console\n$ one \\\n> two\nout\n> out\n$ three\n```\n```sh\n$ not this\n```\n";
    let steps = steps(text).unwrap();
    let found: Vec<_> = steps.iter().map(|s| (s.line, s.command.as_str(), s.output.as_str())).collect();
    assert_eq!(found, [(3, "one \\\ntwo", "out\n> out\n"), (7, "three", "")]);
    assert_eq!(blocks(text).unwrap()[1], Block { info: "sh", line: 9, lines: vec!["$ not this"] });
}

#[test]
fn blocks_that_are_no_sessions_are_errors() {
    for (text, why) in [
        ("```console\nout\n```\n", "line 2: a console block begins with a command"),
        ("```console\n$ one\n```\n```console\nout\n```\n", "line 5: a console block begins"),
        ("x\n```console\n$ one\n", "line 2: the block is not closed"),
    ] {
        let error = steps(text).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
}
