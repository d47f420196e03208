//! The command line: one file a subcommand. Parses, calls, and turns every outcome into an exit code.

mod build;
mod calendar;
mod completions;
mod demo;
mod failure;
mod inspect;
mod keygen;
mod man;
mod report;
mod sealing;
mod show;
mod sign;
mod site;
mod verify;

use std::{
    env, panic,
    path::Path,
    process::{self, ExitCode},
};

use bundle_format::{
    digest::{DigestError, TypedFingerprint},
    signature::SignerPublicKey,
    text, word,
};
use clap::{CommandFactory as _, Parser, Subcommand};
use console::Flags;
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

use self::failure::Failure;
use crate::{
    files, issue,
    present::{self, Output},
    signer::{SignerError, SignerKey},
    x509::key::{KeyError, Passphrase},
};

/// The outcome of a command.
type Outcome = Result<u8, Failure>;

/// Exit code: done.
const DONE: u8 = 0;
/// Exit code: failed, nothing written.
const FAILED: u8 = 1;
/// Exit code: bundle rejected.
const REJECTED: u8 = 3;
/// Exit code of `inspect --within`: something ends by then.
const ENDING: u8 = 10;

#[derive(Debug, Parser)]
#[command(name = "reseal", version, arg_required_else_help = true, after_help = after_help(), about = word!(
    "Renews the certificates of clusters that nobody can reach: makes one signed bundle for a site",
    "为无法远程登录的集群续签证书：为站点制作一个已签名的证书包"
))]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

fn after_help() -> String {
    const FIRST: &str = "  reseal keygen --out signer.key
  reseal site init --facts stick/*.facts.json
  reseal build --site site.toml --ca-key etcd-ca-key.pem \\
    --signer signer.key --new-passphrase --out .";
    text!(
        "Exit codes: 0 done · 1 failed, nothing written · 2 usage · 3 bundle rejected · 10 `inspect --within`: something ends by then\n\n\
         A first bundle:\n{FIRST}",
        "退出码：0 完成 · 1 失败，未写入任何内容 · 2 用法错误 · 3 证书包不予接受 · 10 `inspect --within`：有证书将在期限内到期\n\n\
         制作第一个证书包：\n{FIRST}"
    )
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(about = word!("Make the key pair of a signer", "生成签名人的密钥对"))]
    Keygen(keygen::Args),
    #[command(about = word!("Show certificates, until when they are valid, and which signed which", "显示证书、有效期以及签发关系"))]
    Inspect(inspect::Args),
    #[command(subcommand, about = word!("Work on site files", "处理站点文件"))]
    Site(site::Command),
    #[command(about = word!(
        "Renew a site's CA, issue its leaf and make the signed bundle",
        "续签站点的 CA，签发叶子证书，制作已签名的证书包"
    ))]
    Build(Box<build::Args>),
    #[command(about = word!("Show what a bundle holds, without trusting it", "显示证书包的内容，不表示信任"))]
    Show(show::Args),
    #[command(about = word!("Add a further signature to a bundle", "为证书包再加一个签名"))]
    Sign(sign::Args),
    #[command(about = word!(
        "Check that a bundle is whole and made by a signer that you trust",
        "校验证书包是否完整、是否由可信签名人制作"
    ))]
    Verify(verify::Args),
    #[command(about = word!("Show when everything ends that was ever inspected or built", "显示所有检查过或签发过的证书何时到期"))]
    Calendar(calendar::Args),
    Report(report::Args),
    #[command(about = word!("Renew a throw-away site of three nodes, to see how it goes", "用一个三节点的临时站点演示续签过程"))]
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Keeps the secrets of this process out of core dumps, out of reach of the user's other processes, and out of what is said when the
/// program itself is at fault. To be called first, by the program alone: it holds for all of the process.
pub fn guard() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
    panic::set_hook(Box::new(|fault| {
        let place = fault.location().map_or_else(|| word!("an unknown place", "未知位置").to_owned(), ToString::to_string);
        present::say_fault(&place);
        process::exit(FAILED.into());
    }));
}

/// The command line, for what is made of its definition: help, manuals, completions.
#[must_use]
pub fn command() -> clap::Command {
    console::prepared(Cli::command())
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli: Cli = match console::parse(env::args_os(), "") {
        Ok(cli) => cli,
        Err(code) => return code.into(),
    };
    let output = Output::new(cli.flags);
    let outcome = match &cli.command {
        Command::Keygen(args) => args.run(output),
        Command::Inspect(args) => args.run(output),
        Command::Site(command) => command.run(output),
        Command::Build(args) => args.run(output),
        Command::Show(args) => args.run(output),
        Command::Sign(args) => args.run(output),
        Command::Verify(args) => args.run(output),
        Command::Calendar(args) => args.run(output),
        Command::Report(args) => args.run(output),
        Command::Demo(args) => args.run(output),
        Command::Completions(args) => Ok(args.run(output)),
        Command::Man(args) => args.run(output),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            output.problem_in_lines(&failure.message, failure.hint);
            failure.code.into()
        }
    }
}

/// A trusted signer from the command line: a fingerprint, or a file with the public key.
fn parse_signer(text: &str) -> Result<TypedFingerprint, Failure> {
    if text.starts_with("SHA256:") {
        return text.parse().map_err(|error: DigestError| {
            Failure::new(error).advise(word!("compare it with the one on paper, character by character", "请与纸面上的指纹逐个字符核对"))
        });
    }
    let content = files::read(Path::new(text), files::MOST_INPUT)?;
    let key = SignerPublicKey::from_pem(&content).map_err(|error| {
        Failure::new(text!("`{text}`: {error}", "`{text}`：{error}"))
            .advise(word!("give the file `….pub` that `reseal keygen` wrote", "请指定 `reseal keygen` 生成的 `….pub` 文件"))
    })?;
    Ok(key.fingerprint().into())
}

/// The signer's key in a file. Where it is encrypted and no file has its passphrase, that is asked for.
fn load_signer(path: &Path, passphrase_file: Option<&Path>) -> Result<SignerKey, Failure> {
    let content = files::read(path, files::MOST_INPUT)?;
    let failure = |error: SignerError| {
        let named = text!("`{}`: {error}", "`{}`：{error}"; path.display());
        Failure { message: named, ..error.into() }
    };
    let passphrase = match passphrase_file {
        Some(path) => issue::read_passphrase(path)?,
        None => match SignerKey::load(&content, None) {
            Err(SignerError::Key(KeyError::Encrypted)) => {
                ask_passphrase(word!("passphrase of the signer's key: ", "签名人密钥的口令："), "--signer-passphrase-file FILE")?
            }
            outcome => return outcome.map_err(failure),
        },
    };
    SignerKey::load(&content, Some(&passphrase)).map_err(failure)
}

/// Asks for a passphrase on the terminal, without showing it. `instead` are the flags to give where there is no terminal.
fn ask_passphrase(prompt: &str, instead: &str) -> Result<Passphrase, Failure> {
    match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Passphrase::from(text)),
        Err(error) => Err(Failure::new(text!("cannot ask for a passphrase: {error}", "无法询问口令：{error}"))
            .hint(text!("give {instead}", "请使用 {instead}"))),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
