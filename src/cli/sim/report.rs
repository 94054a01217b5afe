//! What a simulated run is told as: the values, then what was measured; and what failed, with the line that repeats it.
//!
//! Everything on standard output follows from the program and the scenario; what the real clock says goes to standard error.

use std::time::Duration;

use crate::cli::json::Line;
use crate::cli::json::array;
use crate::cli::out::Out;
use crate::cli::shell::quoted;
use crate::cli::sim::arguments::Setting;
use crate::cli::sim::arguments::Sim;
use crate::cli::values::Values;
use crate::sim::judge::Violation;
use crate::sim::measure::Measure;
use crate::sim::once::Count;
use crate::sim::run::Ran;
use crate::sim::scenario::Scenario;
use crate::sim::words::show_ms;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;

/// Of how many nodes at most it is shown what they have for themselves, or how they differ.
const NODES_SHOWN_MAX: usize = 16;
/// How many lines that programs print are shown in all.
const PRINTS_MAX: usize = 200;
/// How many lines the divergence over time takes at most.
const DIVERGENCE_LINES_MAX: usize = 12;
/// How wide the longest bar of a histogram is.
const BAR_MAX: u64 = 40;

/// See the module.
pub(super) struct Report<'a> {
    pub(super) out: &'a Out,
    pub(super) arguments: &'a Sim,
    pub(super) files: &'a Files,
}

