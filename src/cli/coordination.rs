//! `lasp check --coordination` and `lasp check --replay`: the report of where timing can change what a program comes to, as
//! text and as JSON, and single schedules played.

use std::collections::BTreeSet;

use crate::cli::arguments::Check;
use crate::cli::exit::Exit;
use crate::cli::json::Line;
use crate::cli::json::array;
use crate::cli::literal;
use crate::cli::out::Out;
use crate::cli::program::Program;
use crate::compile::Session;
use crate::coordination::Asked;
use crate::coordination::Classed;
use crate::coordination::Kind;
use crate::coordination::Note;
use crate::coordination::Order;
use crate::coordination::Point;
use crate::coordination::Repair;
use crate::coordination::Report;
use crate::coordination::Writing;
use crate::coordination::edits::Edit;
use crate::coordination::edits::apply;
use crate::coordination::report;
use crate::sim::confirm::Confirmation;
use crate::sim::confirm::Effort;
use crate::sim::confirm::Evidence;
use crate::sim::confirm::Side;
use crate::sim::confirm::confirm;
use crate::sim::confirm::settle;
use crate::sim::play::Play;
use crate::sim::schedule::Schedule;
use crate::source::files::Files;
use crate::source::span::FileId;
use crate::source::span::Span;

/// Of how many points the repairs are tried, and in how long a program.
const TRIED_MAX: usize = 12;
const TRIED_BYTES_MAX: usize = 64 << 10;
/// The most lines of an outcome that are shown.
const OUTCOME_LINES_MAX: usize = 6;
/// How often files are looked for that a program asks for only once it has others.
const FILE_ROUNDS: usize = 8;
/// With how many replicas it is found out which files a program asks for.
const FILE_REPLICAS: usize = 3;

/// Does what was asked for of a program that is sound.
pub(super) fn check(out: &Out, arguments: &Check, program: &Program) -> Exit {
    if !arguments.coordination && arguments.replay.is_none() {
        return Exit::Done;
    }
    let mut session = Session::new().0;
    let Ok((checked, facts)) = session.facts(&program.name, &program.text) else { return Exit::Unsound };
    let order = Order::of(&checked);
    let Some(play) = play(out, &arguments.settings, program, &Asked::of(&checked)) else { return Exit::Unsound };
    if let Some(text) = &arguments.replay {
        return replay(out, &play, text);
    }
    let files = session.files;
    let text = |span: Span| (files.slice(span).to_owned(), files.place(span).line);
    let mut report = report(&facts, &order, &text);
    try_repairs(&mut report, program);
    let mut found = confirm(&play, &report.points, Effort::COMMAND);
    settle(&mut report, &mut found);
    let shown = Shown { out, program, files: &files };
    if out.json() {
        shown.json(&report, &found);
    } else {
        shown.text(&report, &found);
    }
    if arguments.deny && (!report.points.is_empty() || found.unexplained.is_some()) { Exit::Failed } else { Exit::Done }
}

/// Writes the edits of each repair into the program, and says so where the point is there all the same.
fn try_repairs(report: &mut Report, program: &Program) {
    if program.text.len() > TRIED_BYTES_MAX {
        return;
    }
    let of = |points: &[Point], kind: Kind| points.iter().filter(|other| other.kind == kind).count();
    let before: Vec<usize> = report.points.iter().map(|point| of(&report.points, point.kind)).collect();
    for (point, before) in report.points.iter_mut().zip(before).take(TRIED_MAX) {
        let Writing::Edits(edits) = &point.repair.write else { continue };
        let Some(text) = apply(&program.text, edits) else { continue };
        let stays = |points: &[Point]| of(points, point.kind) >= before;
        if reported(&program.name, &text, &stays).is_some_and(|points| stays(&points)) {
            point.repair.text.push_str(" That is not all: with these lines there is still such a point.");
        }
    }
}

/// The points of a program; without those that no schedule shows, if `asked` says that this is of interest. None where the program
/// is not sound.
fn reported(name: &str, text: &str, asked: &dyn Fn(&[Point]) -> bool) -> Option<Vec<Point>> {
    let mut session = Session::new().0;
    let (checked, facts) = session.facts(name, text).ok()?;
    let files = session.files;
    let written = |span: Span| (files.slice(span).to_owned(), files.place(span).line);
    let mut report = report(&facts, &Order::of(&checked), &written);
    if asked(&report.points) {
        let (mut play, who) = (Play::new(name, text).ok()?, Asked::of(&checked));
        play.set_roles(&who.roles);
        play.set_names(&who.names);
        let mut found = confirm(&play, &report.points, Effort::COMMAND);
        settle(&mut report, &mut found);
    }
    Some(report.points)
}

