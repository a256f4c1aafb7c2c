//! Operators between two vectors.

use std::collections::{HashMap, hash_map::Entry};

use vigil_domain::labels::METRIC_NAME;

use super::{Binary, Cardinality};
use crate::{
    QueryError, SeriesLabels,
    binary::Operator,
    limits::Budget,
    matching::{Keys, RowIndex},
    value::{Frame, Row, absent, is_present},
};

/// No row.
const NONE: u32 = u32::MAX;

/// Keeps what has (`and`) or has not (`unless`) a partner on the right.
pub(super) fn and_unless(binary: &Binary, mut left: Frame, right: &Frame) -> Frame {
    let mut keys = Keys::new(&binary.key);
    let of_left = keys.numbers(&left.rows);
    let there = presence(&mut keys, right);
    let wanted = binary.op == Operator::And;
    for (row, key) in of_left.iter().enumerate() {
        for step in 0..left.steps {
            let partner = there.get(*key as usize * left.steps + step).copied().unwrap_or(false);
            if partner != wanted {
                left.set(row, step, absent());
            }
        }
    }
    left
}

/// Everything on the left, and what is on the right without a partner on the left.
pub(super) fn or(binary: &Binary, mut left: Frame, right: &Frame) -> Result<Frame, QueryError> {
    let mut keys = Keys::new(&binary.key);
    let of_right = keys.numbers(&right.rows);
    let there = presence(&mut keys, &left);
    let mut index = RowIndex::default();
    for (number, row) in left.rows.iter().enumerate() {
        index.find(row.clone(), |_| number);
    }
    for (number, key) in of_right.iter().enumerate() {
        for (step, value) in right.row(number).iter().enumerate().filter(|(_, value)| is_present(**value)) {
            if there.get(*key as usize * left.steps + step).copied().unwrap_or(false) {
                continue;
            }
            let target = index.find(right.rows[number].clone(), |row| left.push_empty(row));
            if is_present(left.cell(target, step)) {
                return Err(QueryError::same_labels());
            }
            left.set(target, step, *value);
        }
    }
    Ok(left)
}

/// Whether a key has a value at a step, key after key.
fn presence(keys: &mut Keys<'_>, frame: &Frame) -> Vec<bool> {
    let numbers = keys.numbers(&frame.rows);
    let mut there = vec![false; keys.examples.len() * frame.steps];
    for (row, key) in numbers.iter().enumerate() {
        let from = *key as usize * frame.steps;
        for (cell, value) in there[from..from + frame.steps].iter_mut().zip(frame.row(row)) {
            *cell |= is_present(*value);
        }
    }
    there
}

/// Arithmetic and comparisons. The side that may have several partners is `many`.
struct Matching<'a> {
    binary: &'a Binary,
    many: &'a Frame,
    one: &'a Frame,
    swapped: bool,
    result: Frame,
    index: RowIndex,
    /// The result's row for a row of `many` with one of `one`.
    pairs: HashMap<(u32, u32), usize>,
    /// The last pair of each row of `many`, which mostly is the only one.
    latest: Vec<(u32, usize)>,
}

pub(super) fn matched(binary: &Binary, left: &Frame, right: &Frame, budget: &Budget<'_>) -> Result<Frame, QueryError> {
    let swapped = binary.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    budget.room_for(many.cells.len())?;
    let mut keys = Keys::new(&binary.key);
    let of_many = keys.numbers(&many.rows);
    let of_one = keys.numbers(&one.rows);
    let mut matching = Matching {
        binary,
        many,
        one,
        swapped,
        result: Frame::new(many.steps),
        index: RowIndex::default(),
        pairs: HashMap::new(),
        latest: vec![(NONE, 0); many.rows.len()],
    };
    let mut partner = vec![NONE; keys.examples.len()];
    let mut taken = vec![false; keys.examples.len()];
    for step in 0..many.steps {
        budget.at_row(step)?;
        partner.fill(NONE);
        taken.fill(false);
        matching.partners(step, &of_one, &mut partner)?;
        matching.step(step, &of_many, &partner, &mut taken, budget)?;
    }
    Ok(matching.result)
}

