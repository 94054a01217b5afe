//! A program that is ready to run: what all nodes of one process that run it share, so that a node more costs little.

use triomphe::Arc;

use crate::compile::Session;
use crate::source::files::Files;
use crate::vm::Machine;
use crate::vm::Unit;
use crate::vm::machine::FormId;

/// Code and names of a program. A copy costs next to nothing, and a node has its own only once something more is typed at it.
#[derive(Clone)]
pub struct Image {
    pub(super) session: Arc<Session>,
    pub(super) machine: Machine,
    pub(super) forms: Arc<Vec<FormId>>,
}

impl Image {
    /// Loads a program. `library` is the code that [`Session::new`] gave.
    #[must_use]
    pub fn new(session: Session, library: &Unit, program: &Unit) -> Image {
        let mut machine = Machine::new();
        machine.load(library);
        let forms = Arc::new(machine.load(program).forms);
        Image { session: Arc::new(session), machine, forms }
    }

    /// The program's texts, to show places by.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.session.files
    }
}
