//! Faults at exact system calls: `strace` kills a program right before one of its calls takes effect, or makes that call fail.
//!
//! One traced run enumerates the calls that matter as [`Point`]s; each is then visited in a run of its own. strace counts calls for
//! each thread and for each name, so a point is a name and a number; children are not traced. A point that is not met fails the
//! test: either the program is not deterministic, or the point is of another scene.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::SystemTime,
};

/// Calls that change what is stored, or make it last.
pub const STORING: &[&str] = &[
    "chmod",
    "chown",
    "copy_file_range",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fdatasync",
    "fremovexattr",
    "fsetxattr",
    "fsync",
    "ftruncate",
    "lchown",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "open",
    "openat",
    "pwrite64",
    "pwritev",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "setxattr",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
];
/// Calls that talk to services, or start programs.
pub const SPEAKING: &[&str] = &["clone", "clone3", "connect", "fork", "sendmsg", "sendto", "shutdown", "socket", "vfork"];

/// One call of a program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Point {
    /// Its name.
    pub call: String,
    /// Its number among the calls of this name, from 1.
    pub nth: usize,
    /// As strace shows it, without what was written.
    pub shown: String,
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The call fails, with this `errno`.
    Error(&'static str),
    /// This call and all later ones of its name fail.
    Errors(&'static str),
    /// The program is killed before the call takes effect.
    Kill,
}

impl Fault {
    /// What a person reads of the reason, if there is one.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Error(name) | Self::Errors(name) => Some(match name {
                "EIO" => "Input/output error",
                "ENOSPC" => "No space left on device",
                "EROFS" => "Read-only file system",
                other => other,
            }),
            Self::Kill => None,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} #{}: {}", self.call, self.nth, self.shown)
    }
}

impl Point {
    /// The absolute paths that the call is about, also through a descriptor.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let shown = self.shown.replace("AT_FDCWD<", "");
        let quoted = shown.split('"').skip(1).step_by(2);
        let described = shown.split('<').skip(1).filter_map(|rest| rest.split('>').next());
        quoted.chain(described).filter(|path| path.starts_with('/')).map(str::to_owned).collect()
    }

    /// The arguments of strace for a run with a fault here; its record goes to `log`. With paths, calls about others are not counted.
    #[must_use]
    pub fn inject(&self, fault: Fault, log: &str, paths: &[&str]) -> Vec<String> {
        let (what, later) = match fault {
            Fault::Error(name) => (format!("error={name}"), ""),
            Fault::Errors(name) => (format!("error={name}"), "+"),
            Fault::Kill => ("signal=SIGKILL".to_owned(), ""),
        };
        let inject = format!("inject={}:{what}:when={}{later}", self.call, self.nth);
        [strace(&[&self.call], log, paths), vec!["-e".to_owned(), inject]].concat()
    }

    /// Whether the fault came to be, by the record of its run.
    #[must_use]
    pub fn was_met(fault: Fault, record: &str) -> bool {
        match fault {
            Fault::Kill => record.contains("+++ killed by SIGKILL +++"),
            _ => record.contains("(INJECTED)"),
        }
    }
}

/// The arguments of strace that record these calls, and nothing of what is written; then the program follows.
#[must_use]
pub fn strace(calls: &[&str], log: &str, paths: &[&str]) -> Vec<String> {
    // A name that this architecture does not have is no error.
    let calls: Vec<String> = calls.iter().map(|call| format!("?{call}")).collect();
    let fixed = ["strace", "-y", "-s", "0", "-e", "signal=SIGKILL", "-o", log, "-e"].map(str::to_owned);
    let filters = paths.iter().flat_map(|path| ["-P".to_owned(), (*path).to_owned()]);
    fixed.into_iter().chain([format!("trace={}", calls.join(","))]).chain(filters).collect()
}

