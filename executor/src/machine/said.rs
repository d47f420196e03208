//! What a program complained, made fit for an error message: one line, bounded, and without what it was sent.
//!
//! Database clients repeat the statement that failed, with the private key in it. So whatever a line shares with the input over
//! [`SHARED`] bytes is cut out of it. This must never show more than it does.

/// The longest line, in bytes.
pub const LONGEST: usize = 400;
/// What a line and the input have in common over this many bytes is no coincidence.
const SHARED: usize = 16;

/// The last line of `stderr` that has anything in it, without what it repeats of `input`; empty when there is none.
pub fn last_line(stderr: &[u8], input: &[u8]) -> String {
    let lines = stderr.split(|&byte| byte == b'\n' || byte == b'\r').map(<[u8]>::trim_ascii);
    let Some(line) = lines.rev().find(|line| !line.is_empty()) else { return String::new() };
    let line = &line[..line.len().min(LONGEST)];
    let kept = without(line, input);
    String::from_utf8_lossy(&kept).chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn without(line: &[u8], input: &[u8]) -> Vec<u8> {
    let mut repeated = vec![false; line.len()];
    for (start, window) in line.windows(SHARED).enumerate() {
        if input.windows(SHARED).any(|sent| sent == window) {
            repeated[start..start + SHARED].fill(true);
        }
    }
    let mut kept = Vec::with_capacity(line.len());
    for (place, &byte) in line.iter().enumerate() {
        match (repeated[place], place > 0 && repeated[place - 1]) {
            (false, _) => kept.push(byte),
            (true, false) => kept.extend_from_slice("…".as_bytes()),
            (true, true) => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_with_anything_in_it_is_kept() {
        assert_eq!(last_line(b"one\ntwo \r\n \n\n", b""), "two");
        assert_eq!(last_line(b" \n\n", b""), "");
        assert_eq!(last_line(b"a\x1b[31mb\xff", b""), "a [31mb\u{fffd}");
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        assert_eq!(last_line(&vec![b'x'; 100_000], b"").len(), LONGEST);
    }

    #[test]
    fn what_was_sent_is_cut_out_and_the_rest_stays() {
        let input = b"update t set value='-----BEGIN PRIVATE KEY-----MIIEvQIBADANBg' where k='a'";
        let said = last_line(b"ERROR 1064 at line 1: near '-----BEGIN PRIVATE KEY-----MIIEvQIBADANBg' in 'x'", input);
        assert_eq!(said, "ERROR 1064 at line 1: near …in 'x'");
        assert_eq!(last_line(b"ERROR 1146: Table 'tdh.t' doesn't exist", input), "ERROR 1146: Table 'tdh.t' doesn't exist");
    }

    #[test]
    fn a_long_line_cut_in_the_middle_of_a_secret_shows_less_than_sixteen_bytes_of_it() {
        let secret = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut line = vec![b' '; LONGEST - 15];
        line[0] = b'!';
        line.extend_from_slice(secret);
        assert!(!last_line(&line, secret).contains("0123456789abcdef"));
    }
}
