// What a variable's name says: which database it is about, and which part of the connection it holds.

struct ConnectionVariable: Equatable {
    enum Role: Equatable { case address, host, port, user, password, name, other }

    /// Nil: of the one that the project has.
    var kind: DatabaseKind?
    var role: Role

    private static let roles: [(String, Role)] = [
        ("URL", .address), ("URI", .address), ("DSN", .address), ("CONNECTION_STRING", .address), ("HOST", .host),
        ("HOSTNAME", .host), ("SERVER", .host), ("ADDR", .host), ("PORT", .port), ("USER", .user), ("USERNAME", .user),
        ("PASSWORD", .password), ("PASS", .password), ("PASSWD", .password), ("NAME", .name), ("DATABASE", .name),
        ("DB", .name), ("DBNAME", .name),
    ]
    private static let relational: Set<String> = ["DB", "DATABASE", "SQL", "SQLALCHEMY_DATABASE", "SPRING_DATASOURCE"]
    /// Names that say all by themselves, or something else than their parts do.
    private static let whole: [String: ConnectionVariable] = [
        "PGHOST": ConnectionVariable(.postgres, .host), "PGPORT": ConnectionVariable(.postgres, .port),
        "PGUSER": ConnectionVariable(.postgres, .user), "PGPASSWORD": ConnectionVariable(.postgres, .password),
        "PGDATABASE": ConnectionVariable(.postgres, .name),
    ]
    /// Addresses of whatever carries messages.
    static let brokers: Set<String> = ["CELERY_BROKER_URL", "CELERY_BROKER", "BROKER_URL", "CELERY_RESULT_BACKEND"]

    private init(_ kind: DatabaseKind?, _ role: Role) {
        self.kind = kind
        self.role = role
    }

    /// Nil: the name says nothing about a database.
    init?(_ name: String) {
        if let known = ConnectionVariable.whole[name] {
            self = known
            return
        }
        for (ending, role) in ConnectionVariable.roles where name.hasSuffix("_" + ending) {
            let prefix = String(name.dropLast(ending.count + 1))
            if let kind = ConnectionVariable.kind(prefix) {
                self.init(kind, role)
                return
            }
            let isRelational = ConnectionVariable.relational.contains { prefix == $0 || prefix.hasSuffix("_" + $0) }
            if isRelational {
                self.init(nil, role)
                return
            }
        }
        // `REDIS_TLS`, `POSTGRES_SSLMODE`: about one, but no part of an address.
        guard let kind = ConnectionVariable.kind(name.split(separator: "_").first.map(String.init) ?? "") else {
            return nil
        }
        self.init(kind, .other)
    }

    private static func kind(_ prefix: String) -> DatabaseKind? {
        DatabaseKind.allCases.first { kind in
            kind.variablePrefixes.contains { prefix == $0 || prefix == "APP_\($0)" || prefix == "\($0)_DB" }
        }
    }
}