/// The points of a recorded run. What only reads or goes to a person is counted, as strace does, but is no point.
#[must_use]
pub fn points(record: &str) -> Vec<Point> {
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut points = Vec::new();
    for line in record.lines() {
        let Some((call, rest)) = line.split_once('(') else { continue };
        if !call.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            continue;
        }
        let nth = counts.entry(call).or_default();
        *nth += 1;
        let is_for_reading = call.starts_with("open") && !["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| rest.contains(flag));
        let is_for_people = call == "write" && (rest.starts_with("1<") || rest.starts_with("2<"));
        if !is_for_reading && !is_for_people {
            points.push(Point { call: call.to_owned(), nth: *nth, shown: line.to_owned() });
        }
    }
    points
}

/// Every `every`-th of some points, beginning at a random one, which is printed: other runs of the test take others.
#[must_use]
#[allow(clippy::print_stderr, reason = "it tells how to repeat a run")]
pub fn sample(points: &[Point], every: usize) -> Vec<Point> {
    let given = std::env::var("FAULTS_SEED").ok().and_then(|seed| seed.parse().ok());
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let seed = given.unwrap_or_else(|| usize::try_from(clock % 1000).unwrap_or(0));
    let chosen: Vec<Point> = points.iter().skip(seed % every).step_by(every).cloned().collect();
    eprintln!("{} of {} points; FAULTS_SEED={seed} takes the same", chosen.len(), points.len());
    chosen
}

/// Does something with each of some things, on all processors, and fails with everything that failed.
///
/// # Panics
/// When anything failed.
pub fn for_each<T: fmt::Display + Sync>(what: &str, things: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let one = || {
        while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = work(thing) {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{thing}\n  {why}"));
            }
        }
    };
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(one))));
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failures.is_empty(), "{what}: {} of {} failed\n{}", failures.len(), things.len(), failures.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "openat(AT_FDCWD</tmp>, \"/etc/hosts\", O_RDONLY|O_CLOEXEC) = 3</etc/hosts>\n\
        write(2</dev/null>, \"\"..., 3) = 3\n\
        openat(AT_FDCWD</tmp>, \"/srv/x\", O_WRONLY|O_CREAT|O_EXCL, 0600) = 3</srv/x>\n\
        write(3</srv/x>, \"\"..., 3) = 3\n\
        rename(\"/srv/x\", \"/srv/y\") = -1 EIO (Input/output error) (INJECTED)\n\
        +++ exited with 1 +++\n";

    #[test]
    fn a_record_has_points_with_numbers_and_paths() {
        let found: Vec<(String, usize, Vec<String>)> =
            points(RECORD).into_iter().map(|point| (point.call.clone(), point.nth, point.paths())).collect();
        let point = |call: &str, nth: usize, paths: &[&str]| (call.to_owned(), nth, paths.iter().map(|path| (*path).to_owned()).collect());
        let expected =
            [point("openat", 2, &["/srv/x", "/srv/x"]), point("write", 2, &["/srv/x"]), point("rename", 1, &["/srv/x", "/srv/y"])];
        assert_eq!(found, expected);
        assert!(Point::was_met(Fault::Error("EIO"), RECORD) && !Point::was_met(Fault::Kill, RECORD));
    }

    #[test]
    fn a_program_is_killed_and_failed_at_the_call() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log").display().to_string();
        let file = folder.path().join("file").display().to_string();
        let run = |arguments: Vec<String>| {
            let mut command = std::process::Command::new(&arguments[0]);
            let status = command.args(&arguments[1..]).args(["mkdir", &file]).stderr(std::process::Stdio::null()).status();
            (status.expect("strace runs"), std::fs::read_to_string(&log).expect("a record"))
        };
        let (status, record) = run(strace(STORING, &log, &[]));
        assert!(status.success());
        let points = points(&record);
        let [point] = &points[..] else { panic!("{points:?}") };
        assert_eq!((point.call.as_str(), point.paths()), ("mkdir", vec![file.clone()]));
        for (fault, ends) in [(Fault::Kill, None), (Fault::Error("EIO"), Some(1))] {
            std::fs::remove_dir(&file).ok();
            let (status, record) = run(point.inject(fault, &log, &[]));
            assert_eq!((status.code(), Point::was_met(fault, &record)), (ends, true), "{record}");
            assert!(!std::path::Path::new(&file).exists());
        }
    }
}
