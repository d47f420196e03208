//! `reseal build`: a site file and flags to a signed bundle.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use bundle_format::{
    certificate::San,
    digest::{Digest, Fingerprint},
    name::{Label, Serial, SiteName},
    rfc3339_seconds,
    signature::SignerCount,
};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    DONE, Failure, Outcome, load_signer,
    sealing::{self, Decided},
    sign,
};
use crate::{
    assemble::{self, Assembled, Executors, executor_beside},
    files::{self, Existing},
    issue::{self, Issued},
    present::{self, Output},
    profile::tos::Edition,
    seal::Sealing,
    signer::SignerKey,
    site::{Making, Node, Site, SiteError, SiteFile, Warning},
    x509::leaf::LeafMaterial,
};

#[derive(clap::Args, Debug)]
#[command(after_help = "A site file, or flags, or both: flags win. `reseal site init` writes a site file to start from.")]
pub struct Args {
    /// The site file
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// The site's name
    #[arg(long)]
    name: Option<SiteName>,
    /// How the site's nodes are laid out
    #[arg(long, value_parser = ["tos"])]
    profile: Option<String>,
    /// The product line
    #[arg(long, value_enum)]
    edition: Option<Edition>,
    /// The version of TOS, as `kubectl version` or the registry's image tag shows it
    #[arg(long, value_name = "VERSION")]
    tos_version: Option<String>,
    /// Build although the version is outside the affected range
    #[arg(long)]
    force_version: bool,
    /// The CA's present certificate
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The CA's private key
    #[arg(long, value_name = "FILE")]
    ca_key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the CA's key
    #[arg(long, value_name = "FILE")]
    ca_key_passphrase_file: Option<PathBuf>,
    /// The leaf to replace
    #[arg(long, value_name = "FILE")]
    leaf: Option<PathBuf>,
    /// A host name or address to add to the leaf's SANs; repeatable
    #[arg(long, value_name = "SAN")]
    san: Vec<String>,
    /// A node, roles etcd, flannel, manager; repeatable, in visiting order; replaces the nodes of the site file
    #[arg(long, value_name = "NAME=ADDR[,ADDR…]:ROLE[+ROLE…]")]
    node: Vec<Node>,
    /// Seconds between the end of a node's last container and its return [default: 30]
    #[arg(long, value_name = "SECONDS")]
    settle: Option<u32>,
    /// The signer's private key
    #[arg(long, value_name = "FILE")]
    signer: Option<PathBuf>,
    /// A file whose first line is the passphrase of the signer's key
    #[arg(long, value_name = "FILE")]
    signer_passphrase_file: Option<PathBuf>,
    /// How many signers, this one among them, a node asks for, 1 to 8; `reseal sign` adds a signature [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = parse_count)]
    require_signatures: Option<SignerCount>,
    /// Days that the CA will be valid [default: 36500]
    #[arg(long)]
    days: Option<u32>,
    /// Days that the leaf will be valid, never longer than the CA [default: those of the CA]
    #[arg(long, value_name = "DAYS")]
    leaf_days: Option<u32>,
    /// The bundle's number, higher than that of the site's last bundle [default: the time of making]
    #[arg(long)]
    serial: Option<Serial>,
    /// The time of making, as 2026-01-31T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    created: Option<OffsetDateTime>,
    /// A static `reseal-node` to carry; repeatable, one for each architecture [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    executor: Vec<PathBuf>,
    #[command(flatten)]
    sealing: sealing::SealingArgs,
    /// The folder to write the bundle to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// What a build made.
pub struct Built {
    pub issued: Issued,
    pub assembled: Assembled,
    pub path: PathBuf,
    pub notes: [PathBuf; 2],
    pub signer: Fingerprint,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let mut file = self.site_file()?;
        let signer_path = file.signer.take();
        let executors = std::mem::take(&mut file.executors);
        let created =
            self.created.unwrap_or_else(OffsetDateTime::now_utc).replace_nanosecond(0).map_err(|error| Failure::new(error, None))?;
        let (site, warnings) = Site::new(file, Making { serial: self.serial, created, force_version: self.force_version })?;
        warn(output, &warnings);
        let Decided { sealing, new, warnings } = self.sealing.decide(&site)?;
        let signer_path = signer_path.as_deref();
        let signer = self.signer(signer_path)?;
        let executors = if executors.is_empty() {
            std::env::current_exe().ok().and_then(|program| executor_beside(&program)).into_iter().collect()
        } else {
            executors
        };
        let executors = Executors::load(&executors)?;
        warn(output, &executors.warnings());
        warn(output, &warnings);
        let secrets = signer_path.into_iter().chain(self.signer_passphrase_file.as_deref());
        warn(output, &secrets.filter_map(issue::readable).collect::<Vec<_>>());
        let is_to_be_shown = self.sealing.keep(new.as_ref())?;
        let (built, warnings) = build(&site, &executors, &signer, &sealing, &self.out).inspect_err(|_| self.sealing.discard())?;
        warn(output, &warnings);
        report(&built, output)?;
        if let Some(new) = new.filter(|_| is_to_be_shown) {
            output.once("passphrase, shown only now; it travels apart from the bundle, on paper or by phone:", &new);
        }
        Ok(DONE)
    }

