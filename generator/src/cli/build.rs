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
    text, word,
};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    DONE, Failure, Outcome,
    calendar::LedgerArgs,
    load_signer,
    sealing::{self, Decided},
    sign,
};
use crate::{
    assemble::{self, Assembled, Executors, executors_of},
    files::{self, Existing},
    issue::{self, Issued},
    ledger::Record,
    present::{self, Output},
    profile::tos::Edition,
    seal::Sealing,
    signer::SignerKey,
    site::{Making, Node, Site, SiteError, SiteFile, Warning},
    x509::leaf::LeafMaterial,
};

#[derive(clap::Args, Debug)]
#[command(after_help = word!(
    "A site file, or flags, or both: flags win. `reseal site init` writes a site file to start from.",
    "可用站点文件，也可用选项，或两者并用：以选项为准。`reseal site init` 可生成一个站点文件作为起点。"
))]
pub struct Args {
    #[arg(long, value_name = "FILE", help = word!("The site file", "站点文件"))]
    site: Option<PathBuf>,
    #[arg(long, help = word!("The site's name", "站点名称"))]
    name: Option<SiteName>,
    #[arg(long, value_parser = ["tos"], help = word!("How the site's nodes are laid out", "站点节点的布局类型"))]
    profile: Option<String>,
    #[arg(long, value_enum, help = word!("The product line", "产品线"))]
    edition: Option<Edition>,
    #[arg(long, value_name = "VERSION", help = word!(
        "The version of TOS, as `kubectl version` or the registry's image tag shows it",
        "TOS 版本，见 `kubectl version` 或 registry 的镜像标签"
    ))]
    tos_version: Option<String>,
    #[arg(long, help = word!("Build although the version is outside the affected range", "即使版本不在受影响范围内也制作"))]
    force_version: bool,
    #[arg(long, value_name = "FILE", help = word!("The CA's present certificate", "CA 的现有证书"))]
    ca: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = word!("The CA's private key", "CA 的私钥"))]
    ca_key: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = word!(
        "A file whose first line is the passphrase of the CA's key",
        "文件，第一行是 CA 私钥的口令"
    ))]
    ca_key_passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = word!("The leaf to replace", "要替换的叶子证书"))]
    leaf: Option<PathBuf>,
    #[arg(long, value_name = "SAN", help = word!(
        "A host name or address to add to the leaf's SANs; repeatable",
        "要加入叶子证书 SAN 的主机名或地址；可重复"
    ))]
    san: Vec<String>,
    #[arg(long, value_name = "NAME=ADDR[,ADDR…]:ROLE[+ROLE…]", help = word!(
        "A node, roles etcd, flannel, manager; repeatable, in visiting order; replaces the nodes of the site file",
        "节点，角色有 etcd、flannel、manager；可重复，按访问顺序；取代站点文件中的节点"
    ))]
    node: Vec<Node>,
    #[arg(long, value_name = "SECONDS", help = word!(
        "Seconds between the end of a node's last container and its return [default: 30]",
        "节点上最后一个容器停止到重新启动之间的秒数 [默认：30]"
    ))]
    settle: Option<u32>,
    #[arg(long, value_name = "FILE", help = word!("The signer's private key", "签名人的私钥"))]
    signer: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = word!(
        "A file whose first line is the passphrase of the signer's key",
        "文件，第一行是签名人私钥的口令"
    ))]
    signer_passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "NUMBER", value_parser = parse_count, help = word!(
        "How many signers, this one among them, a node asks for, 1 to 8; `reseal sign` adds a signature [default: 1]",
        "节点要求的签名人数量（含本签名人），1 到 8；`reseal sign` 可添加签名 [默认：1]"
    ))]
    require_signatures: Option<SignerCount>,
    #[arg(long, help = word!("Days that the CA will be valid [default: 36500]", "CA 的有效天数 [默认：36500]"))]
    days: Option<u32>,
    #[arg(long, value_name = "DAYS", help = word!(
        "Days that the leaf will be valid, never longer than the CA [default: those of the CA]",
        "叶子证书的有效天数，不会超过 CA [默认：与 CA 相同]"
    ))]
    leaf_days: Option<u32>,
    #[arg(long, help = word!(
        "The bundle's number, higher than that of the site's last bundle [default: the time of making]",
        "证书包的序号，须大于该站点上一个证书包的序号 [默认：制作时间]"
    ))]
    serial: Option<Serial>,
    #[arg(long, value_name = "TIME", value_parser = parse_time, help = word!(
        "The time of making, as 2026-01-31T08:00:00Z [default: now]",
        "制作时间，例如 2026-01-31T08:00:00Z [默认：当前时间]"
    ))]
    created: Option<OffsetDateTime>,
    #[arg(long, value_name = "PATH", help = word!(
        "A static `reseal-node` to carry; repeatable, one for each architecture [default: the one beside this program]",
        "要放入证书包的静态 `reseal-node`；可重复，每种架构一个 [默认：本程序旁边的]"
    ))]
    executor: Vec<PathBuf>,
    #[arg(long, value_name = "DIR", default_value = ".", help = word!("The folder to write the bundle to", "证书包写入的目录"))]
    out: PathBuf,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    sealing: sealing::SealingArgs,
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
        let created = self.created.unwrap_or_else(OffsetDateTime::now_utc).replace_nanosecond(0).map_err(Failure::new)?;
        let (site, warnings) = Site::new(file, Making { serial: self.serial, created, force_version: self.force_version })?;
        warn(output, &warnings);
        let Decided { sealing, new, warnings } = self.sealing.decide(&site)?;
        let signer_path = signer_path.as_deref();
        let signer = self.signer(signer_path)?;
        let executors = if executors.is_empty() {
            std::env::current_exe().map(|program| executors_of(&program)).unwrap_or_default()
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
        self.ledger.note(Record::of_build(&built.issued, &built.assembled.manifest, OffsetDateTime::now_utc()), output);
        report(&built, output)?;
        if let Some(new) = new.filter(|_| is_to_be_shown) {
            output.once(
                word!(
                    "passphrase, shown only now; it travels apart from the bundle, on paper or by phone:",
                    "口令，仅此时显示一次；须与证书包分开传递，写在纸上或通过电话告知："
                ),
                &new,
            );
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
            what: word!("the signer's key", "签名人的私钥"),
            how: word!(
                "--signer KEY, or `signer` in the site file; `reseal keygen --out signer.key` makes one",
                "--signer KEY，或站点文件中的 `signer`；`reseal keygen --out signer.key` 可生成"
            ),
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
    let text = std::str::from_utf8(&content).map_err(|_| SiteError::File(word!("it is not UTF-8 text", "不是 UTF-8 文本").to_owned()))?;
    Ok(SiteFile::parse(text, path.parent().unwrap_or(Path::new(".")))?)
}

/// A time in UTC, for flags.
pub fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string());
    let past = || word!("it is past the last year of UTC", "超过了 UTC 的最后一年").to_owned();
    let time = time.and_then(|time| time.checked_to_offset(UtcOffset::UTC).ok_or_else(past));
    time.map_err(|error| text!("{error}; a time is written 2026-01-31T08:00:00Z", "{error}；时间应写作 2026-01-31T08:00:00Z"))
}

