//! The flags about what opens secrets.

use std::path::PathBuf;

use bundle_format::{
    sealing::{Identity, Passphrase},
    text, word,
};

use super::{
    Context,
    job::{self, BundleArgs, NodeArgs},
};
use crate::{
    bundle::Bundle,
    error::Failure,
    node_identity,
    preflight::Refusal,
    shell::quoted,
    unseal::{self, Locked},
};

/// The longest passphrase, in bytes.
const MOST_BYTES: usize = 1024;
/// How often a person at the console may type.
const TRIES: usize = 3;

/// What opens secrets, where this node's identity does not.
#[derive(Clone, Debug, clap::Args)]
pub struct UnsealArgs {
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd", help = word!(
        "A file whose first line is the bundle's passphrase [default: asked for, where this node's identity does not fit]",
        "首行为证书包口令的文件 [默认：节点身份密钥打不开时询问]"))]
    passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "N", help = word!(
        "An open descriptor whose first line is the bundle's passphrase",
        "首行为证书包口令的已打开文件描述符"))]
    passphrase_fd: Option<u32>,
}

impl UnsealArgs {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let file = self.passphrase_file.iter().flat_map(|path| ["--passphrase-file".to_owned(), quoted(&path.display().to_string())]);
        let descriptor = self.passphrase_fd.iter().flat_map(|number| ["--passphrase-fd".to_owned(), number.to_string()]);
        file.chain(descriptor).collect()
    }

    /// Verifies and reads the bundle, finds this node in it, and opens the node's secrets.
    pub fn open(&self, context: &Context, bundle: &BundleArgs, node: &NodeArgs) -> Result<Bundle, Failure> {
        let machine = &context.machine;
        let mut bundle = bundle.read(context, node.wanted(machine))?;
        let (slice, _) = job::own_slice(&bundle, node, machine)?;
        let node = slice.node.clone();
        let own = if bundle.manifest().sealing.is_some() { self.own_identity(context)? } else { None };
        let mut tries = 0;
        let mut ask = || {
            tries += 1;
            self.passphrase(context, tries)
        };
        unseal::unseal(&mut bundle, &node, own, &mut ask)?;
        Ok(bundle)
    }

    /// The identity of this node. Without root it is out of reach, which matters only where no passphrase was given.
    fn own_identity(&self, context: &Context) -> Result<Option<Identity>, Failure> {
        let machine = &context.machine;
        match node_identity::identity(machine) {
            Ok(identity) => Ok(identity),
            Err(_) if machine.lacks_root() && self.is_given() => Ok(None),
            Err(_) if machine.lacks_root() => Err(Refusal::NotRoot.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn is_given(&self) -> bool {
        self.passphrase_file.is_some() || self.passphrase_fd.is_some()
    }

    /// The passphrase, for the first or a further time; none where there is no other to be had.
    fn passphrase(&self, context: &Context, tries: usize) -> Result<Option<Passphrase>, Locked> {
        let machine = &context.machine;
        if tries > 1 && (self.is_given() || tries > TRIES) {
            return Ok(None);
        }
        if let Some(path) = &self.passphrase_file {
            const FLAG: &str = "--passphrase-file";
            let file = machine.read_argument(path).map_err(|why| Locked::Passphrase { flag: FLAG, why: why.to_string() })?;
            return parse(FLAG, file.split(|byte| *byte == b'\n').next().unwrap_or_default());
        }
        if let Some(descriptor) = self.passphrase_fd {
            const FLAG: &str = "--passphrase-fd";
            let read = machine.read_descriptor(descriptor, MOST_BYTES);
            return parse(FLAG, &read.map_err(|why| Locked::Passphrase { flag: FLAG, why: why.to_string() })?);
        }
        if tries > 1 {
            context.screen.warn(&Locked::WrongPassphrase.to_string());
        }
        match machine.ask_secret(word!("passphrase of the bundle: ", "证书包的口令：")) {
            Ok(typed) => parse("passphrase", typed.as_bytes()),
            Err(_) => Ok(None),
        }
    }
}

fn parse(flag: &'static str, line: &[u8]) -> Result<Option<Passphrase>, Locked> {
    let refuse = |why: String| Locked::Passphrase { flag, why };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| refuse(text!("it is not UTF-8 text", "不是 UTF-8 文本")))?;
    Passphrase::new(text).map(Some).map_err(|why| refuse(why.to_string()))
}
