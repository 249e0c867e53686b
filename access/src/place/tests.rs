use proptest::prelude::*;

use super::*;
use provenote_schemas::Time;

fn user(number: u8) -> UserId {
    UserId::from_random([number; 10])
}

fn device(number: u8) -> DeviceId {
    DeviceId::from_random([number; 10])
}

fn at(ms: i64) -> Time {
    Time::from_millis(1_800_000_000_000 + ms)
}

fn enrolled(number: u8, personal: bool) -> DeviceEvent {
    DeviceEvent::Enrolled { device: device(number), key: DeviceKey([number; 32]), holder: user(1), personal }
}

fn approved(number: u8) -> DeviceEvent {
    DeviceEvent::Approved { device: device(number), by: user(9) }
}

fn revoked(number: u8) -> DeviceEvent {
    DeviceEvent::Revoked { device: device(number), by: user(9) }
}

fn folded(events: &[DeviceEvent]) -> Devices {
    let mut devices = Devices::new();
    for (seq, event) in (0..).zip(events) {
        devices.apply(seq, at(0), event);
    }
    devices
}

/// Knows two networks.
struct Two;

impl Countries for Two {
    fn of(&self, address: IpAddr) -> Result<Option<Country>, CountryError> {
        let of = |text| Country::parse(text).map_err(|error| CountryError::Unreadable(error.to_string()));
        match address {
            IpAddr::V4(four) if four.octets()[0] == 198 => of("US").map(Some),
            IpAddr::V4(four) if four.octets()[0] == 203 => of("DE").map(Some),
            IpAddr::V4(_) => Ok(None),
            IpAddr::V6(_) => Err(CountryError::Unreadable("no IPv6 in it".to_owned())),
        }
    }
}

fn places() -> Places {
    Places {
        networks: vec![Network::parse("office", "192.168.7.0/24").expect("a network")],
        countries: BTreeSet::from([Country::parse("us").expect("a country")]),
    }
}

fn from(address: &str, places: &Places, countries: Option<&dyn Countries>) -> Verdict {
    let origin = Origin::Address(address.parse().expect("an address"));
    let (user, device) = (user(1), device(1));
    let devices = folded(&[enrolled(1, false), approved(1)]);
    decide(places, &devices, &Arrival { origin, user: &user, device: Some(&device), countries })
}

#[test]
fn a_named_network_or_an_allowed_country_is_let_in() {
    let office = from("192.168.7.20", &places(), None);
    assert!(office.place_allowed && office.device_known);
    assert_eq!(office.network.as_deref(), Some("office"));
    assert_eq!(office.reasons, ["the address is in the network office", "the device is known"]);
    assert!(from("::ffff:192.168.7.20", &places(), None).place_allowed, "IPv4 over IPv6");
    let home = from("198.51.100.4", &places(), Some(&Two));
    assert!(home.place_allowed);
    assert_eq!(home.country.map(String::from).as_deref(), Some("US"));
}

#[test]
fn whatever_is_not_known_is_refused() {
    let refused = |address, places: &Places, countries| {
        let verdict = from(address, places, countries);
        assert!(!verdict.place_allowed, "{address}");
        verdict.reasons.first().cloned().unwrap_or_default()
    };
    assert!(refused("203.0.113.9", &places(), Some(&Two)).contains("is in DE"));
    assert!(refused("10.0.0.1", &places(), Some(&Two)).contains("its country is not known"));
    assert!(refused("198.51.100.4", &places(), None).contains("its country is not known"));
    assert!(refused("2001:db8::1", &places(), Some(&Two)).contains("could not be asked"));
    assert!(refused("192.168.7.20", &Places::default(), None).contains("no network that the practice allows"));
}

#[test]
fn on_the_machine_itself_only_the_devices_key_counts() {
    let (user, known) = (user(1), device(1));
    let devices = folded(&[enrolled(1, false), approved(1)]);
    let arrival = Arrival { origin: Origin::ThisMachine, user: &user, device: Some(&known), countries: None };
    let verdict = decide(&Places::default(), &devices, &arrival);
    assert!(verdict.place_allowed && verdict.device_known);
    let verdict = decide(&Places::default(), &devices, &Arrival { device: None, ..arrival });
    assert!(verdict.place_allowed && !verdict.device_known);
    assert_eq!(verdict.reasons.last().map(String::as_str), Some("no enrolled device answered"));
}

#[test]
fn a_device_waits_is_approved_and_is_revoked_for_good() {
    let standing = |events: &[DeviceEvent]| folded(events).standing(&device(1), &user(2));
    assert_eq!(standing(&[]), Err(DeviceError::Unknown(device(1))));
    assert_eq!(standing(&[enrolled(1, false)]), Err(DeviceError::Waiting(device(1))));
    assert_eq!(standing(&[enrolled(1, false), approved(1)]), Ok(()));
    assert_eq!(standing(&[enrolled(1, true), approved(1)]), Err(DeviceError::Personal(device(1))));
    let gone = [enrolled(1, false), approved(1), revoked(1), approved(1), enrolled(1, false)];
    assert_eq!(standing(&gone), Err(DeviceError::Revoked(device(1))));
    assert_eq!(folded(&gone).oddities().len(), 2);
    // The key of a revoked device does not come back under another name.
    let again = DeviceEvent::Enrolled { device: device(2), key: DeviceKey([1; 32]), holder: user(1), personal: false };
    assert_eq!(folded(&gone).check(&again), Err(DeviceError::Exists(device(2))));
}

