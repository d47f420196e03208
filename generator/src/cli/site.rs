//! `reseal site init`: a commented site file from what certificates or nodes' facts tell.

use std::path::{Path, PathBuf};

use askama::Template;
use bundle_format::{
    certificate::{Certificate, San},
    name::{Label, SiteName},
    text, word,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{DONE, Failure, Outcome, calendar::LedgerArgs};
use crate::{
    facts::{self, Draft, Finding, Level, Wishes},
    files::{self, FileError},
    issue,
    ledger::Record,
    present::{self, Output},
    profile::{
        Part,
        tos::{self, Edition},
    },
    site::{DEFAULT_DAYS, DatabaseSection, Node, RestartSection},
};

const EXAMPLES: &str = "  reseal site init --facts stick/*.facts.json --out site/site.toml
  reseal site init --ca etcd-ca.pem --leaf etcd.pem > site.toml";

#[derive(clap::Subcommand, Debug)]
pub enum Command {
    #[command(about = word!(
        "Make a commented site file, from the facts of nodes or from the certificates that are there",
        "根据节点信息或现有证书生成带注释的站点文件"
    ))]
    Init(Box<Init>),
}

#[derive(clap::Args, Debug)]
#[command(after_help = text!(
    "With --facts, the site file and the CA's and the leaf's certificate beside it are written; without, the site file is printed.\n\n\
     Examples:\n{EXAMPLES}",
    "指定 --facts 时，写出站点文件，并在旁边写出 CA 和叶子证书；不指定时，站点文件输出到标准输出。\n\n\
     示例：\n{EXAMPLES}"
))]
pub struct Init {
    #[arg(long, value_name = "FILE", num_args = 1.., help = word!(
        "What `reseal-node facts` wrote on each node of one site",
        "`reseal-node facts` 在同一站点各节点上写出的文件"
    ))]
    facts: Vec<PathBuf>,
    #[arg(long, value_name = "FILE", default_value = "site.toml", requires = "facts", help = word!(
        "The site file to write, with --facts; it must not exist",
        "要写入的站点文件，与 --facts 一起用；必须尚不存在"
    ))]
    out: PathBuf,
    #[arg(long, value_enum, requires = "facts", help = word!(
        "The product line, where facts do not tell",
        "产品线，节点信息无法判断时使用"
    ))]
    edition: Option<Edition>,
    #[arg(long, value_name = "VERSION", requires = "facts", help = word!(
        "The version of TOS, where facts do not tell",
        "TOS 版本，节点信息无法判断时使用"
    ))]
    tos_version: Option<String>,
    #[arg(long, value_name = "FILE", required_unless_present = "facts", conflicts_with = "facts", help = word!(
        "The CA's present certificate",
        "CA 的现有证书"
    ))]
    ca: Option<PathBuf>,
    #[arg(long, value_name = "FILE", required_unless_present = "facts", conflicts_with = "facts", help = word!(
        "The leaf to replace",
        "要替换的叶子证书"
    ))]
    leaf: Option<PathBuf>,
    #[arg(long, value_name = "NAME=ADDR[,ADDR…]:ROLE[+ROLE…]", conflicts_with = "facts", help = word!(
        "A node that is known already; without any, the leaf's SANs become candidates; repeatable",
        "已知的节点；不指定时以叶子证书的 SAN 作为候选；可重复"
    ))]
    node: Vec<Node>,
    #[arg(long, value_name = "NAME", help = word!("The site's name", "站点名称"))]
    name: Option<SiteName>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Command {
    pub fn run(&self, output: Output) -> Outcome {
        match self {
            Self::Init(init) => init.run(output),
        }
    }
}

#[derive(Template)]
#[template(path = "site.toml", escape = "none")]
struct SiteToml<'a> {
    name: String,
    edition: Edition,
    version: Option<String>,
    findings: &'a [Finding],
    restart: RestartSection,
    database: DatabaseSection,
    ca_path: String,
    leaf_path: String,
    ca: &'a Certificate,
    leaf: &'a Certificate,
    sans: Vec<String>,
    more_sans: &'a [String],
    days: u32,
    known: &'a [Node],
    candidates: Vec<Node>,
    unassigned: Vec<String>,
}

impl Init {
    fn run(&self, output: Output) -> Outcome {
        match (&self.ca, &self.leaf) {
            (Some(ca), Some(leaf)) => self.of_certificates(ca, leaf, output),
            _ => self.of_facts(output),
        }
    }

