// The names that words of a stage may use: its environment, its arguments, and where arguments get their values.
import BerthModel

/// Arguments by name in the order of their declaration.
struct BuildArguments: Sendable, Equatable {
    private var names: [String] = []
    /// Of every name that was declared; inside nil: it has no value.
    private var values: [String: String?] = [:]

    subscript(_ name: String) -> String? { values[name] ?? nil }

    /// - Parameter value: nil declares a name that has no value, and takes none away.
    mutating func declare(_ name: String, _ value: String?) {
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    /// Those that have a value.
    var pairs: [(name: String, value: String)] { names.compactMap { name in self[name].map { (name, $0) } } }
}

/// `NAME=value` lists, as image configs have them.
enum EnvironmentList {
    static func value(_ list: [String], _ name: String) -> String? {
        list.last { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    static func set(_ list: inout [String], _ name: String, _ value: String) {
        if let index = list.firstIndex(where: { $0.hasPrefix("\(name)=") }) {
            list[index] = "\(name)=\(value)"
        } else {
            list.append("\(name)=\(value)")
        }
    }
}

/// Arguments that are there without being given.
enum PredefinedArguments {
    /// Seen by commands without a declaration, and part of no key and no history.
    static let proxies = [
        "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy",
        "ALL_PROXY", "all_proxy",
    ]

    /// Of the platforms: in `FROM` at once, in a stage after a bare `ARG`.
    static func platforms(_ target: Platform, stage: String) -> [String: String] {
        let build = Platform.host
        return [
            "TARGETPLATFORM": "\(target)", "TARGETOS": target.os, "TARGETARCH": target.architecture,
            "TARGETVARIANT": target.variant ?? "", "BUILDPLATFORM": "\(build)", "BUILDOS": build.os,
            "BUILDARCH": build.architecture, "BUILDVARIANT": build.variant ?? "", "TARGETSTAGE": stage,
        ]
    }
}