#[test]
fn a_network_is_read_strictly() {
    assert!(matches!(Network::parse("office", "192.168.7.20/24"), Err(PlaceError::HostBits { .. })));
    assert!(matches!(Network::parse("office", "0.0.0.0/0"), Err(PlaceError::Everywhere(_))));
    assert!(matches!(Network::parse("office", "192.168.7"), Err(PlaceError::NotANetwork(_))));
    assert!(matches!(Network::parse("the office", "10.0.0.0/8"), Err(PlaceError::BadName(_))));
    assert!(Network::parse("vpn", "2001:db8::/32").is_ok());
    assert!(Country::parse("USA").is_err());
}

/// A database of IPv4 addresses by the first bit: 0… is one country, 1… another or none. MaxMind DB 2.0, records of 24
/// bits.
fn database(low: Option<&str>, high: Option<&str>) -> Vec<u8> {
    let text = |word: &str| {
        let mut out = vec![0x40 | u8::try_from(word.len()).expect("short")];
        out.extend_from_slice(word.as_bytes());
        out
    };
    let number = |kind: u8, bytes: &[u8]| {
        let size = u8::try_from(bytes.len()).expect("short");
        // Types above 7 stand in a second byte, less 7 (specification, "Data Field Format").
        let mut out = if kind <= 7 { vec![(kind << 5) | size] } else { vec![size, kind - 7] };
        out.extend_from_slice(bytes);
        out
    };
    let map = |pairs: Vec<(&str, Vec<u8>)>| {
        let mut out = vec![0xe0 | u8::try_from(pairs.len()).expect("short")];
        for (key, value) in pairs {
            out.extend(text(key));
            out.extend(value);
        }
        out
    };
    const NODES: u32 = 1;
    let mut data = Vec::new();
    let mut record = |code: Option<&str>| match code {
        None => NODES,
        Some(code) => {
            let at = NODES + 16 + u32::try_from(data.len()).expect("short");
            data.extend(map(vec![("country", map(vec![("iso_code", text(code))]))]));
            at
        }
    };
    let records = [record(low), record(high)];
    let mut out: Vec<u8> = records.iter().flat_map(|record| record.to_be_bytes()[1..].to_vec()).collect();
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    out.extend(map(vec![
        ("binary_format_major_version", number(5, &[2])),
        ("binary_format_minor_version", number(5, &[])),
        ("build_epoch", number(9, &[1])),
        ("database_type", text("Test-Country")),
        ("description", map(vec![("en", text("two halves"))])),
        ("ip_version", number(5, &[4])),
        ("languages", vec![1, 4, 0x42, b'e', b'n']),
        ("node_count", number(6, &[u8::try_from(NODES).expect("one")])),
        ("record_size", number(5, &[24])),
    ]));
    out
}

#[test]
fn a_database_in_maxminds_format_tells_the_country() {
    let read = MaxMind::read(database(Some("US"), Some("DE"))).unwrap_or_else(|error| panic!("{error}"));
    let of = |address: &str| read.of(address.parse().expect("an address")).expect("it is readable");
    assert_eq!(of("12.0.0.1").map(String::from).as_deref(), Some("US"));
    assert_eq!(of("200.0.0.1").map(String::from).as_deref(), Some("DE"));
    assert!(matches!(read.of("2001:db8::1".parse().expect("an address")), Err(CountryError::Unreadable(_))));
    let read = MaxMind::read(database(Some("US"), None)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.of("200.0.0.1".parse().expect("an address")), Ok(None));
    assert!(matches!(MaxMind::read(b"not a database".to_vec()), Err(CountryError::NotADatabase(_))));
}

proptest! {
    /// A damaged database is refused or tells something; it never panics, and nothing outside the rule is let in.
    #[test]
    fn a_damaged_database_lets_nobody_in(place in 0_usize..400, byte: u8, cut in 0_usize..400) {
        let mut bytes = database(Some("US"), Some("DE"));
        let length = bytes.len();
        if let Some(target) = bytes.get_mut(place % length) {
            *target = byte;
        }
        bytes.truncate(length.saturating_sub(cut / 8));
        if let Ok(read) = MaxMind::read(bytes) {
            let verdict = from("200.0.0.1", &places(), Some(&read));
            prop_assert!(!verdict.place_allowed || verdict.country.map(String::from).as_deref() == Some("US"));
        }
    }

    /// No order of events brings a revoked device back.
    #[test]
    fn revoked_is_for_good(steps in proptest::collection::vec((0..3_u8, 1..3_u8), 1..30)) {
        let mut devices = Devices::new();
        let mut gone = BTreeSet::new();
        for (seq, (what, number)) in (0..).zip(steps) {
            let event = match what { 0 => enrolled(number, false), 1 => approved(number), _ => revoked(number) };
            if what == 2 && devices.check(&event).is_ok() {
                gone.insert(device(number));
            }
            devices.apply(seq, at(0), &event);
            prop_assert!(gone.iter().all(|id| devices.standing(id, &user(1)).is_err()));
        }
    }
}
