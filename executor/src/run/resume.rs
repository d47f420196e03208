//! Goes on with a run that was cut off. A journal says how far a run came; whether that is still so, only the machine says. And calls
//! that come no further are counted: after [`MOST_ATTEMPTS`] of them a person decides.

use bundle_format::{text, word};

use super::{Driver, Ended, Fault, Outcome, Run, RunError};
use crate::{
    bundle::Material,
    journal::{Begin, MOST_ATTEMPTS, Phase, Record, StepRecord, undo_order},
    progress::Event,
    steps::{
        self, Bench, StepError,
        replace::{self, Condition},
    },
};

impl Driver<'_> {
    /// Finishes a run that was cut off.
    ///
    /// # Errors
    /// When it was tried often enough, or did not come to its end.
    pub fn go_on(&self, mut run: Run, material: &Material) -> Result<Outcome, RunError> {
        self.count(&mut run)?;
        self.finish(run, material)
    }

    /// Counts this call, which goes on where others were cut off; a pause that was asked for is none of them.
    pub(super) fn count(&self, run: &mut Run) -> Result<(), RunError> {
        if let Some(error) = self.exhausted(run)? {
            return Err(error.into());
        }
        let state = run.state()?;
        if state.is_unfinished() && !state.is_paused {
            run.record(self.machine, Record::Resumed { anew: state.is_exhausted() })?;
        }
        Ok(())
    }

    /// Why a run is not tried once more, unless the operator insists.
    fn exhausted(&self, run: &Run) -> Result<Option<Ended>, RunError> {
        let state = run.state()?;
        let steps = state.begin.map(|begin| begin.steps.as_slice()).unwrap_or_default();
        let is_undoing = matches!(state.phase, Phase::Undoing { .. });
        let error = || Ended::Exhausted {
            run: run.folder.name.clone(),
            attempts: state.attempts.max(MOST_ATTEMPTS),
            place: whereabouts(state.phase, steps),
            is_undoing,
            restore_text: run.folder.restore_text().to_string(),
        };
        Ok((state.is_exhausted() && !self.options.tries_again).then(error))
    }

    /// Does again what the journal calls done and the machine does not show. What only waits is not waited for twice.
    pub(super) fn look_again(
        &self,
        run: &mut Run,
        begin: &Begin,
        done: usize,
        bench: &Bench<'_>,
        material: &Material,
    ) -> Result<(), Fault> {
        for (step, record) in begin.steps.iter().enumerate().take(done) {
            if matches!(record, StepRecord::AwaitContainers(_) | StepRecord::AwaitEtcd(_)) {
                continue;
            }
            self.machine.check_signals().map_err(StepError::from)?;
            for file in record.files().iter().filter(|file| replace::condition(file, self.machine) == Condition::Former) {
                (self.progress)(&Event::Note {
                    text: text!(
                        "`{}` is as before, though step {} was done: it is done again", "第 {1} 步已完成，但 `{0}` 仍是原内容：重做该步";
                        file.target, step + 1
                    ),
                });
            }
            let outcome = steps::apply(record, bench, material);
            let noted = self.note(run, step, bench);
            outcome?;
            noted?;
        }
        Ok(())
    }

    /// Puts back again what the journal calls undone and is as the run made it.
    pub(super) fn look_back_again(&self, begin: &Begin, undone: &[usize], bench: &Bench<'_>) -> Result<(), Fault> {
        for file in undone.iter().flat_map(|step| begin.steps[*step].files()) {
            if replace::condition(file, self.machine) == Condition::New
                && file.former.as_ref().map(|former| former.sha256) != Some(file.new)
            {
                (self.progress)(&Event::Note {
                    text: text!(
                        "`{}` is new again, though it was put back: it is put back again", "`{}` 曾被恢复，现在又是新内容：再次恢复";
                        file.target
                    ),
                });
                replace::restore(&[file], bench, false)?;
            }
        }
        Ok(())
    }
}

/// Where a run stands, within a sentence.
fn whereabouts(phase: Phase, steps: &[StepRecord]) -> String {
    let named = |what: &str, step: usize| {
        steps
            .get(step)
            .map(|record| text!("{what}step {} of {}: {}", "{what}第 {} 步，共 {} 步：{}"; step + 1, steps.len(), steps::describe(record)))
    };
    let place = match phase {
        Phase::Applying { done, .. } => named("", done),
        Phase::Undoing { reached, undone, .. } => {
            undo_order(steps, reached).get(undone).and_then(|step| named(word!("undoing ", "撤销"), *step))
        }
        _ => None,
    };
    place.unwrap_or_else(|| text!("the look at all of it", "总体检查"))
}
