// `compose.yaml`: the project's service, its other programs, the databases with volumes and health checks.
import BerthModel

struct ComposeText {
    private let findings: ProjectFindings
    private let variables: ServiceVariables

    init(_ findings: ProjectFindings) {
        self.findings = findings
        variables = ServiceVariables(findings)
    }

    static let serviceName = "web"

    var text: String {
        var text = "# Made by berth init, yours from here on. "
        text += "`berth up --build` builds the image and starts everything.\n"
        if usesPasswords {
            text += "# Passwords are for development: "
            text += "`${NAME:-development}` takes NAME from your shell or from .env first.\n"
        }
        text += "services:\n" + main
        for process in processes { text += "\n" + service(process) }
        for database in databases { text += "\n" + service(database) }
        let volumes = databases.filter { $0.volumePath != nil }.map { "  \($0.service)-data:\n" }
        if !volumes.isEmpty { text += "\nvolumes:\n" + volumes.joined() }
        return text
    }

    private var databases: [DatabaseKind] { findings.databases.map(\.kind) }
    private var usesPasswords: Bool {
        variables.rows.contains { $0.value?.contains(":-development}") == true }
            || databases.contains { $0 != .redis && $0 != .memcached }
    }

    /// Without those whose names are taken.
    private var processes: [ProjectProcess] {
        var taken = Set(databases.map(\.service) + [ComposeText.serviceName])
        return findings.processes.filter { taken.insert($0.name).inserted }
    }

    // MARK: The project's own services

    private var main: String {
        var text = "  \(ComposeText.serviceName):\n    build: .\n    init: true\n"
        if let port = findings.port?.value {
            // What only the administrator may listen on, another port stands for.
            text += "    ports:\n      - \"\(port < 1024 ? port + 8000 : port):\(port)\"\n"
        }
        text += environment(isShared: !processes.isEmpty)
        return text + dependencies(for: nil) + "    restart: unless-stopped\n"
    }

    private func environment(isShared: Bool) -> String {
        if variables.rows.isEmpty { return "" }
        let lines = variables.rows.map { row in
            "      \(row.name):" + (row.value.map { " " + ComposeText.scalar($0) } ?? "") + "\n"
        }
        return "    environment:\(isShared ? " &environment" : "")\n" + lines.joined()
    }

    private func service(_ process: ProjectProcess) -> String {
        var text = "  \(process.name):\n    build: .\n    init: true\n"
        // A dollar is compose's own sign.
        let words = process.command.map { $0.replacing("$", with: "$$") }
        text += "    command: \(DockerfileText.array(words))\n"
        if !variables.rows.isEmpty { text += "    environment: *environment\n" }
        text += "    healthcheck:\n      disable: true\n" + dependencies(for: process)
        return text + (process.kind == .job ? "" : "    restart: unless-stopped\n")
    }

    /// Databases first; everything but a job waits for the jobs.
    private func dependencies(for process: ProjectProcess?) -> String {
        var rows = databases.map { ($0.service, "service_healthy") }
        if process?.kind != .job {
            rows += processes.filter { $0.kind == .job }.map { ($0.name, "service_completed_successfully") }
        }
        if rows.isEmpty { return "" }
        return "    depends_on:\n"
            + rows.map { "      \($0.0):\n        condition: \($0.1)\n" }.joined()
    }

    // MARK: Databases

    private func service(_ kind: DatabaseKind) -> String {
        var text = "  \(kind.service):\n    image: \(kind.image)\n"
        let settings = settings(kind)
        if !settings.isEmpty {
            text += "    environment:\n"
            text += settings.map { "      \($0.0): \(ComposeText.scalar($0.1))\n" }.joined()
        }
        if let path = kind.volumePath { text += "    volumes:\n      - \(kind.service)-data:\(path)\n" }
        text += "    healthcheck:\n      test: \(DockerfileText.array(test(kind)))\n"
        text += "      interval: 5s\n      timeout: 5s\n      retries: 12\n"
        return text + "    restart: unless-stopped\n"
    }

    private func settings(_ kind: DatabaseKind) -> [(String, String)] {
        let connection = variables.connection(kind)
        let user = ConnectionText.user
        switch kind {
        case .postgres:
            return [
                ("POSTGRES_USER", user), ("POSTGRES_PASSWORD", connection.password), ("POSTGRES_DB", connection.name),
            ]
        case .mysql, .mariadb:
            let prefix = kind == .mysql ? "MYSQL" : "MARIADB"
            return [
                ("\(prefix)_USER", user), ("\(prefix)_PASSWORD", connection.password),
                ("\(prefix)_DATABASE", connection.name), ("\(prefix)_RANDOM_ROOT_PASSWORD", "yes"),
            ]
        case .mongo:
            return [("MONGO_INITDB_ROOT_USERNAME", user), ("MONGO_INITDB_ROOT_PASSWORD", connection.password)]
        case .rabbitmq: return [("RABBITMQ_DEFAULT_USER", user), ("RABBITMQ_DEFAULT_PASS", connection.password)]
        case .redis, .memcached: return []
        }
    }

    private func test(_ kind: DatabaseKind) -> [String] {
        switch kind {
        case .postgres:
            // By TCP: during its first start the server listens on a socket alone.
            ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", ConnectionText.user, "-d", variables.databaseName(kind)]
        case .mysql:
            ["CMD-SHELL", "mysqladmin ping -h 127.0.0.1 -u \"$$MYSQL_USER\" -p\"$$MYSQL_PASSWORD\" --silent"]
        case .mariadb: ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]
        case .redis: ["CMD", "redis-cli", "ping"]
        case .mongo: ["CMD", "mongosh", "--quiet", "--eval", "db.adminCommand('ping').ok"]
        case .rabbitmq: ["CMD", "rabbitmq-diagnostics", "-q", "check_port_connectivity"]
        case .memcached: ["CMD-SHELL", "echo version | nc -w 1 127.0.0.1 11211"]
        }
    }

    /// Quoted: a value of the environment is a text, whatever it looks like.
    static func scalar(_ text: String) -> String { JSONString.quoted(text) }
}
