//! The flags of `reseal build` about sealing, and the passphrase that they lead to.

use std::path::PathBuf;

use bundle_format::{
    name::{NodeName, Recipient},
    sealing::{Passphrase, PassphraseError},
    word,
};
use zeroize::Zeroizing;

use super::{Failure, ask_passphrase};
use crate::{
    files, issue,
    seal::{Sealing, SealingError},
    site::{Site, SiteError, SiteFile, Warning},
};

/// The longest passphrase that is read from a descriptor, in bytes.
const MOST_PASSPHRASE: u64 = 1024;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = word!("Sealing", "加密封存"))]
pub struct SealingArgs {
    #[arg(long, value_name = "NODE=age1…", help = word!(
        "Seal a node's secrets to itself: its recipient, as `reseal-node facts` shows it there; repeatable",
        "把节点的机密加密封存给该节点：其接收方由该节点上的 `reseal-node facts` 显示；可重复"
    ))]
    node_recipient: Vec<String>,
    #[arg(long, group = "passphrase", help = word!(
        "Seal secrets by a new passphrase, which is made here and shown once",
        "用新口令加密封存机密，口令在此生成，只显示一次"
    ))]
    new_passphrase: bool,
    #[arg(long, value_name = "FILE", group = "passphrase", help = word!(
        "Seal secrets by a new passphrase, which is written to this file and not shown",
        "用新口令加密封存机密，口令写入此文件，不显示"
    ))]
    new_passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE", group = "passphrase", help = word!(
        "Seal secrets by the passphrase in this file's first line",
        "用此文件第一行的口令加密封存机密"
    ))]
    passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "N", group = "passphrase", help = word!(
        "Seal secrets by the passphrase in the first line that this open descriptor gives",
        "用此已打开描述符的第一行作为口令加密封存机密"
    ))]
    passphrase_fd: Option<u32>,
    #[arg(long, group = "passphrase", help = word!("Seal secrets by a passphrase that is asked for", "询问口令，用它加密封存机密"))]
    ask_passphrase: bool,
    #[arg(long, conflicts_with = "passphrase", help = word!(
        "Write secrets into the bundle as they are: whoever finds the stick has them",
        "机密不加密直接写入证书包：捡到 U 盘的人就拿到了机密"
    ))]
    unsealed: bool,
}

/// How a bundle is sealed, and what there is to say about it.
pub struct Decided {
    pub sealing: Sealing,
    /// A passphrase that was made here.
    pub new: Option<Zeroizing<String>>,
    pub warnings: Vec<Warning>,
}

impl SealingArgs {
    /// Puts recipients over those of the site file.
    pub fn over(&self, file: &mut SiteFile) -> Result<(), SiteError> {
        // Not parsed by clap, which would repeat a secret key that was given by mistake.
        for text in &self.node_recipient {
            let (node, recipient) = text.split_once('=').ok_or(SiteError::RecipientText)?;
            let (node, recipient): (NodeName, Recipient) = (node.parse()?, recipient.parse()?);
            let section = file.node.iter_mut().find(|section| section.name == node);
            section.ok_or(SiteError::RecipientOfNobody(node))?.recipient = Some(recipient);
        }
        Ok(())
    }

    /// Decides, and asks or makes the passphrase.
    pub fn decide(&self, site: &Site) -> Result<Decided, Failure> {
        if self.unsealed {
            return Ok(Decided { sealing: Sealing::Unsealed, new: None, warnings: vec![Warning::Unsealed] });
        }
        let (mut new, mut warnings) = (None, Vec::new());
        let passphrase = if self.new_passphrase || self.new_passphrase_file.is_some() {
            let made = Passphrase::from_random(aws_lc_rs::rand::fill)
                .map_err(|_| Failure::new(word!("the system gives no random bytes", "系统无法提供随机数")))?;
            Some(parse(new.insert(made).as_bytes())?)
        } else if let Some(path) = &self.passphrase_file {
            warnings.extend(issue::readable(path));
            Some(parse(first_line(&files::read(path, files::MOST_INPUT)?))?)
        } else if let Some(descriptor) = self.passphrase_fd {
            Some(parse(first_line(&files::read_line_of_descriptor(descriptor, MOST_PASSPHRASE)?))?)
        } else if self.ask_passphrase {
            Some(ask()?)
        } else {
            None
        };
        Ok(Decided { sealing: Sealing::of(site, passphrase)?, new, warnings })
    }

    /// Writes a new passphrase to its file, where one was named; whether it is yet to be shown.
    pub fn keep(&self, new: Option<&Zeroizing<String>>) -> Result<bool, Failure> {
        match (new, &self.new_passphrase_file) {
            (Some(new), Some(path)) => {
                let line = Zeroizing::new([new.as_bytes(), b"\n"].concat());
                files::write_new(path, &line, 0o600)?;
                Ok(false)
            }
            (new, _) => Ok(new.is_some()),
        }
    }

    /// Takes back what [`SealingArgs::keep`] wrote, when there is no bundle for it.
    pub fn discard(&self) {
        if let Some(path) = &self.new_passphrase_file {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn first_line(content: &[u8]) -> &[u8] {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A passphrase of the site: UTF-8, and not too weak for somebody who has the stick.
fn parse(line: &[u8]) -> Result<Passphrase, Failure> {
    let text = std::str::from_utf8(line).map_err(|_| Failure::new(word!("the passphrase is not UTF-8 text", "口令不是 UTF-8 文本")))?;
    let passphrase = Passphrase::new(text)?;
    passphrase.check_strength()?;
    Ok(passphrase)
}

fn ask() -> Result<Passphrase, Failure> {
    let instead = word!(
        "--passphrase-file FILE, --passphrase-fd N or --new-passphrase",
        "--passphrase-file FILE、--passphrase-fd N 或 --new-passphrase"
    );
    let first = parse(ask_passphrase(word!("passphrase for the bundle's secrets: ", "为证书包的机密设置口令："), instead)?.as_bytes())?;
    let second = parse(ask_passphrase(word!("once more: ", "再输入一次："), instead)?.as_bytes())?;
    if first.is_same(&second) { Ok(first) } else { Err(Failure::passphrases_differ()) }
}

impl From<PassphraseError> for Failure {
    fn from(error: PassphraseError) -> Self {
        Self::new(error).advise(word!("--new-passphrase makes a strong one", "--new-passphrase 可生成一个强口令"))
    }
}

impl From<SealingError> for Failure {
    fn from(error: SealingError) -> Self {
        let hint = error.hint();
        Self::new(error).hint(hint)
    }
}
