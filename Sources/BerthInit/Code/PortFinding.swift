// Lines that say which port the project listens on.

struct PortFinding {
    var port: Int
    /// 0: said outright; 1: in a call that listens; 2: in a line about a port.
    var rank: Int
    var evidence: Evidence
    var depth: Int { ProjectPath.depth(evidence.path ?? "") }

    private static let listening = [
        ".listen(", "ListenAndServe", "net.Listen(", "HTTPServer((", "TCPServer((", "make_server(", "uvicorn.run(",
        "run_app(", ".run(", "serve(", "server.port", "hostname(", "setPort(", "HttpServer.create(",
        "InetSocketAddress(", ".start(",
    ]
    /// Lines about other people's ports.
    private static let foreign = [
        "postgres", "mysql", "mariadb", "redis", "mongo", "amqp", "rabbit", "smtp", "mail", "memcache", "kafka",
        "elastic", "proxy", "database", "db_", "db.", "debug", "origin", "cors", "://",
    ]
    private static let foreignPorts: Set<Int> = [5432, 3306, 6379, 27017, 5672, 11211, 9092, 9200, 15672]

    static func isPort(_ number: Int) -> Bool {
        (1_000...65_535).contains(number) && !foreignPorts.contains(number) || number == 80
    }

    static func find(in line: NumberedLine, path: String) -> [PortFinding] {
        let lower = line.text.lowercased()
        if lower.contains(anyOf: foreign) { return [] }
        let call = listening.first { line.text.place(of: $0) != nil }
        guard call != nil || namesPort(line.text) else { return [] }
        let start = call.flatMap { line.text.place(of: $0)?.upperBound } ?? line.text.startIndex
        guard let port = numbers(line.text[start...]).first(where: isPort) else { return [] }
        return [PortFinding(port: port, rank: call == nil ? 2 : 1, evidence: .seen(path, line.number, line.text))]
    }

    /// `port` as a word or as a part of a name: `PORT`, `serverPort`, `server_port`; not `import` or `export`.
    private static func namesPort(_ line: Substring) -> Bool {
        for word in ["port", "PORT", "Port"] {
            var rest = line
            while let found = rest.place(of: word) {
                let before = found.lowerBound > line.startIndex ? line[line.index(before: found.lowerBound)] : " "
                let after = found.upperBound < line.endIndex ? line[found.upperBound] : " "
                let begins = word == "Port" ? !before.isUppercase : !before.isLetter
                if begins && !after.isLetter { return true }
                rest = rest[found.upperBound...]
            }
        }
        return false
    }

    /// Numbers that stand by themselves.
    static func numbers(_ text: Substring) -> [Int] {
        var numbers: [Int] = []
        var rest = text
        var before: Character = " "
        while let character = rest.first {
            guard character.isASCII, character.isNumber else {
                before = character
                rest = rest.dropFirst()
                continue
            }
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == "_") }
            rest = rest.dropFirst(digits.count)
            let after = rest.first ?? " "
            let isAlone = !(before.isLetter || before == "_" || before == "." || after.isLetter || after == ".")
            if isAlone, digits.count <= 6, let number = Int(digits.filter { $0 != "_" }) { numbers.append(number) }
            before = digits.last ?? " "
        }
        return numbers
    }

    private static let waiting = [
        ".listen(", "ListenAndServe", "net.Listen(", "HTTPServer((", "TCPServer((", "make_server(", "uvicorn.run(",
        "run_app(", "HttpServer.create(", "Bun.serve(", "Deno.serve(",
    ]

    static func isListening(_ line: Substring) -> Bool { line.contains(anyOf: waiting) }

    /// True for a line that listens on the container's own loopback, which nobody else reaches.
    static func isLoopback(_ line: Substring) -> Bool {
        guard line.contains(anyOf: listening) else { return false }
        return line.contains(anyOf: ["\"127.0.0.1", "'127.0.0.1", "\"localhost\"", "'localhost'", "\"localhost:"])
            && line.place(of: "://") == nil
    }

    /// The port that a command names: `--port 3000`, `-b 0.0.0.0:8000`.
    static func named(in command: [String]) -> Int? {
        let flags: Set<String> = ["--port", "-p", "--bind", "-b", "-l", "--listen", "--server.port"]
        for (index, word) in command.enumerated() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            var value: String?
            if flags.contains(word), index + 1 < command.count { value = command[index + 1] }
            if parts.count == 2, flags.contains(parts[0]) { value = parts[1] }
            // `manage.py runserver 0.0.0.0:8000`
            if word.hasPrefix("0.0.0.0:") { value = word }
            if let number = value?.split(separator: ":").last.flatMap({ Int($0) }), (1...65_535).contains(number) {
                return number
            }
        }
        return nil
    }
}

/// A path that answers when all is well, as people name it.
enum HealthPath {
    private static let names: Set<String> = [
        "/health", "/healthz", "/healthcheck", "/livez", "/readyz", "/ready", "/status", "/up", "/api/health",
        "/api/healthz", "/_health", "/ping",
    ]
    private static let routes = ["get", "route", "handle", "path", "mapping", "url", "==", "case", "on("]

    static func find(in line: NumberedLine, path: String) -> Finding<String>? {
        guard line.text.contains("/") else { return nil }
        for text in QuotedText.all(in: line.text) {
            var name = String(text)
            // Go's patterns begin with a method; Swift's and Django's routes have no slash.
            if name.hasPrefix("GET ") { name = String(name.dropFirst(4)) }
            guard names.contains(name) || names.contains("/" + name) && name.hasSuffix("z") else { continue }
            let lower = line.text.lowercased()
            guard lower.contains(anyOf: routes), lower.place(of: "fetch(") == nil else { continue }
            return Finding(name.hasPrefix("/") ? name : "/" + name, .seen(path, line.number, line.text))
        }
        return nil
    }
}
