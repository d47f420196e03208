//! The flags about what runs: restarts, and how the Manager's database is reached.

use std::{collections::BTreeSet, net::IpAddr, path::PathBuf};

use bundle_format::{
    slice::{DatabaseConnection, Slice, Step},
    text, word,
};
use zeroize::Zeroizing;

use crate::{
    error::Failure,
    journal::Deviation,
    machine::{
        Machine,
        database::{Access, ClientCommand, Database, Native, Server, Tls, Way},
    },
    shell::quoted,
};

/// Where servers put their socket, in the order in which they are tried.
const SOCKETS: [&str; 3] = ["/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];
const PORT: u16 = 3306;
const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// How long the port may take to answer where there is no socket.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// What may be overridden about restarts.
#[derive(Clone, Debug, clap::Args)]
pub struct RestartArgs {
    #[arg(long, help = word!(
        "Restart although etcd would lose its quorum; recorded",
        "即使 etcd 会失去法定票数也重启；会被记录"))]
    pub force_quorum_loss: bool,
    #[arg(long, help = word!(
        "Accept that etcd of one or two members is down meanwhile; recorded",
        "接受只有一两个成员的 etcd 在此期间停机；会被记录"))]
    pub accept_outage: bool,
}

/// How the Manager's database is reached.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = database_options())]
#[allow(clippy::struct_field_names, reason = "they are called like the flags")]
pub struct DatabaseArgs {
    #[arg(long, value_name = "PATH", conflicts_with_all = ["db_host", "db_command"], help = word!(
        "Its socket [default: the bundle's, or the first that is there of the usual ones]",
        "其套接字 [默认：证书包中的，或常用路径中第一个存在的]"))]
    db_socket: Option<PathBuf>,
    #[arg(long, value_name = "IP", conflicts_with = "db_command", help = word!(
        "Its address; no name, names are never resolved",
        "其 IP 地址；不能是名称，从不解析名称"))]
    db_host: Option<IpAddr>,
    #[arg(long, value_name = "PORT", conflicts_with = "db_command", help = word!(
        "Its port [default: 3306]",
        "其端口 [默认：3306]"))]
    db_port: Option<u16>,
    #[arg(long, value_name = "USER", conflicts_with = "db_command", help = word!(
        "The user [default: the bundle's, or root]",
        "用户 [默认：证书包中的，或 root]"))]
    db_user: Option<String>,
    #[arg(long, value_name = "NAME", help = word!(
        "The database [default: the one that has the table]",
        "数据库 [默认：包含该表的那个]"))]
    db_name: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with_all = ["db_password_env", "db_ask_password", "db_command"], help = word!(
        "A file whose first line is the password",
        "首行为密码的文件"))]
    db_password_file: Option<PathBuf>,
    #[arg(long, value_name = "NAME", conflicts_with_all = ["db_ask_password", "db_command"], help = word!(
        "An environment variable that holds the password",
        "存有密码的环境变量"))]
    db_password_env: Option<String>,
    #[arg(long, conflicts_with = "db_command", help = word!(
        "Ask for the password",
        "询问密码"))]
    db_ask_password: bool,
    #[arg(long, conflicts_with = "db_command", help = word!(
        "Speak TLS with it",
        "使用 TLS 连接"))]
    db_tls: bool,
    #[arg(long, value_name = "FILE", conflicts_with = "db_command", help = word!(
        "Speak TLS with it, and check its certificate under the CA certificates in FILE",
        "使用 TLS 连接，并用 FILE 中的 CA 证书校验其证书"))]
    db_tls_ca: Option<PathBuf>,
    #[arg(long, value_name = "COMMAND", help = word!(
        "Reach it by a client program that reads SQL, for example 'docker exec -i manager-db mysql -uroot'",
        "通过读取 SQL 的客户端程序访问，例如 'docker exec -i manager-db mysql -uroot'"))]
    db_command: Option<String>,
}

/// The heading of these options in help.
pub fn database_options() -> &'static str {
    word!("Manager database", "Manager 数据库")
}

impl RestartArgs {
    /// What is overridden.
    pub fn allowed(&self) -> BTreeSet<Deviation> {
        let flags = [(self.force_quorum_loss, Deviation::QuorumLossForced), (self.accept_outage, Deviation::OutageAccepted)];
        flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, what)| what).collect()
    }

    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let flags = [(self.force_quorum_loss, "--force-quorum-loss"), (self.accept_outage, "--accept-outage")];
        flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, word)| word.to_owned()).collect()
    }
}

impl DatabaseArgs {
    /// The database of a slice; none where no step of it touches one.
    ///
    /// # Errors
    /// When a password cannot be had, or a command is none.
    pub fn of_slice(&self, slice: &Slice, machine: &Machine) -> Result<Option<Database>, Failure> {
        let connection = slice.steps.iter().find_map(|step| match step {
            Step::UpdateDatabase(step) => Some(&step.connection),
            _ => None,
        });
        connection.map(|connection| self.reach(connection, machine)).transpose()
    }

