//! Tables and properties of the cut.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const MIB: u64 = 1 << 20;

fn file(path: &str, size: u64) -> ModelFile {
    ModelFile { path: path.to_owned(), size, etag: String::new(), url: String::new() }
}

/// The groups, each as its paths.
fn shape(files: Vec<ModelFile>) -> Vec<Vec<String>> {
    let paths = |it: LayerPlan| it.files.into_iter().map(|file| file.path).collect();
    group("/r", files).into_iter().map(paths).collect()
}

/// Bytes of the layers that are not in an earlier version's.
fn sent_again(before: &[ModelFile], after: &[ModelFile]) -> u64 {
    let key = |plan: &LayerPlan| -> Vec<(String, u64, String)> {
        plan.files.iter().map(|file| (file.path.clone(), file.size, file.etag.clone())).collect()
    };
    let there: BTreeSet<_> = group("/r", before.to_vec()).iter().map(key).collect();
    let new = group("/r", after.to_vec()).into_iter().filter(|plan| !there.contains(&key(plan)));
    new.flat_map(|plan| plan.files).map(|file| file.size + AROUND).sum()
}

#[test]
fn large_alone_small_together() {
    let files = vec![file("z", 1), file("b", MIB), file("a", 99), file("c", 900 * MIB), file("empty", 0)];
    assert_eq!(shape(files), [vec!["b"], vec!["c"], vec!["a", "empty", "z"]]);
}

#[test]
fn shared_layers_are_bounded() {
    let files: Vec<_> = (0..90).map(|n| file(&format!("d{}/f{n}", n % 7), 300_000)).collect();
    for plan in group("/r", files) {
        assert!(plan.files.iter().map(|file| file.size).sum::<u64>() <= MIB);
    }
}

#[test]
fn never_more_layers_than_a_runtime_stacks() {
    let many: Vec<_> = (0..250).map(|n| file(&format!("f{n:03}"), 20 * MIB)).collect();
    let small: Vec<_> =
        (0..10_000).map(|n| file(&format!("{:02}/part {n} \u{6570}", n % 40), n % 70_000)).collect();
    let huge: Vec<_> = (0..200).map(|n| file(&format!("f{n}"), 50 << 30)).collect();
    let endless: Vec<_> = (0..200).map(|n| file(&format!("f{n}"), u64::MAX / 200)).collect();
    for files in [many, small, huge, endless] {
        let (count, shape) = (files.len(), shape(files));
        assert!(shape.len() <= MOST, "{}", shape.len());
        assert_eq!(shape.iter().flatten().count(), count);
    }
}

#[test]
fn one_of_twenty_changed_costs_that_one_and_a_mebibyte() {
    for size in [7_u64, 100_000, 900_000, 5 * MIB, 107 * MIB] {
        let before: Vec<_> = (0..20).map(|n| file(&format!("shard-{n:02}.bin"), size)).collect();
        for at in 0..20 {
            let mut after = before.clone();
            after[at].etag = "new".to_owned();
            assert!(sent_again(&before, &after) <= size + MIB, "{at} of {size} bytes");
        }
    }
}

#[test]
fn a_file_that_comes_or_goes_moves_the_ends_near_it_and_no_others() {
    let before: Vec<_> = (0..4000).map(|n| file(&format!("{:02}/{n:05}", n / 100), 5_000)).collect();
    for at in [0, 1, 777, 2000, 3999] {
        let (mut less, mut more, mut grown) = (before.clone(), before.clone(), before.clone());
        less.remove(at);
        more.insert(at, file(&format!("{:02}/{at:05}-new", at / 100), 9_000));
        grown[at].size += 3_000;
        for after in [less, more, grown] {
            let sent = sent_again(&before, &after);
            assert!(sent <= 3 * MIB, "{sent} bytes after a change at {at}");
        }
    }
}

proptest! {
    #[test]
    fn every_file_once_in_whatever_order(sizes in prop::collection::vec(0_u64..3 * MIB, 0..150), turn in 0_usize..150) {
        let files: Vec<_> = sizes.iter().enumerate().map(|(n, size)| file(&format!("d{}/f{n}", n % 9), *size)).collect();
        let mut turned = files.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn % files.len());
            turned.reverse();
        }
        let plan = group("/r", files.clone());
        prop_assert_eq!(&plan, &group("/r", turned));
        prop_assert!(plan.len() <= MOST);
        let mut paths: Vec<_> = plan.iter().flat_map(|it| &it.files).map(|it| it.path.clone()).collect();
        let mut all: Vec<_> = files.iter().map(|it| it.path.clone()).collect();
        paths.sort();
        all.sort();
        prop_assert_eq!(paths, all);
    }
}
