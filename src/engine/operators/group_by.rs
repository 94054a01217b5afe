//! `group_by(S, KeyF, F, D)`: contributes, for each X in S, the operations that `F(X)` returns to the key `KeyF(X)` of a map.
//! `{1, 2, 3}` by `fun(X) -> X rem 2 end` through `fun(_) -> increment end` is `#{0 => 1, 1 => 2}`.
//!
//! F returns one operation, a list of them, or `[]`, and may take a second argument: the bottom value of the map's values.

use triomphe::Arc;

use crate::engine::change::Delta;
use crate::engine::operators::Context;
use crate::engine::operators::fold;
use crate::engine::operators::image::Image;
use crate::engine::states::State;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::term::Term;

pub(in crate::engine) struct GroupBy {
    image: Image,
    key: Term,
    /// The type of the map's values.
    kind: Type,
    /// Their bottom value, where the function asks for it.
    bottom: Option<Term>,
}

impl GroupBy {
    pub(super) fn new(key: &Term, function: &Term, destination: &Type) -> GroupBy {
        let kind = match destination {
            Type::GMap(inner) | Type::AwMap(inner) => (**inner).clone(),
            // The rules let only maps through.
            other => other.clone(),
        };
        let asks = matches!(function, Term::Fun(closure) if closure.arity == 2);
        let bottom = asks.then(|| State::bottom(&kind, false).value());
        GroupBy { image: Image::new(function), key: key.clone(), kind, bottom }
    }

    pub(super) fn change(&mut self, delta: &Delta, context: &mut Context) {
        let (key, kind, bottom) = (&self.key, &self.kind, &self.bottom);
        self.image.change(
            delta,
            context,
            |function, element, context| {
                let key = context.call(key, std::slice::from_ref(element))?;
                Ok((key, fold::returned(function, element, kind, bottom.as_ref(), context)?))
            },
            |_, (key, contents), present, context| {
                for content in contents {
                    context.content(Content::Entry(Arc::new((key.clone(), content))), present);
                }
            },
        );
    }
}
