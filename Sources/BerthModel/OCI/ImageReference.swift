// Image names: Docker's grammar, one canonical stored form, one familiar shown form.

/// `domain/path[:tag][@digest]`. Stored canonical (`docker.io/library/redis:7`), shown familiar (`redis:7`).
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    package var domain: String
    package var path: String
    package var tag: String?
    package var digest: Digest?

    /// Nil unless the text follows the reference grammar. A name without tag and digest gets `latest`.
    package init?(_ text: String) {
        var rest = text
        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            guard let parsed = Digest(String(rest[rest.index(after: at)...])) else { return nil }
            digest = parsed
            rest = String(rest[..<at])
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let candidate = String(rest[rest.index(after: colon)...])
            guard ImageReference.isTag(candidate) else { return nil }
            tag = candidate
            rest = String(rest[..<colon])
        }
        var domain = "docker.io"
        var path = rest
        if let slash = rest.firstIndex(of: "/") {
            let first = String(rest[..<slash])
            if first.contains(".") || first.contains(":") || first == "localhost" || first.lowercased() != first {
                domain = first
                path = String(rest[rest.index(after: slash)...])
            }
        }
        if domain == "index.docker.io" { domain = "docker.io" }
        if domain == "docker.io" && !path.contains("/") { path = "library/" + path }
        guard ImageReference.isPath(path), ImageReference.isDomain(domain),
            domain.utf8.count + path.utf8.count < 255
        else {
            return nil
        }
        self.domain = domain
        self.path = path
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        self.digest = digest
    }

    private static func isTag(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= 128, NameRules.isAlphanumeric(first) || first == 0x5F else {
            return false
        }
        return bytes.allSatisfy { NameRules.isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
    }

    /// Parts of lower-case letters and digits, joined by one of `.`, `_`, `__` or any number of `-`.
    private static func isPath(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            let runs = part.utf8.split(omittingEmptySubsequences: false) { !NameRules.isLowerAlphanumeric($0) }
            guard let first = runs.first, let last = runs.last, !first.isEmpty, !last.isEmpty else { return false }
            let separators = part.utf8.split { NameRules.isLowerAlphanumeric($0) }
            return separators.allSatisfy { separator in
                separator.elementsEqual([0x2E]) || separator.elementsEqual([0x5F])
                    || separator.elementsEqual([0x5F, 0x5F])
                    || separator.allSatisfy { $0 == 0x2D }
            }
        }
    }

    /// A host name or `[IPv6]`, and a port.
    private static func isDomain(_ text: String) -> Bool {
        var host = Substring(text)
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let port = text[text.index(after: colon)...]
            guard !port.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
            host = text[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), host.count > 2 else { return false }
            return host.dropFirst().dropLast().utf8.allSatisfy { NameRules.isAlphanumeric($0) || $0 == 0x3A }
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return NameRules.isAlphanumeric(first) && NameRules.isAlphanumeric(last)
                && label.utf8.allSatisfy { NameRules.isAlphanumeric($0) || $0 == 0x2D }
        }
    }

    /// The stored form.
    package var canonical: String {
        "\(domain)/\(path)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// The name without tag and digest, as people write it.
    package var familiarName: String {
        guard domain == "docker.io" else { return "\(domain)/\(path)" }
        return path.hasPrefix("library/") ? String(path.dropFirst(8)) : path
    }

    package var familiar: String { familiarName + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }
    package var description: String { familiar }
}
