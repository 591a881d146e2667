//! Which files share a layer. The layer is what a registry can skip and what a broken transfer starts over, so large
//! files lie alone and small ones together.

use super::LayerPlan;
use crate::port::ModelFile;

/// From this size on a file has a layer of its own.
const LARGE: u64 = 16 << 20;
/// Small files share a layer up to this size.
const SHARED: u64 = 64 << 20;
/// Container runtimes stack at most 127 layers; the base needs some of them.
const MOST: usize = 100;

/// Groups files into layers. Depends on the set of files only, not on their order.
pub(super) fn group(root: &str, mut files: Vec<ModelFile>) -> Vec<LayerPlan> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let (large, small): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.size >= LARGE);
    let mut groups: Vec<Vec<ModelFile>> = large.into_iter().map(|file| vec![file]).collect();
    groups.extend(shared(small));
    fold(groups).into_iter().map(|files| LayerPlan { root: root.to_owned(), files }).collect()
}

fn shared(small: Vec<ModelFile>) -> Vec<Vec<ModelFile>> {
    let mut groups: Vec<Vec<ModelFile>> = Vec::new();
    let mut filled = 0;
    for file in small {
        match groups.last_mut() {
            Some(group) if filled + file.size <= SHARED => {
                filled += file.size;
                group.push(file);
            }
            _ => {
                filled = file.size;
                groups.push(vec![file]);
            }
        }
    }
    groups
}

/// Joins neighbours until there are no more groups than a runtime stacks.
fn fold(groups: Vec<Vec<ModelFile>>) -> Vec<Vec<ModelFile>> {
    let width = groups.len().div_ceil(MOST).max(1);
    let mut folded: Vec<Vec<ModelFile>> = Vec::new();
    for (index, group) in groups.into_iter().enumerate() {
        match folded.last_mut() {
            Some(last) if index % width != 0 => last.extend(group),
            _ => folded.push(group),
        }
    }
    for group in &mut folded {
        group.sort_by(|a, b| a.path.cmp(&b.path));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn file(path: &str, size: u64) -> ModelFile {
        ModelFile { path: path.to_owned(), size, etag: String::new(), url: String::new() }
    }

    fn shape(files: Vec<ModelFile>) -> Vec<Vec<String>> {
        group("/r", files)
            .into_iter()
            .map(|it| it.files.into_iter().map(|file| file.path).collect())
            .collect()
    }

    #[test]
    fn large_alone_small_together() {
        let files = vec![file("z", 1), file("b", 16 * MIB), file("a", 16 * MIB - 1), file("c", 900 * MIB)];
        assert_eq!(shape(files), [vec!["b"], vec!["c"], vec!["a", "z"]]);
    }

    #[test]
    fn shared_layers_are_bounded() {
        let files = (0..9).map(|n| file(&format!("f{n}"), 15 * MIB)).collect();
        assert_eq!(shape(files), [vec!["f0", "f1", "f2", "f3"], vec!["f4", "f5", "f6", "f7"], vec!["f8"]]);
    }

    #[test]
    fn never_more_layers_than_a_runtime_stacks() {
        let files: Vec<_> = (0..250).map(|n| file(&format!("f{n:03}"), 20 * MIB)).collect();
        let shape = shape(files);
        assert!(shape.len() <= MOST, "{}", shape.len());
        assert_eq!(shape.iter().flatten().count(), 250);
    }
}
