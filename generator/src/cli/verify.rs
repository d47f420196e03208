//! `reseal verify`: whether a bundle is whole and from a trusted signer.

use std::{fs::File, path::PathBuf};

use bundle_format::{
    limits::Limits,
    reader::{Complete, Nothing, Tarball, Unverified, Visitor},
    rfc3339_seconds, text, word,
};
use serde_json::json;

use super::{DONE, Failure, Outcome, parse_signer};
use crate::{files::FileError, present::Output};

#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(value_name = "BUNDLE", help = word!("The bundle", "证书包"))]
    bundle: PathBuf,
    #[arg(long, required = true, value_name = "SIGNER", help = word!(
        "A signer that you trust: its fingerprint `SHA256:…`, or a file with its public key; repeatable",
        "可信签名人：其指纹 `SHA256:…`，或含其公钥的文件；可重复"
    ))]
    signer: Vec<String>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let trusted = self.signer.iter().map(|signer| parse_signer(signer)).collect::<Result<_, _>>()?;
        let verified = open(&self.bundle)?.verify(&trusted)?;
        let complete = verified.read(&mut Nothing)?;
        let manifest = &complete.manifest;
        let created = rfc3339_seconds::format(manifest.created).unwrap_or_default();
        let data = if output.is_json() {
            json!({ "bundle": complete.sums.name.to_string(), "signer": complete.signers.first(), "signers": complete.signers, "needs_signers": manifest.needs_signers, "entries": complete.sums.digests.len(), "created": created, "nodes": manifest.nodes.len(), "sealing": manifest.sealing_view() }).to_string()
        } else {
            text!(
                "{} is whole: {} entries, {} nodes, made {created}, signed by {}\nsecrets: {}",
                "{} 完整：{} 个条目，{} 个节点，制作于 {created}，签名人 {}\n机密：{}";
                complete.sums.name,
                complete.sums.digests.len(),
                manifest.nodes.len(),
                complete.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(word!(" and ", " 和 ")),
                manifest.how_sealed()
            )
        };
        output.data(&data);
        Ok(DONE)
    }
}

/// Opens a bundle's tarball.
pub fn open(path: &PathBuf) -> Result<Unverified<Tarball<File>>, Failure> {
    if path.is_dir() {
        return Err(Failure::new(text!("`{}` is a folder", "`{}` 是目录"; path.display())).advise(word!(
            "give the tarball; the unpacked folder is for `reseal-node` on a node",
            "请指定 tar 包；解压后的目录供节点上的 `reseal-node` 使用"
        )));
    }
    let file = File::open(path).map_err(|why| FileError::Read { path: path.clone(), why })?;
    Ok(Unverified::open(Tarball::open(file)?, Limits::default())?)
}

/// Reads a bundle with the key that it brings itself: whole, but not trusted.
pub fn read_untrusted(path: &PathBuf, visitor: &mut dyn Visitor) -> Result<Complete, Failure> {
    let unverified = open(path)?;
    let claimed = unverified.claimed_signers()?.into_iter().collect();
    Ok(unverified.verify_unfinished(&claimed)?.read(visitor)?)
}
