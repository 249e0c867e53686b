//! Workers that misbehave in ways the real ones cannot be made to: shell scripts in their place.
//! Each fault is one clear error, and no process is left behind.

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use provenote_host::WorkerPrograms;
use provenote_pipeline::engine::{Drafter, EngineError, Engines, Generated, ModelFile, Progress};
use provenote_pipeline::protocol::{FromWorker, Handshake, Probe, Sampler, VERSION, frame};
use provenote_schemas::Digest;
use tempfile::TempDir;

/// One at a time: a program that one thread is still writing while another forks cannot be started.
static ALONE: Mutex<()> = Mutex::new(());

/// A folder with a fake worker, the frames it can say, and a model that nobody reads.
struct Fake {
    folder: TempDir,
    model: ModelFile,
    programs: WorkerPrograms,
    _alone: MutexGuard<'static, ()>,
}

impl Fake {
    /// A worker that runs `script` once it has said a handshake, which `change` may spoil.
    fn new(script: &str, change: impl FnOnce(&mut Handshake)) -> Self {
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = TempDir::new().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let program =
            format!("#!/bin/sh\nhere=\"${{0%/*}}\"\necho $$ > \"$here/pid\"\n/bin/cat \"$here/ready\"\n{script}\n");
        std::fs::write(path("provenote-worker-llama"), &program).expect("a program");
        std::fs::set_permissions(path("provenote-worker-llama"), std::fs::Permissions::from_mode(0o755))
            .expect("permissions");
        std::fs::write(path("model"), b"a model").expect("a model");
        let model = ModelFile { id: "fake".to_owned(), path: path("model"), sha256: Digest::of(b"a model") };
        let mut handshake = Handshake {
            protocol: VERSION,
            engine: "llama".to_owned(),
            engine_version: "fake".to_owned(),
            worker_version: "0".to_owned(),
            worker_sha256: Digest::of(program.as_bytes()),
            model_sha256: model.sha256,
            vad_sha256: None,
            sandbox: "fake".to_owned(),
            probes: vec![Probe { name: "tcp_socket".to_owned(), refused: true }],
            threads: 1,
        };
        change(&mut handshake);
        std::fs::write(path("ready"), frame(&FromWorker::Ready(handshake)).expect("short")).expect("a frame");
        let progress = frame(&FromWorker::Progress { done: 0.5 }).expect("short");
        std::fs::write(path("progress"), &progress).expect("a frame");
        std::fs::write(path("flood"), progress.repeat(10_000)).expect("frames");
        let answer = FromWorker::Generated(Generated { text: "[]".to_owned(), tokens: 1, finished: true });
        std::fs::write(path("answer"), frame(&answer).expect("short")).expect("a frame");
        let programs = WorkerPrograms { idle: Duration::from_secs(20), ..WorkerPrograms::new(folder.path()) };
        Self { folder, model, programs, _alone: alone }
    }

    fn honest(script: &str) -> Self {
        Self::new(script, |_| {})
    }

    fn start(&self) -> Result<Box<dyn Drafter>, EngineError> {
        self.programs.drafter(&self.model)
    }

    /// What a request to the started worker ends in.
    fn asked(&self) -> Result<Generated, EngineError> {
        self.asked_until(|| ControlFlow::Continue(()))
    }

    fn asked_until(&self, mut stop: impl FnMut() -> ControlFlow<()>) -> Result<Generated, EngineError> {
        let mut drafter = self.start()?;
        let sampler = Sampler::greedy(8);
        let answer = drafter.generate("a prompt", &serde_json::json!({}), &sampler, &mut |_| stop());
        if answer.is_err() {
            assert!(!self.left_behind(), "the process is still there");
        }
        answer
    }

    /// Whether the worker's process, or its zombie, still exists.
    fn left_behind(&self) -> bool {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).expect("the worker wrote its number");
        PathBuf::from("/proc").join(pid.trim()).exists()
    }
}

#[track_caller]
fn failed(result: Result<impl Sized, EngineError>, words: &str) {
    match result.err() {
        Some(error @ EngineError::Failed { .. }) => {
            let told = error.to_string();
            assert!(told.contains(words) && told.contains("nothing of its work was kept"), "{told}");
        }
        other => panic!("it was not a failure of the worker but {other:?}"),
    }
}

#[test]
fn a_worker_that_keeps_to_the_protocol_is_heard() {
    let fake = Fake::honest("/bin/cat \"$here/progress\" \"$here/answer\"; exec /bin/cat");
    assert_eq!(fake.asked().expect("an answer").text, "[]");
    assert!(!fake.left_behind(), "dropped, it is ended");
}

#[test]
fn a_worker_that_hangs_is_ended() {
    let mut fake = Fake::honest("exec /bin/sleep 1000");
    fake.programs.idle = Duration::from_millis(300);
    failed(fake.asked(), "said nothing for 0.3 s");
}

#[test]
fn a_worker_that_never_comes_up_is_ended() {
    let mut fake = Fake::honest("exec /bin/sleep 1000");
    std::fs::write(fake.folder.path().join("ready"), b"").expect("emptied");
    fake.programs.idle = Duration::from_millis(300);
    failed(fake.start(), "said nothing");
    assert!(!fake.left_behind());
}

#[test]
fn a_worker_that_floods_is_ended() {
    failed(Fake::honest("while :; do /bin/cat \"$here/flood\" || exit; done").asked(), "flooded");
}

