//! What the grammar's actions call: they put nodes into the arena, note how deep they are, and read literals once to tell
//! mistakes in them.

use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::infix;
use crate::syntax::literal;
use crate::syntax::tree::Clause;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Field;
use crate::syntax::tree::Form;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::FunName;
use crate::syntax::tree::Infix;
use crate::syntax::tree::List;
use crate::syntax::tree::Node;
use crate::syntax::tree::Prefix;
use crate::syntax::tree::Qualifier;
use crate::syntax::tree::Range;
use crate::syntax::tree::Tree;

/// The members of a sequence, such as expressions with commas between them: where they start on their stack. What is read
/// between two of them has left the stack when the second comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run(u32);

/// Members of sequences that are not yet whole.
pub(super) struct Waiting<T>(Vec<T>);

impl<T> Waiting<T> {
    pub(super) fn none(&self) -> Run {
        Run(clip(self.0.len()))
    }

    pub(super) fn first(&mut self, member: T) -> Run {
        self.0.push(member);
        Run(clip(self.0.len() - 1))
    }

    pub(super) fn next(&mut self, run: Run, member: T) -> Run {
        self.0.push(member);
        run
    }

    /// The whole sequence, which leaves the stack.
    fn take(&mut self, run: Run) -> Box<[T]> {
        self.0.drain(run.0 as usize..).collect()
    }
}

/// `A + B * C`, not yet grouped: the first operand, and where the rest starts on the builder's stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain(ExprId, u32);

/// An operator and the operand behind it.
pub(super) type Link = (Infix, ExprId);

/// A tree that is being built.
pub(super) struct Builder {
    /// The tree so far.
    pub tree: Tree,
    /// For each node how deep the tree beneath it is.
    depths: Vec<u32>,
    /// The deepest of the form.
    deepest: (u32, Range),
    pub exprs: Waiting<ExprId>,
    pub fields: Waiting<Field>,
    pub qualifiers: Waiting<Qualifier>,
    pub clauses: Waiting<ClauseId>,
    /// Alternatives of guards.
    pub guards: Waiting<List>,
    /// Operators and the operands behind them.
    links: Vec<Link>,
    /// The form, when it is whole.
    form: Option<Form>,
    /// Mistakes that the grammar does not see.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a builder stood, to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    nodes: usize,
    clauses: usize,
    diagnostics: usize,
}

