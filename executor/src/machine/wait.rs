//! Time that passes, and signals that cut it short. A signal is never acted on here: it is noted, and whoever waits is told.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use bundle_format::{text, word};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};
use thiserror::Error;

use super::{Machine, MachineError, failed, file};

/// How often a wait looks whether a signal came.
const BEAT: Duration = Duration::from_millis(50);

/// A signal came. It stays so: every later wait ends at once too.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{}", text!("a signal asked this program to stop", "收到要求停止的信号"))]
pub struct Interrupted;

impl Machine {
    /// From here on INT, TERM and HUP (a console that is gone) no longer end the process: [`Machine::check_signals`] tells of them,
    /// however many come. Who started this with `nohup` wants it to outlive its console: HUP stays ignored then.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn heed_signals(&self) -> Result<(), MachineError> {
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP)) {
            let _ = flag::register(signal, Arc::clone(&self.interrupted))
                .map_err(failed(word!("heed a signal for", "处理信号"), &self.root))?;
        }
        Ok(())
    }

    /// Whether a signal came.
    ///
    /// # Errors
    /// When one did.
    pub fn check_signals(&self) -> Result<(), Interrupted> {
        if self.interrupted.load(Ordering::SeqCst) { Err(Interrupted) } else { Ok(()) }
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// As soon as a signal came.
    pub fn pause(&self, duration: Duration) -> Result<(), Interrupted> {
        let end = self.moment() + duration;
        loop {
            self.check_signals()?;
            let left = end.saturating_duration_since(self.moment());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(BEAT));
        }
    }

    /// The present on a clock that nobody sets.
    pub fn moment(&self) -> Instant {
        Instant::now()
    }
}

/// Whether a signal was ignored by whoever started this: the mask `SigIgn` of `proc_pid_status(5)`.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = file::read_bounded(Path::new("/proc/self/status"), 1 << 16) else { return false };
    let mask = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(std::str::from_utf8(mask).ok()?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