#[test]
fn a_worker_that_aborts_is_named_with_its_signal() {
    failed(Fake::honest("kill -6 $$").asked(), "stopped (signal 6, abort)");
    failed(Fake::honest("kill -11 $$").asked(), "stopped (signal 11, segmentation fault)");
    failed(Fake::honest("/bin/cat \"$here/progress\"; exit 3").asked(), "stopped (exit code 3)");
}

#[test]
fn a_worker_that_breaks_off_inside_a_frame_has_died() {
    failed(Fake::honest("printf '\\000\\000\\001\\000{'; exit 4").asked(), "stopped (exit code 4)");
}

#[test]
fn a_worker_that_closes_its_output_and_lives_is_ended() {
    failed(Fake::honest("exec >&-; exec /bin/sleep 1000").asked(), "closed its output");
}

#[test]
fn a_worker_that_talks_nonsense_is_ended() {
    failed(Fake::honest("printf '\\000\\000\\000\\005secret'; exec /bin/sleep 1000").asked(), "wrote nonsense");
    failed(Fake::honest("printf '\\377\\377\\377\\377'; exec /bin/sleep 1000").asked(), "wrote nonsense");
    failed(Fake::honest("/bin/cat \"$here/ready\"; exec /bin/sleep 1000").asked(), "another answer");
}

#[test]
fn a_worker_is_stopped_when_the_person_says_so() {
    let fake = Fake::honest("/bin/cat \"$here/progress\"; exec /bin/sleep 1000");
    let mut told = 0;
    let stopped = fake.asked_until(|| {
        told += 1;
        if told > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(EngineError::Cancelled { engine: "llama" })));
}

/// Says stop when it is asked for the third time: a worker that is not heard of for two looks around is still asked after.
fn third_time() -> impl FnMut() -> ControlFlow<()> {
    let mut asked = 0;
    move || {
        asked += 1;
        if asked > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn a_worker_that_says_nothing_is_stopped_all_the_same() {
    let fake = Fake::honest("exec /bin/sleep 1000");
    assert!(matches!(fake.asked_until(third_time()), Err(EngineError::Cancelled { engine: "llama" })));
    let mut stop = third_time();
    let mut drafter = fake.start().expect("a worker");
    let rendered = drafter.render_watched(&[], &mut |_| stop());
    assert!(matches!(rendered, Err(EngineError::Cancelled { .. })), "{rendered:?}");
    assert!(!fake.left_behind());
}

#[test]
fn a_worker_that_reads_its_model_for_long_is_stopped_meanwhile() {
    for silent in [true, false] {
        let fake = Fake::honest("exec /bin/sleep 1000");
        let said =
            if silent { Vec::new() } else { std::fs::read(fake.folder.path().join("progress")).expect("frames") };
        std::fs::write(fake.folder.path().join("ready"), said).expect("no handshake");
        let mut stop = third_time();
        let mut told = Vec::new();
        let started = fake.programs.drafter_watched(&fake.model, &mut |Progress(done)| {
            told.push(done);
            stop()
        });
        assert!(matches!(started.err(), Some(EngineError::Cancelled { engine: "llama" })));
        assert_eq!(told.last().copied(), Some(if silent { 0.0 } else { 0.5 }), "how far it had come");
        assert!(!fake.left_behind(), "the process is still there");
    }
}

#[test]
fn a_handshake_that_does_not_agree_is_refused() {
    let other = Digest::of(b"other");
    failed(Fake::new("exec /bin/cat", |said| said.protocol += 1).start(), "protocol");
    failed(Fake::new("exec /bin/cat", |said| said.engine = "whisper".to_owned()).start(), "protocol");
    failed(Fake::new("exec /bin/cat", |said| said.worker_sha256 = other).start(), "says that its file is");
    let wrong_model = Fake::new("exec /bin/cat", |said| said.model_sha256 = other).start();
    assert!(matches!(wrong_model.err(), Some(EngineError::BadModel { .. })));
    let wrong_vad = Fake::new("exec /bin/cat", |said| said.vad_sha256 = Some(other)).start();
    assert!(matches!(wrong_vad.err(), Some(EngineError::BadModel { .. })));
}

#[test]
fn a_worker_without_a_sandbox_is_believed_only_when_that_is_allowed() {
    let open = |said: &mut Handshake| {
        said.sandbox = "none".to_owned();
        said.probes.clear();
    };
    assert!(matches!(Fake::new("exec /bin/cat", open).start().err(), Some(EngineError::NoSandbox { .. })));
    let leaky = Fake::new("exec /bin/cat", |said| said.probes[0].refused = false);
    assert!(matches!(leaky.start().err(), Some(EngineError::NoSandbox { .. })));
    drop(leaky);
    let mut allowed = Fake::new("exec /bin/cat", open);
    allowed.programs.allow_no_sandbox = true;
    assert_eq!(allowed.start().expect("allowed").handshake().sandbox, "none");
}

#[test]
fn a_worker_that_is_not_there_is_told() {
    let fake = Fake::honest("");
    std::fs::remove_file(fake.folder.path().join("provenote-worker-llama")).expect("removed");
    assert!(matches!(fake.start().err(), Some(EngineError::NoWorker { program: "provenote-worker-llama", .. })));
}