    fn of_facts(&self, output: Output) -> Outcome {
        let told = self.facts.iter().map(|path| facts::load(path)).collect::<Result<Vec<_>, _>>()?;
        if let Some(version) = &self.tos_version {
            let _: tos::TosVersion = version.parse().map_err(crate::site::SiteError::Version)?;
        }
        let now = OffsetDateTime::now_utc();
        let seen = told.iter().flat_map(|told| Record::of_facts(&told.facts, self.name.as_ref(), now)).collect();
        let wishes = Wishes { name: self.name.clone(), edition: self.edition, version: self.tos_version.clone() };
        let draft = Draft::of(told, now, &wishes)?;
        self.ledger.note(seen, output);
        for finding in &draft.findings {
            match finding.level() {
                Level::Note => output.say(&format!("{}{finding}", Level::Note.title())),
                Level::Warning => output.warn(&finding.to_string()),
            }
        }
        let [authority, leaf] = self.write(&draft)?;
        output.lines(&summary(&draft));
        let out = self.out.display();
        output.say(&text!(
            "read `{out}`, correct it, then: reseal build --site {out} --ca-key KEY --signer KEY …",
            "请检查并修改 `{out}`，然后：reseal build --site {out} --ca-key KEY --signer KEY …"
        ));
        output.data(&if output.is_json() { report(&draft, &self.out, &[authority, leaf]).to_string() } else { out.to_string() });
        Ok(DONE)
    }

    /// Writes both certificates and the site file. A certificate that is there already in the same bytes is left.
    fn write(&self, draft: &Draft) -> Result<[PathBuf; 2], Failure> {
        let name: Label = tos::MATERIAL.parse()?;
        let file_names = [Part::Authority, Part::Certificate].map(|part| part.file_name(&name));
        let folder = self.out.parent().unwrap_or(Path::new(""));
        let pems = [draft.authority.to_pem(), draft.leaf.to_pem()];
        let text = SiteToml { ca_path: quote(&file_names[0]), leaf_path: quote(&file_names[1]), ..SiteToml::of(draft) };
        let text = text.render()?;
        let paths = file_names.map(|name| folder.join(name));
        if self.out.symlink_metadata().is_ok() {
            return Err(FileError::Exists(self.out.clone()).into());
        }
        let is_there =
            |path: &Path, pem: &str| files::read(path, files::MOST_INPUT).is_ok_and(|content| content.as_slice() == pem.as_bytes());
        for (path, pem) in paths.iter().zip(&pems).filter(|(path, pem)| !is_there(path, pem)) {
            if path.symlink_metadata().is_ok() {
                return Err(FileError::Exists(path.clone()).into());
            }
            files::write_new(path, pem.as_bytes(), 0o644)?;
        }
        files::write_new(&self.out, text.as_bytes(), 0o644)?;
        Ok(paths)
    }

    fn of_certificates(&self, ca_file: &Path, leaf_file: &Path, output: Output) -> Outcome {
        let authorities = issue::certificates(ca_file)?;
        let leaves = issue::certificates(leaf_file)?;
        let signs = |ca: &&Certificate| leaves.iter().any(|leaf| leaf.verify_issued_by(ca).is_ok());
        let ca = authorities.iter().find(signs).unwrap_or(&authorities[0]);
        let leaf = leaves.iter().find(|leaf| leaf.verify_issued_by(ca).is_ok() && leaf.spki() != ca.spki()).unwrap_or(&leaves[0]);
        if leaf.verify_issued_by(ca).is_err() {
            output.warn(&text!(
                "`{}` was not signed by `{}`: `reseal build` will refuse them together",
                "`{}` 不是由 `{}` 签发的：`reseal build` 不会接受这两者";
                leaf_file.display(),
                ca_file.display()
            ));
        }
        let now = OffsetDateTime::now_utc();
        let seen = [ca, leaf].map(|certificate| Record { site: self.name.clone(), ..Record::of(certificate, now) });
        self.ledger.note(seen.to_vec(), output);
        let (candidates, unassigned) = if self.node.is_empty() { candidates(leaf.sans()) } else { (Vec::new(), Vec::new()) };
        let text = SiteToml {
            name: self.name.as_ref().map_or_else(|| "my-site".to_owned(), ToString::to_string),
            edition: Edition::Tdh,
            version: Some("tos-2.1".to_owned()),
            findings: &[],
            restart: RestartSection::default(),
            database: DatabaseSection::default(),
            ca_path: absolute(ca_file),
            leaf_path: absolute(leaf_file),
            ca,
            leaf,
            sans: leaf.sans().iter().map(ToString::to_string).collect(),
            more_sans: &[],
            days: DEFAULT_DAYS,
            known: &self.node,
            candidates,
            unassigned,
        };
        output.data(&text.render()?);
        output.say(word!(
            "check names, addresses and roles of the nodes, then: reseal build --site site.toml …",
            "请检查各节点的名称、地址和角色，然后：reseal build --site site.toml …"
        ));
        Ok(DONE)
    }
}

impl<'a> SiteToml<'a> {
    fn of(draft: &'a Draft) -> Self {
        Self {
            name: draft.name.clone(),
            edition: draft.edition,
            version: draft.version.clone(),
            findings: &draft.findings,
            restart: draft.restart,
            database: draft.database.clone(),
            ca_path: String::new(),
            leaf_path: String::new(),
            ca: &draft.authority,
            leaf: &draft.leaf,
            sans: draft.leaf.sans().iter().map(ToString::to_string).collect(),
            more_sans: &draft.sans,
            days: DEFAULT_DAYS,
            known: &draft.nodes,
            candidates: Vec::new(),
            unassigned: Vec::new(),
        }
    }
}

