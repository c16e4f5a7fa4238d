// Values for the variables through which a project finds its databases.

struct ConnectionText {
    let kind: DatabaseKind
    let language: Language
    /// `${DB_PASSWORD:-development}`
    let password: String
    /// The database's name inside the server.
    let name: String
    /// How the project's packages want their addresses to begin, where that is not usual.
    let scheme: String?

    static let user = "app"

    private var port: Int { kind.port }

    /// - Parameter example: what the project's own example says, for its scheme, path and query.
    func value(_ role: ConnectionVariable.Role, example: String?) -> String? {
        switch role {
        case .address: address(example)
        case .host: example?.contains(":") == true ? "\(kind.service):\(port)" : kind.service
        case .port: "\(port)"
        case .user: hasLogin ? ConnectionText.user : nil
        case .password: hasLogin ? password : nil
        case .name: kind.isRelational || kind == .mongo ? name : nil
        case .other: nil
        }
    }

    private var hasLogin: Bool { kind != .redis && kind != .memcached }

    private func address(_ example: String?) -> String {
        let example = example ?? ""
        if kind == .mysql || kind == .mariadb, language == .go && !example.contains("://") {
            return "\(ConnectionText.user):\(password)@tcp(\(kind.service):\(port))/\(name)?parseTime=true"
        }
        var begin = scheme ?? kind.schemes[0]
        var query = ""
        if let mark = example.place(of: "://") {
            let own = String(example[..<mark.lowerBound])
            if AddressFinding.kind(ofScheme: own) == kind && own != "mongodb+srv" && own != "rediss" && own != "amqps" {
                begin = own
            }
            if let sign = example.firstIndex(of: "?") { query = String(example[sign...]) }
        } else if language == .java && kind.isRelational {
            begin = "jdbc:\(begin)"
        }
        // Nothing between two containers of a stack is encrypted.
        query = query.replacing("sslmode=require", with: "sslmode=disable")
        if query.isEmpty && kind == .postgres && language == .go { query = "?sslmode=disable" }
        if query.isEmpty && kind == .mongo { query = "?authSource=admin" }
        let place = "\(kind.service):\(port)"
        if begin.hasPrefix("jdbc:") { return "\(begin)://\(place)/\(name)\(query)" }
        switch kind {
        case .redis: return "\(begin)://\(place)/\(ConnectionText.redisNumber(example))"
        case .rabbitmq: return "\(begin)://\(ConnectionText.user):\(password)@\(place)/"
        case .memcached: return place
        default: return "\(begin)://\(ConnectionText.user):\(password)@\(place)/\(name)\(query)"
        }
    }

    /// The number at the end of an example's address.
    private static func redisNumber(_ example: String) -> String {
        guard let slash = example.lastIndex(of: "/"), example.contains("://") else { return "0" }
        let end = example[example.index(after: slash)...]
        return !end.isEmpty && end.count <= 2 && end.allSatisfy { $0.isASCII && $0.isNumber } ? String(end) : "0"
    }

    /// The path of an address, where it is a name that any server takes.
    static func name(inAddress text: String) -> String? {
        guard let mark = text.place(of: "://") else { return nil }
        let rest = text[mark.upperBound...].prefix { $0 != "?" && $0 != "#" }
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        return plainName(String(rest[rest.index(after: slash)...]))
    }

    static func plainName(_ text: String) -> String? {
        guard !text.isEmpty, text.count <= 40, text.first?.isNumber == false else { return nil }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } ? text : nil
    }
}
