// The value of `RUN --mount`: `type=cache,target=/x,…`.
import BerthModel

package struct RunMount: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case bind, cache, tmpfs, secret, ssh }
    package enum Sharing: String, Sendable, CaseIterable { case shared, `private`, locked }

    package var kind: Kind = .bind
    package var from: String?
    package var source: String?
    /// Nil: the working directory of a bind, cache or tmpfs; a place of its own for a secret or an agent.
    package var target: String?
    package var readOnly = false
    /// A secret's `source` is its id too.
    package var id: String?
    package var sharing: Sharing = .shared
    package var mode: UInt32?
    package var userID: UInt32?
    package var groupID: UInt32?
    package var sizeBytes: Int64?
    package var required = false
    /// The variable that holds a secret.
    package var environment: String?

    private static let keys = [
        "type", "from", "source", "src", "target", "dst", "destination", "readonly", "ro", "readwrite", "rw",
        "required",
        "size", "id", "sharing", "mode", "uid", "gid", "env",
    ]
    private static let flags: Set<String> = ["readonly", "ro", "readwrite", "rw", "required"]

    /// What is wrong however its variables expand; the rest is known where there are none.
    package static func check(_ text: String) throws(WordError) {
        guard text.contains("$") else {
            _ = try RunMount(parsing: text)
            return
        }
        for field in try CommaFields.split(text) {
            let (key, value) = halves(field)
            let hasVariable = value?.unicodeScalars.dropLast().contains("$") ?? false
            if key == "from" && hasVariable {
                throw WordError("'from' doesn't support variable expansion, define alias stage instead")
            }
        }
    }

    /// The stage, context or image that a text names, which has no variables; the rest of it may have.
    package static func from(_ text: String) -> String? {
        guard let fields = try? CommaFields.split(text) else { return nil }
        return fields.map { halves($0) }.last { $0.0 == "from" }?.1
    }

    /// Of an expanded text. What a key means depends on the type that stands before it.
    package init(parsing text: String) throws(WordError) {
        var saysWhetherReadOnly = false
        var hasSharing = false
        for field in try CommaFields.split(text) {
            let (key, value) = RunMount.halves(field)
            guard RunMount.keys.contains(key) else { throw RunMount.unknown(key, field) }
            if ["ro", "readonly", "rw", "readwrite"].contains(key) { saysWhetherReadOnly = true }
            if key == "sharing" { hasSharing = true }
            if let value {
                try take(key, value)
            } else if RunMount.flags.contains(key) {
                try take(key, "true")
            } else {
                throw WordError("invalid field '\(field)' must be a key=value pair")
            }
        }
        if !saysWhetherReadOnly { readOnly = kind != .cache && kind != .tmpfs }
        try check(hasSharing)
    }

    private static func halves(_ field: String) -> (key: String, value: String?) {
        let halves = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return ((halves.first ?? "").lowercased(), halves.count == 2 ? halves[1] : nil)
    }

    private static func unknown(_ key: String, _ field: String) -> WordError {
        let near = Nearest.word(to: key, among: keys)
        return WordError("unexpected key '\(key)' in '\(field)'" + (near.map { "; did you mean \($0)?" } ?? ""))
    }

    private mutating func take(_ key: String, _ value: String) throws(WordError) {
        switch key {
        case "type":
            guard let kind = Kind(rawValue: value.lowercased()) else {
                throw WordError("unsupported mount type \"\(value)\", expected bind, cache, tmpfs, secret or ssh")
            }
            self.kind = kind
        case "from": from = value.isEmpty ? nil : value
        case "source", "src": source = value.isEmpty ? nil : value
        case "target", "dst", "destination": target = value.isEmpty ? nil : value
        case "id": id = value.isEmpty ? nil : value
        case "env": environment = value
        case "readonly", "ro": readOnly = try RunMount.flag(key, value)
        case "readwrite", "rw": readOnly = !(try RunMount.flag(key, value))
        case "required":
            if kind != .secret && kind != .ssh { throw unexpected(key) }
            required = try RunMount.flag(key, value)
        default: try takeNumber(key, value)
        }
    }

    private mutating func takeNumber(_ key: String, _ value: String) throws(WordError) {
        switch key {
        case "sharing":
            guard let found = Sharing(rawValue: value.lowercased()) else {
                throw WordError("unsupported sharing value \"\(value)\", expected shared, private or locked")
            }
            sharing = found
        case "mode":
            guard let number = RunMount.number(value, radix: 8) else {
                throw WordError("invalid value \(value) for mode, expected octal digits")
            }
            mode = number
        case "uid", "gid":
            guard let number = RunMount.number(value, radix: 10) else {
                throw WordError("invalid value \(value) for \(key), expected a number")
            }
            if key == "uid" { userID = number } else { groupID = number }
        default:
            if kind != .tmpfs { throw unexpected(key) }
            guard let bytes = ByteSize.parse(value) else {
                throw WordError("invalid value for size: \(value), expected bytes, such as 64m")
            }
            sizeBytes = bytes
        }
    }

    private func unexpected(_ key: String) -> WordError {
        WordError("unexpected key '\(key)' for mount type '\(kind.rawValue)', which stands before it or is the default")
    }

    private mutating func check(_ hasSharing: Bool) throws(WordError) {
        if kind == .bind || kind == .tmpfs {
            for (name, value) in [("mode", mode), ("uid", userID), ("gid", groupID)] where value != nil {
                throw WordError("\(name) not allowed for \"\(kind.rawValue)\" type mounts")
            }
        }
        if let target, target.hasPrefix("/"), target.split(separator: "/").allSatisfy({ $0 == "." }) {
            throw WordError("invalid mount target \"\(target)\"")
        }
        if hasSharing && kind != .cache { throw WordError("invalid cache sharing set for \(kind.rawValue) mount") }
        if kind == .ssh && source != nil { throw WordError("ssh does not support source") }
        guard kind == .secret else { return }
        if from != nil { throw WordError("secret mount should not have a from") }
        if source == nil && target == nil && id == nil {
            throw WordError("invalid secret mount. one of source, target required")
        }
        if source != nil && id != nil { throw WordError("both source and id can't be set") }
        id = id ?? source
        source = nil
    }

    private static func flag(_ key: String, _ value: String) throws(WordError) -> Bool {
        if let flag = GoBool.read(value) { return flag }
        throw WordError("invalid value for \(key): \(value), expected true or false")
    }

    /// Digits and nothing else.
    private static func number(_ text: String, radix: Int) -> UInt32? {
        text.utf8.first == UInt8(ascii: "+") ? nil : UInt32(text, radix: radix)
    }
}

