//! Several changes at a time.

use super::*;

/// How many calls are under way, and how many were at most.
#[derive(Default)]
struct Crowded {
    clouds: Clouds,
    now: Mutex<(usize, usize)>,
    policies: Mutex<Vec<String>>,
}

impl SetUp for Crowded {
    looks_by!(clouds);

    async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        let lane = change.action.resource().written_with();
        {
            let mut writing = self.policies.lock().unwrap();
            assert!(!writing.contains(&lane), "{lane} is written by two");
            writing.push(lane.clone());
            let mut now = self.now.lock().unwrap();
            now.0 += 1;
            now.1 = now.1.max(now.0);
        }
        // Lets the others have their turn.
        for _ in 0..3 {
            let mut first = true;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
        self.now.lock().unwrap().0 -= 1;
        self.policies.lock().unwrap().retain(|writing| *writing != lane);
        self.clouds.perform(bridge, facts, change, outputs).await
    }
}

#[test]
fn several_changes_at_a_time_and_none_before_its_turn() {
    let (bridge, _) = harbour();
    let clouds = Crowded::default();
    let (facts, plan) = (clouds.clouds.facts_now(), clouds.clouds.plan_now(&bridge));
    let (time, told) = (Stopped::default(), Told::default());
    let mut future = pin!(apply(&bridge, &facts, &plan, &clouds, &time, &told));
    let report = loop {
        if let Poll::Ready(report) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            break report.unwrap();
        }
    };
    assert_eq!(report.done, plan.changes);
    let most = clouds.now.lock().unwrap().1;
    assert!((2..=8).contains(&most), "{most}");
    let steps: Vec<String> = told
        .0
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::Step { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect();
    let planned: Vec<String> =
        plan.changes.iter().map(|change| format!("{} {}", change.action.verb(), change.key)).collect();
    assert_eq!(steps.len(), planned.len());
    // The order of the waves is the plan's.
    assert_eq!(steps[..3], planned[..3]);
}
