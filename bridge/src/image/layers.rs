//! Which files share a layer. The layer is what a registry can skip and what a broken transfer starts over, so large
//! files lie alone and small ones together, a few at a time.
//!
//! How fine the cut is follows from the files: as fine as the number of layers allows, in steps of two. Where one shared
//! layer ends and the next begins is decided by the path of the file at the end, so that a file that comes, goes or grows
//! moves the ends near it and no others: the next version of a model finds most of its layers made already.

use sha2::{Digest, Sha256};

use super::LayerPlan;
use crate::port::ModelFile;

/// The finest cut: from this size on a file has a layer of its own, and shared layers have at most so much. What is sent
/// again beside a changed file is less.
const FINEST: u64 = 1 << 20;
/// The most layers of one model. Runtimes stack 127 (<https://github.com/moby/buildkit/issues/4810>, “historic limit is set
/// to 127”; CRI-O refuses more, <https://github.com/cri-o/cri-o/issues/6261>); half of them are left to the base, of which
/// inference servers take dozens, and to what else we add.
const MOST: usize = 60;
/// What a file takes in an archive besides its bytes: header, record of a long name, padding.
const AROUND: u64 = 2048;

/// Groups files into layers. Depends on the set of files only, not on their order.
pub(super) fn group(root: &str, mut files: Vec<ModelFile>) -> Vec<LayerPlan> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut grain = FINEST;
    let mut groups = cut(&files, grain);
    while groups.len() > MOST {
        grain = grain.saturating_mul(2);
        groups = cut(&files, grain);
    }
    groups
        .into_iter()
        .map(|group| LayerPlan { root: root.to_owned(), files: group.into_iter().cloned().collect() })
        .collect()
}

/// Files of `grain` bytes and more alone, the others in groups of up to `grain` bytes.
fn cut(files: &[ModelFile], grain: u64) -> Vec<Vec<&ModelFile>> {
    let (large, small): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.size >= grain);
    let mut groups: Vec<Vec<&ModelFile>> = large.into_iter().map(|file| vec![file]).collect();
    let (mut open, mut filled) = (Vec::new(), 0_u64);
    for file in small {
        let weight = file.size.saturating_add(AROUND);
        if !open.is_empty() && filled.saturating_add(weight) > grain {
            groups.push(std::mem::take(&mut open));
            filled = 0;
        }
        filled = filled.saturating_add(weight);
        open.push(file);
        if is_end(&file.path, weight, grain) {
            groups.push(std::mem::take(&mut open));
            filled = 0;
        }
    }
    if !open.is_empty() {
        groups.push(open);
    }
    groups
}

/// Whether a group ends with this file: by chance, but the same in every version, and on average twice in `grain` bytes.
fn is_end(path: &str, weight: u64, grain: u64) -> bool {
    let first = Sha256::digest(path.as_bytes()).into_iter().take(8);
    let chance = first.fold(0_u64, |number, byte| (number << 8) | u64::from(byte));
    u128::from(chance) * u128::from(grain) < (u128::from(weight) * 2) << 64
}

#[cfg(test)]
mod tests;
