//! A plan, an apply's report and missing rights, for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use bridge::act::Report;
use bridge::plan::{Action, Difference, Missing, Need, Obstacle, Plan};

use super::Human;

impl Human for Plan {
    fn human(&self) -> String {
        let mut text = String::new();
        for change in &self.changes {
            let sign = match &change.action {
                Action::Create { .. } => "+",
                Action::Undelete { .. } => "^",
                Action::Update { .. } => "~",
                Action::Adopt { .. } => "*",
                Action::Delete { .. } => "-",
            };
            let _ = writeln!(text, "{sign} {}{}", change.key, self.called(&change.key.0));
            for difference in change.action.differences() {
                text.push_str(&self.line(difference));
            }
        }
        for obstacle in &self.obstacles {
            text.push_str(&obstacle.human());
        }
        for kept in &self.kept {
            let _ = writeln!(text, "= {} stays: {}", kept.key, kept.why);
        }
        for note in &self.notes {
            let _ = writeln!(text, "i {note}");
        }
        text.push_str(&summary(self));
        text
    }
}

impl Human for Report {
    fn human(&self) -> String {
        match self.done.len() {
            0 => "nothing to do\n".to_owned(),
            1 => "1 change made\n".to_owned(),
            many => format!("{many} changes made\n"),
        }
    }
}

impl Human for Obstacle {
    fn human(&self) -> String {
        format!("! {}\n    {}\n    to mend it: {}\n", self.key, self.problem, self.mend)
    }
}

impl Human for Vec<Missing> {
    fn human(&self) -> String {
        let mut text = String::new();
        for missing in self {
            let _ = writeln!(text, "! {} lacks {}", missing.who, need(&missing.need));
            let _ = writeln!(text, "    to mend it: {}", missing.mend);
        }
        text
    }
}

/// What people need to read a plan.
trait Readable {
    /// What people call the principals whose ids are in a text.
    fn called(&self, text: &str) -> String;
    fn line(&self, difference: &Difference) -> String;
}

impl Readable for Plan {
    fn called(&self, text: &str) -> String {
        let ids = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
        let names: BTreeSet<&str> = ids.filter_map(|id| self.names.get(id).map(String::as_str)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        // A condition names everybody; a list of them says nothing.
        match names.as_slice() {
            [] | [_, _, _, _, ..] => String::new(),
            few => format!(" ({})", few.join(", ")),
        }
    }

    fn line(&self, difference: &Difference) -> String {
        let value = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "(none)".to_owned(), |value| format!("`{value}`{}", self.called(value)))
        };
        format!(
            "    {}\n      found    {}\n      declared {}\n",
            difference.field,
            value(&difference.found),
            value(&difference.wanted)
        )
    }
}

fn need(need: &Need) -> String {
    match need {
        Need::Google { permission } => format!("the Google permission `{permission}` on the project"),
        Need::Azure { action, scope } => format!("the Azure action `{action}` on `{scope}`"),
        Need::Graph { any_of } => format!("one of the Microsoft Graph permissions `{}`", any_of.join("`, `")),
        Need::Kubernetes { verb, group, resource } if group.is_empty() => {
            format!("the Kubernetes verb `{verb}` on `{resource}`")
        }
        Need::Kubernetes { verb, group, resource } => {
            format!("the Kubernetes verb `{verb}` on `{resource}.{group}`")
        }
    }
}

fn summary(plan: &Plan) -> String {
    let count =
        |wanted: fn(&Action) -> bool| plan.changes.iter().filter(|change| wanted(&change.action)).count();
    let create = count(|action| matches!(action, Action::Create { .. } | Action::Undelete { .. }));
    let update = count(|action| matches!(action, Action::Update { .. } | Action::Adopt { .. }));
    let delete = count(|action| matches!(action, Action::Delete { .. }));
    let obstacles = plan.obstacles.len();
    match (plan.changes.len(), obstacles) {
        (0, 0) => "both clouds are as declared\n".to_owned(),
        (_, 0) => format!("{create} to create, {update} to change, {delete} to delete\n"),
        _ => format!("{create} to create, {update} to change, {delete} to delete; {obstacles} in the way\n"),
    }
}
