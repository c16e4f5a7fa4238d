// Capability names to numbers by libcap, and Docker's algebra of adding and dropping.
import BerthLinux
import BerthModel
import CCap

package enum CapabilityNames {
    /// Docker's fourteen.
    package static let defaults = [
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
        "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    ]

    /// The number of `CAP_CHOWN`, `chown` or `CHOWN`; nil: no such capability.
    package static func number(_ name: String) -> Int? {
        var lower = name.lowercased()
        if !lower.hasPrefix("cap_") { lower = "cap_" + lower }
        var value: cap_value_t = 0
        guard cap_from_name(lower, &value) == 0 else { return nil }
        return Int(value)
    }

    /// The set of a container: defaults − drops + adds; `ALL` in either list; everything that we have when privileged.
    ///
    /// - Parameter available: our own bounding set: what cannot be given is an error of its own.
    package static func set(
        adding added: [String], dropping dropped: [String], privileged: Bool, available: UInt64, service: String
    ) throws -> UInt64 {
        if privileged { return available }
        func bits(_ names: [String]) throws -> UInt64 {
            var set: UInt64 = 0
            for name in names where name.uppercased() != "ALL" && name.uppercased() != "CAP_ALL" {
                guard let number = number(name) else {
                    throw BerthError(
                        .invalid, "creating service \(service)", subject: name, cause: "unknown capability \"\(name)\"",
                        hint: "names are those of capabilities(7), with or without CAP_")
                }
                set |= 1 << UInt64(number)
            }
            return set
        }
        let hasAll = { (names: [String]) in names.contains { ["ALL", "CAP_ALL"].contains($0.uppercased()) } }
        let adds = try bits(added)
        let drops = try bits(dropped)
        let missing = adds & ~available
        if missing != 0 {
            let name = added.first { number($0).map { missing & (1 << UInt64($0)) != 0 } ?? false } ?? ""
            throw BerthError(
                .denied, "creating service \(service)", subject: name,
                cause: "capability \(name) is not available in the current environment",
                hint: "berth itself runs without it; remove it from cap_add or run berth on a host that grants it")
        }
        if hasAll(added) { return available & ~drops }
        if hasAll(dropped) { return adds }
        return (try bits(defaults) & available & ~drops) | adds
    }
}
