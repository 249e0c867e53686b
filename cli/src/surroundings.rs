//! The clock, randomness and environment of this machine: the only place that touches them.

use std::path::PathBuf;

use provenote_ledger::Entropy;
use provenote_practice::ports::Clock;
use provenote_practice::trail::Local;
use provenote_schemas::Time;

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods)]
    fn fill(&mut self, out: &mut [u8]) {
        // Without randomness no key may be made: there is nothing to fall back to.
        getrandom::fill(out).expect("the operating system gives randomness");
    }
}

/// Where a practice is when nobody says where: the platform's data folder.
pub(crate) fn default_home() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "provenote").map(|dirs| dirs.data_dir().to_path_buf())
}

/// Where the key pair of this machine lies, one for each practice: the platform's folder for settings.
pub(crate) fn device_keys() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "provenote").map(|dirs| dirs.config_dir().join("devices"))
}

/// Lets time pass.
#[allow(clippy::disallowed_methods)]
pub(crate) fn let_pass(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}

/// Where models lie that several practices on this machine share.
pub(crate) fn shared_models() -> Vec<PathBuf> {
    let named = std::env::var_os("PROVENOTE_MODELS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = directories::ProjectDirs::from("", "", "provenote").map(|dirs| dirs.cache_dir().join("models"));
    named.into_iter().chain(cache).collect()
}

/// The folder of this program, where the workers lie beside it.
pub(crate) fn program_folder() -> Result<PathBuf, String> {
    std::env::current_exe()
        .ok()
        .and_then(|path| path.canonicalize().ok())
        .and_then(|path| path.parent().map(PathBuf::from))
        .ok_or_else(|| "this program's own folder could not be found".to_owned())
}

/// The user's editor.
pub(crate) fn editor() -> Option<String> {
    ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
}

/// A folder for sockets that only this user can enter.
pub(crate) fn runtime_folder() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
    own.unwrap_or_else(std::env::temp_dir)
}

/// A number nobody can foresee.
pub(crate) fn random_number() -> u64 {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// The proxy this machine reaches an address through, `http://host:port`, unless the address is this machine's own.
pub(crate) fn proxy(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[") {
        return None;
    }
    let names = if scheme == "http" { ["http_proxy", "HTTP_PROXY"] } else { ["https_proxy", "HTTPS_PROXY"] };
    names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Whether the disk a folder lies on is encrypted by the system's device mapper; `None` where that cannot be told, for
/// a file system or a drive may encrypt by itself.
pub(crate) fn disk_encrypted(folder: &std::path::Path) -> Option<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let device = std::fs::metadata(folder).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    crypt_below(&PathBuf::from(format!("/sys/dev/block/{major}:{minor}")), 0).then_some(true)
}

/// A volume of dm-crypt, or one that lies on such.
fn crypt_below(device: &std::path::Path, depth: usize) -> bool {
    if std::fs::read_to_string(device.join("dm/uuid")).is_ok_and(|uuid| uuid.starts_with("CRYPT-")) {
        return true;
    }
    // Volumes lie on volumes, and nobody stacks more than a few.
    depth < 6
        && std::fs::read_dir(device.join("slaves"))
            .is_ok_and(|slaves| slaves.flatten().any(|slave| crypt_below(&slave.path(), depth + 1)))
}

/// Where a moment falls in the day and the week by this machine's time zone: that of the practice.
pub(crate) fn local(time: Time) -> Local {
    let at = jiff::Timestamp::from_millisecond(time.millis()).unwrap_or_default();
    let offset = i64::from(jiff::tz::TimeZone::system().to_offset(at).seconds());
    let seconds = time.millis().div_euclid(1000).saturating_add(offset);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // 1970-01-01 was a Thursday.
    let weekday = u8::try_from((day + 3).rem_euclid(7) + 1).unwrap_or(1);
    Local { day, hour: u8::try_from(second / 3600).unwrap_or(0), weekday }
}
