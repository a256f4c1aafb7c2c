//! Walking a body for every element of a value.

use super::{At, Exec, Stop, Walked};
use crate::{
    node::{Branch, Node},
    printf,
    value::Value,
};

impl<'t> Exec<'t, '_> {
    pub(super) fn range(&mut self, dot: &Value, node: &'t Node, branch: &'t Branch) -> Walked {
        self.at = Some(At::Node(node));
        let vars = self.vars.len();
        let value = self.pipeline(dot, &branch.pipe)?.indirect();
        let ran = self.iterate(branch, &value);
        let walked = match ran {
            Ok(0) => branch.else_list.as_ref().map_or(Ok(()), |list| self.list(dot, list)),
            Ok(_) | Err(Stop::Break) => Ok(()),
            Err(stop) => Err(stop),
        };
        self.vars.truncate(vars);
        walked
    }

    /// Walks the body for every element. Answers how many there were.
    fn iterate(&mut self, branch: &'t Branch, value: &Value) -> Walked<usize> {
        match value {
            Value::Nil => Ok(0),
            Value::Labels(labels) => {
                for (key, value) in labels.iter() {
                    self.once(branch, Value::Text(key.clone()), Value::Text(value.clone()))?;
                }
                Ok(labels.len())
            }
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    self.once(branch, Value::Text(key.clone()), value.clone())?;
                }
                Ok(map.len())
            }
            Value::Samples(samples) => {
                for (index, sample) in samples.iter().enumerate() {
                    self.once(branch, index_value(index), Value::Sample(Some(sample.clone())))?;
                }
                Ok(samples.len())
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    self.once(branch, index_value(index), Value::Byte(*byte))?;
                }
                Ok(bytes.len())
            }
            _ => self.count(branch, value),
        }
    }

    /// A range over a number: from zero up to it.
    fn count(&mut self, branch: &'t Branch, value: &Value) -> Walked<usize> {
        let printed = || String::from_utf8_lossy(&printf::print_value(value)).into_owned();
        let end = match value {
            Value::Int(n) | Value::Int64(n) | Value::Duration(n) => *n,
            Value::Byte(n) => i64::from(*n),
            Value::Month(n) | Value::Weekday(n) => i64::from(*n),
            _ => return self.fail(format!("range can't iterate over {}", printed())),
        };
        if branch.pipe.decl.len() > 1 {
            return self.fail(format!("can't use {} to iterate over more than one variable", printed()));
        }
        for n in 0..end {
            let element = match value {
                Value::Int64(_) => Value::Int64(n),
                Value::Duration(_) => Value::Duration(n),
                Value::Byte(_) => Value::Byte(u8::try_from(n).unwrap_or_default()),
                Value::Month(_) => Value::Month(u32::try_from(n).unwrap_or_default()),
                Value::Weekday(_) => Value::Weekday(u32::try_from(n).unwrap_or_default()),
                _ => Value::Int(n),
            };
            self.once(branch, Value::Nil, element)?;
        }
        Ok(usize::try_from(end).unwrap_or_default())
    }

    fn once(&mut self, branch: &'t Branch, index: Value, element: Value) -> Walked {
        self.pay(1)?;
        let vars = self.vars.len();
        let decl = &branch.pipe.decl;
        match (decl.as_slice(), branch.pipe.is_assign) {
            ([one], true) => self.assign(one, element.clone())?,
            ([first, second], true) => {
                self.assign(first, index)?;
                self.assign(second, element.clone())?;
            }
            // The pipeline has declared them already, on top of the stack.
            ([_], false) => self.set_top(1, element.clone()),
            ([_, _], false) => {
                self.set_top(1, element.clone());
                self.set_top(2, index);
            }
            _ => {}
        }
        let walked = self.list(&element, &branch.list);
        self.vars.truncate(vars);
        match walked {
            Err(Stop::Continue) => Ok(()),
            walked => walked,
        }
    }

    fn set_top(&mut self, from_top: usize, value: Value) {
        if let Some(variable) = self.vars.len().checked_sub(from_top).and_then(|index| self.vars.get_mut(index)) {
            variable.1 = value;
        }
    }
}

fn index_value(index: usize) -> Value {
    Value::Int(i64::try_from(index).unwrap_or(i64::MAX))
}
