//! `reseal verify`: whether a bundle is whole and from a trusted signer.

use std::{fs::File, path::PathBuf};

use bundle_format::{
    limits::Limits,
    reader::{Complete, Nothing, Tarball, Unverified, Visitor},
    rfc3339_seconds,
};
use serde_json::json;

use super::{DONE, Failure, Outcome, parse_signer};
use crate::{files::FileError, present::Output};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// A signer that you trust: its fingerprint `SHA256:…`, or a file with its public key; repeatable
    #[arg(long, required = true, value_name = "SIGNER")]
    signer: Vec<String>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let trusted = self.signer.iter().map(|signer| parse_signer(signer)).collect::<Result<_, _>>()?;
        let verified = open(&self.bundle)?.verify(&trusted)?;
        let complete = verified.read(&mut Nothing)?;
        let manifest = &complete.manifest;
        let created = rfc3339_seconds::format(manifest.created).unwrap_or_default();
        let data = if output.json {
            json!({ "bundle": complete.sums.name.to_string(), "signer": complete.signers.first(), "signers": complete.signers, "needs_signers": manifest.needs_signers, "entries": complete.sums.digests.len(), "created": created, "nodes": manifest.nodes.len(), "sealing": manifest.sealing_view() }).to_string()
        } else {
            format!(
                "{} is whole: {} entries, {} nodes, made {created}, signed by {}\nsecrets: {}",
                complete.sums.name,
                complete.sums.digests.len(),
                manifest.nodes.len(),
                complete.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
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
        return Err(Failure::new(
            format!("`{}` is a folder", path.display()),
            "give the tarball; the unpacked folder is for `reseal-node` on a node".to_owned(),
        ));
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
