//! How long one decision takes, with the bundled policies and with a practice's own besides, beside writing the same
//! request out as text once. Then what happens once in a process: reading the policies, `may`, and comparing.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::hint::black_box;
use std::time::Instant;

use provenote_access::{
    Act, Circumstances, Policies, PolicyFile, Request, Resource, Row, Subject, check_added, compare, decide, may,
    usual_rows,
};
use provenote_schemas::Role;

const ROUNDS: usize = 5;
/// As many policies as a large practice might add.
const OWN_POLICIES: usize = 20;

/// The median of some rounds, in microseconds, after one round to warm up.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn median(rounds: usize, mut work: impl FnMut() -> usize) -> f64 {
    black_box(work());
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

struct Case {
    subject: Subject,
    act: Act,
    resource: Resource,
    circumstances: Circumstances,
}

impl Case {
    fn of(row: &Row) -> Self {
        Self { subject: row.subject(), act: row.act, resource: row.resource(), circumstances: row.circumstances() }
    }

    fn request(&self) -> Request<'_> {
        let Self { subject, act, resource, circumstances } = self;
        Request { subject, act: *act, resource, circumstances, grants: &[] }
    }
}

fn main() {
    let rows = usual_rows();
    let cases: Vec<Case> = rows.iter().map(Case::of).collect();
    let own: String = (0..OWN_POLICIES)
        .map(|number| {
            format!(
                "@id(\"own-{number}\") forbid (principal in Role::\"biller\", action in Action::\"reading\", resource)\nwhen {{ context.hour == {number} && resource has clinicians && !resource.clinicians.contains(principal) }};\n"
            )
        })
        .collect();
    let files = [PolicyFile { name: "own.cedar", text: &own }];
    let added = check_added(&files).expect("the policies are well formed");

    let count = cases.len() as f64;
    let decided = |policies: &Policies| {
        median(ROUNDS, || cases.iter().filter(|case| decide(policies, &case.request()).allowed).count()) / count
    };
    let bundled = decided(Policies::bundled());
    let with_own = decided(&added);
    let text = median(ROUNDS, || cases.iter().map(|case| format!("{:?}", case.request()).len()).sum()) / count;
    println!(
        "decisions: {} requests; one decision {bundled:.1} µs, with {OWN_POLICIES} own policies {with_own:.1} µs, \
         the same request written out {text:.1} µs, ratio {:.1}",
        cases.len(),
        bundled / text
    );
    println!("decisions: at most 200 µs are wanted: {}", if with_own < 200.0 { "held" } else { "NOT HELD" });

    let allowed = median(ROUNDS, || usize::from(may(Role::Clinician, Act::ViewNote).is_ok()));
    let refused = median(ROUNDS, || usize::from(may(Role::Auditor, Act::ViewEntry).is_err()));
    let checked = median(3, || check_added(&files).map_or(0, |policies| policies.names().count()));
    let compared = median(3, || compare(Policies::bundled(), &added).len());
    println!(
        "decisions: may {allowed:.0} µs where allowed, {refused:.0} µs where refused; checking {OWN_POLICIES} policies \
         {:.0} ms, comparing {:.0} ms",
        checked / 1e3,
        compared / 1e3
    );
}