/// The program in the simulator, with the files that it asks for.
fn play(out: &Out, settings: &[(String, String)], program: &Program, asked: &Asked) -> Option<Play> {
    let mut play = Play::new(&program.name, &program.text).ok()?;
    // Who asks for roles is given them in turn: the first to replica 0, the last to all that are left.
    play.set_roles(&asked.roles);
    play.set_names(&asked.names);
    for (name, value) in settings {
        play.set(name, literal::value(value));
    }
    for _ in 0..FILE_ROUNDS {
        let missing = play.missing_files(FILE_REPLICAS);
        let mut found = false;
        for path in missing {
            if let Ok(bytes) = program.file(&path) {
                play.file(&path, bytes);
                found = true;
            }
        }
        if !found {
            break;
        }
    }
    for path in play.missing_files(FILE_REPLICAS) {
        out.status(&format!("the file {path} is not there: what comes after it has been read, and not played"));
    }
    Some(play)
}

/// `lasp sim --schedule`: plays a schedule of a program that is sound.
pub(super) fn play_schedule(out: &Out, program: &Program, settings: &[(String, String)], schedule: &str) -> Exit {
    let mut session = Session::new().0;
    let Ok((checked, _)) = session.facts(&program.name, &program.text) else { return Exit::Unsound };
    match play(out, settings, program, &Asked::of(&checked)) {
        Some(play) => replay(out, &play, schedule),
        None => Exit::Unsound,
    }
}

fn replay(out: &Out, play: &Play, text: &str) -> Exit {
    let schedule = match text.parse::<Schedule>() {
        Ok(schedule) => schedule,
        Err(wrong) => {
            out.error(None, "E0820", &wrong.to_string(), "");
            return Exit::Usage;
        }
    };
    let outcome = play.replay(&schedule);
    let text = outcome.to_string();
    if out.json() {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        out.event(Line::new("outcome").text("schedule", &schedule.to_string()).texts("outcome", &lines));
    } else {
        out.data(&format!("{schedule}\n"));
        text.lines().for_each(|line| out.data(&format!("  {line}\n")));
    }
    Exit::Done
}

/// A report on its way out.
struct Shown<'a> {
    out: &'a Out,
    program: &'a Program,
    files: &'a Files,
}

