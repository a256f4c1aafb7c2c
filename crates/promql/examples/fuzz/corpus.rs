//! What the cases are made from: the queries and the series of test scripts.

use std::{fs, path::Path};

use promql_parser::parser::{self, Expr, value::ValueType};
use vigil_promql::SeriesLabels;

use crate::{
    held,
    script::{self, Step},
};

/// Queries, their parts, and label sets that go with them.
#[derive(Default)]
pub(crate) struct Corpus {
    pub(crate) queries: Vec<Expr>,
    /// By type.
    parts: [Vec<Expr>; 4],
    pub(crate) series: Vec<SeriesLabels>,
}

impl Corpus {
    /// The project's own cases, and the `.test` files of `more`.
    pub(crate) fn read(more: Option<&Path>) -> std::io::Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        let mut corpus = Self::default();
        for folder in [Some(own.as_path()), more].into_iter().flatten() {
            let mut files =
                fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
            files.retain(|path| path.extension().is_some_and(|extension| extension == "test"));
            files.sort();
            for file in files {
                let text = String::from_utf8_lossy(&fs::read(&file)?).into_owned();
                corpus.add(&script::parse(&file.display().to_string(), &text));
            }
        }
        corpus.series.sort();
        corpus.series.dedup();
        Ok(corpus)
    }

    fn add(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Clear => {}
                Step::Load(loaded) => {
                    let labels = loaded.iter().map(|one| {
                        let pairs: Vec<(&str, &str)> =
                            one.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                        held::labels(&pairs)
                    });
                    self.series.extend(labels);
                }
                Step::Eval(eval) => {
                    if let Ok(expr) = parser::parse(&eval.text) {
                        add_parts(&expr, &mut self.parts);
                        self.queries.push(expr);
                    }
                }
            }
        }
    }

    /// All parts of this type.
    pub(crate) fn parts(&self, of: ValueType) -> &[Expr] {
        &self.parts[place(of)]
    }
}

fn place(of: ValueType) -> usize {
    match of {
        ValueType::Vector => 0,
        ValueType::Scalar => 1,
        ValueType::Matrix => 2,
        ValueType::String => 3,
    }
}

fn add_parts(expr: &Expr, parts: &mut [Vec<Expr>; 4]) {
    parts[place(expr.value_type())].push(expr.clone());
    children(expr).into_iter().for_each(|child| add_parts(child, parts));
}

fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Aggregate(aggregate) => {
            aggregate.param.iter().map(Box::as_ref).chain([aggregate.expr.as_ref()]).collect()
        }
        Expr::Call(call) => call.args.args.iter().map(Box::as_ref).collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn size(expr: &Expr) -> usize {
    1 + children(expr).into_iter().map(size).sum::<usize>()
}

fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Paren(paren) => vec![&mut paren.expr],
        Expr::Unary(unary) => vec![&mut unary.expr],
        Expr::Subquery(subquery) => vec![&mut subquery.expr],
        Expr::Binary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
        Expr::Aggregate(aggregate) => {
            aggregate.param.iter_mut().map(Box::as_mut).chain([aggregate.expr.as_mut()]).collect()
        }
        Expr::Call(call) => call.args.args.iter_mut().map(Box::as_mut).collect(),
        _ => Vec::new(),
    }
}

/// The part of `expr` that comes after `before` others.
pub(crate) fn part<'a>(expr: &'a mut Expr, before: &mut usize) -> Option<&'a mut Expr> {
    if *before == 0 {
        return Some(expr);
    }
    *before -= 1;
    for child in children_mut(expr) {
        if let Some(found) = part(child, before) {
            return Some(found);
        }
    }
    None
}
