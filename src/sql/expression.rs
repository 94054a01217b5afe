//! Expressions of a query in the language, by the functions of its module `sql`.

use crate::sql::SqlError;
use crate::sql::query::Aggregate;
use crate::sql::query::Comparison;
use crate::sql::query::Expr;
use crate::sql::query::Node;
use crate::sql::query::Table;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::term::Term;

/// Translates expressions over the rows of tables, or over groups of them.
pub(super) struct Translator<'q> {
    pub(super) tables: &'q [Table],
    /// The expressions that rows are grouped by, translated. `None` where rows are not grouped.
    pub(super) groups: Option<Vec<String>>,
    /// What is kept of each group, in the order in which it was first needed.
    pub(super) slots: Vec<Slot>,
}

/// Something that is kept up to date of a group's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The type of what keeps it.
    pub(super) kind: Type,
    /// The operations that a row contributes to it.
    pub(super) operations: String,
}

type Translated = Result<String, SqlError>;

impl Translator<'_> {
    /// The name that a table's row has in the functions.
    pub(super) fn row(table: usize) -> String {
        format!("R{table}")
    }

    /// The table that a qualifier means.
    pub(super) fn table(&self, name: &str, expr: &Expr) -> Result<usize, SqlError> {
        self.tables.iter().position(|table| table.alias == name).ok_or_else(|| {
            let names: Vec<String> = self.tables.iter().map(|table| format!("`{}`", table.alias)).collect();
            let help = format!("columns are qualified with {}", names.join(" or "));
            SqlError::new("E0905", format!("`{name}` is no table of this view"), expr.place.clone(), help)
        })
    }

    /// An expression that is selected, or the condition of `having`: over groups where there are any.
    pub(super) fn result(&mut self, expr: &Expr) -> Translated {
        let Some(groups) = &self.groups else { return self.of_row(expr) };
        if !has_aggregate(expr)
            && let Ok(of_row) = self.of_row(expr)
            && let Some(at) = groups.iter().position(|group| *group == of_row)
        {
            return Ok(format!("K{at}"));
        }
        match &expr.node {
            Node::Aggregate(aggregate, of) => self.aggregate(*aggregate, of.as_deref(), expr),
            Node::Column(..) => {
                let help = "name it in `group by`, or say which of the group's values: min(..), max(..)";
                let title = "this column has many values in a group";
                Err(SqlError::new("E0906", title, expr.place.clone(), help))
            }
            _ => translate(expr, &mut |part| self.result(part)),
        }
    }

    /// An expression over rows.
    pub(super) fn of_row(&self, expr: &Expr) -> Translated {
        match &expr.node {
            Node::Column(Some(table), column) => {
                let row = Translator::row(self.table(table, expr)?);
                Ok(format!("sql:column({}, {row})", atom(column, expr)?))
            }
            Node::Column(None, column) => {
                let column = atom(column, expr)?;
                Ok(match self.tables.len() {
                    1 => format!("sql:column({column}, R0)"),
                    count => {
                        let rows: Vec<String> = (0..count).map(Translator::row).collect();
                        format!("sql:any_column({column}, [{}])", rows.join(", "))
                    }
                })
            }
            Node::Aggregate(aggregate, _) => {
                let title = format!("`{}` is of groups, and stands where single rows are meant", aggregate.name());
                let help = "conditions on groups stand in `having`; aggregates of aggregates need a view of a view";
                Err(SqlError::new("E0906", title, expr.place.clone(), help))
            }
            _ => translate(expr, &mut |part| self.of_row(part)),
        }
    }

    fn aggregate(&mut self, aggregate: Aggregate, of: Option<&Expr>, expr: &Expr) -> Translated {
        let Some(of) = of else {
            return Ok(self.slot(Type::Counter, "[increment]".to_owned()));
        };
        if has_aggregate(of) {
            let help = "make a view of the inner one, and a view of that";
            return Err(SqlError::new("E0906", "an aggregate of an aggregate", expr.place.clone(), help));
        }
        let of = self.of_row(of)?;
        Ok(match aggregate {
            Aggregate::Count => self.slot(Type::Counter, format!("sql:counted({of})")),
            Aggregate::Sum | Aggregate::Average => {
                let sum = self.slot(Type::Counter, format!("sql:summed({of})"));
                let count = self.slot(Type::Counter, format!("sql:numbered({of})"));
                let function = if aggregate == Aggregate::Sum { "total" } else { "average" };
                format!("sql:{function}({sum}, {count})")
            }
            Aggregate::Min => format!("sql:only({})", self.slot(Type::TopK(1), format!("sql:smallest({of})"))),
            Aggregate::Max => format!("sql:only({})", self.slot(Type::TopK(1), format!("sql:greatest({of})"))),
        })
    }

    /// The name of a slot's value; one that there is already is used again.
    pub(super) fn slot(&mut self, kind: Type, operations: String) -> String {
        let slot = Slot { kind, operations };
        let at = self.slots.iter().position(|known| *known == slot).unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        format!("V{at}")
    }
}