impl Shown<'_> {
    fn text(&self, report: &Report, found: &Confirmation) {
        self.out.data(&format!("{}\n", self.headline(report, found)));
        self.classes(&report.classes);
        for (point, shown) in report.points.iter().zip(&found.shown) {
            self.point(point, shown.as_ref(), found);
        }
        if let Some((one, other)) = &found.unexplained {
            self.out.data("\nunexplained: no point was found in the text, and yet these differ\n");
            self.side("either", one);
            self.side("or", other);
        }
        for note in &report.notes {
            self.note(note);
        }
        if !report.complete {
            self.out.data("\nThe program could not be followed everywhere; there may be more.\n");
        }
    }

    fn headline(&self, report: &Report, found: &Confirmation) -> String {
        let points = match report.points.len() {
            0 if found.unexplained.is_some() => "timing can change the outcome".to_owned(),
            0 if found.settled > 0 => {
                "needs no coordination, as far as all schedules of 2 and 3 replicas tell".to_owned()
            }
            0 => "needs no coordination".to_owned(),
            1 => "1 point where timing can change the outcome".to_owned(),
            count => format!("{count} points where timing can change the outcome"),
        };
        format!("{}: {points}", self.program.name)
    }

    fn classes(&self, classes: &[Classed]) {
        if classes.is_empty() {
            return;
        }
        let what = classes.iter().map(|classed| classed.what.chars().count()).max().unwrap_or(0).min(44);
        self.out.data("\n");
        for classed in classes {
            let line = self.files.place(classed.span).line;
            let name = classed.class.name();
            self.out.data(&format!("{line:>5}  {:what$}  {name:<14}  {}\n", classed.what, classed.why));
        }
    }

    /// The place with its line of text, underlined.
    fn place(&self, span: Span, title: &str, below: &str) {
        let place = self.files.place(span);
        self.out.data(&format!("\n{}:{}:{}: {title}\n", self.files.name(span.file), place.line, place.column));
        let line = self.files.line(span);
        let column = place.column as usize - 1;
        let left = line.chars().count().saturating_sub(column);
        let first = self.files.slice(span).lines().next().map_or(0, |first| first.chars().count());
        let indent: String = line.chars().take(column).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let under = "^".repeat(first.min(left).max(1));
        self.out.data(&format!("    {}\n    {indent}{under} {below}\n", line.trim_end()));
    }

    fn point(&self, point: &Point, shown: Option<&Evidence>, found: &Confirmation) {
        self.place(point.span, &format!("point of order: {}", point.kind.name()), &point.path.join(" -> "));
        self.out.data(&format!("  why:    {}.\n", point.why));
        match shown {
            Some(Evidence { sides: (one, other), also }) => {
                self.side("either", one);
                self.side("or", other);
                if !also.is_empty() {
                    let lines = self.lines_of(also).iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                    self.out.data(&format!(
                        "  also:    in these two the points in line {lines} see different things as well\n"
                    ));
                }
            }
            None => self.out.data(&format!("  shown:  {}.\n", not_shown(point.span, found))),
        }
        self.out.data(&format!("  repair: {}\n", point.repair.text));
        self.written(&point.repair).iter().for_each(|line| self.out.data(&format!("          {line}\n")));
    }

    /// The lines of places, each once.
    fn lines_of(&self, places: &[Span]) -> BTreeSet<u32> {
        places.iter().map(|span| self.files.place(*span).line).collect()
    }

    /// What a repair has to be written, and where.
    fn written(&self, repair: &Repair) -> Vec<String> {
        let edits = match &repair.write {
            Writing::Lines(lines) => return lines.clone(),
            Writing::Edits(edits) => edits,
        };
        let mut lines: Vec<String> = Vec::new();
        let mut edits: Vec<&Edit> = edits.iter().collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let mut told: Vec<u32> = Vec::new();
        for edit in edits.iter().filter(|edit| edit.span.end > 0) {
            let (line, last) = (self.files.place(edit.span).line, self.files.place(end_of(edit.span)).line);
            if told.last() == Some(&line) {
                continue;
            }
            told.push(line);
            // The line as it will be, with all that is written in it.
            let whole = self.lines(edit.span.file, line, last);
            let now = self.files.slice(whole);
            // What is inserted where the next line begins belongs to that.
            let ends = now.ends_with('\n');
            let here = edits.iter().filter(|edit| !(ends && edit.span.start == whole.end));
            let here: Vec<Edit> = here.filter_map(|edit| within(edit, whole)).collect();
            let new = apply(now, &here).unwrap_or_else(|| edit.text.clone());
            lines.push(format!("line {line}: {}", new.trim()));
        }
        let first = edits.iter().filter(|edit| edit.span.end == 0).map(|edit| format!("first:  {}", edit.text.trim()));
        first.chain(lines).collect()
    }

    /// Whole lines of a text.
    fn lines(&self, file: FileId, first: u32, last: u32) -> Span {
        let text = self.files.text(file);
        let start_of = |number: u32| -> usize {
            text.split_inclusive('\n').take(number.saturating_sub(1) as usize).map(str::len).sum()
        };
        let (start, end) = (start_of(first), start_of(last + 1));
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file, start: number(start), end: number(end) }
    }

    fn side(&self, word: &str, side: &Side) {
        self.out.data(&format!("  {:<7} {}\n", format!("{word}:"), side.schedule));
        for line in side.outcome.iter().take(OUTCOME_LINES_MAX) {
            self.out.data(&format!("            {line}\n"));
        }
        match side.outcome.len() {
            0 => self.out.data("            none of that\n"),
            count if count > OUTCOME_LINES_MAX => {
                self.out.data(&format!("            and {} more\n", count - OUTCOME_LINES_MAX));
            }
            _ => {}
        }
    }

    fn note(&self, note: &Note) {
        self.place(note.span, "note", "");
        self.out.data(&format!("  {}.\n  if once for all is meant: {}\n", note.text, note.line));
    }

    fn json(&self, report: &Report, found: &Confirmation) {
        for classed in &report.classes {
            let line = self.at("class", classed.span).text("what", &classed.what);
            self.out.event(line.text("class", classed.class.name()).text("why", &classed.why));
        }
        for (point, shown) in report.points.iter().zip(&found.shown) {
            let mut line = self.at("point", point.span).text("kind", point.kind.name());
            line = line.maybe("variable", point.variable.as_deref()).texts("path", &point.path);
            line = line.text("why", &point.why).text("repair", &point.repair.text);
            line = line.texts("write", &self.written(&point.repair));
            match shown {
                Some(Evidence { sides: (one, other), also }) => {
                    let schedules = [one.schedule.to_string(), other.schedule.to_string()];
                    line = line.texts("schedules", &schedules);
                    line = line.texts("one", &one.outcome).texts("other", &other.outcome);
                    let also: Vec<String> = self.lines_of(also).iter().map(u32::to_string).collect();
                    line = line.raw("also", &array(&also));
                }
                None => line = line.texts("schedules", &[]).text("shown", &not_shown(point.span, found)),
            }
            self.out.event(line);
        }
        if let Some((one, other)) = &found.unexplained {
            let line = Line::new("unexplained").text("file", &self.program.name);
            let line = line.texts("schedules", &[one.schedule.to_string(), other.schedule.to_string()]);
            self.out.event(line.texts("one", &one.outcome).texts("other", &other.outcome));
        }
        for note in &report.notes {
            self.out.event(self.at("note", note.span).text("message", &note.text).text("write", &note.line));
        }
        let plays: usize = found.looked.iter().map(|(_, plays, _)| plays).sum();
        let shown = found.shown.iter().filter(|shown| shown.is_some()).count();
        let line = Line::new("coordination").text("file", &self.program.name);
        let line = line.number("points", report.points.len() as u64).number("shown", shown as u64);
        let line = line.number("settled", found.settled as u64);
        self.out.event(line.number("schedules_played", plays as u64).number("outcomes", found.outcomes as u64));
    }

    fn at(&self, event: &str, span: Span) -> Line {
        let place = self.files.place(span);
        let line = Line::new(event).text("file", self.files.name(span.file));
        line.number("line", u64::from(place.line)).number("column", u64::from(place.column))
    }
}

