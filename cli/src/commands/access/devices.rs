//! `access device`: machines that the practice knows.

use std::process::ExitCode;

use provenote_schemas::DeviceId;
use serde_json::json;

use super::super::Outcome;
use crate::args::Device;
use crate::exit::Failure;
use crate::home::Home;
use crate::machine::Machine;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Device) -> Outcome {
    match asked {
        Device::Enrol { personal, new_key } => enrol(home, personal, new_key),
        Device::Approve { device } => {
            let device: DeviceId = device.parse().map_err(Failure::could)?;
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.approve_device(&actor, &device)?;
            // What was unlocked before knew of no machine.
            told(home, &device, seq, "counts from now on; nobody signs in on a machine that the practice does not know")
        }
        Device::Revoke { device } => {
            let device: DeviceId = device.parse().map_err(Failure::could)?;
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.revoke_device(&actor, &device)?;
            told(home, &device, seq, "counts no more")
        }
        Device::List => list(home),
    }
}

fn enrol(home: &Home, personal: bool, new_key: bool) -> Outcome {
    let (mut practice, actor) = home.signed_in_to_enrol_machine()?;
    let mut machine = Machine::of(&practice)?;
    let file = machine.make(new_key)?;
    let device = practice.enrol_device(&actor, &machine, personal)?;
    if home.json() {
        print_json(&json!({ "device": device, "file": file }));
    } else {
        print(&format!(
            "This machine is {device}, and waits for an owner: `provenote access device approve {device}`; its key is {}, and leaves it with no backup",
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn told(home: &Home, device: &DeviceId, seq: u64, words: &str) -> Outcome {
    if home.json() {
        print_json(&json!({ "device": device, "seq": seq }));
    } else {
        print(&format!("{device} {words} (entry {seq})"));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(home: &Home) -> Outcome {
    let (practice, actor) = home.signed_in()?;
    let devices = practice.list_devices(&actor)?;
    let this = practice.device_of(&Machine::of(&practice)?)?;
    if home.json() {
        print_json(&json!({ "devices": devices, "this": this }));
        return Ok(ExitCode::SUCCESS);
    }
    if devices.is_empty() {
        print("The practice knows no machine, and lets people in on any");
    }
    for device in devices {
        let since = device.since.map(|since| format!(" since {since}")).unwrap_or_default();
        let by = device.by.map(|by| format!(" by {by}")).unwrap_or_default();
        print(&format!(
            "{}  {}{since}{by}  enrolled by {} at {}{}{}",
            device.device,
            device.state,
            device.holder,
            device.enrolled,
            if device.personal { ", theirs alone" } else { "" },
            if this.as_ref() == Some(&device.device) { "  (this machine)" } else { "" }
        ));
    }
    Ok(ExitCode::SUCCESS)
}
