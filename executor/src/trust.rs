//! Whether a bundle is for this site: the authority that it renews has the key of the one on this node. Pure.

use bundle_format::{certificate::Certificate, manifest::AuthorityRecord, name::TargetPath, slice::Slice};

use crate::{
    facts::{Facts, Target},
    plan::Rejection,
};

/// Where an authority's certificate has its home: the path in the manifest, and each that the slice installs it to.
pub fn homes<'a>(authority: &'a AuthorityRecord, slice: Option<&'a Slice>) -> Vec<&'a TargetPath> {
    let mut homes = vec![&authority.installed];
    let files = slice.into_iter().flat_map(Slice::installs).filter(|file| file.entry == authority.certificate);
    homes.extend(files.map(|file| &file.target));
    homes.dedup();
    homes
}

/// The certificates at a target, when there is a file with some.
pub fn certificates(target: &Target) -> Vec<Certificate> {
    target.sight.file().map(|seen| Certificate::all_from_file(&seen.content).unwrap_or_default()).unwrap_or_default()
}

/// Checks each authority of the bundle against what is at its homes. A home without a certificate says nothing.
///
/// # Errors
/// At the first that has another key.
pub fn same_site(authorities: &[AuthorityRecord], slice: Option<&Slice>, facts: &Facts) -> Result<(), Rejection> {
    for authority in authorities {
        for target in homes(authority, slice).into_iter().filter_map(|home| facts.target(home)) {
            let found: Vec<_> = certificates(target).iter().map(Certificate::public_key).collect();
            if !found.is_empty() && !found.contains(&authority.public_key) {
                let (path, expected) = (target.path.clone(), authority.public_key);
                return Err(Rejection::ForeignAuthority { authority: authority.name.clone(), path, found, expected });
            }
        }
    }
    Ok(())
}
