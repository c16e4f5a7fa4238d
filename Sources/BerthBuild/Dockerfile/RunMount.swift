// The value of `RUN --mount`: `type=cache,target=/x,…`.
import BerthModel

package struct RunMount: Sendable, Equatable {
    package enum Kind: String, Sendable { case bind, cache, tmpfs, secret, ssh }
    package enum Sharing: String, Sendable { case shared, `private`, locked }

    package var kind: Kind = .bind
    package var from: String?
    package var source: String?
    package var target: String?
    package var readOnly = false
    package var id: String?
    package var sharing: Sharing = .shared
    package var mode: UInt32?
    package var userID: UInt32?
    package var groupID: UInt32?
    package var sizeBytes: Int64?
    package var required = false
    /// The variable that holds a secret.
    package var environment: String?

    /// Which keys a kind has beside its type.
    private static let keys: [Kind: Set<String>] = [
        .bind: ["from", "source", "target", "readonly", "readwrite"],
        .cache: [
            "id", "from", "source", "target", "readonly", "readwrite", "sharing", "mode", "uid", "gid",
        ],
        .tmpfs: ["target", "size"],
        .secret: ["id", "target", "required", "mode", "uid", "gid", "env"],
        .ssh: ["id", "target", "required", "mode", "uid", "gid"],
    ]

    private static let names = [
        "src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite",
    ]

    package init(parsing text: String) throws(WordError) {
        var fields: [(key: String, value: String?)] = []
        for field in try RunMount.fields(text) {
            let halves = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let key = halves[0].lowercased().trimmedOfBlanks
            fields.append((RunMount.names[key] ?? key, halves.count == 2 ? halves[1] : nil))
        }
        if let given = fields.last(where: { $0.key == "type" })?.value {
            guard let kind = Kind(rawValue: given.lowercased()) else {
                throw WordError("unsupported mount type \"\(given)\", expected bind, cache, tmpfs, secret or ssh")
            }
            self.kind = kind
        }
        readOnly = kind == .bind
        for (key, value) in fields where key != "type" { try take(key, value) }
        if [.bind, .cache, .tmpfs].contains(kind), target ?? "" == "" {
            throw WordError("\(kind.rawValue) mounts need a target")
        }
    }

    private mutating func take(_ key: String, _ value: String?) throws(WordError) {
        guard RunMount.keys[kind]?.contains(key) ?? false else {
            let near = Nearest.word(to: key, among: Array(RunMount.keys[kind] ?? []).sorted())
            throw WordError(
                "unexpected key '\(key)' for a mount of type \(kind.rawValue)"
                    + (near.map { "; did you mean \($0)?" } ?? ""))
        }
        switch key {
        case "readonly": readOnly = try RunMount.flag(key, value)
        case "readwrite": readOnly = !(try RunMount.flag(key, value))
        case "required": required = try RunMount.flag(key, value)
        default:
            guard let value else { throw WordError("invalid field '\(key)' must be a key=value pair") }
            try take(key, text: value)
        }
    }

    private mutating func take(_ key: String, text: String) throws(WordError) {
        switch key {
        case "from": from = text
        case "source": source = text
        case "target": target = text
        case "id": id = text
        case "env": environment = text
        case "sharing":
            guard let found = Sharing(rawValue: text) else {
                throw WordError("unsupported sharing value \"\(text)\", expected shared, private or locked")
            }
            sharing = found
        case "mode":
            guard let number = UInt32(text, radix: 8), number <= 0o7777 else {
                throw WordError("invalid value \"\(text)\" for mode, expected octal digits")
            }
            mode = number
        case "uid": userID = try RunMount.number(key, text)
        case "gid": groupID = try RunMount.number(key, text)
        default:
            guard let bytes = ByteSize.parse(text) else {
                throw WordError("invalid value \"\(text)\" for size, expected bytes, such as 64m")
            }
            sizeBytes = bytes
        }
    }

    private static func flag(_ key: String, _ value: String?) throws(WordError) -> Bool {
        switch value?.lowercased() {
        case nil, "true", "1", "t": return true
        case "false", "0", "f": return false
        default: throw WordError("invalid value \"\(value ?? "")\" for \(key), expected true or false")
        }
    }

    private static func number(_ key: String, _ text: String) throws(WordError) -> UInt32 {
        guard let number = UInt32(text) else {
            throw WordError("invalid value \"\(text)\" for \(key), expected a number")
        }
        return number
    }

    /// Fields between commas; a field in double quotes may have commas in it.
    private static func fields(_ text: String) throws(WordError) -> [String] {
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var characters = text[...]
        while let character = characters.popFirst() {
            switch character {
            case "\"" where isQuoted && characters.first == "\"":
                characters = characters.dropFirst()
                field.append(character)
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                fields.append(field)
                field = ""
            default: field.append(character)
            }
        }
        if isQuoted { throw WordError("a quote is not closed") }
        return fields + [field]
    }
}

/// `64m`, `1g`, plain bytes.
enum ByteSize {
    static func parse(_ text: String) -> Int64? {
        let lower = text.lowercased()
        let digits = lower.prefix { $0.isASCII && $0.isNumber }
        guard let value = Int64(digits) else { return nil }
        let shift: Int64
        switch lower.dropFirst(digits.count) {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        case "t", "tb", "tib": shift = 40
        default: return nil
        }
        let (result, overflow) = value.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : result
    }
}