/// What was found out, for people.
fn summary(draft: &Draft) -> String {
    let mut rows = vec![word!(["NODE", "ROLES", "ADDRESSES", "RECIPIENT"], ["节点", "角色", "地址", "接收方"]).map(str::to_owned).to_vec()];
    for node in &draft.nodes {
        let addresses = node.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let recipient = node.recipient.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        rows.push(vec![node.name.to_string(), roles(node), addresses, recipient]);
    }
    text!(
        "CA    {}\n      ends {}\nleaf  {}\n      ends {}\nTOS   {}, edition {}\n\n{}",
        "CA    {}\n      有效期至 {}\n叶子  {}\n      有效期至 {}\nTOS   {}，产品线 {}\n\n{}";
        draft.authority.subject(),
        present::moment(draft.authority.not_after()),
        draft.leaf.subject(),
        present::moment(draft.leaf.not_after()),
        draft.version.as_deref().unwrap_or(word!("of a version that is not clear", "版本不明确")),
        draft.edition.word(),
        present::table(&rows)
    )
}

/// The form that `--json` prints.
fn report(draft: &Draft, out: &Path, certificates: &[PathBuf]) -> Value {
    let node = |node: &Node| json!({ "name": node.name, "host_names": node.host_names, "addresses": node.addresses, "machine_id": node.machine_id, "recipient": node.recipient, "roles": node.roles });
    let finding = |finding: &Finding| json!({ "level": finding.level().word(), "code": finding.code(), "message": finding.to_string() });
    json!({
        "site": out,
        "certificates": certificates,
        "name": draft.name,
        "edition": draft.edition.word(),
        "tos_version": draft.version,
        "nodes": draft.nodes.iter().map(node).collect::<Vec<_>>(),
        "findings": draft.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn roles(node: &Node) -> String {
    node.roles.iter().map(Label::as_str).collect::<Vec<_>>().join("+")
}

/// A path as a TOML string, absolute so that the site file can be moved.
fn absolute(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    quote(&absolute.display().to_string())
}

/// Text as a TOML string. A JSON string is a TOML basic string (TOML 1.0, String) where it has no DEL, which no text here has.
fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// Texts as a TOML array of strings.
fn quote_all<T: ToString>(texts: &[T]) -> String {
    format!("[{}]", texts.iter().map(|text| quote(&text.to_string())).collect::<Vec<_>>().join(", "))
}
/// Names that may be nodes, each with the address that stands at its place among the addresses when their numbers agree, and the
/// SANs that no node is made of: loopback, the service's address, names of Kubernetes itself.
fn candidates(sans: &[San]) -> (Vec<Node>, Vec<String>) {
    let is_node_name = |name: &str| {
        name != "localhost"
            && !name.starts_with("kubernetes")
            && !name.contains('*')
            && name.parse::<bundle_format::name::NodeName>().is_ok()
    };
    let names: Vec<&String> =
        sans.iter().filter_map(|san| if let San::Dns(name) = san { Some(name) } else { None }).filter(|name| is_node_name(name)).collect();
    let addresses: Vec<std::net::IpAddr> = sans
        .iter()
        .filter_map(|san| if let San::Ip(address) = san { Some(*address) } else { None })
        .filter(|address| !address.is_loopback())
        .collect();
    // What is left over is the address of the Kubernetes service, the first of its range: it belongs to no node.
    let is_first_of_a_range = |address: &std::net::IpAddr| matches!(address, std::net::IpAddr::V4(address) if address.octets()[3] == 1);
    let has_more = addresses.len() > names.len();
    let node_addresses: Vec<std::net::IpAddr> =
        addresses.into_iter().filter(|address| !(has_more && is_first_of_a_range(address))).collect();
    let paired = node_addresses.len() == names.len();
    let node = |(index, name): (usize, &&String)| {
        Node {
            name: (*name).parse().ok()?,
            host_names: vec![(*name).clone()],
            addresses: if paired { vec![node_addresses[index]] } else { Vec::new() },
            machine_id: None,
            recipient: None,
            roles: ["etcd", "flannel"].into_iter().filter_map(|role| role.parse().ok()).collect(),
        }
        .into()
    };
    let nodes: Vec<Node> = names.iter().enumerate().filter_map(node).collect();
    let used = |san: &San| match san {
        San::Dns(name) => nodes.iter().any(|node| node.host_names.contains(name)),
        San::Ip(address) => nodes.iter().any(|node| node.addresses.contains(address)),
        San::Other { .. } => false,
    };
    let unassigned = sans.iter().filter(|san| !used(san)).map(ToString::to_string).collect();
    (nodes, unassigned)
}

/// Used by the template: when a certificate is valid, and its key.
fn validity(certificate: &Certificate) -> String {
    text!(
        "valid {} to {}, {}",
        "有效期 {} 至 {}，{}";
        present::moment(certificate.not_before()),
        present::moment(certificate.not_after()),
        certificate.key_description()
    )
}
