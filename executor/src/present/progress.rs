//! What a run tells while it works: on a terminal the line at the bottom is drawn anew each second; elsewhere lines with the time of
//! day, of a wait no more than one each ten seconds; with `--json` the same as one JSON document a line.

use std::{
    cell::RefCell,
    env,
    io::{self, IsTerminal as _},
    time::Duration,
};

use bundle_format::{rfc3339_seconds, text};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Screen, downtime::duration};
use crate::{machine::Machine, progress::Event};

/// How often a wait is told where lines stay.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// How often it is told where it is drawn anew.
const DRAWN_EVERY: Duration = Duration::from_secs(1);
/// What is over sooner is not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Shows what is told.
pub struct Ticker<'a> {
    screen: &'a Screen,
    machine: &'a Machine,
    manner: Manner,
    state: RefCell<State>,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Manner {
    /// One JSON document a line.
    Documents,
    /// The last line anew.
    Drawn,
    /// A line each, with the time of day.
    Lines,
    /// Not at all.
    Silent,
}

#[derive(Default)]
struct State {
    /// How long the present wait had taken when it was shown last.
    shown: Option<Duration>,
    /// Whether what is told belongs to a step.
    is_in_step: bool,
    /// Whether a line is drawn that has no end yet.
    is_drawn: bool,
}

/// An event, and when it was.
#[derive(Serialize)]
struct Timed<'a> {
    #[serde(with = "rfc3339_seconds")]
    at: OffsetDateTime,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl<'a> Ticker<'a> {
    /// One for this screen.
    pub fn new(screen: &'a Screen, machine: &'a Machine) -> Self {
        let can_draw = || io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        let manner = match () {
            () if screen.is_quiet() => Manner::Silent,
            () if screen.is_json() => Manner::Documents,
            () if can_draw() => Manner::Drawn,
            () => Manner::Lines,
        };
        Self { screen, machine, manner, state: RefCell::default() }
    }

    /// Shows an event, if it is due.
    pub fn tell(&self, event: &Event<'_>) {
        let mut state = self.state.borrow_mut();
        if !state.is_due(event, self.manner) {
            return;
        }
        match self.manner {
            Manner::Silent => {}
            Manner::Documents => self.screen.event(&Timed { at: self.machine.now(), event }),
            Manner::Drawn => self.draw(event, &mut state),
            Manner::Lines => self.screen.say(&format!("{} {}", time_of_day(self.machine.now()), line(event, state.is_in_step))),
        }
    }

    fn draw(&self, event: &Event<'_>, state: &mut State) {
        if matches!(event, Event::Pause { .. } | Event::Wait { .. }) {
            self.screen.draw(&drawn(event));
            state.is_drawn = true;
            return;
        }
        if std::mem::take(&mut state.is_drawn) {
            self.screen.undraw();
        }
        if !matches!(event, Event::Waited { elapsed, .. } if *elapsed < WORTH_TELLING) {
            self.screen.say(&line(event, state.is_in_step));
        }
    }
}

impl State {
    /// Whether an event is to be shown, which is remembered.
    fn is_due(&mut self, event: &Event<'_>, manner: Manner) -> bool {
        let every = if manner == Manner::Drawn { DRAWN_EVERY } else { TOLD_EVERY };
        match event {
            Event::Note { .. } => true,
            // Its line says at once how long it takes.
            Event::Pause { .. } if manner == Manner::Lines && self.shown.is_some() => false,
            Event::Step { .. } => {
                self.is_in_step = true;
                true
            }
            Event::Pause { elapsed, .. } | Event::Wait { elapsed, .. } => {
                let is_due = self.shown.is_none_or(|shown| *elapsed >= shown + every);
                if is_due {
                    self.shown = Some(*elapsed);
                }
                is_due
            }
            Event::Waited { elapsed, .. } => self.shown.take().is_some() && (*elapsed >= WORTH_TELLING || self.is_drawn),
        }
    }
}