/// Whether an aggregate stands in it.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    match &expr.node {
        Node::Aggregate(..) => true,
        Node::Number(_) | Node::Text(_) | Node::Truth(_) | Node::Null | Node::Column(..) => false,
        Node::Compare(_, left, right) | Node::Arithmetic(_, left, right) => has_aggregate(left) || has_aggregate(right),
        Node::And(parts) | Node::Or(parts) => parts.iter().any(has_aggregate),
        Node::Not(inner) | Node::IsNull(inner) => has_aggregate(inner),
    }
}

/// An expression of parts that `part` translates.
fn translate(expr: &Expr, part: &mut dyn FnMut(&Expr) -> Translated) -> Translated {
    Ok(match &expr.node {
        Node::Number(number) => number.clone(),
        Node::Text(text) => Term::text(text.as_str()).to_string(),
        Node::Truth(truth) => truth.to_string(),
        Node::Null => "undefined".to_owned(),
        Node::Compare(comparison, left, right) => {
            let (left, right) = (part(left)?, part(right)?);
            match comparison {
                Comparison::Equal => format!("sql:equal({left}, {right})"),
                Comparison::NotEqual => format!("sql:negated(sql:equal({left}, {right}))"),
                Comparison::Less => format!("sql:less({left}, {right})"),
                Comparison::Greater => format!("sql:less({right}, {left})"),
                Comparison::LessOrEqual => format!("sql:negated(sql:less({right}, {left}))"),
                Comparison::GreaterOrEqual => format!("sql:negated(sql:less({left}, {right}))"),
                Comparison::Like => format!("sql:like({left}, {right})"),
            }
        }
        Node::And(parts) => balanced("sql:both", parts.iter().map(part).collect::<Result<_, _>>()?),
        Node::Or(parts) => balanced("sql:either", parts.iter().map(part).collect::<Result<_, _>>()?),
        Node::Not(inner) => format!("sql:negated({})", part(inner)?),
        Node::IsNull(inner) => format!("({} =:= undefined)", part(inner)?),
        Node::Arithmetic(operator, left, right) => {
            format!("sql:calculate('{operator}', {}, {})", part(left)?, part(right)?)
        }
        // These are the callers' own.
        Node::Column(..) | Node::Aggregate(..) => "undefined".to_owned(),
    })
}

/// Many parts under a function of two, as flat as can be.
pub(super) fn balanced(function: &str, mut parts: Vec<String>) -> String {
    while parts.len() > 1 {
        parts = parts
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => format!("{function}({left}, {right})"),
                odd => odd.concat(),
            })
            .collect();
    }
    parts.pop().unwrap_or_else(|| "true".to_owned())
}

/// A name as an atom of the language.
pub(super) fn atom(name: &str, expr: &Expr) -> Translated {
    atom_text(name).ok_or_else(|| {
        SqlError::new("E0901", "this name is too long", expr.place.clone(), "names have at most 1,020 bytes")
    })
}

/// The same without a place.
pub(super) fn atom_text(name: &str) -> Option<String> {
    Atom::new(name).ok().map(|atom| Term::Atom(atom).to_string())
}
