// What a request of the distribution protocol is about, read from its path alone.
import BerthModel
import NIOHTTP1

enum RegistryRoute: Equatable {
    case base
    case catalog
    case tags(String)
    case manifest(String, ManifestName)
    case blob(String, Digest)
    /// Begins an upload.
    case uploads(String)
    case upload(String, String)
    case referrers(String, Digest)

    enum ManifestName: Equatable, CustomStringConvertible {
        case tag(String)
        case digest(Digest)
        var description: String {
            switch self {
            case .tag(let tag): tag
            case .digest(let digest): "\(digest)"
            }
        }
    }

    /// The repository that it is about.
    var repository: String? {
        switch self {
        case .base, .catalog: nil
        case .tags(let name), .manifest(let name, _), .blob(let name, _), .uploads(let name), .upload(let name, _),
            .referrers(let name, _):
            name
        }
    }

    private static let repositoryBytesMax = 255

    /// - Parameter target: a request's, with or without a query.
    init(_ target: String) throws(RegistryError) {
        guard target.utf8.count <= 4096 else {
            throw RegistryError(.uriTooLong, "NAME_INVALID", "the path is too long")
        }
        let text = String(target.prefix { $0 != "?" })
        let path = text.contains("%") ? RegistryQuery.decoded(text, plusIsSpace: false) ?? "" : text
        guard path == "/v2" || path.hasPrefix("/v2/") else { throw RegistryError.notFound(path) }
        var parts = path.dropFirst(3).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.first == "" { parts.removeFirst() }
        if parts.isEmpty || parts == [""] {
            self = .base
            return
        }
        if parts == ["_catalog"] {
            self = .catalog
            return
        }
        self = try RegistryRoute.named(parts, path)
    }

    private static func named(_ parts: [String], _ path: String) throws(RegistryError) -> RegistryRoute {
        let count = parts.count
        guard count >= 3 else { throw RegistryError.notFound(path) }
        let last = parts[count - 1]
        let word = parts[count - 2]
        if word == "uploads", count >= 4, parts[count - 3] == "blobs" {
            let name = try repository(parts[..<(count - 3)])
            if last.isEmpty { return .uploads(name) }
            guard last.utf8.count == 32, last.utf8.allSatisfy({ Hex.isLowerDigit($0) }) else {
                throw RegistryError(.notFound, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")
            }
            return .upload(name, last)
        }
        if last == "uploads", word == "blobs" { return .uploads(try repository(parts[..<(count - 2)])) }
        let name = try repository(parts[..<(count - 2)])
        switch word {
        case "tags" where last == "list": return .tags(name)
        case "blobs": return .blob(name, try digest(last))
        case "referrers": return .referrers(name, try digest(last))
        case "manifests":
            if last.contains(":") { return .manifest(name, .digest(try digest(last))) }
            guard ImageReference("x:\(last)")?.tag == last else {
                throw RegistryError(.badRequest, "TAG_INVALID", "\"\(last.prefix(128))\" is no tag")
            }
            return .manifest(name, .tag(last))
        default: throw RegistryError.notFound(path)
        }
    }

    private static func digest(_ text: String) throws(RegistryError) -> Digest {
        guard let digest = Digest(text) else {
            throw RegistryError(.badRequest, "DIGEST_INVALID", "a digest is sha256: and 64 hex digits")
        }
        return digest
    }

    private static func repository(_ parts: ArraySlice<String>) throws(RegistryError) -> String {
        let name = parts.joined(separator: "/")
        // With a domain of its own that cannot be mistaken for anything, the grammar of paths is all that counts.
        guard !name.isEmpty, name.utf8.count <= repositoryBytesMax, ImageReference("a.b/\(name):x")?.path == name else {
            throw RegistryError(.badRequest, "NAME_INVALID", "\"\(name.prefix(255))\" is no repository's name")
        }
        return name
    }
}

/// The query of a request.
struct RegistryQuery {
    private var values: [String: String] = [:]

    init(_ target: String) {
        guard let mark = target.firstIndex(of: "?") else { return }
        for pair in target[target.index(after: mark)...].split(separator: "&").prefix(32) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = RegistryQuery.decoded(String(halves[0]), plusIsSpace: true) else { continue }
            let text = halves.count > 1 ? String(halves[1]) : ""
            // The first of several counts.
            if values[key] == nil { values[key] = RegistryQuery.decoded(text, plusIsSpace: true) ?? "" }
        }
    }

    subscript(_ key: String) -> String? { values[key] }

    /// Nil: it is no percent-encoding, or of no text.
    static func decoded(_ text: String, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == 0x25 {
                guard rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) else { return nil }
                rest = rest.dropFirst(2)
                bytes.append(value)
            } else {
                bytes.append(byte == 0x2B && plusIsSpace ? 0x20 : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// For a link that is given back.
    static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            if isPlain || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte) {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }
}