impl Report<'_> {
    /// Everything about one run, apart from what failed.
    pub(super) fn whole(&self, scenario: &Scenario, ran: &Ran, took: Duration) {
        if !self.arguments.quiet {
            self.prints(ran);
            self.finals(ran);
        }
        self.waits(ran);
        if self.out.json() {
            self.json(scenario, ran);
        } else {
            self.text(scenario, ran);
        }
        self.speed(ran, took);
    }

    /// One line for one run of several.
    pub(super) fn short(&self, scenario: &Scenario, ran: &Ran) {
        let seed = scenario.seed;
        if self.out.json() {
            return self.out.event(summary(scenario, ran));
        }
        let agreed =
            ran.agreed_ms.map_or_else(String::new, |ms| format!(", all agree {} after the faults", show_ms(ms)));
        self.out.data(&format!("seed {seed}: {} updates{agreed}\n", ran.measure.updates));
    }

    fn prints(&self, ran: &Ran) {
        let all = ran.prints.iter().flat_map(|(node, prints)| prints.iter().map(move |print| (*node, print)));
        let count = all.clone().count();
        for (node, (text, value)) in all.take(if self.out.json() { usize::MAX } else { PRINTS_MAX }) {
            let name = format!("n{node}");
            if self.out.json() {
                self.out.print(&name, text, value);
            } else {
                text.lines().for_each(|line| self.out.data(&format!("{name}: {line}\n")));
            }
        }
        if count > PRINTS_MAX && !self.out.json() {
            self.out.status(&format!("and {} more things printed: --json shows all", count - PRINTS_MAX));
        }
    }

    /// The values: once where all nodes agree that take them.
    fn finals(&self, ran: &Ran) {
        let values = Values::of(ran.finals.iter().map(|(node, finals)| (format!("n{node}"), finals.as_slice())));
        values.names().for_each(|named| named.print(self.out, NODES_SHOWN_MAX));
    }

    fn waits(&self, ran: &Ran) {
        for (node, waits) in &ran.waits {
            for waiting in waits {
                let diagnostic = Diagnostic::warning("E0805", "the program waits for ever").at(waiting.span, "");
                let diagnostic = diagnostic.help(waiting.text.as_str());
                self.out.diagnostic(Some(&format!("n{node}")), self.files, &diagnostic);
            }
        }
    }

    fn text(&self, scenario: &Scenario, ran: &Ran) {
        let measure = &ran.measure;
        let nodes = ran.finals.len();
        self.out.data(&format!(
            "\n{} of virtual time, seed {}: {} updates, {} events, {nodes} nodes at the end\n",
            show_ms(ran.ended_ms),
            scenario.seed,
            measure.updates,
            ran.events
        ));
        if let Some(ms) = ran.agreed_ms {
            self.out.data(&format!("all agree {} after the faults ended\n", show_ms(ms)));
        }
        if ran.stopped {
            self.out.data("tasks that have no end were stopped then\n");
        }
        self.effects(ran);
        self.traffic(measure);
        self.convergence(measure);
        self.divergence(measure);
        self.out.data(&format!("trace {}\n", hex(ran.trace)));
    }

    fn effects(&self, ran: &Ran) {
        if ran.effects != Count::default() {
            let Count { started, ended, failed, in_doubt, waiting } = ran.effects;
            let rest = format!("{failed} failed, {in_doubt} in doubt, {waiting} not started");
            self.out.data(&format!("effects: {started} started, {ended} ended, {rest}\n"));
        }
    }

    fn traffic(&self, measure: &Measure) {
        let mut total = crate::sim::measure::Traffic::default();
        self.out.data("\nsent               messages         bytes    lost\n");
        for (kind, traffic) in &measure.traffic {
            total.messages += traffic.messages;
            total.bytes += traffic.bytes;
            total.lost += traffic.lost;
            let (messages, bytes, lost) = (traffic.messages, traffic.bytes, traffic.lost);
            self.out.data(&format!("  {kind:<15} {messages:>9} {bytes:>13} {lost:>7}\n"));
        }
        self.out.data(&format!("  {:<15} {:>9} {:>13} {:>7}\n", "all", total.messages, total.bytes, total.lost));
    }

    fn convergence(&self, measure: &Measure) {
        let count = measure.convergence_ms.len();
        let (Some(half), Some(most), Some(all)) =
            (measure.percentile(50), measure.percentile(99), measure.percentile(100))
        else {
            return;
        };
        let (half, most, all) = (show_ms(half), show_ms(most), show_ms(all));
        self.out
            .data(&format!("\ntime until an update is everywhere, of {count}: half {half}, 99% {most}, all {all}\n"));
        let histogram = measure.histogram();
        let tallest = histogram.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
        for (bound, count) in histogram {
            let bar = "#".repeat(usize::try_from((count * BAR_MAX).div_ceil(tallest)).unwrap_or(0));
            self.out.data(format!("  to {:>8} {count:>8}  {bar}", show_ms(bound)).trim_end());
            self.out.data("\n");
        }
        let (left, gone) = (measure.under_way(), measure.gone);
        if left + usize::try_from(gone).unwrap_or(0) > 0 {
            self.out.data(&format!("  {left} are not everywhere, and {gone} went with the last node that had them\n"));
        }
    }

    fn divergence(&self, measure: &Measure) {
        let points = &measure.divergence;
        self.out.data("\n      time   nodes  different states\n");
        let step = points.len().div_ceil(DIVERGENCE_LINES_MAX).max(1);
        let last = points.len().saturating_sub(1);
        for point in points.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last).map(|(_, point)| point) {
            self.out.data(&format!("{:>10} {:>7}  {}\n", show_ms(point.at_ms), point.nodes, point.states));
        }
    }

    fn json(&self, scenario: &Scenario, ran: &Ran) {
        let measure = &ran.measure;
        for (kind, traffic) in &measure.traffic {
            let line = Line::new("traffic").text("kind", kind).number("messages", traffic.messages);
            self.out.event(line.number("bytes", traffic.bytes).number("lost", traffic.lost));
        }
        let mut line = Line::new("convergence").number("updates", measure.convergence_ms.len() as u64);
        for (field, of_hundred) in [("half_ms", 50), ("most_ms", 99), ("all_ms", 100)] {
            if let Some(ms) = measure.percentile(of_hundred) {
                line = line.number(field, ms);
            }
        }
        let buckets: Vec<String> =
            measure.histogram().iter().map(|(bound, count)| format!("[{bound},{count}]")).collect();
        let line = line.raw("histogram", &array(&buckets)).number("under_way", measure.under_way() as u64);
        self.out.event(line.number("gone", measure.gone));
        let points: Vec<String> =
            measure.divergence.iter().map(|at| format!("[{},{},{}]", at.at_ms, at.nodes, at.states)).collect();
        self.out.event(Line::new("divergence").raw("points", &array(&points)));
        self.out.event(summary(scenario, ran));
    }

    /// What the real clock says. Not on standard output, which has to be the same each time.
    fn speed(&self, ran: &Ran, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let each_second = ran.events.saturating_mul(1000) / ms.max(1);
        self.out.status(&format!("it took {} of real time: {each_second} events a second", show_ms(ms)));
    }

    /// What failed, and how to see it again.
    pub(super) fn violations(&self, scenario: &Scenario, ran: &Ran) {
        for violation in &ran.violations {
            self.violation(violation);
        }
        if !self.out.json() {
            self.out.data(&format!("\nrepeat:  {}\n", self.line(scenario)));
        }
    }

    /// The same in one event, and a smaller run that fails too.
    pub(super) fn failed(&self, scenario: &Scenario, small: Option<&Scenario>) {
        let small = small.map(|small| self.line(small));
        let line = Line::new("failed").text("repeat", &self.line(scenario));
        self.out.event(line.maybe("smaller", small.as_deref()));
        if let Some(small) = small.filter(|_| !self.out.json()) {
            self.out.data(&format!("smaller: {small}\n"));
        }
    }

    fn violation(&self, violation: &Violation) {
        let node = violation.node.map(|node| format!("n{node}"));
        let at = show_ms(violation.at_ms);
        let on = node.as_deref().map_or_else(String::new, |node| format!(" on {node}"));
        self.out.status(&format!("failed at {at}{on}:"));
        self.out.diagnostic(node.as_deref(), self.files, &violation.diagnostic);
    }

    /// The line that repeats a run.
    fn line(&self, scenario: &Scenario) -> String {
        let mut words = vec!["lasp".to_owned(), "sim".to_owned(), self.arguments.file.display().to_string()];
        words.extend(scenario.flags());
        // A smaller run has fewer nodes, and a line that names others is refused.
        let there = |setting: &Setting| match &setting.nodes {
            None => Some(String::new()),
            Some(nodes) => nodes.without(&|node| !scenario.has(node)).map(|nodes| format!("{nodes}:")),
        };
        for setting in &self.arguments.settings {
            let Some(nodes) = there(setting) else { continue };
            words.extend(["--set".to_owned(), format!("{nodes}{}={}", setting.name, setting.value)]);
        }
        for role in &self.arguments.roles {
            let Some(nodes) = there(role) else { continue };
            words.extend(["--role".to_owned(), format!("{nodes}{}", role.value)]);
        }
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    }
}

fn summary(scenario: &Scenario, ran: &Ran) -> Line {
    let line = Line::new("simulated").number("seed", scenario.seed).number("replicas", scenario.replicas as u64);
    let line = line.number("nodes", ran.finals.len() as u64).number("updates", ran.measure.updates);
    let line = line.number("events", ran.events).number("virtual_ms", ran.ended_ms);
    let line = match ran.agreed_ms {
        Some(ms) => line.number("agreed_ms", ms),
        None => line,
    };
    let line = match ran.effects {
        Count { started: 0, waiting: 0, .. } => line,
        Count { started, ended, failed, in_doubt, waiting } => {
            let line = line.number("effects_started", started).number("effects_ended", ended);
            let line = line.number("effects_failed", failed).number("effects_in_doubt", in_doubt);
            line.number("effects_waiting", waiting)
        }
    };
    line.number("violations", ran.violations.len() as u64).text("trace", &hex(ran.trace))
}

fn hex(hash: [u8; 32]) -> String {
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
