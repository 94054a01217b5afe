//! What the grammar's actions call: they put nodes into the arena, note how deep they are, and read literals once to tell
//! mistakes in them.

use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::infix;
use crate::syntax::infix::Chain;
use crate::syntax::literal;
use crate::syntax::tree::Clause;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Field;
use crate::syntax::tree::Form;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::FunName;
use crate::syntax::tree::List;
use crate::syntax::tree::Node;
use crate::syntax::tree::Prefix;
use crate::syntax::tree::Qualifier;
use crate::syntax::tree::Range;
use crate::syntax::tree::Tree;

/// A tree that is being built.
pub struct Builder {
    /// The tree so far.
    pub tree: Tree,
    /// For each node how deep the tree beneath it is.
    depths: Vec<u32>,
    /// The deepest of the form.
    deepest: (u32, Range),
    /// Mistakes that the grammar does not see.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a builder stood, to go back to.
#[derive(Clone, Copy)]
pub struct Mark {
    nodes: usize,
    clauses: usize,
    diagnostics: usize,
}

impl Builder {
    pub fn new(tree: Tree) -> Builder {
        Builder { tree, depths: Vec::new(), deepest: (0, (0, 0)), diagnostics: Vec::new() }
    }

    pub fn mark(&mut self) -> Mark {
        self.deepest = (0, (0, 0));
        Mark { nodes: self.tree.nodes.len(), clauses: self.tree.clauses.len(), diagnostics: self.diagnostics.len() }
    }

    /// Forgets what was built since.
    pub fn back_to(&mut self, mark: Mark) {
        self.tree.nodes.truncate(mark.nodes);
        self.tree.ranges.truncate(mark.nodes);
        self.depths.truncate(mark.nodes);
        self.tree.clauses.truncate(mark.clauses);
        self.diagnostics.truncate(mark.diagnostics);
        self.deepest = (0, (0, 0));
    }

    /// How deep the deepest expression since the mark is, and where it stands.
    pub fn deepest(&self) -> (u32, Range) {
        self.deepest
    }

    pub fn range(&self, id: ExprId) -> Range {
        self.tree.ranges[id.0 as usize]
    }

    pub fn expr(&mut self, node: Node, start: u32, end: u32) -> ExprId {
        let mut depth = 0;
        self.tree.children_of(&node, &mut |child| depth = depth.max(self.depths[child.0 as usize]));
        depth += 1;
        if depth > self.deepest.0 {
            self.deepest = (depth, (start, end));
        }
        self.tree.nodes.push(node);
        self.tree.ranges.push((start, end));
        self.depths.push(depth);
        ExprId(clip(self.tree.nodes.len() - 1))
    }

    pub fn clause(
        &mut self,
        name: Option<ExprId>,
        patterns: Vec<ExprId>,
        guard: Vec<List>,
        body: Vec<ExprId>,
        start: u32,
        end: u32,
    ) -> ClauseId {
        let (patterns, guard, body) = (patterns.into(), guard.into(), body.into());
        self.tree.clauses.push(Clause { name, patterns, guard, body, range: (start, end) });
        ClauseId(clip(self.tree.clauses.len() - 1))
    }

    pub fn chain(&mut self, chain: Chain) -> ExprId {
        infix::group(self, chain)
    }

    /// A statement, or an attribute, which looks like the negation of a call.
    pub fn statement(&mut self, body: Vec<ExprId>, start: u32, end: u32) -> Form {
        let range = (start, end);
        if let [only] = *body
            && let Node::Unary(Prefix::Minus, operand) = self.tree.node(only)
            && let Node::Call(name, arguments) = self.tree.node(*operand)
            && matches!(self.tree.node(*name), Node::Atom)
        {
            return Form { node: FormNode::Attribute(*name, arguments.clone()), range };
        }
        Form { node: FormNode::Statement(body.into()), range }
    }