/// The place of the last byte.
fn end_of(span: Span) -> Span {
    Span { start: span.end.saturating_sub(1).max(span.start), ..span }
}

/// The edit as one of the text of this place alone.
fn within(edit: &Edit, whole: Span) -> Option<Edit> {
    let inside = whole.start <= edit.span.start && edit.span.end <= whole.end && edit.span.end > 0;
    let span = Span {
        file: whole.file,
        start: edit.span.start.saturating_sub(whole.start),
        end: edit.span.end.saturating_sub(whole.start),
    };
    inside.then(|| Edit { span, text: edit.text.clone() })
}

/// What to say of a point for which no schedules were found.
fn not_shown(point: Span, found: &Confirmation) -> String {
    if found.looked.iter().all(|(_, plays, _)| *plays == 0) {
        return "a single run of the program is more work than is done for this report".to_owned();
    }
    let looked: Vec<String> = found
        .looked
        .iter()
        .map(|(replicas, plays, complete)| {
            let which = if *complete { "all" } else { "the first" };
            format!("{which} {plays} schedules of {replicas} replicas")
        })
        .collect();
    let among = looked.join(", ");
    if !found.reached.contains(&point) {
        return format!("no replica came to this place in {among}");
    }
    let bound = if found.complete() {
        "of more replicas, or with what else `--set name=value` gives, they may be"
    } else {
        "the bound on how many are played was reached, and beyond it they may be"
    };
    format!("no two schedules that differ here were found among {among}, nor among those of small instances; {bound}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_without_a_schedule_says_whether_it_is_for_the_bound() {
        let found = |complete| Confirmation {
            looked: vec![(2, 400, complete)],
            reached: [Span::default()].into(),
            ..Confirmation::default()
        };
        assert!(
            not_shown(Span::default(), &found(false)).contains("the first 400 schedules of 2 replicas"),
            "{}",
            not_shown(Span::default(), &found(false))
        );
        assert!(not_shown(Span::default(), &found(false)).contains("the bound on how many are played was reached"));
        assert!(!not_shown(Span::default(), &found(true)).contains("bound"));
        let unreached = Confirmation { reached: std::collections::BTreeSet::new(), ..found(true) };
        assert!(not_shown(Span::default(), &unreached).starts_with("no replica came to this place"));
    }
}
