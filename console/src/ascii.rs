//! Words for a terminal that shows ASCII alone.

use bundle_format::language::Language;

/// A text in ASCII: what has a likeness there is written by it, the rest by its number. Where Chinese is spoken, which nothing can
/// replace, only what draws and quotes is.
pub fn ascii(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let keeps_others = Language::spoken() == Language::Chinese;
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match likeness(c) {
            Some(likeness) => plain.push_str(likeness),
            None if c.is_ascii() || keeps_others => plain.push(c),
            None => plain.extend(c.escape_unicode()),
        }
    }
    plain
}

fn likeness(c: char) -> Option<&'static str> {
    Some(match c {
        '…' => "...",
        '·' | '•' | '∙' | '–' | '—' | '─' | '━' | '‑' | '−' => "-",
        '│' | '┃' | '▏' => "|",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╰' | '╯' => "+",
        '→' | '➜' | '▶' => "->",
        '←' | '◀' => "<-",
        '↑' => "^",
        '↓' => "v",
        '‘' | '’' => "'",
        '“' | '”' | '«' | '»' => "\"",
        '×' | '✗' | '✘' | '✕' => "x",
        '✓' | '✔' => "ok",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '≈' => "~",
        '±' => "+-",
        '█' | '▓' | '■' | '●' => "#",
        '░' | '▒' | '□' | '○' => ".",
        '\u{a0}' | '\u{3000}' => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::ascii;

    #[test]
    fn a_serial_console_shows_every_sign() {
        assert_eq!(ascii("0 done · 1 failed → `plan`… ✓"), "0 done - 1 failed -> `plan`... ok");
        assert_eq!(ascii("CN=证书"), r"CN=\u{8bc1}\u{4e66}");
        assert!(ascii("é “x” ≥ 3").is_ascii());
    }
}