    /// The site file with the flags over it.
    fn site_file(&self) -> Result<SiteFile, Failure> {
        let mut file = match &self.site {
            Some(path) => read_site_file(path)?,
            None => SiteFile::default(),
        };
        let edition = self.edition.map(|edition| edition.word().to_owned());
        over(&mut file.name, self.name.as_ref());
        over(&mut file.profile, self.profile.as_ref());
        over(&mut file.edition, edition.as_ref());
        over(&mut file.tos_version, self.tos_version.as_ref());
        over(&mut file.signer, self.signer.as_ref());
        over(&mut file.require_signatures, self.require_signatures.as_ref());
        over(&mut file.restart.settle, self.settle.as_ref());
        if !self.executor.is_empty() {
            file.executors.clone_from(&self.executor);
        }
        if self.ca.is_some() || self.ca_key.is_some() || self.ca_key_passphrase_file.is_some() || self.days.is_some() {
            let ca = file.only_authority()?;
            over(&mut ca.certificate, self.ca.as_ref());
            over(&mut ca.key, self.ca_key.as_ref());
            over(&mut ca.key_passphrase_file, self.ca_key_passphrase_file.as_ref());
            over(&mut ca.days, self.days.as_ref());
        }
        if self.leaf.is_some() || self.leaf_days.is_some() || !self.san.is_empty() {
            let leaf = file.only_leaf()?;
            over(&mut leaf.certificate, self.leaf.as_ref());
            over(&mut leaf.days, self.leaf_days.as_ref());
            leaf.sans.extend_from_slice(&self.san);
        }
        if !self.node.is_empty() {
            file.node = self.node.iter().cloned().map(Into::into).collect();
        }
        self.sealing.over(&mut file)?;
        Ok(file)
    }

    fn signer(&self, path: Option<&Path>) -> Result<SignerKey, Failure> {
        let path = path.ok_or(SiteError::Missing {
            what: "the signer's key",
            how: "--signer KEY, or `signer` in the site file; `reseal keygen --out signer.key` makes one",
        })?;
        load_signer(path, self.signer_passphrase_file.as_deref())
    }
}

/// Issues, assembles and writes.
pub fn build(
    site: &Site,
    executors: &Executors,
    signer: &SignerKey,
    sealing: &Sealing,
    out: &Path,
) -> Result<(Built, Vec<Warning>), Failure> {
    let (issued, warnings) = issue::issue(site, &LeafMaterial::fresh)?;
    let assembled = assemble::assemble(site, &issued, executors, signer, sealing)?;
    let path = out.join(format!("{}.tar.gz", assembled.name));
    let notes = sign::write(&path, &assembled.bytes, &assembled.note, Existing::Stay)?;
    Ok((Built { issued, assembled, path, notes, signer: signer.fingerprint() }, warnings))
}

fn over<T: Clone>(field: &mut Option<T>, flag: Option<&T>) {
    if let Some(value) = flag {
        *field = Some(value.clone());
    }
}

fn read_site_file(path: &Path) -> Result<SiteFile, Failure> {
    let content = files::read(path, files::MOST_SITE_FILE)?;
    let text = std::str::from_utf8(&content).map_err(|_| SiteError::File("it is not UTF-8 text".to_owned()))?;
    Ok(SiteFile::parse(text, path.parent().unwrap_or(Path::new(".")))?)
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string());
    let time = time.and_then(|time| time.checked_to_offset(UtcOffset::UTC).ok_or_else(|| "it is past the last year of UTC".to_owned()));
    time.map_err(|error| format!("{error}; a time is written 2026-01-31T08:00:00Z"))
}

fn parse_count(text: &str) -> Result<SignerCount, String> {
    let number: u8 = text.parse().map_err(|_| "it is not a number from 1 to 8".to_owned())?;
    SignerCount::try_from(number).map_err(|error| error.to_string())
}

fn warn(output: Output, warnings: &[Warning]) {
    for warning in warnings {
        output.warn(&warning.to_string());
    }
}

/// What was made, in the form that `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    bundle: &'a Path,
    sha256: Digest,
    size: usize,
    signer: Fingerprint,
    needs_signers: SignerCount,
    missing: usize,
    notes: &'a [PathBuf; 2],
    certificates: Vec<CertificateLine<'a>>,
    nodes: Vec<&'a str>,
    sealing: serde_json::Value,
}

