//! `reseal demo`: a throw-away site, renewed for real on three folder trees.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use time::{Duration, OffsetDateTime};

use super::{DONE, Failure, Outcome, build};
use crate::{
    assemble::{Executors, executor_beside},
    demo::{self, DemoSite},
    files,
    present::Output,
    seal::Sealing,
    signer::SignerKey,
    site::{Making, Site, SiteFile},
};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder to leave everything in; it must not exist [default: a new one among the temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The `reseal-node` to run [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    executor: Option<PathBuf>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let beside = || std::env::current_exe().ok().and_then(|program| executor_beside(&program));
        let executor = self.executor.clone().or_else(beside).ok_or(crate::assemble::AssembleError::NoExecutor)?;
        let executors = Executors::load(std::slice::from_ref(&executor))?;
        let dir = self.make_dir()?;
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or_else(|_| OffsetDateTime::now_utc());

        output.say(&format!("# a site of three nodes, whose CA ended {} days ago, in {}", demo::DAYS_EXPIRED, dir.display()));
        let demo = DemoSite::create(&dir, now).map_err(|error| Failure::new(format!("the demo site cannot be made: {error}"), None))?;

        output.say("# on the workstation: a signer, and the bundle");
        let signer = SignerKey::generate()?;
        files::write_new(&dir.join("signer.key"), signer.to_pem(None)?.as_bytes(), 0o600)?;
        let site_file = SiteFile::parse(&demo.site_toml, &dir)?;
        let (site, _) = Site::new(site_file, Making { serial: None, created: now - Duration::minutes(1), force_version: false })?;
        let sealing = Sealing::of(&site, None)?;
        let (built, _) = build::build(&site, &executors, &signer, &sealing, &dir)?;
        output.say(&format!("  {} ({} bytes), signed by {}", built.path.display(), built.assembled.bytes.len(), built.signer));
        output.say(&format!("  secrets: {}", built.assembled.manifest.how_sealed()));

        for node in &demo.nodes {
            let root = dir.join("nodes").join(node);
            for command in ["plan", "apply", "status"] {
                run_on_node(output, &executor, command, &root, &built)?;
            }
        }
        output.say(&format!(
            "\n# everything is left to look at; to take a node back:\n  {} rollback --root {}",
            executor.display(),
            dir.join("nodes").join(&demo.nodes[0]).display()
        ));
        output.data(&dir.display().to_string());
        Ok(DONE)
    }

    fn make_dir(&self) -> Result<PathBuf, Failure> {
        let Some(dir) = &self.dir else {
            let dir = tempfile::Builder::new()
                .prefix("reseal-demo-")
                .tempdir()
                .map_err(|error| Failure::new(format!("no temporary folder can be made: {error}"), "give --dir DIR".to_owned()))?;
            return Ok(dir.keep());
        };
        fs::create_dir(dir).map_err(|error| {
            Failure::new(format!("`{}` cannot be made: {error}", dir.display()), "give --dir a folder that does not exist yet".to_owned())
        })?;
        Ok(dir.clone())
    }
}

/// Runs the real executor on a node's tree, as a person would, and shows its output.
fn run_on_node(output: Output, executor: &Path, command: &str, root: &Path, built: &build::Built) -> Result<(), Failure> {
    let mut process = Command::new(executor);
    process.arg(command);
    let mut shown = format!("\n$ reseal-node {command}");
    if command != "status" {
        process.arg(&built.path).arg("--signer").arg(built.signer.to_string());
        shown = format!("{shown} {} --signer {}", built.assembled.name, built.signer);
    }
    process.arg("--root").arg(root);
    output.say(&format!("{shown} --root {}", root.display()));
    let status = process.status().map_err(|error| Failure::new(format!("`{}` cannot be started: {error}", executor.display()), None))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`reseal-node {command}` ended with {status}"), "the folders are left as they are, to look at".to_owned()))
    }
}
