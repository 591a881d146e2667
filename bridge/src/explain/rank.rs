//! From what was recognised to causes in order: the weight of the strongest words, a little for what agrees with them,
//! the shift of every sign, and, where that leaves fewer than three, what it mostly was in the field.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::feature::Sign;
use super::recognise::Hit;
use super::table::weights;
use crate::finding::cause;

/// How many causes are named at least, where the field knows as many.
const AT_LEAST: usize = 3;

/// And at most.
const AT_MOST: usize = 6;

/// What agrees with the strongest words counts this much less.
const AGREES: i32 = 5;

/// A cause with its standing.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    pub(super) class: &'static str,
    /// Its share of all that speaks for anything, from 0 to 1.
    pub(super) confidence: f64,
    /// The row that speaks for it most; none if only signs do.
    pub(super) hit: Option<Hit>,
    /// The signs that speak for it.
    pub(super) signs: Vec<&'static str>,
}

/// An area, and its causes with their weights.
type Prior = (&'static str, Vec<(&'static str, i32)>);

static PRIORS: LazyLock<Vec<Prior>> = LazyLock::new(|| {
    let lines = include_str!("table/prior.txt").lines();
    lines.filter_map(|line| line.split_once(": ")).map(|(area, list)| (area, weights(list))).collect()
});

/// The causes of what was recognised, most likely first.
pub(super) fn rank(hits: &[Hit], signs: &[Sign]) -> Vec<Ranked> {
    let mut scores = spoken_for(hits);
    for (class, shift) in signs.iter().flat_map(|sign| sign.shifts) {
        *scores.entry(*class).or_default() += shift;
    }
    scores.retain(|_, score| *score > 0);
    if let Some(hit) = strongest(hits) {
        fill(hit.signature.area, &mut scores);
    }
    let mut order: Vec<(&'static str, i32)> = scores.into_iter().collect();
    order.sort_by_key(|(class, score)| (-score, cause::ALL.iter().position(|one| one == class)));
    order.truncate(AT_MOST);
    let sum = f64::from(order.iter().map(|(_, score)| *score).sum::<i32>().max(1));
    let ranked = order.into_iter().map(|(class, score)| Ranked {
        class,
        confidence: (f64::from(score) / sum * 100.0).round() / 100.0,
        hit: best_for(class, hits),
        signs: speaking_for(class, signs),
    });
    ranked.collect()
}

/// The row that says most about anything.
pub(super) fn strongest(hits: &[Hit]) -> Option<&Hit> {
    // The first of equals: the tables stand in the order of the way.
    hits.iter().rev().max_by_key(|hit| strength(hit))
}

/// How much a row says about its likeliest cause.
pub(super) fn strength(hit: &Hit) -> i32 {
    hit.signature.causes.iter().map(|(_, weight)| *weight).max().unwrap_or_default()
}

fn spoken_for(hits: &[Hit]) -> BTreeMap<&'static str, i32> {
    let mut all: BTreeMap<&'static str, (i32, i32)> = BTreeMap::new();
    let counted = hits.iter().filter(|hit| !said_better(hit, hits));
    for (class, weight) in counted.flat_map(|hit| &hit.signature.causes) {
        let (most, sum) = all.entry(*class).or_default();
        *most = (*most).max(*weight);
        *sum += weight;
    }
    all.into_iter().map(|(class, (most, sum))| (class, most + ((sum - most) / AGREES).min(20))).collect()
}

/// Whether a row that says more recognised the same words, or one that says twice as much was met on the same part of
/// the way.
pub(super) fn said_better(hit: &Hit, hits: &[Hit]) -> bool {
    let mine = strength(hit);
    hits.iter().any(|other| {
        let same_words = other.from < hit.to && hit.from < other.to;
        let same_part = other.signature.area == hit.signature.area;
        same_words && strength(other) > mine || same_part && strength(other) >= 2 * mine
    })
}

fn fill(area: &str, scores: &mut BTreeMap<&'static str, i32>) {
    let Some((_, prior)) = PRIORS.iter().find(|(name, _)| *name == area) else { return };
    for (class, weight) in prior {
        if scores.len() >= AT_LEAST {
            return;
        }
        scores.entry(*class).or_insert(*weight);
    }
}

fn best_for(class: &str, hits: &[Hit]) -> Option<Hit> {
    let weight = |hit: &&Hit| hit.signature.causes.iter().find(|(name, _)| *name == class).map(|(_, it)| *it);
    hits.iter().rev().filter(|hit| weight(hit).is_some()).max_by_key(weight).copied()
}

fn speaking_for(class: &str, signs: &[Sign]) -> Vec<&'static str> {
    let speaks = |sign: &&Sign| sign.shifts.iter().any(|(name, shift)| *name == class && *shift > 0);
    signs.iter().filter(speaks).map(|sign| sign.because).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::signatures;
    use super::*;

    #[test]
    fn every_area_has_a_prior_of_three() {
        for row in signatures() {
            let prior = PRIORS.iter().find(|(area, _)| *area == row.area);
            assert!(prior.is_some_and(|(_, list)| list.len() >= AT_LEAST), "{}", row.area);
        }
    }
}