    /// The database, reached by flags, then by what the site knew, then by custom.
    ///
    /// # Errors
    /// As [`DatabaseArgs::of_slice`].
    pub fn reach(&self, known: &DatabaseConnection, machine: &Machine) -> Result<Database, Failure> {
        let way = match &self.db_command {
            Some(line) => Way::Command(ClientCommand::parse(line).map_err(|why| unusable("--db-command", &why.to_string()))?),
            None => Way::Native(Native {
                server: self.server(known, machine),
                user: self.db_user.clone().or_else(|| known.user.clone()).unwrap_or_else(|| "root".to_owned()),
                password: self.password(machine)?,
                tls: (self.db_tls || self.db_tls_ca.is_some()).then(|| Tls { authority: self.db_tls_ca.clone() }),
            }),
        };
        let database = self.db_name.clone().or_else(|| known.database.clone());
        Ok(Database::new(Access { way, database, patience: Access::PATIENCE }))
    }

    /// Where the database is, as far as flags and custom tell: nothing where neither does.
    pub fn place(&self, machine: &Machine) -> DatabaseConnection {
        let none = DatabaseConnection::default();
        if self.db_command.is_some() {
            return none;
        }
        let local = || machine.listens((LOOPBACK, PORT).into(), machine.deadline(PATIENCE)).is_ok();
        match self.server(&none, machine) {
            Server::Address(host, port) => DatabaseConnection { host: Some(host), port: Some(port), ..none },
            Server::Socket(path) if self.db_socket.is_some() || machine.has_socket(&path) => {
                DatabaseConnection { socket: path.to_str().map(str::to_owned), ..none }
            }
            Server::Socket(_) if local() => DatabaseConnection { host: Some(LOOPBACK), port: Some(PORT), ..none },
            Server::Socket(_) => none,
        }
    }

    /// The user that was named.
    pub fn user(&self) -> Option<String> {
        self.db_user.clone()
    }

    fn server(&self, known: &DatabaseConnection, machine: &Machine) -> Server {
        let port = self.db_port.or(known.port).unwrap_or(PORT);
        let usual = || SOCKETS.into_iter().find(|path| machine.has_socket(path.as_ref())).unwrap_or(SOCKETS[0]);
        let (socket, host) = match (&self.db_socket, self.db_host) {
            (None, None) => (known.socket.as_ref().map(PathBuf::from), known.host),
            (socket, host) => (socket.clone(), host),
        };
        match (socket, host) {
            (Some(socket), _) => Server::Socket(socket),
            (None, Some(host)) => Server::Address(host, port),
            (None, None) => Server::Socket(usual().into()),
        }
    }

    fn password(&self, machine: &Machine) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.db_password_file {
            let content = machine.read_argument(path).map_err(|why| unusable("--db-password-file", &why.to_string()))?;
            let text = std::str::from_utf8(&content)
                .map_err(|_| unusable("--db-password-file", word!("it is not UTF-8 text", "不是 UTF-8 文本")))?;
            return Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())));
        }
        if let Some(name) = &self.db_password_env {
            let value = std::env::var(name).map_err(|_| {
                unusable("--db-password-env", &text!("`{name}` is not set, or not UTF-8 text", "`{name}` 未设置，或不是 UTF-8 文本"))
            })?;
            return Ok(Some(Zeroizing::new(value)));
        }
        if self.db_ask_password {
            let typed = machine.ask_secret(word!("password of the Manager's database: ", "Manager 数据库的密码："));
            return typed.map(Some).map_err(|why| unusable("--db-ask-password", &why.to_string()));
        }
        Ok(None)
    }

    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let value = |flag: &str, value: Option<String>| value.map(|value| [flag.to_owned(), quoted(&value)]);
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let pairs = [
            value("--db-socket", path(&self.db_socket)),
            value("--db-host", self.db_host.map(|host| host.to_string())),
            value("--db-port", self.db_port.map(|port| port.to_string())),
            value("--db-user", self.db_user.clone()),
            value("--db-name", self.db_name.clone()),
            value("--db-password-file", path(&self.db_password_file)),
            value("--db-password-env", self.db_password_env.clone()),
            value("--db-tls-ca", path(&self.db_tls_ca)),
            value("--db-command", self.db_command.clone()),
        ];
        let flags = [(self.db_ask_password, "--db-ask-password"), (self.db_tls, "--db-tls")];
        let flags = flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, word)| word.to_owned());
        pairs.into_iter().flatten().flatten().chain(flags).collect()
    }
}

fn unusable(flag: &'static str, why: &str) -> Failure {
    Failure::Flag { flag, why: why.to_owned() }
}