/// An event in one line.
fn line(event: &Event<'_>, is_in_step: bool) -> String {
    match event {
        Event::Note { text } if is_in_step => format!("  {text}"),
        Event::Note { text } => text.clone(),
        Event::Pause { why, limit, .. } => text!("  waiting {limit} s {why}", "  等待 {limit} 秒，{why}"),
        Event::Step { number, of, undoing: false, what } => text!("step {number} of {of}: {what}", "第 {number} 步，共 {of} 步：{what}"),
        Event::Step { number, of, undoing: true, what } => {
            text!("undoing step {number} of {of}: {what}", "撤销第 {number} 步，共 {of} 步：{what}")
        }
        Event::Wait { what, missing, elapsed, limit } => text!(
            "  waiting for {what}: {missing}; {} s of at most {limit} s", "  正在等待{what}：{missing}；已 {} 秒，最多 {limit} 秒";
            elapsed.as_secs()
        ),
        Event::Waited { what: None, elapsed } => text!("  waited {} s", "  已等待 {} 秒"; elapsed.as_secs()),
        Event::Waited { what: Some(what), elapsed } => {
            text!("  waited {} s for {what}", "  已等待{what}，用时 {} 秒"; elapsed.as_secs())
        }
    }
}

/// A wait in the line that is drawn anew: what changes comes first, for the end may be cut off.
fn drawn(event: &Event<'_>) -> String {
    let said = |elapsed: &Duration| duration(u32::try_from(elapsed.as_secs()).unwrap_or(u32::MAX));
    match event {
        Event::Pause { why, elapsed, limit } => {
            text!("  {} of {}: waiting {why}", "  {} / {}：等待，{why}"; said(elapsed), duration(*limit))
        }
        Event::Wait { what, missing, elapsed, limit } => text!(
            "  {} of at most {}: waiting for {what}: {missing}", "  {} / 最多 {}：正在等待{what}：{missing}";
            said(elapsed), duration(*limit)
        ),
        event => line(event, true),
    }
}

fn time_of_day(time: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(manner: Manner, tenths: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut state = State::default();
        let wait = |tenth| Event::Wait { what: "it", missing: "all", elapsed: Duration::from_millis(tenth * 100), limit: 60 };
        tenths.filter(|tenth| state.is_due(&wait(*tenth), manner)).collect()
    }

    #[test]
    fn a_wait_is_told_now_and_then() {
        assert_eq!(shown(Manner::Lines, 0..350), [0, 100, 200, 300]);
        assert_eq!(shown(Manner::Documents, 3..250), [3, 103, 203]);
        assert_eq!(shown(Manner::Drawn, 0..35), [0, 10, 20, 30]);
    }

    #[test]
    fn the_end_of_a_wait_is_told_where_the_wait_was_and_took_a_while() {
        let waited = |milliseconds| Event::Waited { what: Some("it"), elapsed: Duration::from_millis(milliseconds) };
        let wait = Event::Wait { what: "it", missing: "all", elapsed: Duration::ZERO, limit: 60 };
        let mut state = State::default();
        assert!(!state.is_due(&waited(9000), Manner::Lines), "nothing was shown of it");
        assert!(state.is_due(&wait, Manner::Lines) && !state.is_due(&waited(900), Manner::Lines));
        assert!(state.is_due(&wait, Manner::Lines) && state.is_due(&waited(1000), Manner::Lines));
    }

    #[test]
    fn programs_read_one_flat_document_a_line() {
        let event = Event::Wait { what: "etcd", missing: "all", elapsed: Duration::from_millis(2900), limit: 60 };
        let timed = Timed { at: OffsetDateTime::UNIX_EPOCH, event: &event };
        assert_eq!(
            serde_json::to_value(&timed).unwrap(),
            serde_json::json!({ "at": "1970-01-01T00:00:00Z", "event": "wait", "what": "etcd", "missing": "all", "elapsed": 2, "limit": 60 })
        );
    }
}
