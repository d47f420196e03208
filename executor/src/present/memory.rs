//! What a node remembers, for people.

use bundle_format::{rfc3339_seconds, signature::SignerCount, text, word};
use time::OffsetDateTime;

use super::{Screen, Tone};
use crate::memory::{Floor, Memory, Pin};

/// Signers and sites.
pub fn show_memory(screen: &Screen, memory: &Memory) {
    if memory.pins.is_empty() {
        screen.say(word!(
            "no signer is pinned here; the first bundle that is applied needs `--signer`",
            "本机尚未固定任何签名人；第一次执行证书包时需要 `--signer`"
        ));
    }
    for pin in &memory.pins {
        show_pin(screen, pin);
    }
    for Floor { site, serial, needs_signers, at, .. } in &memory.floors {
        let signers = if *needs_signers == SignerCount::ONE {
            text!("one signer", "1 个签名人")
        } else {
            text!("{needs_signers} signers", "{needs_signers} 个签名人")
        };
        let text = text!(
            "{site}: up to serial {serial}, applied {}; needs {signers}", "{site}：序号到 {serial}，执行于 {}；需要 {signers}";
            told(*at)
        );
        screen.row(Tone::Bold, word!("site", "站点"), &text);
    }
}

fn show_pin(screen: &Screen, pin: &Pin) {
    screen.row(Tone::Bold, word!("signer", "签名人"), &pin.fingerprint.to_string());
    let by = match &pin.by {
        Some(bundle) => text!("by the bundle {bundle}", "由证书包 {bundle} 固定"),
        None => text!("by hand", "人工固定"),
    };
    let last = match pin.last_serial {
        Some(serial) => text!("last serial {serial}", "最近序号 {serial}"),
        None => text!("none was applied yet", "尚未执行过其证书包"),
    };
    screen.row(Tone::Plain, "", &text!("pinned {} {by}; {last}", "{} {by}；{last}"; told(pin.since)));
}

fn told(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap_or_default()
}