impl Builder {
    pub(super) fn new(tree: Tree) -> Builder {
        Builder {
            tree,
            depths: Vec::new(),
            deepest: (0, (0, 0)),
            exprs: Waiting(Vec::new()),
            fields: Waiting(Vec::new()),
            qualifiers: Waiting(Vec::new()),
            clauses: Waiting(Vec::new()),
            guards: Waiting(Vec::new()),
            links: Vec::new(),
            form: None,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn mark(&mut self) -> Mark {
        self.deepest = (0, (0, 0));
        self.exprs.0.clear();
        self.fields.0.clear();
        self.qualifiers.0.clear();
        self.clauses.0.clear();
        self.guards.0.clear();
        self.links.clear();
        self.form = None;
        Mark { nodes: self.tree.nodes.len(), clauses: self.tree.clauses.len(), diagnostics: self.diagnostics.len() }
    }

    /// Forgets what was built since.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.tree.nodes.truncate(mark.nodes);
        self.tree.ranges.truncate(mark.nodes);
        self.depths.truncate(mark.nodes);
        self.tree.clauses.truncate(mark.clauses);
        self.diagnostics.truncate(mark.diagnostics);
        self.deepest = (0, (0, 0));
    }

    /// How deep the deepest expression since the mark is, and where it stands.
    pub(super) fn deepest(&self) -> (u32, Range) {
        self.deepest
    }

    pub(super) fn range(&self, id: ExprId) -> Range {
        self.tree.ranges[id.0 as usize]
    }

    pub(super) fn expr(&mut self, node: Node, start: u32, end: u32) -> ExprId {
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

    /// The form that was read since the mark.
    pub(super) fn take_form(&mut self) -> Option<Form> {
        self.form.take()
    }

    pub(super) fn tuple(&mut self, items: Run, start: u32, end: u32) -> ExprId {
        let items = self.exprs.take(items);
        self.expr(Node::Tuple(items), start, end)
    }

    pub(super) fn list_of(&mut self, items: Run, tail: Option<ExprId>, start: u32, end: u32) -> ExprId {
        let items = self.exprs.take(items);
        self.expr(Node::List(items, tail), start, end)
    }

    pub(super) fn block(&mut self, body: Run, start: u32, end: u32) -> ExprId {
        let body = self.exprs.take(body);
        self.expr(Node::Block(body), start, end)
    }

    pub(super) fn call(&mut self, function: ExprId, arguments: Run, start: u32, end: u32) -> ExprId {
        let arguments = self.exprs.take(arguments);
        self.expr(Node::Call(function, arguments), start, end)
    }

    pub(super) fn remote(&mut self, module: ExprId, function: ExprId, arguments: Run, start: u32, end: u32) -> ExprId {
        let arguments = self.exprs.take(arguments);
        self.expr(Node::Remote(module, function, arguments), start, end)
    }

    pub(super) fn map(&mut self, fields: Run, start: u32, end: u32) -> ExprId {
        let fields = self.fields.take(fields);
        self.expr(Node::Map(fields), start, end)
    }

    pub(super) fn update(&mut self, map: ExprId, fields: Run, start: u32, end: u32) -> ExprId {
        let fields = self.fields.take(fields);
        self.expr(Node::Update(map, fields), start, end)
    }

    pub(super) fn case(&mut self, subject: ExprId, clauses: Run, start: u32, end: u32) -> ExprId {
        let clauses = self.clauses.take(clauses);
        self.expr(Node::Case(subject, clauses), start, end)
    }

    pub(super) fn conditions(&mut self, clauses: Run, start: u32, end: u32) -> ExprId {
        let clauses = self.clauses.take(clauses);
        self.expr(Node::If(clauses), start, end)
    }

    pub(super) fn guard(&mut self, before: Option<Run>, all: Run) -> Run {
        let all = self.exprs.take(all);
        match before {
            Some(run) => self.guards.next(run, all),
            None => self.guards.first(all),
        }
    }

    pub(super) fn clause(
        &mut self,
        name: Option<ExprId>,
        patterns: Run,
        guard: Run,
        body: Run,
        start: u32,
        end: u32,
    ) -> ClauseId {
        // In the reverse order of their coming, as they lie on the stack.
        let body = self.exprs.take(body);
        let patterns = self.exprs.take(patterns);
        let guard = self.guards.take(guard);
        self.tree.clauses.push(Clause { name, patterns, guard, body, range: (start, end) });
        ClauseId(clip(self.tree.clauses.len() - 1))
    }

    pub(super) fn if_clause(&mut self, guard: Run, body: Run, start: u32, end: u32) -> ClauseId {
        // No patterns: an empty run that starts where the body does, and is empty once the body is taken.
        self.clause(None, body, guard, body, start, end)
    }

    pub(super) fn chain_of(&mut self, left: ExprId, operator: Infix, right: ExprId) -> Chain {
        self.links.push((operator, right));
        Chain(left, clip(self.links.len() - 1))
    }

    pub(super) fn longer(&mut self, chain: Chain, operator: Infix, right: ExprId) -> Chain {
        self.links.push((operator, right));
        chain
    }

    pub(super) fn chain(&mut self, chain: Chain) -> ExprId {
        let (first, start) = (chain.0, chain.1 as usize);
        if let [link] = self.links[start..] {
            self.links.truncate(start);
            return infix::group(self, first, &[link]);
        }
        let rest = self.links.split_off(start);
        infix::group(self, first, &rest)
    }

    /// A statement, or an attribute, which looks like the negation of a call.
    pub(super) fn statement(&mut self, body: Run, start: u32, end: u32) {
        let range = (start, end);
        let body = self.exprs.take(body);
        if let [only] = *body
            && let Node::Unary(Prefix::Minus, operand) = self.tree.node(only)
            && let Node::Call(name, arguments) = self.tree.node(*operand)
            && matches!(self.tree.node(*name), Node::Atom)
        {
            let node = FormNode::Attribute(*name, arguments.clone());
            self.form = Some(Form { node, range });
            return;
        }
        self.form = Some(Form { node: FormNode::Statement(body), range });
    }

    pub(super) fn function(&mut self, clauses: Run, start: u32, end: u32) {
        let clauses = self.clauses.take(clauses);
        self.form = Some(Form { node: FormNode::Function(clauses, None), range: (start, end) });
    }

    pub(super) fn fun(&mut self, clauses: Run, start: u32, end: u32) -> ExprId {
        let clauses = self.clauses.take(clauses);
        self.expr(Node::Fun(clauses), start, end)
    }

    pub(super) fn fun_name(
        &mut self,
        module: Option<ExprId>,
        name: ExprId,
        arity: ExprId,
        start: u32,
        end: u32,
    ) -> ExprId {
        self.expr(Node::FunName(Box::new(FunName { module, name, arity })), start, end)
    }

    pub(super) fn list_comprehension(&mut self, element: ExprId, qualifiers: Run, start: u32, end: u32) -> ExprId {
        let qualifiers = self.qualifiers.take(qualifiers);
        self.expr(Node::ListComprehension(element, qualifiers), start, end)
    }

    pub(super) fn map_comprehension(&mut self, field: Field, qualifiers: Run, start: u32, end: u32) -> ExprId {
        let qualifiers = self.qualifiers.take(qualifiers);
        if field.exactly {
            let place = self.span((self.range(field.key).1, self.range(field.value).0));
            self.diagnostics.push(
                Diagnostic::error("E0101", "a map comprehension builds its entries with `=>`")
                    .at(place, "`=>` is expected here")
                    .help("write `#{Key => Value || ..}`; `:=` stands in the generator: `K := V <- Map`"),
            );
        }
        self.expr(Node::MapComprehension(Box::new((field.key, field.value)), qualifiers), start, end)
    }

    pub(super) fn binary(&mut self, text: ExprId, kind: ExprId, start: u32, end: u32) -> ExprId {
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

    pub(super) fn atom(&mut self, start: u32, end: u32) -> ExprId {
        let raw = self.tree.slice((start, end));
        if raw.contains('\\') {
            let quoted = format!("\"{}\"", raw.trim_matches('\'').replace('"', "\\\""));
            let read = literal::string(&quoted).map(|_| ());
            self.tell("E0112", "an escape in this atom cannot be read", read, (start, end));
        }
        self.expr(Node::Atom, start, end)
    }

    pub(super) fn integer(&mut self, start: u32, end: u32) -> ExprId {
        let read = literal::integer(self.tree.slice((start, end))).map(|_| ());
        self.tell("E0111", "this number cannot be read", read, (start, end));
        self.expr(Node::Integer, start, end)
    }

    pub(super) fn float(&mut self, start: u32, end: u32) -> ExprId {
        let read = literal::float(self.tree.slice((start, end))).map(|_| ());
        self.tell("E0111", "this number cannot be read", read, (start, end));
        self.expr(Node::Float, start, end)
    }

    pub(super) fn text(&mut self, start: u32, end: u32) -> ExprId {
        let raw = self.tree.slice((start, end));
        if raw.contains('\\') {
            let read = literal::string(raw).map(|_| ());
            self.tell("E0112", "an escape in this text cannot be read", read, (start, end));
        }
        self.expr(Node::Text, start, end)
    }

    /// `A < B < C`
    pub(super) fn comparison_chain(&mut self, left: ExprId, middle: ExprId, right: ExprId) {
        let place = self.span((self.range(left).0, self.range(right).1));
        // `X > 1 and X < 5` is read as `X > (1 and X) < 5`.
        let strict = match self.tree.node(middle) {
            Node::Binop(Infix::And, ..) => Some(("and", "andalso")),
            Node::Binop(Infix::Or, ..) => Some(("or", "orelse")),
            _ => None,
        };
        if let Some((word, right)) = strict {
            let told = self.diagnostics.last().and_then(|last| last.labels.first()).map(|label| label.span.start);
            if told != Some(place.start) {
                self.diagnostics.push(
                    Diagnostic::error("E0114", format!("`{word}` binds tighter than comparisons"))
                        .at(place, "read as a chain of comparisons")
                        .help(format!("write `{right}`: `X > 1 {right} X < 5`")),
                );
            }
            return;
        }
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
