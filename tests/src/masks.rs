//! What differs from run to run, masked, so that what programs say can be kept as snapshots.

use time::{Duration, OffsetDateTime, PrimitiveDateTime, macros::format_description};

use crate::{
    programs::{reseal, reseal_node},
    workshop::Workshop,
};

/// What programs said at this site, with digests, fingerprints, identities, folders, sizes and the present masked. Times of certificates,
/// which a test has chosen, stay.
///
/// # Panics
/// When the folder of the site is gone.
#[must_use]
pub fn masked(text: &str, workshop: &Workshop) -> String {
    const RECIPIENT: usize = 62;
    let text = text
        .replace(&workshop.path().canonicalize().expect("the folder is there").display().to_string(), "[DIR]")
        .replace(&workshop.path().display().to_string(), "[DIR]")
        .replace(&reseal_node().display().to_string(), "reseal-node")
        .replace(&reseal().display().to_string(), "reseal")
        .replace(&workshop.fingerprint(), "[SIGNER]");
    let words: Vec<&str> = text.split_inclusive(|c: char| !is_of_a_word(c)).collect();
    let mut out = String::new();
    let mut before = "";
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_end_matches(|c: char| !is_of_a_word(c));
        let is_hexadecimal = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_size = words.get(at + 1).is_some_and(|next| next.starts_with("bytes") || next.starts_with('字')) && bare.len() > 3;
        let recipient = bare.rsplit('=').next().filter(|end| end.starts_with("age1") && end.len() == RECIPIENT);
        let is_fingerprint = before.ends_with("SHA256:") && bare.len() > 8;
        out.push_str(match bare.len() {
            64 if is_hexadecimal => "[SHA-256]",
            16 if is_hexadecimal => "[SHORT]",
            _ if is_size => "[SIZE]",
            _ if is_fingerprint => "[…]",
            _ => recipient.map_or(bare, |recipient| &bare[..bare.len() - recipient.len()]),
        });
        if recipient.is_some() {
            out.push_str("age1[…]");
        }
        out.push_str(&word[bare.len()..]);
        before = word;
    }
    without_the_present(&out)
}

fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=".contains(c)
}

/// Masks moments of these days, and the time of day that begins a line of progress.
fn without_the_present(text: &str) -> String {
    const MOMENT: usize = "2026-01-02T03:04:05Z".len();
    let now = OffsetDateTime::now_utc();
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let is_now =
        |stamp: &str| PrimitiveDateTime::parse(stamp, form).is_ok_and(|moment| (moment.assume_utc() - now).abs() < Duration::days(2));
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_line = out.is_empty() || out.ends_with('\n');
        let taken = match rest.as_bytes() {
            [_, _, b':', _, _, b':', _, _, b'Z', ..] if is_line => "03:04:05Z".len(),
            [_, _, _, _, b'-', ..] if rest.get(..MOMENT).is_some_and(is_now) => MOMENT,
            _ => 0,
        };
        if taken == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.push_str("[TIME]");
            rest = &rest[taken..];
        }
    }
    out
}
