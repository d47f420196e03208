//! What is kept of runs, for programs and for people.

use bundle_format::{text, word};
use serde_json::{Value, json};

use super::{
    Screen, Tone,
    status::{phase_said, phase_text},
};
use crate::run::{Backup, Kept, Need, needs};

/// What is kept of one run, for programs.
pub fn backup_view(kept: &Kept, need: Option<Need>) -> Value {
    let state = kept.state();
    let (backup, damages) = match &kept.backup {
        Backup::Damaged(damages) => ("damaged", damages.clone()),
        Backup::Gone => ("gone", Vec::new()),
        Backup::Unknown => ("unknown", Vec::new()),
        Backup::Whole => ("whole", Vec::new()),
    };
    let begin = state.as_ref().and_then(|state| state.begin);
    json!({
        "name": kept.folder.name,
        "folder": kept.folder.place.to_string(),
        "bundle": begin.map(|begin| format!("{}-{}", begin.site, begin.serial)),
        "node": begin.map(|begin| &begin.node),
        "begun": begun(kept),
        "phase": state.as_ref().map(phase_text),
        "unreadable": kept.run.as_ref().err().map(ToString::to_string),
        "backup": backup,
        "damages": damages,
        "size": kept.size.0,
        "needed": need.map(Need::word),
    })
}

/// What is kept of all runs, for people.
pub fn show_backups(screen: &Screen, all: &[Kept]) {
    if all.is_empty() {
        screen.say(word!("nothing was ever applied here, so nothing is kept", "此处从未执行过，因此没有任何备份"));
    }
    for (kept, need) in all.iter().zip(needs(all)) {
        show_backup(screen, kept, need);
    }
}

fn show_backup(screen: &Screen, kept: &Kept, need: Option<Need>) {
    let state = kept.state();
    let phase = state.as_ref().map_or(word!("unreadable", "无法读取"), |state| phase_said(phase_text(state)));
    let begun = begun(kept).unwrap_or_else(|| text!("at an unknown time", "时间未知"));
    screen.toned(Tone::Bold, &kept.folder.name, &text!("  {phase}, begun {begun}", "  {phase}，开始于 {begun}"));
    let need = need.filter(|_| kept.backup != Backup::Gone).map(Need::text);
    let stays = need.map_or_else(String::new, |need| text!("; it stays: {need}", "；予以保留：{need}"));
    let bytes = kept.size.0;
    match &kept.backup {
        Backup::Damaged(damages) => {
            for damage in damages {
                screen.warn(damage);
            }
            screen.row(Tone::Bad, word!("  damaged", "  已损坏"), &text!("{bytes} bytes{stays}", "{bytes} 字节{stays}"));
        }
        Backup::Gone => screen.say(word!("  no backups", "  没有备份")),
        Backup::Unknown => {
            let why = kept.run.as_ref().err().map_or_else(String::new, ToString::to_string);
            screen.warn(&why);
            screen.say(&text!("  {bytes} bytes of backups in `{}`{stays}", "  `{}` 中有 {bytes} 字节备份{stays}"; kept.folder.backups()));
        }
        Backup::Whole => {
            let text = text!("{bytes} bytes, each backup as its digest says{stays}", "{bytes} 字节，每份备份都与摘要一致{stays}");
            screen.row(Tone::Plain, word!("  whole", "  完好"), &text);
        }
    }
    if kept.backup != Backup::Gone {
        screen.row(Tone::Plain, word!("  by hand", "  手工"), &format!("`less {}`", kept.folder.restore_text()));
    }
}

fn begun(kept: &Kept) -> Option<String> {
    let first = kept.run.as_ref().ok()?.history.entries.first()?;
    bundle_format::rfc3339_seconds::format(first.at).ok()
}
