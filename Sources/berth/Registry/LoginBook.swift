// Writing docker's config.json: only the entry that is meant changes, everything else of the file stays.
import BerthLinux
import BerthModel
import FoundationEssentials

struct LoginBook {
    private let path = LoginFiles.own

    /// Keeps a login: with the helper that the file names, or in the file itself, whose path is returned then.
    func keep(user: String, secret: String, for registry: String) throws -> String? {
        var document = try read()
        let key = LoginFiles.key(registry)
        if let helper = helper(document, key) {
            let given = JSONText.object([
                ("ServerURL", .string(key)), ("Username", .string(user)), ("Secret", .string(secret)),
            ]).text
            guard let (code, _) = CredentialProgram(helper).run("store", given), code == 0 else {
                throw BerthError(
                    .unavailable, "storing the login of \(registry)", subject: registry,
                    cause: "docker-credential-\(helper) failed or is not there", hint: "see credsStore in \(path)")
            }
            document.set(["auths", key], .object([]))
            try write(document)
            return nil
        }
        let auth = Data("\(user):\(secret)".utf8).base64EncodedString()
        document.set(["auths", key], .object([("auth", .string(auth))]))
        try write(document)
        return path
    }

    /// False: there was none.
    func forget(_ registry: String) throws -> Bool {
        var document = try read()
        let key = LoginFiles.key(registry)
        var found = false
        for name in [key, registry] { found = document.remove(["auths", name]) || found }
        if let helper = helper(document, key), let (code, _) = CredentialProgram(helper).run("erase", key) {
            found = found || code == 0
        }
        if found { try write(document) }
        return found
    }

    private func helper(_ document: JSONDocument, _ key: String) -> String? {
        document.text(["credHelpers", key]) ?? document.text(["credsStore"])
    }

    private func read() throws -> JSONDocument {
        guard (try? FileStatus.of(path)) != nil else { return .object([]) }
        do {
            return try JSONDecoder().decode(
                JSONDocument.self, from: Data(try FileIO.read(path, limit: 4 << 20)))
        } catch {
            throw BerthError(.invalid, "reading \(path)", subject: path, cause: "it is not the JSON it should be")
        }
    }

    private func write(_ document: JSONDocument) throws {
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        do throws(SystemError) {
            try FileOwner.makeDirectories(directory, mode: 0o700)
            let before = try? FileStatus.of(path)
            try FileIO.replace(path, Array((document.text(indent: "") + "\n").utf8), mode: 0o600)
            // With sudo it is the user's all the same.
            let above = try FileStatus.of(directory)
            let owner = before ?? above
            try FileOwner.set(path, userID: owner.userID, groupID: owner.groupID, mode: 0o600)
        } catch {
            throw BerthError(.denied, "writing \(path)", subject: path, cause: error.reason)
        }
    }
}

/// Any JSON, to be changed at one place and written back.
indirect enum JSONDocument: Decodable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONDocument])
    case object([(String, JSONDocument)])

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            self = .object(
                try container.allKeys.map { ($0.stringValue, try container.decode(JSONDocument.self, forKey: $0)) }
                    .sorted { $0.0 < $1.0 })
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var items: [JSONDocument] = []
            while !list.isAtEnd { items.append(try list.decode(JSONDocument.self)) }
            self = .array(items)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? single.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? single.decode(Double.self) {
            self = .number(value)
        } else {
            self = .string(try single.decode(String.self))
        }
    }

    subscript(key: String) -> JSONDocument? {
        if case .object(let entries) = self { entries.first { $0.0 == key }?.1 } else { nil }
    }

    func text(_ path: [String]) -> String? {
        guard let first = path.first else { if case .string(let text) = self { return text } else { return nil } }
        return self[first]?.text(Array(path.dropFirst()))
    }

    /// Puts a value at a path; objects on the way are made.
    mutating func set(_ path: [String], _ value: JSONDocument) {
        guard let first = path.first else { self = value; return }
        var entries: [(String, JSONDocument)] = []
        if case .object(let own) = self { entries = own }
        var below = entries.first { $0.0 == first }?.1 ?? .object([])
        below.set(Array(path.dropFirst()), value)
        entries.removeAll { $0.0 == first }
        self = .object((entries + [(first, below)]).sorted { $0.0 < $1.0 })
    }

    /// False: there was nothing at the path.
    mutating func remove(_ path: [String]) -> Bool {
        guard let first = path.first, case .object(var entries) = self,
            let index = entries.firstIndex(where: { $0.0 == first })
        else { return false }
        var found = true
        if path.count == 1 {
            entries.remove(at: index)
        } else {
            found = entries[index].1.remove(Array(path.dropFirst()))
        }
        self = .object(entries)
        return found
    }

    /// With tabs, as docker writes it.
    func text(indent: String) -> String {
        let deeper = indent + "\t"
        switch self {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .string(let value): return JSONString.quoted(value)
        case .array(let items):
            if items.isEmpty { return "[]" }
            return "[\n" + items.map { deeper + $0.text(indent: deeper) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let entries):
            if entries.isEmpty { return "{}" }
            return "{\n"
                + entries.map { "\(deeper)\(JSONString.quoted($0.0)): \($0.1.text(indent: deeper))" }.joined(
                    separator: ",\n") + "\n\(indent)}"
        }
    }
}
