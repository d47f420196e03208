//! The certificates on this node: decoded out of their files, and nothing else of those.

use bundle_format::{
    certificate::{Certificate, CertificateError},
    facts::{CertificateFacts, ClusterFacts, MOST_ITEMS},
    name::TargetPath,
};

use super::{Look, MOST_CERTIFICATE_BYTES, places::KINDS};
use crate::machine::Sight;

/// How files with certificates end.
const ENDINGS: [&str; 4] = [".pem", ".crt", ".cer", ".cert"];

impl Look<'_> {
    /// The certificates in the homes of the clusters, and in the folders around them.
    pub(super) fn certificates(&mut self, clusters: &[ClusterFacts]) -> Vec<CertificateFacts> {
        let mut paths: Vec<TargetPath> = clusters.iter().flat_map(|cluster| &cluster.homes).map(|home| home.path.clone()).collect();
        for folder in KINDS.iter().flat_map(|kind| kind.folders) {
            let names = self.names(folder).into_iter().filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)));
            for path in names.filter_map(|name| format!("{folder}/{name}").parse().ok()) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        let mut found = Vec::new();
        let mut bytes = 0;
        for path in paths {
            for facts in self.certificates_of(&path) {
                bytes += facts.pem.len();
                if found.len() == MOST_ITEMS || bytes > MOST_CERTIFICATE_BYTES {
                    self.remarks.push(format!("from `{path}` on, certificates are left out: there are too many"));
                    return found;
                }
                found.push(facts);
            }
        }
        found
    }

    fn certificates_of(&mut self, path: &TargetPath) -> Vec<CertificateFacts> {
        let remark = match self.machine.look(path) {
            Sight::File(seen) => match Certificate::all_from_file(&seen.content) {
                Ok(found) => {
                    let facts = |(number, certificate)| CertificateFacts::of(path.clone(), number + 1, certificate);
                    return found.iter().enumerate().map(facts).collect();
                }
                Err(CertificateError::Missing) => return Vec::new(),
                Err(why) => why.to_string(),
            },
            Sight::Absent | Sight::NoPlace(_) => return Vec::new(),
            Sight::NotAFile(kind) => kind.is_what(),
            Sight::TooLarge(size) => format!("it has {size} bytes"),
            Sight::Unreadable(why) => why,
        };
        self.remarks.push(format!("`{path}` is passed over: {remark}"));
        Vec::new()
    }
}
