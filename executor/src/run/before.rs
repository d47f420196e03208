//! What is asked before a run is gone on with or taken back: who else changed what it touches, whether its backups are whole, whether
//! its rows can be reached, and whether a quorum stays. Nothing is changed here.

use super::{Direction, Driver, Fault, Run, RunError, StoreError, steps_of};
use crate::{
    guard,
    journal::{Phase, RowChange, StepRecord, undo_order},
    machine::database::Survey,
    preflight::Refusal,
    steps::{
        replace::{self, Condition},
        restart_static_pods, update_database,
    },
};

impl Driver<'_> {
    /// What speaks against going on, as far as the run will touch it: targets that have neither their former nor their new content, and
    /// those of which nobody can tell.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub fn changed_since(&self, run: &Run, direction: Direction) -> Result<Vec<Refusal>, StoreError> {
        let steps = steps_of(run)?;
        let concerned = concerned(&steps, run.state()?.phase, direction);
        let files = concerned.iter().flat_map(|step| steps[*step].files());
        let (mut changed, mut unreadable) = (Vec::new(), Vec::new());
        for file in files {
            match replace::condition(file, self.machine) {
                Condition::Former | Condition::New => {}
                Condition::Missing | Condition::Other => changed.push(file.target.clone()),
                Condition::Unreadable => unreadable.push(file.target.clone()),
            }
        }
        let name = || run.folder.name.clone();
        let changed = (!changed.is_empty()).then(|| Refusal::ChangedSince { run: name(), targets: changed });
        let unreadable = (!unreadable.is_empty()).then(|| Refusal::UnreadableSince { run: name(), targets: unreadable });
        Ok(changed.into_iter().chain(unreadable).collect())
    }

    /// A rollback restarts what the run restarted, and must not cost a quorum.
    pub(super) fn may_restart_back(&self, run: &Run) -> Result<(), RunError> {
        let Some(begin) = run.state()?.begin.cloned() else { return Ok(()) };
        let bench = self.bench(&begin, &run.folder, true);
        for step in &begin.steps {
            let StepRecord::RestartStaticPods { step, former } = step else { continue };
            match restart_static_pods::never_left(step, former, &bench) {
                Ok(true) => {}
                _ => guard::may_go_back(step.cluster.as_ref(), &bench).map_err(Refusal::Risk)?,
            }
        }
        Ok(())
    }

    /// A rollback that cannot reach the rows that it is to put back does not begin; nor does one that would overwrite others' changes.
    pub(super) fn can_reach_rows(&self, run: &Run, discard_changes: bool) -> Result<(), RunError> {
        let keys = self.rows_changed_since(run, Direction::Back)?;
        if keys.is_empty() || discard_changes {
            return Ok(());
        }
        Err(Refusal::RowsChangedSince { run: run.folder.name.clone(), keys }.into())
    }

    /// The keys of rows that hold neither what they held before nor what the run writes, as far as the run will touch them.
    ///
    /// # Errors
    /// When the database cannot be asked, or the journal cannot be used.
    pub fn rows_changed_since(&self, run: &Run, direction: Direction) -> Result<Vec<String>, RunError> {
        let steps = steps_of(run)?;
        let mut keys = Vec::new();
        for step in concerned(&steps, run.state()?.phase, direction) {
            if let (StepRecord::UpdateDatabase { step, rows, .. }, Some(database)) = (&steps[step], &self.options.database) {
                let survey = database.survey(step).map_err(Refusal::Database)?;
                keys.extend(rows.iter().filter(|row| is_strange(row, &survey)).map(|row| row.key.clone()));
            }
        }
        Ok(keys)
    }

    /// A rollback that would stop half-way for want of a backup does not begin.
    pub(super) fn check_backups(&self, run: &Run) -> Result<(), Fault> {
        let Some(begin) = run.state()?.begin else { return Ok(()) };
        let bench = self.bench(begin, &run.folder, true);
        for file in begin.steps.iter().flat_map(StepRecord::files).filter(|file| file.former.is_some()) {
            let _ = replace::backup(file, &bench)?;
        }
        for row in begin.steps.iter().flat_map(StepRecord::rows) {
            let _ = update_database::backup(row, &bench)?;
        }
        Ok(())
    }
}

/// Whether a row is there and holds something else. One that is not there at all is the database's to complain of.
fn is_strange(row: &RowChange, survey: &Survey) -> bool {
    let Survey::Table(table) = survey else { return false };
    let stored = table.rows.iter().find(|found| found.key == row.key).and_then(|found| found.stored);
    stored.is_some_and(|stored| stored.digest != row.former && stored.digest != row.new)
}

/// The steps that a run will touch in a direction, from where it stands.
fn concerned(steps: &[StepRecord], phase: Phase, direction: Direction) -> Vec<usize> {
    match (phase, direction) {
        (Phase::Undoing { reached, undone, .. }, _) => undo_order(steps, reached).split_off(undone),
        (Phase::Applying { done, started }, Direction::Back) => (0..done + usize::from(started)).collect(),
        _ => (0..steps.len()).collect(),
    }
}
