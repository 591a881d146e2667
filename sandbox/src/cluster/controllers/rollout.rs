//! The arithmetic of rolling updates, as pure functions: how far the new replica set may grow and the old ones shrink.

use serde_json::Value;

/// A replica set in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// Pods it is told to have.
    pub(super) wanted: i64,
    /// Pods of it that are available.
    pub(super) available: i64,
}

/// How far a rollout may go beyond and below the wanted number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

impl Room {
    /// Reads `maxSurge` (rounded up) and `maxUnavailable` (rounded down); both nothing would never move.
    pub(super) fn of(deployment: &Value, replicas: i64) -> Self {
        let read = |field: &str, round_up: bool| {
            let value = deployment.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
            share(value.unwrap_or(&Value::Null), replicas, round_up)
        };
        let (surge, unavailable) = (read("maxSurge", true), read("maxUnavailable", false).min(replicas));
        Self { surge, unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable } }
    }
}

/// A number, or a percentage of `of`.
fn share(value: &Value, of: i64, round_up: bool) -> i64 {
    let percent =
        value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    match percent {
        Some(percent) if round_up => (percent * of + 99) / 100,
        Some(percent) => percent * of / 100,
        None => value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default(),
    }
}

/// The next number of pods of the new replica set.
pub(super) fn grow(replicas: i64, room: Room, new: Count, old: &[Count]) -> i64 {
    if new.wanted >= replicas {
        return replicas;
    }
    let all = new.wanted + old.iter().map(|one| one.wanted).sum::<i64>();
    let free = (replicas + room.surge - all).max(0);
    new.wanted + free.min(replicas - new.wanted)
}

/// The next numbers of pods of the old replica sets, oldest first as given: first what is unhealthy goes, then what is
/// available as far as enough stays available.
pub(super) fn shrink(replicas: i64, room: Room, new: Count, old: &[Count]) -> Vec<i64> {
    let mut wanted: Vec<i64> = old.iter().map(|one| one.wanted).collect();
    let least = replicas - room.unavailable;
    let all = new.wanted + wanted.iter().sum::<i64>();
    let mut may_go = all - least - (new.wanted - new.available).max(0);
    for (left, one) in wanted.iter_mut().zip(old) {
        let unhealthy = (one.wanted - one.available).clamp(0, may_go.max(0));
        *left -= unhealthy;
        may_go -= unhealthy;
    }
    let available = new.available + old.iter().map(|one| one.available).sum::<i64>();
    let mut spare = (available - least).min(may_go);
    for left in &mut wanted {
        let gone = (*left).min(spare.max(0));
        *left -= gone;
        spare -= gone;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn count(wanted: i64, available: i64) -> Count {
        Count { wanted, available }
    }

    #[test]
    fn percentages_round_up_for_surge_and_down_for_unavailable() {
        let deployment = |surge: Value, unavailable: Value| json!({ "spec": { "strategy": { "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } } } });
        let cases = [
            (json!("25%"), json!("25%"), 1, (1, 0)),
            (json!("25%"), json!("25%"), 4, (1, 1)),
            (json!("25%"), json!("25%"), 10, (3, 2)),
            (json!(1), json!(0), 3, (1, 0)),
            (json!(0), json!("0%"), 3, (0, 1)),
            (json!(0), json!(5), 3, (0, 3)),
        ];
        for (surge, unavailable, replicas, expected) in cases {
            let room = Room::of(&deployment(surge, unavailable), replicas);
            assert_eq!((room.surge, room.unavailable), expected, "{replicas}");
        }
    }

    #[test]
    fn the_new_set_grows_into_the_surge() {
        let room = Room { surge: 1, unavailable: 0 };
        let cases = [
            (3, count(0, 0), vec![count(3, 3)], 1),
            (3, count(1, 0), vec![count(3, 3)], 1),
            (3, count(1, 1), vec![count(2, 2)], 2),
            (3, count(0, 0), vec![], 3),
            (2, count(5, 5), vec![], 2),
        ];
        for (replicas, new, old, expected) in cases {
            assert_eq!(grow(replicas, room, new, &old), expected, "{new:?} {old:?}");
        }
    }

    #[test]
    fn the_old_sets_shrink_only_as_the_new_one_becomes_available() {
        let room = Room { surge: 1, unavailable: 0 };
        let cases = [
            (3, count(1, 0), vec![count(3, 3)], vec![3]),
            (3, count(1, 1), vec![count(3, 3)], vec![2]),
            (3, count(1, 1), vec![count(3, 1)], vec![2]),
            (3, count(3, 3), vec![count(1, 1)], vec![0]),
            (1, count(1, 0), vec![count(1, 1)], vec![1]),
            (1, count(1, 1), vec![count(1, 1)], vec![0]),
            (2, count(1, 1), vec![count(1, 0), count(1, 1)], vec![0, 1]),
        ];
        for (replicas, new, old, expected) in cases {
            assert_eq!(shrink(replicas, room, new, &old), expected, "{new:?} {old:?}");
        }
    }

    #[test]
    fn a_rollout_always_arrives_and_never_falls_below_its_minimum() {
        for replicas in 0..6 {
            for (surge, unavailable) in [(1, 0), (0, 1), (2, 1), (1, 3)] {
                let room = Room { surge, unavailable };
                let (mut new, mut old) = (count(0, 0), count(replicas, replicas));
                for _ in 0..100 {
                    new.wanted = grow(replicas, room, new, &[old]);
                    old.wanted = shrink(replicas, room, new, &[old])[0];
                    assert!(new.wanted + old.wanted <= replicas + surge, "{new:?} {old:?}");
                    old.available = old.available.min(old.wanted);
                    assert!(new.available + old.available >= replicas - unavailable, "{new:?} {old:?}");
                    new.available = new.wanted;
                }
                assert_eq!((new.wanted, old.wanted), (replicas, 0), "{replicas} {room:?}");
            }
        }
    }
}
