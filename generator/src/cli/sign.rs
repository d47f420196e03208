//! `reseal sign`: a further person's signature on a finished bundle.

use std::path::{Path, PathBuf};

use bundle_format::{
    countersign::{CountersignError, countersign},
    digest::Digest,
    text, word,
};
use serde_json::json;

use super::{DONE, Failure, Outcome, load_signer, parse_signer};
use crate::{
    assemble::AssembleError,
    files::{self, Draft, Existing},
    note::{Note, NoteNodes},
    present::Output,
};

/// The largest bundle that is signed, in bytes.
const MOST_BUNDLE: u64 = 1 << 30;

#[derive(clap::Args, Debug)]
#[command(after_help = word!(
    "`reseal show` tells what a bundle would do. Whoever signs stands for all of it.",
    "`reseal show` 可显示证书包将做什么。签名即表示对全部内容负责。"
))]
pub struct Args {
    #[arg(value_name = "BUNDLE", help = word!("The bundle", "证书包"))]
    bundle: PathBuf,
    #[arg(long, value_name = "FILE", help = word!("The private key to sign with", "用于签名的私钥"))]
    signer: PathBuf,
    #[arg(long, value_name = "FILE", help = word!(
        "A file whose first line is the passphrase of that key",
        "文件，第一行是该私钥的口令"
    ))]
    signer_passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "SIGNER", help = word!(
        "Sign only if one of these signed before: a fingerprint `SHA256:…`, or a file with the public key; repeatable",
        "仅当其中之一已签名时才签名：指纹 `SHA256:…`，或含公钥的文件；可重复"
    ))]
    made_by: Vec<String>,
    #[arg(long, value_name = "FILE", conflicts_with = "in_place", help = word!(
        "Where to write the signed bundle [default: beside it, with `.signed-<number of signatures>` in its name]",
        "签名后的证书包写入的文件 [默认：在原文件旁，文件名含 `.signed-<number of signatures>`]"
    ))]
    out: Option<PathBuf>,
    #[arg(long, help = word!("Put the signed bundle in the place of the one without the signature", "用签名后的证书包替换原文件"))]
    in_place: bool,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let bundle = files::read(&self.bundle, MOST_BUNDLE)?;
        let made_by = self.made_by.iter().map(|signer| parse_signer(signer)).collect::<Result<Vec<_>, _>>()?;
        let made_by = (!made_by.is_empty()).then(|| made_by.into_iter().collect());
        let signer = load_signer(&self.signer, self.signer_passphrase_file.as_deref())?;
        let mut listing = NoteNodes::default();
        let (outcome, complete) = countersign(&bundle, &signer, made_by.as_ref(), &mut listing)?;
        let note = Note::new(Digest::of(&outcome), complete, listing);
        let path = self.path(note.complete.signers.len());
        let existing = if self.in_place { Existing::Replaced } else { Existing::Stay };
        let notes = write(&path, &outcome, &note, existing)?;
        report(&path, &notes, &note, output);
        Ok(DONE)
    }

    fn path(&self, signatures: usize) -> PathBuf {
        if self.in_place {
            return self.bundle.clone();
        }
        self.out.clone().unwrap_or_else(|| {
            let name = self.bundle.file_name().unwrap_or_default().to_string_lossy();
            let stem = name.strip_suffix(".tar.gz").unwrap_or(&name);
            let stem = stem.rsplit_once(".signed-").map_or(stem, |(stem, _)| stem);
            self.bundle.with_file_name(format!("{stem}.signed-{signatures}.tar.gz"))
        })
    }
}

/// Writes a bundle and its notes, all or none; the bundle last. Gives the notes' paths.
pub fn write(path: &Path, bundle: &[u8], note: &Note, existing: Existing) -> Result<[PathBuf; 2], Failure> {
    let [(english_path, english), (chinese_path, chinese)] = note.files(path).map_err(AssembleError::Readme)?;
    let drafts = [
        Draft { path: &english_path, content: english.as_bytes(), mode: 0o644 },
        Draft { path: &chinese_path, content: chinese.as_bytes(), mode: 0o644 },
        Draft { path, content: bundle, mode: 0o600 },
    ];
    files::write_together(&drafts, existing)?;
    Ok([english_path, chinese_path])
}

fn report(path: &Path, notes: &[PathBuf; 2], note: &Note, output: Output) {
    let signers: Vec<String> = note.complete.signers.iter().map(ToString::to_string).collect();
    let (needed, missing) = (note.complete.manifest.needs_signers, note.missing());
    let name = note.complete.manifest.name();
    output.lines(&text!("{name} is signed by\n  {}", "{name} 的签名人：\n  {}"; signers.join("\n  ")));
    if missing > 0 {
        output.warn(&text!(
            "a node takes it once {missing} more signed it, {needed} in all",
            "还需 {missing} 人签名（共需 {needed} 人），节点才会接受"
        ));
    }
    let [english, chinese] = notes;
    output.lines(&text!(
        "SHA-256:     {}\nnotes:       {}, {}",
        "SHA-256： {}\n交付单：  {}, {}";
        note.digest, english.display(), chinese.display()
    ));
    output.data(&if output.is_json() {
        json!({ "bundle": path, "sha256": note.digest, "signers": signers, "needs_signers": needed, "missing": missing, "notes": notes })
            .to_string()
    } else {
        path.display().to_string()
    });
}

impl From<CountersignError> for Failure {
    fn from(error: CountersignError) -> Self {
        match error {
            CountersignError::Bundle(error) => error.into(),
            CountersignError::Signed(_) => {
                Self::new(error).advise(word!("let somebody else sign it: each signer counts once", "请另一个人签名：每个签名人只计一次"))
            }
            error => Self::new(error),
        }
    }
}
