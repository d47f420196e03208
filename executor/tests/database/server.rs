//! A real `MariaDB` server of a test's own: a data folder, a socket, a loopback port. It ends with the test.

use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A running server. `root` has no password on its socket.
pub struct Server {
    folder: TempDir,
    options: Vec<String>,
    child: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// Starts a server with `options` added.
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("db").tempdir().unwrap();
        let copied = Command::new("cp").arg("-r").arg(template()).arg(folder.path().join("data")).status().unwrap();
        assert!(copied.success());
        let options = options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(folder.path(), port, &options);
        let server = Self { folder, options, child, port };
        server.wait();
        server
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// A client program for it, as a command line.
    pub fn client(&self, options: &str) -> String {
        format!("mariadb --no-defaults -uroot -S {} {options}", self.socket().display())
    }

    /// Ends it like a power cut.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As [`Server::kill`], while others look at it; [`Server::restart`] follows.
    pub fn signal_kill(&self) {
        let killed = Command::new("kill").args(["-9", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        self.child.wait().unwrap();
        self.child = spawn(self.folder.path(), self.port, &self.options);
        self.wait();
    }

    /// What `sql` yields as root: no headers, columns parted by tabs.
    pub fn sql(&self, sql: &str) -> String {
        let output = self.run("-N --raw", sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    /// Runs the client program with `options`, separated by blanks, and `sql` on its standard input.
    pub fn run(&self, options: &str, sql: &str) -> Output {
        let mut child = self.spawn_client(options);
        // A client that stops early reads no further.
        child.stdin.take().unwrap().write_all(sql.as_bytes()).ok();
        child.wait_with_output().unwrap()
    }

    /// Starts the client program; its standard input stays open.
    pub fn spawn_client(&self, options: &str) -> Child {
        let line = self.client(options);
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.run("", "select 1").status.success() {
            assert!(Instant::now() < deadline, "{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program(name: &str) -> PathBuf {
    let path = env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    folders.map(|folder| Path::new(folder).join(name)).find(|path| path.exists()).unwrap_or_else(|| panic!("{name} is not installed"))
}

fn spawn(folder: &Path, port: u16, options: &[String]) -> Child {
    let log = fs::File::create(folder.join("log")).unwrap();
    let mut command = Command::new(program("mariadbd"));
    command.args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=16M", "--skip-name-resolve"]);
    command.arg(SMALL_LOG);
    command.arg(format!("--datadir={}", folder.join("data").display()));
    // In a folder that is shared, whichever server starts removes the temporary tables of the others.
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    command.arg(format!("--tmpdir={}", temporary.display()));
    command.arg(format!("--socket={}", folder.join("s").display()));
    command.arg(format!("--pid-file={}", folder.join("pid").display()));
    command.arg(format!("--port={port}")).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// A data folder as the server's own installer makes it: made once, and then copied.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let template = all.join("mariadb-template");
        if !template.exists() {
            let made = tempfile::Builder::new().prefix("mariadb").tempdir_in(all).unwrap();
            let data = made.path().join("data");
            let mut command = Command::new(program("mariadb-install-db"));
            command.args(["--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db", SMALL_LOG]);
            let output = command.arg(format!("--datadir={}", data.display())).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            // Another test process may have been faster; then that one is as good.
            fs::rename(data, &template).ok();
        }
        template
    })
}

const SMALL_LOG: &str = "--innodb-log-file-size=8M";
