//! The process table, as `/proc` has it: what runs, since when, and a signal to one of them.
//!
//! A process is known by pid and start, since pids come round again. Processes vanish while they are looked at, and choose their own
//! command lines and names: neither is an error, and both are bounded.

use std::{
    fs::{self, DirEntry},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bundle_format::word;
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::{Pid, SysconfVar, sysconf},
};
use time::{Duration, OffsetDateTime};

use super::{Machine, MachineError, failed, file};

/// How much of a command line is read, in bytes. Java's are long, and only the first words tell what runs.
const MOST_COMMAND: u64 = 4096;
/// How much of `/proc/<pid>/stat` is read, in bytes: the name in it has 64 at most, and 52 numbers follow.
const MOST_STAT: u64 = 2048;
/// How much of `/proc/stat` is read, in bytes: a line for each processor comes before the one that is wanted.
const MOST_SYSTEM_STAT: u64 = 4 << 20;

/// A process that runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot: with the number, this names it.
    pub start: u64,
    /// The same as time, to about a second.
    pub started: OffsetDateTime,
    /// The words of its command line, as far as they were read. It may hold secrets: never show it.
    pub words: Vec<String>,
}

impl Machine {
    /// The processes that run, without the kernel's own and those that have ended but are not buried.
    ///
    /// # Errors
    /// When there is no `/proc`, or the machine is a tree.
    pub fn processes(&self) -> Result<Vec<Process>, MachineError> {
        let proc = self.process_table()?;
        let clock = Clock::of(&proc)?;
        let entries = fs::read_dir(&proc).map_err(failed(word!("list", "列出"), &proc))?;
        Ok(entries.filter_map(|entry| look(&entry.ok()?, &clock)).collect())
    }

    /// Asks a process to end (`SIGTERM`), if it is still the one that started then; whether it was.
    ///
    /// # Errors
    /// When the system refuses, or the machine is a tree.
    pub fn terminate(&self, pid: u32, start: u64) -> Result<bool, MachineError> {
        let folder = self.process_table()?.join(pid.to_string());
        let fail = |errno: Errno| failed(word!("end the process", "结束进程"), &folder)(errno.into());
        // 0, 1 and what becomes negative would mean a group, the machine, or everything.
        let number = i32::try_from(pid).ok().filter(|&number| number > 1).ok_or_else(|| fail(Errno::EINVAL))?;
        if start_in(&folder) != Some(start) {
            return Ok(false);
        }
        match kill(Pid::from_raw(number), Signal::SIGTERM) {
            Ok(()) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(errno) => Err(fail(errno)),
        }
    }

    /// A tree has no processes, and those of the machine around it are none of its business.
    fn process_table(&self) -> Result<PathBuf, MachineError> {
        let proc = self.root.join("proc");
        if self.is_whole {
            Ok(proc)
        } else {
            Err(failed(word!("look for processes in", "查找进程"), &proc)(io::ErrorKind::Unsupported.into()))
        }
    }
}

/// What makes ticks since boot a time.
struct Clock {
    boot: OffsetDateTime,
    ticks_a_second: u64,
}

impl Clock {
    fn of(proc: &Path) -> Result<Self, MachineError> {
        let path = proc.join("stat");
        let stat = head(&path, MOST_SYSTEM_STAT).map_err(failed(word!("read", "读取"), &path))?;
        let boot = boot_time(&stat)
            .ok_or_else(|| failed(word!("find the time of boot in", "读取启动时间"), &path)(io::ErrorKind::InvalidData.into()))?;
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok());
        Ok(Self { boot, ticks_a_second: ticks.filter(|&ticks| ticks > 0).unwrap_or(100) })
    }

    fn time(&self, ticks: u64) -> Option<OffsetDateTime> {
        let seconds = i64::try_from(ticks / self.ticks_a_second).ok()?;
        self.boot.checked_add(Duration::seconds(seconds))
    }
}

/// A process, read so that all of it is of the same one.
fn look(entry: &DirEntry, clock: &Clock) -> Option<Process> {
    let pid = entry.file_name().to_str()?.parse().ok()?;
    let folder = entry.path();
    let start = start_in(&folder)?;
    let words = words(&head(&folder.join("cmdline"), MOST_COMMAND).ok()?);
    let is_same = start_in(&folder)? == start;
    (is_same && !words.is_empty()).then_some(Process { pid, start, started: clock.time(start)?, words })
}

fn start_in(folder: &Path) -> Option<u64> {
    start_of(&head(&folder.join("stat"), MOST_STAT).ok()?)
}

/// When the process of a `/proc/<pid>/stat` started (field 22, proc(5)), unless it has ended (field 3). The name in parentheses is
/// the process's own choice: it may look like the rest of the line.
fn start_of(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let ticks = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X" | "x")).then_some(ticks)
}

/// The words of a `/proc/<pid>/cmdline`; none for a thread of the kernel.
fn words(command: &[u8]) -> Vec<String> {
    let command = command.strip_suffix(&[0]).unwrap_or(command);
    if command.is_empty() {
        return Vec::new();
    }
    command.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The `btime` of `/proc/stat`.
fn boot_time(stat: &[u8]) -> Option<OffsetDateTime> {
    let line = stat.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"btime "))?;
    let seconds = std::str::from_utf8(line).ok()?.trim().parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

/// The beginning of a file; those of `/proc` say that they have no size.
fn head(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file::open(path)?.take(most).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "1 10 10 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 12 13 18446744073709551615";

    #[test]
    fn the_start_is_found_behind_any_name() {
        for name in ["etcd", "a b", ") Z 1 2", "a)\n(b", "\u{fffd}()"] {
            assert_eq!(start_of(format!("42 ({name}) S {REST}").as_bytes()), Some(4711), "{name:?}");
        }
        assert_eq!(
            start_of(format!("42 (\u{fffd}) S {REST}").as_bytes()),
            start_of(&[b"42 (\xff) S ".as_slice(), REST.as_bytes()].concat())
        );
    }

    #[test]
    fn what_has_ended_or_is_cut_off_has_no_start() {
        for stat in [
            format!("42 (etcd) Z {REST}"),
            format!("42 (etcd) X {REST}"),
            "42 (etcd) S 1 2".to_owned(),
            "42 (etcd".to_owned(),
            String::new(),
        ] {
            assert_eq!(start_of(stat.as_bytes()), None, "{stat:?}");
        }
    }

    #[test]
    fn words_end_at_nul() {
        assert_eq!(words(b"/usr/bin/etcd\0--name\0\0"), ["/usr/bin/etcd", "--name", ""]);
        assert_eq!(words(b"no end"), ["no end"]);
        assert_eq!(words(b"\xff\0"), ["\u{fffd}"]);
        assert!(words(b"").is_empty() && words(b"\0").is_empty());
    }

    #[test]
    fn the_time_of_boot_is_found_among_the_rest() {
        let boot = boot_time(b"cpu  1 2 3\nintr 5\nbtime 1700000000\nprocesses 9\n").expect("it is there");
        assert_eq!(boot.unix_timestamp(), 1_700_000_000);
        assert!(boot_time(b"cpu 1\nbtime x\n").is_none() && boot_time(b"").is_none());
        assert!(boot_time(b"btime 99999999999999999\n").is_none());
    }
}
