//! `fold(S, F, D)`: contributes, for each X in S, the operations that `F(X)` returns. `{ann, bob}` through
//! `fun(_) -> increment end` into a counter is 2.
//!
//! F may take a second argument, D's bottom value, as in `fold(S, fun max_by_name/2, L)`. It returns one operation, a list of
//! them, or `[]`.

use crate::engine::change::Delta;
use crate::engine::evaluate::FailureReason;
use crate::engine::operators::Context;
use crate::engine::operators::image::Image;
use crate::engine::states::State;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;

pub(in crate::engine) struct Fold {
    image: Image,
    kind: Type,
    /// The destination's bottom value, where the function asks for it.
    bottom: Option<Term>,
}

impl Fold {
    pub(super) fn new(function: &Term, destination: &Type) -> Fold {
        let asks = matches!(function, Term::Fun(closure) if closure.arity == 2);
        let bottom = asks.then(|| State::bottom(destination, false).value());
        Fold { image: Image::new(function), kind: destination.clone(), bottom }
    }

    pub(super) fn change(&mut self, delta: &Delta, context: &mut Context) {
        let (kind, bottom) = (&self.kind, &self.bottom);
        self.image.change(
            delta,
            context,
            |function, element, context| returned(function, element, kind, bottom.as_ref(), context),
            |_, contents, present, context| {
                for content in contents {
                    context.content(content, present);
                }
            },
        );
    }
}

/// The contents that the function contributes for an element, to a variable of this type.
pub(super) fn returned(
    function: &Term,
    element: &Term,
    kind: &Type,
    bottom: Option<&Term>,
    context: &mut Context,
) -> Result<Vec<Content>, FailureReason> {
    let returned = match bottom {
        Some(bottom) => context.call(function, &[element.clone(), bottom.clone()])?,
        None => context.call(function, std::slice::from_ref(element))?,
    };
    contents(kind, &returned)
}

/// The contents that one operation, or a list of them, contributes.
fn contents(kind: &Type, returned: &Term) -> Result<Vec<Content>, FailureReason> {
    let mut contents = Vec::new();
    match returned.to_vec() {
        Some(operations) => {
            for operation in &operations {
                contribute(kind, operation, &mut contents)?;
            }
        }
        None => contribute(kind, returned, &mut contents)?,
    }
    Ok(contents)
}

fn contribute(kind: &Type, operation: &Term, contents: &mut Vec<Content>) -> Result<(), FailureReason> {
    let refused = || FailureReason::NotContributable { kind: kind.clone(), given: operation.clone() };
    let operation = Op::parse(kind, operation).map_err(|_| refused())?;
    contents.extend(operation.contribution(kind).ok_or_else(refused)?);
    Ok(())
}
