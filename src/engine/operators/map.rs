//! `map(S, F, D)`: contributes `F(X)` for each X in S. `{1, 2}` through `fun(X) -> X * 2 end` is `{2, 4}`.
//!
//! Several X may have one image; it stays until the last of them has left.

use crate::engine::change::Delta;
use crate::engine::operators::Context;
use crate::engine::operators::image::Image;
use crate::value::term::Term;

pub(in crate::engine) struct Map {
    image: Image,
}

impl Map {
    pub(super) fn new(function: &Term) -> Map {
        Map { image: Image::new(function) }
    }

    pub(super) fn change(&mut self, delta: &Delta, context: &mut Context) {
        self.image.change(
            delta,
            context,
            |function, element, context| context.call(function, std::slice::from_ref(element)),
            |_, image, present, context| context.element(image, present),
        );
    }
}
