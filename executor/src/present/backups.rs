//! What is kept of runs, for programs and for people.

use serde_json::{Value, json};

use super::{Screen, Tone, status::phase_text};
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
        screen.say("nothing was ever applied here, so nothing is kept");
    }
    for (kept, need) in all.iter().zip(needs(all)) {
        show_backup(screen, kept, need);
    }
}

fn show_backup(screen: &Screen, kept: &Kept, need: Option<Need>) {
    let state = kept.state();
    let phase = state.as_ref().map_or("unreadable", phase_text);
    screen.toned(
        Tone::Bold,
        &kept.folder.name,
        &format!("  {phase}, begun {}", begun(kept).unwrap_or_else(|| "at an unknown time".to_owned())),
    );
    let stays = need.filter(|_| kept.backup != Backup::Gone).map_or_else(String::new, |need| format!("; it stays: {}", need.text()));
    match &kept.backup {
        Backup::Damaged(damages) => {
            for damage in damages {
                screen.warn(damage);
            }
            screen.toned(Tone::Bad, "  damaged", &format!("  {} bytes{stays}", kept.size.0));
        }
        Backup::Gone => screen.say("  no backups"),
        Backup::Unknown => {
            let why = kept.run.as_ref().err().map_or_else(String::new, ToString::to_string);
            screen.warn(&why);
            screen.say(&format!("  {} bytes of backups in `{}`{stays}", kept.size.0, kept.folder.backups()));
        }
        Backup::Whole => screen.say(&format!("  whole    {} bytes, each backup as its digest says{stays}", kept.size.0)),
    }
    if kept.backup != Backup::Gone {
        screen.say(&format!("  by hand  `less {}`", kept.folder.restore_text()));
    }
}

fn begun(kept: &Kept) -> Option<String> {
    let first = kept.run.as_ref().ok()?.history.entries.first()?;
    bundle_format::rfc3339_seconds::format(first.at).ok()
}