#[derive(Serialize)]
struct CertificateLine<'a> {
    kind: &'static str,
    name: &'a Label,
    subject: String,
    #[serde(with = "rfc3339_seconds")]
    former_not_after: OffsetDateTime,
    #[serde(with = "rfc3339_seconds")]
    not_before: OffsetDateTime,
    #[serde(with = "rfc3339_seconds")]
    not_after: OffsetDateTime,
    sans: Vec<String>,
    sans_gained: Vec<String>,
    sans_lost: Vec<String>,
}

fn report(built: &Built, output: Output) -> Result<(), Failure> {
    let report = Report {
        bundle: &built.path,
        sha256: built.assembled.digest,
        size: built.assembled.bytes.len(),
        signer: built.signer,
        needs_signers: built.assembled.manifest.needs_signers,
        missing: built.assembled.note.missing(),
        notes: &built.notes,
        certificates: certificate_lines(&built.issued),
        nodes: built.assembled.manifest.nodes.iter().map(|node| node.name.as_str()).collect(),
        sealing: built.assembled.manifest.sealing_view(),
    };
    if output.json {
        output.data(&serde_json::to_string_pretty(&report)?);
    } else {
        output.say(&summary(&report, built));
        output.data(&built.path.display().to_string());
    }
    Ok(())
}

fn certificate_lines(issued: &Issued) -> Vec<CertificateLine<'_>> {
    let text = |sans: &[&San]| sans.iter().map(ToString::to_string).collect();
    let mut lines = Vec::new();
    for ca in &issued.authorities {
        lines.push(CertificateLine {
            kind: "ca",
            name: &ca.name,
            subject: ca.renewed.subject(),
            former_not_after: ca.former.not_after(),
            not_before: ca.renewed.not_before(),
            not_after: ca.renewed.not_after(),
            sans: Vec::new(),
            sans_gained: Vec::new(),
            sans_lost: Vec::new(),
        });
        for leaf in &ca.leaves {
            let (gained, lost) = leaf.sans_gained_and_lost();
            lines.push(CertificateLine {
                kind: "leaf",
                name: &leaf.name,
                subject: leaf.renewed.subject(),
                former_not_after: leaf.former.not_after(),
                not_before: leaf.renewed.not_before(),
                not_after: leaf.renewed.not_after(),
                sans: leaf.renewed.sans().iter().map(ToString::to_string).collect(),
                sans_gained: text(&gained),
                sans_lost: text(&lost),
            });
        }
    }
    lines
}

fn summary(report: &Report<'_>, built: &Built) -> String {
    const NODES_SHOWN: usize = 20;
    let mut text = String::new();
    for line in &report.certificates {
        let _ = writeln!(text, "{:<4} {}  {}", line.kind, line.name, line.subject);
        let _ =
            writeln!(text, "     ended or ends {}, afterwards {}", present::moment(line.former_not_after), present::moment(line.not_after));
        if line.kind == "leaf" {
            let or_none = |sans: &[String]| if sans.is_empty() { "none".to_owned() } else { sans.join(", ") };
            let _ = writeln!(text, "     SANs: {}", or_none(&line.sans));
            let _ = writeln!(text, "     SANs gained: {}; lost: {}", or_none(&line.sans_gained), or_none(&line.sans_lost));
        }
    }
    let _ = writeln!(text, "\nnodes, in visiting order:");
    for (index, node) in built.assembled.manifest.nodes.iter().take(NODES_SHOWN).enumerate() {
        let roles: Vec<&str> = node.roles.iter().map(Label::as_str).collect();
        let _ = writeln!(text, "  {}. {} ({})", index + 1, node.name, roles.join("+"));
    }
    if report.nodes.len() > NODES_SHOWN {
        let _ = writeln!(text, "  … and {} more", report.nodes.len() - NODES_SHOWN);
    }
    let name = &built.assembled.name;
    let _ = write!(
        text,
        "\nbundle:      {} ({} bytes)\nSHA-256:     {}\nsecrets:     {}\nsigner:      {}\n             to travel apart from the bundle, on paper or by phone\n\
         notes:       {}, {}\n{}\n\
         on each node, as root:\n  tar -xzf {name}.tar.gz -C /root && cd /root/{name}\n  ./reseal-node plan --signer {signer}\n  ./reseal-node apply --signer {signer}\n",
        report.bundle.display(),
        report.size,
        report.sha256,
        built.assembled.manifest.how_sealed(),
        report.signer,
        report.notes[0].display(),
        report.notes[1].display(),
        missing(report),
        signer = report.signer,
    );
    text
}

fn missing(report: &Report<'_>) -> String {
    match report.missing {
        0 => String::new(),
        missing => format!(
            "not ready:   no node takes it before {missing} more signed it, {} in all: reseal sign {} --signer KEY\n",
            report.needs_signers,
            report.bundle.display()
        ),
    }
}
