// `logging`: the drivers and their options, in Docker's words, and where output goes beside the container's own log.

/// A logging option that cannot be meant.
package struct LogOptionError: Error, Sendable, Equatable {
    /// Nil: the driver itself.
    package var option: String?
    package var message: String
    package var suggestion: String?
}

/// Somebody else who takes the output, beside the file that `logs` reads.
package enum LogRoute: Sendable, Equatable {
    /// systemd's journal, by its native protocol.
    case journal
    case syslog(SyslogPlace, SyslogFormat, facility: Int)

    /// Nil: nobody else.
    package static func of(_ logging: Logging) throws(LogOptionError) -> LogRoute? {
        try LogOptions.check(logging)
        switch logging.driver {
        case "journald": return .journal
        case "syslog":
            return .syslog(
                try SyslogPlace.parse(logging.options["syslog-address"] ?? ""),
                try SyslogFormat.parse(logging.options["syslog-format"] ?? ""),
                facility: try facility(logging.options["syslog-facility"] ?? ""))
        default: return nil
        }
    }

    private static let facilities = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    ]

    /// RFC 5424's number: `daemon` unless another is named.
    private static func facility(_ text: String) throws(LogOptionError) -> Int {
        if text.isEmpty { return 3 }
        if let index = facilities.firstIndex(of: text) { return index }
        if text.hasPrefix("local"), let number = Int(text.dropFirst(5)), (0...7).contains(number) { return 16 + number }
        if let number = Int(text), (0...23).contains(number) { return number }
        throw LogOptionError(
            option: "syslog-facility", message: "invalid syslog facility \"\(text)\"",
            suggestion: "\(facilities.joined(separator: ", ")), local0 to local7, or a number up to 23")
    }
}

/// Where a syslog daemon listens.
package enum SyslogPlace: Sendable, Equatable {
    /// The socket of this host's own daemon.
    case local
    /// A unix socket: of datagrams, or a stream.
    case socket(path: String, isStream: Bool)
    case host(String, port: UInt16, isStream: Bool)

    static func parse(_ text: String) throws(LogOptionError) -> SyslogPlace {
        func wrong(_ message: String) -> LogOptionError {
            LogOptionError(
                option: "syslog-address", message: message,
                suggestion: "udp://host[:514], tcp://host[:514], unix:///path or unixgram:///path")
        }
        if text.isEmpty { return .local }
        guard let scheme = text.firstRange(of: "://") else {
            throw wrong("syslog-address \"\(text)\" does not say how it is reached")
        }
        let rest = String(text[scheme.upperBound...])
        switch text[..<scheme.lowerBound] {
        case "unix", "unixgram":
            guard rest.hasPrefix("/"), rest.utf8.count < 108 else { throw wrong("\"\(text)\" is no path of a socket") }
            return .socket(path: rest, isStream: text.hasPrefix("unix:"))
        case "udp", "tcp":
            guard let (host, port) = endpoint(rest) else { throw wrong("\"\(text)\" has no usable host and port") }
            return .host(host, port: port, isStream: text.hasPrefix("tcp:"))
        case "tcp+tls": throw wrong("syslog over TLS is not spoken")
        default: throw wrong("syslog-address \"\(text)\" does not say how it is reached")
        }
    }

    /// `host`, `host:port`, `[v6]:port`.
    private static func endpoint(_ text: String) -> (String, UInt16)? {
        var host = Substring(text)
        var port: UInt16 = 514
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty {
                guard let number = UInt16(rest.dropFirst()) else { return nil }
                port = number
            }
        } else if let colon = text.lastIndex(of: ":") {
            guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
            (host, port) = (text[..<colon], number)
        }
        return host.isEmpty || host.contains("/") || port == 0 ? nil : (String(host), port)
    }
}

