// Addresses that a registry gives and gets: only http and https, taken apart once.

/// An absolute URL with its origin apart from the rest.
struct RegistryURL: Equatable, CustomStringConvertible {
    /// Scheme, host and port: what a login is for.
    struct Origin: Hashable, CustomStringConvertible {
        var isSecure: Bool
        /// Lower case; IPv6 in brackets.
        var host: String
        var port: Int
        var description: String {
            "\(isSecure ? "https" : "http")://\(host)" + (port == (isSecure ? 443 : 80) ? "" : ":\(port)")
        }
    }

    var origin: Origin
    /// With the query, from the slash on.
    var path: String

    init(_ origin: Origin, _ path: String) {
        self.origin = origin
        self.path = path
    }

    /// Nil unless it is an absolute http or https URL without a user.
    init?(_ text: String) {
        let lower = text.prefix(8).lowercased()
        let isSecure: Bool
        if lower.hasPrefix("https://") {
            isSecure = true
        } else if lower.hasPrefix("http://") {
            isSecure = false
        } else {
            return nil
        }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text.utf8.count <= 8192
        else { return nil }
        guard let (host, port) = RegistryURL.split(String(authority)) else { return nil }
        origin = Origin(isSecure: isSecure, host: host, port: port ?? (isSecure ? 443 : 80))
        path = tail.hasPrefix("/") ? String(tail) : "/" + tail
    }

    /// `host`, `host:port`, `[v6]:port`.
    static func split(_ authority: String) -> (host: String, port: Int?)? {
        var host = Substring(authority)
        var port: Int?
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
                return nil
            }
            port = number
            host = authority[..<colon]
        }
        return host.isEmpty ? nil : (host.lowercased(), port)
    }

    /// Where a `Location` leads.
    func following(_ location: String) -> RegistryURL? {
        if location.hasPrefix("//") { return RegistryURL((origin.isSecure ? "https:" : "http:") + location) }
        if location.hasPrefix("/") { return RegistryURL("\(origin)\(location)") }
        if location.contains("://") || location.contains(":") && !location.hasPrefix("?") {
            return RegistryURL(location)
        }
        let directory = path.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return RegistryURL("\(origin)\(directory.joined(separator: "/"))/\(location)")
    }

    var description: String { "\(origin)\(path)" }
}

extension RegistryURL.Origin {
    /// 127.0.0.0/8, ::1 and localhost: plain HTTP is allowed there, as Docker allows it.
    var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || host.hasSuffix(".localhost")
            || host.hasPrefix("127.") && host.split(separator: ".").count == 4
                && host.allSatisfy { $0.isNumber || $0 == "." }
    }
}
