//! `reseal demo`: a throw-away site, renewed for real on three folder trees.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use bundle_format::{
    language::{Language, reason},
    text, word,
};
use time::{Duration, OffsetDateTime};

use super::{DONE, Failure, Outcome, build, report};
use crate::{
    assemble::{AssembleError, Executors, executors_of},
    demo::{self, DemoSite},
    files,
    present::Output,
    report::{page, plain},
    seal::Sealing,
    signer::SignerKey,
    site::{Making, Site, SiteFile},
};

#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(long, value_name = "DIR", help = word!(
        "The folder to leave everything in; it must not exist [default: a new one among the temporary files]",
        "存放全部内容的目录，必须尚不存在 [默认：新建的临时目录]"
    ))]
    dir: Option<PathBuf>,
    #[arg(long, value_name = "PATH", help = word!(
        "The `reseal-node` to run [default: the one beside this program]",
        "要运行的 `reseal-node` [默认：本程序旁边的]"
    ))]
    executor: Option<PathBuf>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let own = || std::env::current_exe().map(|program| executors_of(&program)).unwrap_or_default();
        let executors = Executors::load(&self.executor.clone().map_or_else(own, |path| vec![path]))?;
        let executor = executors.for_this_machine().ok_or(AssembleError::NoExecutor)?;
        let dir = self.make_dir()?;
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or_else(|_| OffsetDateTime::now_utc());

        output.say(&text!(
            "# a site of three nodes, whose CA ended {} days ago, in {}",
            "# 一个三节点的站点，其 CA 已过期 {} 天，位于 {}";
            demo::DAYS_EXPIRED,
            dir.display()
        ));
        let demo = DemoSite::create(&dir, now)
            .map_err(|error| Failure::new(text!("the demo site cannot be made: {error}", "无法创建演示站点：{error}")))?;

        output.say(word!("# on the workstation: a signer, and the bundle", "# 在工作站上：生成签名人，制作证书包"));
        let signer = SignerKey::generate()?;
        files::write_new(&dir.join("signer.key"), signer.to_pem(None)?.as_bytes(), 0o600)?;
        let site_file = SiteFile::parse(&demo.site_toml, &dir)?;
        let (site, _) = Site::new(site_file, Making { serial: None, created: now - Duration::minutes(1), force_version: false })?;
        let sealing = Sealing::of(&site, None)?;
        let (built, _) = build::build(&site, &executors, &signer, &sealing, &dir)?;
        output.say(&text!(
            "  {} ({} bytes), signed by {}",
            "  {}（{} 字节），签名人 {}";
            built.path.display(),
            built.assembled.bytes.len(),
            built.signer
        ));
        output.say(&text!("  secrets: {}", "  机密：{}"; built.assembled.manifest.how_sealed()));

        let bundle = [built.path.display().to_string(), "--signer".to_owned(), built.signer.to_string()];
        let mut brought_back = vec![built.path.clone()];
        for node in &demo.nodes {
            let root = dir.join("nodes").join(node);
            let receipts = dir.join(format!("{node}.receipts.json"));
            let run = |words: &[&str]| run_on_node(output, executor, words, &root);
            let [path, flag, signer] = bundle.each_ref().map(String::as_str);
            run(&["plan", path, flag, signer])?;
            run(&["apply", path, flag, signer, "--yes"])?;
            run(&["status"])?;
            run(&["receipt", "--out", &receipts.display().to_string()])?;
            brought_back.push(receipts);
        }

        output.lines(&format!("\n{}", word!("# back on the workstation: the report", "# 回到工作站：生成报告")));
        let trusted = [built.signer].into_iter().collect();
        let report = report::read(&brought_back, Some(&trusted), OffsetDateTime::now_utc())?;
        let page = dir.join("report.html");
        files::write_new(&page, page::write(&report, Language::spoken()).map_err(Failure::new)?.as_bytes(), 0o644)?;
        output.lines(&format!("  {}\n  {}", page.display(), plain::summary(&report)));
        output.lines(&format!(
            "\n# {}\n  {} rollback --root {}",
            word!("everything is left to look at; to take a node back:", "全部内容都保留，可供查看；回滚一个节点："),
            executor.display(),
            dir.join("nodes").join(&demo.nodes[0]).display()
        ));
        output.data(&dir.display().to_string());
        Ok(DONE)
    }

    fn make_dir(&self) -> Result<PathBuf, Failure> {
        let Some(dir) = &self.dir else {
            let dir = tempfile::Builder::new().prefix("reseal-demo-").tempdir().map_err(|error| {
                Failure::new(text!("no temporary folder can be made: {error}", "无法创建临时目录：{error}"))
                    .advise(word!("give --dir DIR", "请用 --dir DIR 指定"))
            })?;
            return Ok(dir.keep());
        };
        fs::create_dir(dir).map_err(|error| {
            Failure::new(text!("`{}` cannot be made: {}", "无法创建 `{}`：{}"; dir.display(), reason(&error)))
                .advise(word!("give --dir a folder that does not exist yet", "请为 --dir 指定一个尚不存在的目录"))
        })?;
        Ok(dir.clone())
    }
}

/// Runs the real executor on a node's tree, as a person would, and shows its output.
fn run_on_node(output: Output, executor: &Path, words: &[&str], root: &Path) -> Result<(), Failure> {
    let command = words[0];
    let mut process = Command::new(executor);
    process.args(words).arg("--root").arg(root).args(["--lang", Language::spoken().tag()]).stdout(io::stderr());
    output.lines(&format!("\n$ reseal-node {} --root {}", words.join(" "), root.display()));
    let failed =
        |error: io::Error| Failure::new(text!("`{}` cannot be started: {}", "无法启动 `{}`：{}"; executor.display(), reason(&error)));
    let status = process.status().map_err(failed)?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(text!("`reseal-node {command}` ended with {status}", "`reseal-node {command}` 异常结束：{status}"))
            .advise(word!("the folders are left as they are, to look at", "各目录保持原样，可供查看")))
    }
}