/// Fields between commas; one in double quotes may have commas in it.
enum CommaFields {
    static func split(_ text: String) throws(WordError) -> [String] {
        if text.isEmpty { throw WordError("failed to parse csv mounts: there is nothing") }
        var fields: [String] = []
        var rest = text.unicodeScalars[...]
        while true {
            fields.append(rest.first == "\"" ? try quoted(&rest) : try plain(&rest))
            guard rest.popFirst() != nil else { return fields }
        }
    }

    private static func plain(_ rest: inout Substring.UnicodeScalarView) throws(WordError) -> String {
        let field = rest.prefix { $0 != "," }
        if field.contains("\"") { throw WordError("failed to parse csv mounts: a quote inside a field") }
        rest = rest.dropFirst(field.count)
        return String(field)
    }

    /// Two quotes are one, and behind the last one the field is over.
    private static func quoted(_ rest: inout Substring.UnicodeScalarView) throws(WordError) -> String {
        rest = rest.dropFirst()
        var field = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar != "\"" {
                field.append(scalar)
            } else if rest.first == "\"" {
                field.append(scalar)
                rest = rest.dropFirst()
            } else if rest.isEmpty || rest.first == "," {
                return String(field)
            } else {
                throw WordError("failed to parse csv mounts: text behind a quoted field")
            }
        }
        throw WordError("failed to parse csv mounts: a quote is not closed")
    }
}
