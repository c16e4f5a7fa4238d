// The variables of the project's service: where its databases are, and what else it reads.

struct ServiceVariables {
    struct Row: Equatable {
        var name: String
        /// Nil: from the shell or `.env` of whoever starts the stack, if it is set there.
        var value: String?
    }

    private static let variablesMax = 40
    /// Set by others, or by the image.
    private static let foreign: Set<String> = [
        "PATH", "HOME", "USER", "PWD", "SHELL", "LANG", "TZ", "HOSTNAME", "TERM", "TMPDIR", "NODE_ENV", "CI",
        "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "NEXT_RUNTIME", "npm_package_version",
    ]

    private(set) var rows: [Row] = []
    /// Names that were not found in the code, and are set all the same.
    private(set) var unasked: [String] = []
    private let findings: ProjectFindings

    init(_ findings: ProjectFindings) {
        self.findings = findings
        var served: Set<DatabaseKind> = []
        for variable in findings.variables.prefix(ServiceVariables.variablesMax) {
            if ServiceVariables.foreign.contains(variable.name) || rows.contains(where: { $0.name == variable.name }) {
                continue
            }
            rows.append(Row(name: variable.name, value: value(of: variable, &served)))
        }
        for kind in findings.databases.map(\.kind) where !served.contains(kind) { addUsual(kind) }
    }

    // MARK: Databases

    private func value(of variable: VariableFinding, _ served: inout Set<DatabaseKind>) -> String? {
        let example = variable.example
        // An address says by itself which database it is of.
        let named = example?.place(of: "://").flatMap { mark in
            AddressFinding.kind(ofScheme: String((example ?? "")[..<mark.lowerBound]))
        }
        let isBroker = ConnectionVariable.brokers.contains(variable.name)
        let broker = isBroker ? [DatabaseKind.rabbitmq, .redis].first(where: has) : nil
        let use = ConnectionVariable(variable.name)
        if let kind = named ?? broker ?? use?.kind ?? (use == nil ? nil : mainDatabase), has(kind) {
            let role = named == nil && broker == nil ? use?.role ?? .other : .address
            let text = connection(kind).value(role, example: example)
            if text != nil && (role == .address || role == .host) { served.insert(kind) }
            if let text { return text }
        }
        return other(variable)
    }

    private func has(_ kind: DatabaseKind) -> Bool { findings.databases.contains { $0.kind == kind } }

    /// What `DB_…` and `DATABASE_…` mean.
    private var mainDatabase: DatabaseKind? {
        let kinds = findings.databases.map(\.kind)
        return kinds.first(where: \.isRelational) ?? (kinds.count == 1 ? kinds[0] : nil)
    }

    func connection(_ kind: DatabaseKind) -> ConnectionText {
        ConnectionText(
            kind: kind, language: findings.language.value, password: "${\(passwordName(kind)):-development}",
            name: databaseName(kind), scheme: scheme(kind))
    }

    /// The variable that holds the password: the project's own, where it has one.
    func passwordName(_ kind: DatabaseKind) -> String {
        let own = findings.variables.first { variable in
            guard let use = ConnectionVariable(variable.name), use.role == .password else { return false }
            return use.kind == kind || use.kind == nil && mainDatabase == kind
        }
        return own?.name ?? (kind.isRelational ? "DB_PASSWORD" : "\(kind.rawValue.uppercased())_PASSWORD")
    }

    func databaseName(_ kind: DatabaseKind) -> String {
        for variable in findings.variables {
            guard let example = variable.example, let use = ConnectionVariable(variable.name),
                use.kind == kind || use.kind == nil && mainDatabase == kind
            else { continue }
            let name =
                use.role == .name
                ? ConnectionText.plainName(example)
                : use.role == .address ? ConnectionText.name(inAddress: example) : nil
            if let name { return name }
        }
        return "app"
    }

    /// SQLAlchemy takes its driver from the address.
    private func scheme(_ kind: DatabaseKind) -> String? {
        guard findings.language.value == .python else { return nil }
        let words = findings.databases.first { $0.kind == kind }?.evidence.map(\.words) ?? []
        func asks(_ name: String) -> Bool { words.contains { $0.lowercased().hasPrefix(name) } }
        guard findings.usesSQLAlchemy else { return nil }
        if kind == .postgres && asks("asyncpg") { return "postgresql+asyncpg" }
        if kind == .postgres && asks("psycopg") && !asks("psycopg2") { return "postgresql+psycopg" }
        if kind == .mysql && asks("pymysql") { return "mysql+pymysql" }
        return nil
    }

    /// The code names no variable: the one that people expect, or the framework's own.
    private mutating func addUsual(_ kind: DatabaseKind) {
        let connection = connection(kind)
        if findings.framework?.value == "Spring Boot" {
            rows += ServiceVariables.spring(kind, connection)
            return
        }
        let name = kind.usualVariable
        if rows.contains(where: { $0.name == name && $0.value != nil }) { return }
        rows.removeAll { $0.name == name }
        rows.append(Row(name: name, value: connection.value(name.hasSuffix("HOST") ? .host : .address, example: nil)))
        unasked.append(name)
    }

    /// Spring reads its settings from variables without being told so.
    private static func spring(_ kind: DatabaseKind, _ connection: ConnectionText) -> [Row] {
        func row(_ name: String, _ role: ConnectionVariable.Role) -> Row {
            Row(name: name, value: connection.value(role, example: nil))
        }
        switch kind {
        case .postgres, .mysql, .mariadb:
            return [
                row("SPRING_DATASOURCE_URL", .address), row("SPRING_DATASOURCE_USERNAME", .user),
                row("SPRING_DATASOURCE_PASSWORD", .password),
            ]
        case .redis: return [row("SPRING_DATA_REDIS_HOST", .host)]
        case .mongo: return [row("SPRING_DATA_MONGODB_URI", .address)]
        case .rabbitmq:
            return [
                row("SPRING_RABBITMQ_HOST", .host), row("SPRING_RABBITMQ_USERNAME", .user),
                row("SPRING_RABBITMQ_PASSWORD", .password),
            ]
        case .memcached: return [row("MEMCACHED_HOST", .host)]
        }
    }

    // MARK: Everything else

    private static let ownSecrets: Set<String> = [
        "SECRET_KEY", "SECRET", "APP_SECRET", "APP_KEY", "JWT_SECRET", "SESSION_SECRET", "DJANGO_SECRET_KEY",
        "COOKIE_SECRET", "SECRET_KEY_BASE", "NEXTAUTH_SECRET", "AUTH_SECRET",
    ]
    private static let secretWords: Set<String> = [
        "KEY", "SECRET", "TOKEN", "PASSWORD", "PASS", "PASSWD", "CREDENTIALS", "DSN",
    ]

    private func other(_ variable: VariableFinding) -> String? {
        let name = variable.name
        if name == "PORT" { return findings.port.map { "\($0.value)" } }
        if ["HOST", "BIND", "LISTEN_HOST"].contains(name) { return "0.0.0.0" }
        // Any value will do for what only the project itself checks.
        if ServiceVariables.ownSecrets.contains(name) { return "${\(name):-development}" }
        let parts = Set(name.split(separator: "_").map(String.init))
        guard parts.isDisjoint(with: ServiceVariables.secretWords), let example = variable.example, !example.isEmpty,
            example.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && !"${}\\\"'".utf8.contains($0) })
        else { return nil }
        return "${\(name):-\(example)}"
    }
}
