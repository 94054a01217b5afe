//! What the parser expected, in a reader's words: categories, never the grammar's terminals.

use crate::syntax::token::Token;

/// `an expression`, or `` `,` or `)` ``; empty if nothing useful can be said.
#[must_use]
pub fn categories(expected: &[String]) -> String {
    let has = |name: &str| expected.iter().any(|terminal| terminal.trim_matches('"') == name);
    let mut parts: Vec<String> = Vec::new();
    if has("variable") && has("integer") {
        parts.push("an expression".to_owned());
    } else {
        let names = [("variable", "a variable"), ("atom", "an atom"), ("integer", "an integer"), ("text", "a text")];
        parts.extend(names.iter().filter(|(name, _)| has(name)).map(|(_, words)| (*words).to_owned()));
    }
    if !has("variable") && has("+") {
        // After an operand most things can follow; only what ends it helps.
        parts.clear();
    }
    let marks = [",", ";", "->", "=>", ":=", "<-", "||", "|", "of", "/", ")", "]", "}", ">>", "end", "."];
    let operand_done = has("==");
    // What is possible almost everywhere is no help.
    let vague = |mark: &str| match mark {
        "/" | "<-" | "|" | "||" => operand_done,
        "->" => has("."),
        _ => false,
    };
    let closes = marks.iter().filter(|mark| has(mark) && !vague(mark));
    parts.extend(closes.map(|mark| format!("`{mark}`")));
    if !operand_done && has("(") && !has("variable") {
        parts.push("`(`".to_owned());
    }
    join(&parts)
}

fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [firsts @ .., last] => format!("{} or {last}", firsts.join(", ")),
    }
}

/// What a token is, in a reader's words.
#[must_use]
pub fn describe(token: Token, written: &str) -> String {
    match token {
        Token::Dot if written.is_empty() => "the end of the text".to_owned(),
        Token::Dot => "`.`, the end of the form".to_owned(),
        Token::Text => "a text".to_owned(),
        Token::Error => "something that cannot be read".to_owned(),
        _ if written.chars().count() > 24 => format!("`{}..`", written.chars().take(20).collect::<String>()),
        _ => format!("`{written}`"),
    }
}
