//! Many rule files at once: planned before any of them is imported.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    plan::Plan,
    remote::{Remote, Step, Upload},
};
use crate::{client::Refusal, output};

/// What became of planning.
pub(crate) enum Planned {
    /// A plan for each file, in their order.
    Plans(Vec<Plan>),
    /// Everything that is wrong with any of them: `node.yml:5:7: …`.
    Mistakes(Vec<String>),
}

/// A bar on standard error while much is done, where that is a terminal. It vanishes when it is dropped.
pub(crate) fn bar(of: usize, doing: &'static str) -> ProgressBar {
    if of < 2 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}").expect("the template is well formed");
    ProgressBar::new(u64::try_from(of).unwrap_or(u64::MAX)).with_style(style).with_message(doing)
}

/// Asks what each file would change, and changes nothing. `Err` is what stands against all of them.
pub(crate) async fn planned(remote: &Remote, uploads: &[Upload]) -> anyhow::Result<Planned> {
    let (mut plans, mut mistakes) = (Vec::new(), Vec::new());
    let bar = bar(uploads.len(), "planning");
    for upload in uploads {
        match remote.import(upload, Step::Plan).await {
            Ok(plan) => plans.push(plan),
            Err(Refusal::Mistakes(found)) => {
                mistakes.extend(found.iter().map(|mistake| mistake.in_file(&upload.name)));
            }
            Err(refusal) => return Err(refusal.into()),
        }
        bar.inc(1);
    }
    Ok(if mistakes.is_empty() { Planned::Plans(plans) } else { Planned::Mistakes(mistakes) })
}

/// Imports one file after the other and answers what each changed. `Err` says how far it came.
pub(crate) async fn applied(remote: &Remote, uploads: &[&Upload]) -> anyhow::Result<Vec<Plan>> {
    let mut plans = Vec::new();
    let bar = bar(uploads.len(), "importing");
    for upload in uploads {
        match remote.import(upload, Step::Apply).await {
            Ok(plan) => plans.push(plan),
            Err(refusal) => return Err(refusal).with_context(|| so_far(upload, &plans)),
        }
        bar.inc(1);
    }
    Ok(plans)
}

fn so_far(failed: &Upload, done: &[Plan]) -> String {
    let done: Vec<_> = done.iter().map(|plan| plan.namespace.as_str()).collect();
    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
    format!("{} was not imported; imported before it: {done}", failed.name)
}

/// Says on standard error what the files say that nobody heeds.
pub(crate) fn warn(uploads: &[Upload], plans: &[Plan]) {
    for (upload, plan) in uploads.iter().zip(plans) {
        for warning in plan.warnings() {
            output::note(format_args!("{}:{warning} [warning]", upload.name));
        }
    }
}