    pub fn function(clauses: Vec<ClauseId>, start: u32, end: u32) -> Form {
        Form { node: FormNode::Function(clauses.into(), None), range: (start, end) }
    }

    pub fn fun(&mut self, clauses: Vec<ClauseId>, start: u32, end: u32) -> ExprId {
        self.expr(Node::Fun(clauses.into()), start, end)
    }

    pub fn fun_name(&mut self, module: Option<ExprId>, name: ExprId, arity: ExprId, start: u32, end: u32) -> ExprId {
        self.expr(Node::FunName(Box::new(FunName { module, name, arity })), start, end)
    }

    pub fn map_comprehension(&mut self, field: Field, qualifiers: Vec<Qualifier>, start: u32, end: u32) -> ExprId {
        if field.exactly {
            let place = self.span((self.range(field.key).1, self.range(field.value).0));
            self.diagnostics.push(
                Diagnostic::error("E0101", "a map comprehension builds its entries with `=>`")
                    .at(place, "`=>` is expected here")
                    .help("write `#{Key => Value || ..}`; `:=` stands in the generator: `K := V <- Map`"),
            );
        }
        self.expr(Node::MapComprehension(Box::new((field.key, field.value)), qualifiers.into()), start, end)
    }

    pub fn binary(&mut self, text: ExprId, kind: ExprId, start: u32, end: u32) -> ExprId {
        if self.tree.raw(kind) != "utf8" {
            let place = self.tree.span(kind);
            self.diagnostics.push(
                Diagnostic::error("E0115", "`<<..>>` holds one text in UTF-8")
                    .at(place, "not known here")
                    .help("write `<<\"text\">>`, which is the same as `\"text\"`"),
            );
        }
        self.expr(Node::Binary(Some(text)), start, end)
    }

    pub fn atom(&mut self, start: u32, end: u32) -> ExprId {
        let raw = self.tree.slice((start, end));
        if raw.contains('\\') {
            let quoted = format!("\"{}\"", raw.trim_matches('\'').replace('"', "\\\""));
            let read = literal::string(&quoted).map(|_| ());
            self.tell("E0112", "an escape in this atom cannot be read", read, (start, end));
        }
        self.expr(Node::Atom, start, end)
    }

    pub fn integer(&mut self, start: u32, end: u32) -> ExprId {
        let read = literal::integer(self.tree.slice((start, end))).map(|_| ());
        self.tell("E0111", "this number cannot be read", read, (start, end));
        self.expr(Node::Integer, start, end)
    }

    pub fn float(&mut self, start: u32, end: u32) -> ExprId {
        let read = literal::float(self.tree.slice((start, end))).map(|_| ());
        self.tell("E0111", "this number cannot be read", read, (start, end));
        self.expr(Node::Float, start, end)
    }

    pub fn text(&mut self, start: u32, end: u32) -> ExprId {
        let raw = self.tree.slice((start, end));
        if raw.contains('\\') {
            let read = literal::string(raw).map(|_| ());
            self.tell("E0112", "an escape in this text cannot be read", read, (start, end));
        }
        self.expr(Node::Text, start, end)
    }

    /// `A < B < C`
    pub fn comparison_chain(&mut self, left: ExprId, right: ExprId) {
        let place = self.span((self.range(left).0, self.range(right).1));
        self.diagnostics.push(
            Diagnostic::error("E0114", "comparisons do not chain")
                .at(place, "two comparisons beside each other")
                .help("compare two at a time: `A < B andalso B < C`"),
        );
    }

    fn tell(&mut self, code: &'static str, title: &str, read: Result<(), &'static str>, range: Range) {
        if let Err(why) = read {
            let place = self.span(range);
            self.diagnostics.push(Diagnostic::error(code, title).at(place, why));
        }
    }

    fn span(&self, range: Range) -> Span {
        self.tree.place(range)
    }
}

/// Texts beyond four gigabytes are refused before.
fn clip(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
