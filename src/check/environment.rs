//! What is known over all texts of a program or of a session: functions and names of the top level.

use rustc_hash::FxHashMap;

use crate::check::core::FunctionId;
use crate::check::core::GlobalId;
use crate::library;

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// By name.
    functions: FxHashMap<String, Vec<Known>>,
    next_function: u32,
    globals: Vec<String>,
    global_ids: FxHashMap<String, GlobalId>,
    /// What `-import` says: the module by name and arity.
    imports: FxHashMap<(String, u8), String>,
    /// What `-module` says.
    own_module: Option<String>,
}

#[derive(Clone, Debug)]
struct Known {
    module: Option<String>,
    arity: u8,
    id: FunctionId,
    /// A function of the library without documentation, which only its own module may call.
    private: bool,
}

impl Environment {
    /// The names of all globals, by [`GlobalId`].
    #[must_use]
    pub fn globals(&self) -> &[String] {
        &self.globals
    }

    /// The function of this name and arity; `None` as module means the program's own.
    #[must_use]
    pub fn function(&self, module: Option<&str>, name: &str, arity: u8) -> Option<FunctionId> {
        let known = self.functions.get(name)?;
        known.iter().find(|known| known.module.as_deref() == module && known.arity == arity).map(|known| known.id)
    }

    /// The function of this name and arity that others than the module itself may call.
    pub(super) fn exported(&self, module: &str, name: &str, arity: u8) -> Option<FunctionId> {
        let known = self.functions.get(name)?;
        let meant = |known: &&Known| known.module.as_deref() == Some(module) && known.arity == arity;
        known.iter().find(|known| meant(known) && !known.private).map(|known| known.id)
    }

    /// All names that can be typed, sorted: globals, functions, built-ins and verbs, with their modules.
    #[must_use]
    pub fn names_for_completion(&self) -> Vec<String> {
        let mut names = self.globals.clone();
        let with_module = |module: Option<&str>, name: &str| match module {
            None | Some("prelude") => name.to_owned(),
            Some(module) => format!("{module}:{name}"),
        };
        let functions = self
            .functions
            .iter()
            .flat_map(|(name, all)| all.iter().filter(|known| !known.private).map(move |known| (name, known)));
        // Sorted below, so that no order of a hash shows.
        names.extend(functions.map(|(name, known)| with_module(known.module.as_deref(), name)));
        names.extend(library::BUILTINS.iter().map(|row| with_module(row.module, row.name)));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The global of this name.
    pub(super) fn global(&self, name: &str) -> Option<GlobalId> {
        self.global_ids.get(name).copied()
    }

    /// The number of a global, a new one if it has none.
    pub(super) fn add_global(&mut self, name: &str) -> GlobalId {
        if let Some(id) = self.global(name) {
            return id;
        }
        let id = GlobalId(clip(self.globals.len()));
        self.globals.push(name.to_owned());
        self.global_ids.insert(name.to_owned(), id);
        id
    }

    /// Gives a function a new number; an older one of this name and arity is hidden.
    pub(super) fn add_function(&mut self, module: Option<&str>, name: &str, arity: u8, private: bool) -> FunctionId {
        let id = FunctionId(self.next_function);
        self.next_function += 1;
        let all = self.functions.entry(name.to_owned()).or_default();
        all.retain(|known| known.module.as_deref() != module || known.arity != arity);
        all.push(Known { module: module.map(str::to_owned), arity, id, private });
        id
    }

    /// Forgets what attributes said: they hold for their text, at the prompt for the session.
    pub(super) fn forget_attributes(&mut self) {
        self.imports.clear();
        self.own_module = None;
    }

    pub(super) fn add_import(&mut self, name: &str, arity: u8, module: &str) {
        self.imports.insert((name.to_owned(), arity), module.to_owned());
    }

    pub(super) fn import(&self, name: &str, arity: u8) -> Option<&str> {
        self.imports.get(&(name.to_owned(), arity)).map(String::as_str)
    }

    pub(super) fn set_own_module(&mut self, name: &str) {
        self.own_module = Some(name.to_owned());
    }

    pub(super) fn own_module(&self) -> Option<&str> {
        self.own_module.as_deref()
    }

    /// Whether any function is of this module.
    pub(super) fn is_module(&self, module: &str) -> bool {
        library::is_module(module)
            || self.functions.values().flatten().any(|known| known.module.as_deref() == Some(module))
    }

    /// The arities of the functions of this name, ascending.
    pub(super) fn arities(&self, module: Option<&str>, name: &str) -> Vec<u8> {
        let known = self.functions.get(name).map_or(&[][..], Vec::as_slice);
        let mut arities: Vec<u8> = known
            .iter()
            .filter(|known| known.module.as_deref() == module && !known.private)
            .map(|known| known.arity)
            .collect();
        arities.sort_unstable();
        arities
    }

    /// How many functions there are, of all modules.
    pub(super) fn function_count(&self) -> usize {
        self.functions.len()
    }

    /// The names of the functions of this module, sorted.
    pub(super) fn function_names(&self, module: Option<&str>) -> Vec<&str> {
        let of_module = |all: &Vec<Known>| all.iter().any(|known| known.module.as_deref() == module && !known.private);
        let mut names: Vec<&str> =
            self.functions.iter().filter(|(_, all)| of_module(all)).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The names of all modules, sorted.
    pub(super) fn modules(&self) -> Vec<&str> {
        let own = self.functions.values().flatten().filter_map(|known| known.module.as_deref());
        let mut names: Vec<&str> = own.chain(library::BUILTINS.iter().filter_map(|row| row.module)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// There are fewer names than bytes in a text.
fn clip(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
