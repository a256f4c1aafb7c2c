//! Texts and actions: everything that is not a pipeline.

use super::{Parsed, Parser, refuse};
use crate::{
    lex::{Item, Keyword, Kind},
    node::{Branch, List, Node, Pipe},
};

/// What ends a list.
enum Ended {
    End,
    Else,
}

/// A node, or the end of the list it would be in.
enum Next {
    Node(Node),
    Ended(Ended),
}

type Make = fn(Branch) -> Node;

impl Parser<'_> {
    /// The whole template; it and those it defines are in `defined` afterwards.
    pub(super) fn template(&mut self) -> Parsed<()> {
        let mut root = List::default();
        loop {
            match self.peek() {
                Kind::End => break,
                Kind::LeftDelim => {
                    let delim = self.next();
                    let item = self.next_non_space();
                    if item.kind == Kind::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.back(item);
                    self.back(delim);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Next::Node(node) => root.nodes.push(node),
                Next::Ended(Ended::End) => return refuse("unexpected {{end}}"),
                Next::Ended(Ended::Else) => return refuse("unexpected {{else}}"),
            }
        }
        let name = self.name.as_bytes().to_vec();
        self.add(name, root)
    }

    fn add(&mut self, name: Vec<u8>, list: List) -> Parsed<()> {
        match self.defined.get(&name) {
            Some(known) if !known.is_empty() => {
                if list.is_empty() {
                    return Ok(());
                }
                let name = crate::quote::quote(&name);
                refuse(format!("template: multiple definition of template {name}"))
            }
            _ => {
                self.defined.insert(name, list);
                Ok(())
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&item, CONTEXT);
        }
        let name = Self::unquoted(&item)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.apart(name, CONTEXT)
    }

    /// The body of a template that is defined inside another, with variables of its own.
    fn apart(&mut self, name: Vec<u8>, context: &str) -> Parsed<()> {
        let vars = std::mem::replace(&mut self.vars, vec!["$".to_owned()]);
        let (range_depth, action_line) = (std::mem::take(&mut self.range_depth), std::mem::take(&mut self.action_line));
        let (list, ended) = self.list()?;
        if matches!(ended, Ended::Else) {
            return refuse(format!("unexpected {{{{else}}}} in {context}"));
        }
        (self.vars, self.range_depth, self.action_line) = (vars, range_depth, action_line);
        self.add(name, list)
    }

    fn list(&mut self) -> Parsed<(List, Ended)> {
        let mut list = List::default();
        while self.peek_non_space().0 != Kind::End {
            match self.text_or_action()? {
                Next::Node(node) => list.nodes.push(node),
                Next::Ended(ended) => return Ok((list, ended)),
            }
        }
        refuse("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Next> {
        let item = self.next_non_space();
        match item.kind {
            Kind::Text => Ok(Next::Node(Node::Text { pos: item.pos, text: item.value })),
            Kind::LeftDelim => {
                self.action_line = item.line;
                let next = self.deeper("max block depth exceeded", Self::action)?;
                self.action_line = 0;
                Ok(next)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Next> {
        let item = self.next_non_space();
        let Kind::Keyword(keyword) = item.kind else { return self.plain(item) };
        match keyword {
            Keyword::Block => self.block().map(Next::Node),
            Keyword::Break => {
                self.jump("break")?;
                Ok(Next::Node(Node::Break { pos: item.pos }))
            }
            Keyword::Continue => {
                self.jump("continue")?;
                Ok(Next::Node(Node::Continue { pos: item.pos }))
            }
            Keyword::Else => {
                if !matches!(self.peek_non_space().0, Kind::Keyword(Keyword::If | Keyword::With)) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                Ok(Next::Ended(Ended::Else))
            }
            Keyword::End => self.expect(Kind::RightDelim, "end").map(|_| Next::Ended(Ended::End)),
            Keyword::If => self.branch("if", Node::If).map(Next::Node),
            Keyword::Range => self.branch("range", Node::Range).map(Next::Node),
            Keyword::With => self.branch("with", Node::With).map(Next::Node),
            Keyword::Template => self.template_call().map(Next::Node),
            Keyword::Define | Keyword::Dot | Keyword::Nil => self.plain(item),
        }
    }

    fn plain(&mut self, item: Item) -> Parsed<Next> {
        let pos = item.pos;
        self.back(item);
        let pipe = self.pipeline("command", Kind::RightDelim)?;
        Ok(Next::Node(Node::Action { pos, pipe }))
    }

    fn jump(&mut self, word: &str) -> Parsed<()> {
        let item = self.next_non_space();
        if item.kind != Kind::RightDelim {
            return self.unexpected(&item, &format!("{{{{{word}}}}}"));
        }
        if self.range_depth == 0 {
            return refuse(format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn branch(&mut self, context: &str, make: Make) -> Parsed<Node> {
        let vars = self.vars.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let ranges = usize::from(context == "range");
        self.range_depth += ranges;
        let (list, ended) = self.list()?;
        self.range_depth -= ranges;
        let else_list = match ended {
            Ended::End => None,
            Ended::Else => Some(self.otherwise(context, make)?),
        };
        self.vars.truncate(vars);
        Ok(make(Branch { pos: pipe.pos, pipe, list, else_list }))
    }

    fn otherwise(&mut self, context: &str, make: Make) -> Parsed<List> {
        let chained = match self.peek() {
            Kind::Keyword(Keyword::If) => context == "if",
            Kind::Keyword(Keyword::With) => context == "with",
            _ => false,
        };
        if chained {
            self.next();
            let node = self.deeper("max block depth exceeded", |parser| parser.branch(context, make))?;
            return Ok(List { nodes: vec![node] });
        }
        match self.list()? {
            (list, Ended::End) => Ok(list),
            (_, Ended::Else) => refuse("expected end; found {{else}}"),
        }
    }

    fn template_name(&mut self, context: &str) -> Parsed<(usize, Vec<u8>)> {
        let item = self.next_non_space();
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&item, context);
        }
        Ok((item.pos, Self::unquoted(&item)?))
    }

    fn template_call(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let (pos, name) = self.template_name(CONTEXT)?;
        let item = self.next_non_space();
        let pipe: Option<Pipe> = if item.kind == Kind::RightDelim {
            None
        } else {
            self.back(item);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template { pos, name, pipe })
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let (pos, name) = self.template_name(CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.apart(name.clone(), CONTEXT)?;
        Ok(Node::Template { pos, name, pipe: Some(pipe) })
    }
}
