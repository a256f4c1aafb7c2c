//! YAML text as a tree of nodes that know where they stand.
//!
//! Reads as the library behind Prometheus does where that is known to differ from YAML 1.2. Every size is bounded, so
//! that a hostile file ends in a message: the text, the number of nodes, their depth, and what aliases add up to.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Tag, options};

use super::finding::{Finding, Position};

/// The longest rule file that is read, in bytes.
pub const LARGEST_FILE: usize = 32 * 1024 * 1024;
/// A rule file needs six levels; what is deeper is some other file.
pub(super) const DEEPEST: usize = 100;
/// What a file may come to with every alias written out: its text and [`NODE_COST`] for every node.
const LARGEST_TREE: usize = 128 * 1024 * 1024;
/// About what a node occupies in memory beside its text.
const NODE_COST: usize = 64;

/// Where a node is in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// A node, the position it begins at, and its tag if one is written, `!!int` for the long form.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) at: Position,
    pub(super) tag: Option<Box<str>>,
    pub(super) kind: Kind<'a>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Scalar { text: Cow<'a, str>, plain: bool },
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    Alias(NodeId),
}

/// The first document of a text.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    root: Option<NodeId>,
    /// Where a second document begins, which nobody reads.
    pub(super) second_document: Option<Position>,
}

impl<'a> Tree<'a> {
    /// Reads the first document of `text`; the first mistake in the YAML ends it.
    pub(super) fn parse(text: &'a str) -> Result<Self, Finding> {
        if text.len() > LARGEST_FILE {
            let message = format!("file is longer than {} MiB", LARGEST_FILE / (1024 * 1024));
            return Err(Finding::new(Position { line: 1, column: 1 }, message));
        }
        let options = options! {
            flow_nesting_limit: DEEPEST,
            block_nesting_limit: DEEPEST,
            emit_unresolved_aliases: true,
            block_scalar_eof_without_line_feed: true,
            bom_inside_document_as_content: true,
        };
        let mut parser = Parser::new_from_str_with_options(text, options);
        let mut builder = Builder::default();
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| syntax(&error))?;
            if matches!(event, Event::DocumentEnd) {
                break;
            }
            let at = position(&span.start);
            match event {
                Event::Alias(anchor) => builder.alias(anchor, span.slice(text).unwrap_or_default(), at)?,
                event => builder.event(event, at)?,
            }
        }
        let second_document = match parser.next_event() {
            Some(Ok((Event::StreamEnd, _))) | None => None,
            Some(Ok((_, span))) => Some(position(&span.start)),
            Some(Err(error)) => Some(position(error.marker())),
        };
        Ok(Self { nodes: builder.nodes, root: builder.root, second_document })
    }

    /// The document's node; `None` for a text without a document.
    pub(super) fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node itself, an alias not followed.
    pub(super) fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.0]
    }

    /// The node, or what it is an alias of.
    pub(super) fn target(&self, id: NodeId) -> &Node<'a> {
        match self.node(id) {
            Node { kind: Kind::Alias(target), .. } => self.node(*target),
            node => node,
        }
    }
}

fn position(mark: &granit_parser::Marker) -> Position {
    Position { line: mark.line(), column: mark.col() + 1 }
}

fn syntax(error: &ScanError) -> Finding {
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => format!("more than {DEEPEST} levels of nesting"),
        _ => error.info(),
    };
    Finding::new(position(error.marker()), format!("yaml: {message}"))
}

/// Puts a tree together from events.
#[derive(Default)]
struct Builder<'a> {
    nodes: Vec<Node<'a>>,
    root: Option<NodeId>,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    cost: usize,
}

/// A collection whose end has not come yet.
struct Open {
    id: NodeId,
    anchor: usize,
    children: Vec<NodeId>,
    /// With every alias in it written out.
    size: usize,
}

/// A node others can stand for. Its size is known once it has ended.
struct Anchor {
    id: NodeId,
    size: Option<usize>,
}

impl<'a> Builder<'a> {
    fn event(&mut self, event: Event<'a>, at: Position) -> Result<(), Finding> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = matches!(style, ScalarStyle::Plain);
                let size = NODE_COST + text.len();
                let id = self.add(at, tag, Kind::Scalar { text, plain }, size)?;
                self.remember(anchor, Anchor { id, size: Some(size) });
                self.attach(id, size)
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(at, tag, Kind::Sequence(Vec::new()), anchor),
            Event::MappingStart(_, anchor, tag) => self.begin(at, tag, Kind::Mapping(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::UnresolvedAlias(name) => Err(Finding::new(at, format!("yaml: unknown anchor '{name}' referenced"))),
            _ => Ok(()),
        }
    }

    fn add(&mut self, at: Position, tag: Option<Cow<'a, Tag>>, kind: Kind<'a>, size: usize) -> Result<NodeId, Finding> {
        self.cost += size;
        if self.cost > LARGEST_TREE {
            return Err(Finding::new(at, "yaml: document has too many nodes"));
        }
        // A lone `!` says nothing: Prometheus' library reads `! ~` as null.
        let tag = tag.map(|tag| short(&tag)).filter(|tag| tag.as_ref() != "!");
        self.nodes.push(Node { at, tag, kind });
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn begin(&mut self, at: Position, tag: Option<Cow<'a, Tag>>, kind: Kind<'a>, anchor: usize) -> Result<(), Finding> {
        let id = self.add(at, tag, kind, NODE_COST)?;
        self.remember(anchor, Anchor { id, size: None });
        self.open.push(Open { id, anchor, children: Vec::new(), size: NODE_COST });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Finding> {
        let Some(Open { id, anchor, children, size }) = self.open.pop() else { return Ok(()) };
        match &mut self.nodes[id.0].kind {
            Kind::Mapping(entries) => *entries = children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
            Kind::Sequence(items) => *items = children,
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
        self.remember(anchor, Anchor { id, size: Some(size) });
        self.attach(id, size)
    }

    /// Zero is the parser's word for no anchor.
    fn remember(&mut self, anchor: usize, node: Anchor) {
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
    }

    /// `written` is the alias as it stands in the text, `*` included.
    fn alias(&mut self, anchor: usize, written: &str, at: Position) -> Result<(), Finding> {
        let known = self.anchors.get(&anchor);
        let Some((target, size)) = known.and_then(|anchor| Some((anchor.id, anchor.size?))) else {
            let name = written.trim_start_matches('*');
            return Err(Finding::new(at, format!("yaml: anchor '{name}' value contains itself")));
        };
        let id = self.add(at, None, Kind::Alias(target), NODE_COST)?;
        self.attach(id, size)
    }

    fn attach(&mut self, id: NodeId, size: usize) -> Result<(), Finding> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(id);
            return Ok(());
        };
        parent.children.push(id);
        parent.size = parent.size.saturating_add(size);
        if parent.size > LARGEST_TREE {
            let at = self.nodes[id.0].at;
            return Err(Finding::new(at, "yaml: document contains excessive aliasing"));
        }
        Ok(())
    }
}

/// `!!int` for `tag:yaml.org,2002:int`, other tags as they are.
fn short(tag: &Tag) -> Box<str> {
    match tag.suffix_in_namespace("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}").into(),
        None => tag.to_string().into(),
    }
}