package enum SyslogFormat: UInt8, Sendable {
    /// What local daemons read: no host name.
    case local
    case rfc3164
    case rfc5424
    /// With microseconds.
    case rfc5424micro

    static func parse(_ text: String) throws(LogOptionError) -> SyslogFormat {
        switch text {
        case "": return .local
        case "rfc3164": return .rfc3164
        case "rfc5424": return .rfc5424
        case "rfc5424micro": return .rfc5424micro
        default:
            throw LogOptionError(
                option: "syslog-format", message: "invalid syslog format \"\(text)\"",
                suggestion: "rfc3164, rfc5424 or rfc5424micro")
        }
    }
}

/// What each driver takes, as Docker checks it when a container is made.
package enum LogOptions {
    private static let common: Set<String> = [
        "mode", "max-buffer-size", "cache-disabled", "cache-max-size", "cache-max-file", "cache-compress",
    ]
    private static let marks: Set<String> = ["labels", "labels-regex", "env", "env-regex", "tag"]
    private static let byDriver: [String: Set<String>] = [
        "json-file": marks.union(["max-size", "max-file", "compress"]), "local": ["max-size", "max-file", "compress"],
        "none": [], "journald": marks,
        "syslog": marks.union([
            "syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert", "syslog-tls-cert",
            "syslog-tls-key", "syslog-tls-skip-verify",
        ]),
    ]
    /// Drivers that Docker has and berth has not: the output is kept as without them.
    package static let foreign: Set<String> = ["fluentd", "gelf", "awslogs", "gcplogs", "splunk", "etwlogs"]

    static func check(_ logging: Logging) throws(LogOptionError) {
        let driver = logging.driver ?? "json-file"
        if foreign.contains(driver) { return }
        guard let known = byDriver[driver] else {
            throw LogOptionError(
                option: nil, message: "there is no logging driver \"\(driver)\"",
                suggestion: "json-file, local, journald, syslog or none")
        }
        // Options without a driver are the default's; those of `none` are never looked at.
        if driver == "none" { return }
        for name in logging.options.keys.sorted() where !known.contains(name) && !common.contains(name) {
            throw LogOptionError(
                option: name, message: "the logging driver \(driver) has no option \"\(name)\"",
                suggestion: known.sorted().joined(separator: ", "))
        }
        for name in ["max-size", "max-buffer-size", "cache-max-size"] {
            guard let text = logging.options[name], text != "-1", bytes(text) == nil else { continue }
            throw LogOptionError(option: name, message: "\(name): \"\(text)\" is no size", suggestion: "such as 10m")
        }
        for name in ["max-file", "cache-max-file"] {
            guard let text = logging.options[name], (Int(text) ?? 0) < 1 else { continue }
            throw LogOptionError(
                option: name, message: "\(name): \"\(text)\" is no number of files", suggestion: "such as 3")
        }
        if let mode = logging.options["mode"], !["blocking", "non-blocking", ""].contains(mode) {
            throw LogOptionError(
                option: "mode", message: "there is no mode \"\(mode)\"", suggestion: "blocking or non-blocking")
        }
        if logging.options["max-buffer-size"] != nil, logging.options["mode"] != "non-blocking" {
            throw LogOptionError(
                option: "max-buffer-size", message: "max-buffer-size is for the mode \"non-blocking\"",
                suggestion: "add mode: non-blocking")
        }
    }

    /// Docker counts these in thousands, or in units of 1,024 where it says so (`KiB`).
    package static func bytes(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = Double(digits), value >= 0, value < 1e15 else { return nil }
        let unit = text.dropFirst(digits.count).lowercased().filter { $0 != " " }
        let base: Double = unit.hasSuffix("ib") ? 1024 : 1000
        switch unit {
        case "", "b": return Int64(value)
        case "k", "kb", "kib": return Int64(value * base)
        case "m", "mb", "mib": return Int64(value * base * base)
        case "g", "gb", "gib": return Int64(value * base * base * base)
        default: return nil
        }
    }
}
