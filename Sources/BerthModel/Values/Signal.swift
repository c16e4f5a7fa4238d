// Signal names and numbers as Docker accepts them: SIGTERM, TERM, 15, SIGRTMIN+3.

package enum Signal {
    private static let names: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CLD": 17, "CONT": 18,
        "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27,
        "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
    ]
    /// As the C library counts them: the first two are its own.
    private static let realTimeFirst: Int32 = 34
    private static let realTimeLast: Int32 = 64

    /// The number of a signal; nil: there is none of that name.
    package static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...realTimeLast).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let number = names[name] { return number }
        if name == "RTMIN" { return realTimeFirst }
        if name == "RTMAX" { return realTimeLast }
        if name.hasPrefix("RTMIN+"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) {
            return realTimeFirst + offset
        }
        if name.hasPrefix("RTMAX-"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) {
            return realTimeLast - offset
        }
        return nil
    }

    package static let terminate: Int32 = 15
    package static let kill: Int32 = 9
}