fn parse_count(text: &str) -> Result<SignerCount, String> {
    let number: u8 = text.parse().map_err(|_| word!("it is not a number from 1 to 8", "不是 1 到 8 的数字").to_owned())?;
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
    if output.is_json() {
        output.data(&serde_json::to_string_pretty(&report)?);
    } else {
        output.lines(&summary(&report, built));
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
        let kind = if line.kind == "ca" { word!("ca  ", "CA  ") } else { word!("leaf", "叶子") };
        let _ = writeln!(text, "{kind} {}  {}", line.name, line.subject);
        let (before, after) = (present::moment(line.former_not_after), present::moment(line.not_after));
        let _ = writeln!(text, "     {}", text!("ended or ends {before}, afterwards {after}", "有效期至 {before}，续签后至 {after}"));
        if line.kind == "leaf" {
            let or_none = |sans: &[String]| if sans.is_empty() { word!("none", "无").to_owned() } else { sans.join(", ") };
            let (gained, lost) = (or_none(&line.sans_gained), or_none(&line.sans_lost));
            let _ = writeln!(text, "     {}", text!("SANs: {}", "SAN：{}"; or_none(&line.sans)));
            let _ = writeln!(text, "     {}", text!("SANs gained: {gained}; lost: {lost}", "SAN 新增：{gained}；减少：{lost}"));
        }
    }
    let _ = writeln!(text, "\n{}", word!("nodes, in visiting order:", "节点，按访问顺序："));
    for (index, node) in built.assembled.manifest.nodes.iter().take(NODES_SHOWN).enumerate() {
        let roles: Vec<&str> = node.roles.iter().map(Label::as_str).collect();
        let _ = writeln!(text, "  {}. {} ({})", index + 1, node.name, roles.join("+"));
    }
    if report.nodes.len() > NODES_SHOWN {
        let _ = writeln!(text, "  {}", text!("… and {} more", "… 另有 {} 个"; report.nodes.len() - NODES_SHOWN));
    }
    let (name, signer) = (&built.assembled.name, report.signer);
    let notes = report.notes.each_ref().map(|note| note.display());
    let _ = write!(
        text,
        "\n{}",
        text!(
            "bundle:      {bundle} ({size} bytes)\nSHA-256:     {sha256}\nsecrets:     {secrets}\nsigner:      {signer}\n             \
             to travel apart from the bundle, on paper or by phone\nnotes:       {}, {}\n{missing}\non each node, as root:\n",
            "证书包：  {bundle}（{size} 字节）\nSHA-256： {sha256}\n机密：    {secrets}\n签名人：  {signer}\n          \
             指纹须与证书包分开传递，写在纸上或通过电话告知\n交付单：  {}, {}\n{missing}\n在每个节点上，以 root 身份：\n";
            notes[0], notes[1],
            bundle = report.bundle.display(),
            size = report.size,
            sha256 = report.sha256,
            secrets = built.assembled.manifest.how_sealed(),
            missing = missing(report)
        )
    );
    let _ = write!(
        text,
        "  tar -xzf {name}.tar.gz -C /root && cd /root/{name}\n  ./reseal-node plan --signer {signer}\n  ./reseal-node apply --signer {signer}\n"
    );
    text
}

fn missing(report: &Report<'_>) -> String {
    match report.missing {
        0 => String::new(),
        missing => text!(
            "not ready:   no node takes it before {missing} more signed it, {} in all: reseal sign {} --signer KEY\n",
            "尚未就绪：还需 {missing} 人签名（共需 {} 人），节点才会接受：reseal sign {} --signer KEY\n";
            report.needs_signers,
            report.bundle.display()
        ),
    }
}
