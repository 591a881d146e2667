//! What an expression refers to: free variables, functions, and the fields it reads of its variables.

use std::collections::BTreeSet;

use ::cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, SelectExpr};

use super::Problem;

/// Functions that Google's dialect has and this engine evaluates. Operators are told by their first character.
const FUNCTIONS: [&str; 25] = [
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "extract",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
];

/// Names of types, which CEL takes for identifiers.
const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// What an expression refers to.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Variables that no comprehension binds.
    pub(crate) variables: BTreeSet<String>,
    /// Functions and operators.
    functions: BTreeSet<String>,
    /// Fields read of free variables: `assertion.tid` is `("assertion", "tid")`.
    pub(crate) fields: BTreeSet<(String, String)>,
    /// How deep comprehensions nest.
    pub(super) comprehensions: usize,
}

impl Names {
    /// Refuses what neither `variables` nor the dialect knows.
    pub(super) fn require_known(&self, variables: &[&str]) -> Result<(), Problem> {
        for name in &self.variables {
            if !variables.contains(&name.as_str()) && !TYPES.contains(&name.as_str()) {
                return Err(Problem::UnknownName(name.clone()));
            }
        }
        for name in &self.functions {
            let operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
            if !operator && !FUNCTIONS.contains(&name.as_str()) {
                return Err(Problem::UnknownFunction(name.clone()));
            }
        }
        Ok(())
    }
}

/// Everything `expression` refers to.
pub(super) fn collect(expression: &IdedExpr) -> Names {
    let mut walk = Walk::default();
    walk.visit(expression);
    walk.names
}

#[derive(Default)]
struct Walk {
    names: Names,
    /// Variables of the comprehensions around the current place.
    bound: Vec<String>,
    depth: usize,
}

impl Walk {
    fn visit(&mut self, expression: &IdedExpr) {
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.variable(name),
            Expr::Call(call) => self.call(call),
            Expr::Select(select) => self.select(select),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Expr::Map(map) => self.entries(&map.entries),
            Expr::Struct(structure) => {
                self.names.variables.insert(structure.type_name.clone());
                self.entries(&structure.entries);
            }
        }
    }

    fn variable(&mut self, name: &str) {
        let ours = name.starts_with('@') || self.bound.iter().any(|bound| bound == name);
        if !ours {
            self.names.variables.insert(name.to_owned());
        }
    }

    fn call(&mut self, call: &CallExpr) {
        self.names.functions.insert(call.func_name.clone());
        if let Some(target) = &call.target {
            self.visit(target);
        }
        call.args.iter().for_each(|argument| self.visit(argument));
    }

    fn select(&mut self, select: &SelectExpr) {
        if let Expr::Ident(name) = &select.operand.expr
            && !self.bound.contains(name)
        {
            self.names.fields.insert((name.clone(), select.field.clone()));
        }
        self.visit(&select.operand);
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) {
        self.visit(&comprehension.iter_range);
        self.depth += 1;
        self.names.comprehensions = self.names.comprehensions.max(self.depth);
        let before = self.bound.len();
        let inner =
            [Some(&comprehension.iter_var), comprehension.iter_var2.as_ref(), Some(&comprehension.accu_var)];
        self.bound.extend(inner.into_iter().flatten().cloned());
        self.visit(&comprehension.accu_init);
        self.visit(&comprehension.loop_cond);
        self.visit(&comprehension.loop_step);
        self.visit(&comprehension.result);
        self.bound.truncate(before);
        self.depth -= 1;
    }

    fn entries(&mut self, entries: &[IdedEntryExpr]) {
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => self.visit(&field.value),
                EntryExpr::MapEntry(pair) => {
                    self.visit(&pair.key);
                    self.visit(&pair.value);
                }
            }
        }
    }
}
