// `sudo berth`: the user's world, not root's. sudo drops the environment; what berth finds by it is put back: the home
// directory (registry logins, `~` in binds) and the SSH agent (builds).
import BerthLinux

enum SudoWorld {
    /// Before anything reads the environment. Variables that sudo was told to keep stay as they are.
    static func restore() {
        guard Process.effectiveUserID == 0, let user = EnvironmentVariables.unread("SUDO_UID").flatMap({ UInt32($0) }),
            user != 0
        else { return }
        // Another one than root's was kept by --preserve-env=HOME.
        let given = EnvironmentVariables.unread("HOME")
        if given == nil || given == "/root" || given == passwordEntry(0)?[5],
            let home = EnvironmentVariables.unread("SUDO_HOME") ?? passwordEntry(user)?[5], home.hasPrefix("/")
        {
            EnvironmentVariables.set("HOME", home)
        }
        if EnvironmentVariables.unread("SSH_AUTH_SOCK") == nil, let socket = ofSudo("SSH_AUTH_SOCK") {
            EnvironmentVariables.set("SSH_AUTH_SOCK", socket)
        }
    }

    private static func passwordEntry(_ user: UInt32) -> [String]? {
        let table = (try? FileIO.readText("/etc/passwd", limit: 1 << 20)) ?? ""
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            if fields.count >= 7, fields[2] == "\(user)" { return fields }
        }
        return nil
    }

    /// How far up sudo is: with a terminal of its own it has a monitor between itself and its command.
    private static let ancestorsMax = 4

    /// A variable as sudo itself was given it.
    private static func ofSudo(_ name: String) -> String? {
        var number = "self"
        for _ in 0..<ancestorsMax {
            guard let status = try? FileIO.readText("/proc/\(number)/status"),
                let parent = status.split(separator: "\n").first(where: { $0.hasPrefix("PPid:") })
            else { return nil }
            number = parent.dropFirst(5).filter { $0.isNumber }
            guard number != "0", let command = try? FileIO.readText("/proc/\(number)/comm") else { return nil }
            guard command == "sudo\n", let variables = try? FileIO.read("/proc/\(number)/environ", limit: 1 << 20)
            else {
                continue
            }
            let prefix = "\(name)="
            let found = variables.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                .first { $0.hasPrefix(prefix) }
            if let found { return String(found.dropFirst(prefix.count)) }
        }
        return nil
    }
}