impl Matching<'_> {
    fn partners(&self, step: usize, of_one: &[u32], partner: &mut [u32]) -> Result<(), QueryError> {
        // Without anything on the other side nothing can match, not even twice.
        if (0..self.many.rows.len()).all(|row| !is_present(self.many.cell(row, step))) {
            return Ok(());
        }
        for (row, key) in of_one.iter().enumerate() {
            if !is_present(self.one.cell(row, step)) {
                continue;
            }
            let place = &mut partner[*key as usize];
            if *place != NONE {
                return Err(self.duplicate(*place as usize, row));
            }
            *place = u32::try_from(row).unwrap_or(NONE);
        }
        Ok(())
    }

    fn duplicate(&self, first: usize, second: usize) -> QueryError {
        let side = if self.swapped { "left" } else { "right" };
        let (first, second) = (&self.one.rows[first].labels, &self.one.rows[second].labels);
        QueryError::Execution(format!(
            "found duplicate series for the match group {} on the {side} hand-side of the operation: [{first}, {second}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            self.binary.key.of(first)
        ))
    }

    fn step(
        &mut self,
        step: usize,
        of_many: &[u32],
        partner: &[u32],
        taken: &mut [bool],
        budget: &Budget<'_>,
    ) -> Result<(), QueryError> {
        for (row, key) in of_many.iter().enumerate() {
            budget.at_row(row)?;
            let (value, other) = (self.many.cell(row, step), partner[*key as usize]);
            if !is_present(value) || other == NONE {
                continue;
            }
            let with = self.one.cell(other as usize, step);
            let (left, right) = if self.swapped { (with, value) } else { (value, with) };
            // Wrong even if a comparison lets only one of them, or none, through.
            let one_to_one = self.binary.cardinality == Cardinality::OneToOne;
            if one_to_one && std::mem::replace(&mut taken[*key as usize], true) {
                return Err(ambiguous("many-to-one matching must be explicit (group_left/group_right)"));
            }
            let value = self.binary.combine(left, right, left);
            if !is_present(value) {
                continue;
            }
            let target = self.target(row, other);
            // A partner that is always another makes a row at each step.
            budget.room_for(self.result.cells.len())?;
            if is_present(self.result.cell(target, step)) {
                return Err(if one_to_one {
                    QueryError::same_labels()
                } else {
                    ambiguous("grouping labels must ensure unique matches")
                });
            }
            self.result.set(target, step, value);
        }
        Ok(())
    }

    fn target(&mut self, many: usize, one: u32) -> usize {
        if self.latest[many].0 == one {
            return self.latest[many].1;
        }
        let pair = (u32::try_from(many).unwrap_or(NONE), one);
        let target = match self.pairs.entry(pair) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let labels = labels(self.binary, &self.many.rows[many].labels, &self.one.rows[one as usize].labels);
                let drop_name = self.binary.as_bool || self.many.rows[many].drop_name;
                let result = &mut self.result;
                *place.insert(self.index.find(Row { labels, drop_name }, |row| result.push_empty(row)))
            }
        };
        self.latest[many] = (one, target);
        target
    }
}

fn ambiguous(what: &str) -> QueryError {
    QueryError::Execution(format!("multiple matches for labels: {what}"))
}

fn labels(binary: &Binary, many: &SeriesLabels, one: &SeriesLabels) -> SeriesLabels {
    let drops_name = !binary.op.compares();
    let key = &binary.key;
    let one_to_one = binary.cardinality == Cardinality::OneToOne;
    let mut labels = many.filtered(|name| {
        if name == METRIC_NAME && drops_name {
            return false;
        }
        !one_to_one || key.names.iter().any(|candidate| candidate == name) == key.only
    });
    for name in &binary.include {
        labels = labels.with(name, one.get(name).unwrap_or_default());
    }
    labels
}
