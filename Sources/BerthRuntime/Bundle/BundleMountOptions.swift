// A bundle's mount options, sorted into what mount_setattr takes and what the file system itself takes.
import BerthLinux

struct BundleMountOptions {
    var set: UInt64 = 0
    var clear: UInt64 = 0
    var recursiveSet: UInt64 = 0
    var recursiveClear: UInt64 = 0
    var propagations: [(flags: UInt64, recursive: Bool)] = []
    var isBind = false
    var bindsRecursively = false
    var isRemount = false
    var copiesUp = false
    var mapsIdentities = false
    var data: [String] = []

    private static let bits: [String: (set: UInt64, clear: UInt64)] = [
        "ro": (1, 0), "rw": (0, 1), "nosuid": (2, 0), "suid": (0, 2), "nodev": (4, 0), "dev": (0, 4),
        "noexec": (8, 0), "exec": (0, 8), "nodiratime": (0x80, 0), "diratime": (0, 0x80),
        "relatime": (0, 0x70), "norelatime": (0, 0x70), "atime": (0, 0x70), "noatime": (0x10, 0x70),
        "strictatime": (0x20, 0x70), "nostrictatime": (0, 0x70), "nosymfollow": (0x20_0000, 0),
        "symfollow": (0, 0x20_0000),
    ]

    static let propagation: [String: UInt64] = [
        "private": 1 << 18, "slave": 1 << 19, "shared": 1 << 20, "unbindable": 1 << 17,
    ]

    init(_ options: [String]) {
        for option in options { sort(option) }
    }

    private mutating func sort(_ option: String) {
        let bare = option.hasPrefix("r") ? String(option.dropFirst()) : ""
        if let (on, off) = BundleMountOptions.bits[option] {
            set = set & ~off | on
            clear = clear & ~on | off
        } else if let (on, off) = BundleMountOptions.bits[bare] {
            recursiveSet = recursiveSet & ~off | on
            recursiveClear = recursiveClear & ~on | off
        } else if let flags = BundleMountOptions.propagation[option] {
            propagations.append((flags, false))
        } else if let flags = BundleMountOptions.propagation[bare] {
            propagations.append((flags, true))
        } else {
            switch option {
            case "bind": isBind = true
            case "rbind": (isBind, bindsRecursively) = (true, true)
            case "remount": isRemount = true
            case "tmpcopyup": copiesUp = true
            case "idmap", "ridmap": mapsIdentities = true
            case "defaults", "newinstance", "notmpcopyup", "copy", "nocopy", "", "async", "loud", "nomand",
                "noiversion", "nolazytime":
                break
            default: data.append(option)
            }
        }
    }

    /// mount_setattr wants the whole access-time field cleared where any of it is set.
    static func cleared(_ set: UInt64, _ clear: UInt64) -> UInt64 {
        (set & 0x70 != 0 || clear & 0x70 != 0) ? clear | 0x70 : clear
    }
}
