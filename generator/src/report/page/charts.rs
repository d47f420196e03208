//! The pictures' geometry: positions in percent, so that they fit any width while their words keep their size.

use time::{Duration, OffsetDateTime};

use super::super::{Renewal, Report, Sight, certificates::Validity};

/// How many certificates are drawn.
const DRAWN: usize = 24;

/// Validity before and after, on one axis.
pub(super) struct Timeline<'a> {
    pub(super) now: f64,
    pub(super) ticks: Vec<(f64, i32)>,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) unshown: usize,
}

pub(super) struct Row<'a> {
    pub(super) renewal: &'a Renewal,
    pub(super) former: Option<Bar>,
    pub(super) renewed: Bar,
}

/// A part of the axis, in percent of it.
#[derive(Clone, Copy)]
pub(super) struct Bar {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) goes_on: bool,
}

impl<'a> Timeline<'a> {
    /// The axis holds everything that has ended or ends soon; what is valid for much longer goes on beyond it.
    pub(super) fn of(report: &'a Report) -> Option<Self> {
        let formers = || report.renewals.iter().filter_map(|renewal| renewal.former);
        let begins = formers().chain(report.renewals.iter().map(|renewal| renewal.renewed)).map(|validity| validity.not_before);
        let from = begins.min()?.min(report.made);
        let latest = formers().map(|former| former.not_after).max().unwrap_or(report.made).max(report.made);
        let longest = report.renewals.iter().map(|renewal| renewal.renewed.not_after).max()?.max(latest);
        let room = ((latest - from) / 3_i32).max(Duration::days(365));
        let to = longest.min(latest.checked_add(room).unwrap_or(latest));
        let percent = |time: OffsetDateTime| ratio(time - from, to - from);
        let bar = |validity: Validity| {
            let (x, end) = (percent(validity.not_before), percent(validity.not_after));
            Bar { x, width: rounded((end - x).max(0.4)), goes_on: validity.not_after > to }
        };
        let row = |renewal: &'a Renewal| Row { renewal, former: renewal.former.map(bar), renewed: bar(renewal.renewed) };
        let years = (to.year() - from.year()).max(1);
        let step = (years / 6).max(1);
        let new_year = |year: i32| time::Date::from_ordinal_date(year, 1).ok().map(|date| date.midnight().assume_utc());
        let wanted = (from.year() + 1..=to.year()).filter(|year| year % step == 0);
        let ticks = wanted.filter_map(|year| Some((percent(new_year(year)?), year))).filter(|(x, _)| *x < 97.0).collect();
        let rows = report.renewals.iter().take(DRAWN).map(row).collect();
        Some(Self { now: percent(report.made), ticks, rows, unshown: report.renewals.len().saturating_sub(DRAWN) })
    }
}

/// How much of the whole a part is, in percent from 0 to 100.
fn ratio(part: Duration, whole: Duration) -> f64 {
    let whole = whole.as_seconds_f64();
    if whole > 0.0 { rounded((part.as_seconds_f64() / whole * 100.0).clamp(0.0, 100.0)) } else { 0.0 }
}

/// To a hundredth: finer than a screen shows.
fn rounded(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// A look at etcd in the chart.
pub(super) struct Column {
    pub(super) class: &'static str,
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) end: f64,
    pub(super) middle: f64,
    pub(super) top: u32,
    pub(super) height: u32,
    pub(super) needed: u32,
    pub(super) label: String,
}

impl Column {
    /// How high all members stand.
    const FULL: u32 = 44;

    pub(super) fn of(look: &Sight, x: f64, room: f64) -> Self {
        let part = |members: u32| Self::FULL * members.min(look.members) / look.members.max(1);
        let (width, height) = (room * 0.7, part(look.healthy).max(1));
        Self {
            class: look.chart_class(),
            x: rounded(x),
            width: rounded(width),
            end: rounded(x + width),
            middle: rounded(x + width / 2.0),
            top: Self::FULL + 2 - height,
            height,
            needed: Self::FULL + 2 - part(look.needed()),
            label: format!("{}/{}", look.healthy, look.members),
        }
    }
}
