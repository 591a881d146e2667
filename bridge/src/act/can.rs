//! Answers whether somebody may do something: looks at whatever the question wants until it can be answered.

use futures_util::future::join_all;

use crate::can::{Question, Seen, Unclear, Verdict, Viewer, answer, looks};

/// The answer, with everything looked at together that does not wait for something else.
pub async fn ask<V: Viewer>(question: &Question<'_>, viewer: &V) -> Result<Verdict, Unclear> {
    let mut seen = Seen::by(viewer);
    loop {
        let wanted = looks(question, &seen);
        if wanted.is_empty() {
            return answer(question, &seen);
        }
        for found in join_all(wanted.into_iter().map(|look| look.at(viewer))).await {
            seen.add(found);
        }
    }
}
