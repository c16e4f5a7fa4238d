// Small parts of looking, each by a table: versions, commands, ports, variables, what their names say.
import Testing

@testable import BerthInit

@Suite("Init: words")
struct WordTests {
    @Test(
        "of the versions that a project allows, the usual one if it may be",
        arguments: [
            (">=3.9", "3.13", "3.13"), (">=3.11,<3.13", "3.13", "3.12"), ("^3.10", "3.13", "3.13"),
            ("~=3.11", "3.13", "3.13"), ("3.12.1", "3.13", "3.12"), ("==3.10.*", "3.13", "3.10"),
            ("python-3.11.9", "3.13", "3.11"), (">3.8, !=3.13", "3.13", "3.9"), ("<3.14", "3.13", "3.13"),
            ("<=3.11", "3.13", "3.11"), ("20", "24", "20"), ("v18.17.1", "24", "18"), ("^20 || ^22", "24", "22"),
            (">=18", "24", "24"), ("20.x", "24", "20"), (">=20 <23", "24", "22"), ("~22.3", "24", "22"),
            ("18 || >=20", "24", "24"),
        ])
    func versions(text: String, usual: String, expected: String) {
        #expect(VersionRange.choose(text, usual: usual) == expected)
    }

    @Test(
        "what is no version is none", arguments: ["", "lts/*", "node", "latest", "*", "<", "||", "9999999999999999999"])
    func noVersions(text: String) { #expect(VersionRange.choose(text, usual: "24") == nil) }

    @Test("a command is words where no shell is needed, else a shell that gives way")
    func commands() {
        #expect(ShellWords.command("gunicorn -b 0.0.0.0:80 'a b'") == ["gunicorn", "-b", "0.0.0.0:80", "a b"])
        #expect(ShellWords.command("app --port $PORT") == ["sh", "-c", "exec app --port $PORT"])
        #expect(ShellWords.command("a && b") == ["sh", "-c", "a && b"])
        #expect(ShellWords.command("X=1 a") == ["sh", "-c", "X=1 a"])
        #expect(ShellWords.command("a \"open") == ["sh", "-c", "exec a \"open"])
        #expect(ShellWords.split("") == nil && ShellWords.split("''") == [""])
    }

    @Test(
        "lines that say a port, and lines that only look so",
        arguments: [
            ("app.listen(3000)", 3000), ("const PORT = process.env.PORT || 4000", 4000),
            ("http.ListenAndServe(\":8080\", nil)", 8080), ("server.port=8081", 8081),
            ("app.run(host=\"0.0.0.0\", port=5001)", 5001), ("let serverPort = 7_070", 7070),
            ("import x from 'y' // 8080", nil), ("export const limit = 5000", nil), ("redis_port = 6379", nil),
            ("transport = 9999", nil), ("timeout = 3000", nil), ("DB_PORT = 5433", nil), ("port = 1.5000", nil),
            ("fetch('http://localhost:3000').listen(1)", nil), ("port = 99999", nil),
        ] as [(String, Int?)])
    func ports(line: String, expected: Int?) {
        let found = PortFinding.find(in: NumberedLine(number: 1, text: line[...]), path: "a")
        #expect(found.first?.port == expected)
    }

    @Test(
        "a command says its port itself",
        arguments: [
            (["uvicorn", "a:b", "--port", "9000"], 9000), (["gunicorn", "-b", "0.0.0.0:81", "a"], 81),
            (["next", "start", "-p", "3001"], 3001), (["x", "--port=70"], 70), (["x", "--port"], nil),
            (["x", "--port", "$PORT"], nil), (["x", "--port", "70000"], nil),
        ] as [([String], Int?)])
    func namedPorts(words: [String], expected: Int?) { #expect(PortFinding.named(in: words) == expected) }

    @Test(
        "uses of variables, with what is taken where there is none",
        arguments: [
            ("x = os.environ[\"A_B\"]", "A_B", nil), ("x = os.environ.get('AB', 'v')", "AB", "v"),
            ("os.getenv(\"AB\", default=\"v\")", "AB", "v"), ("a = process.env.AB || 'v';", "AB", "v"),
            ("a = process.env['AB'] ?? 12", "AB", "12"), ("os.Getenv(\"AB\")", "AB", nil),
            ("Environment.get(\"AB\") ?? \"v\"", "AB", "v"), ("url = env(\"AB\")", "AB", nil),
            ("System.getenv(\"AB\")", "AB", nil),
        ] as [(String, String, String?)])
    func variables(line: String, name: String, fallback: String?) {
        #expect(VariableUse.find(in: line[...], path: "a.py") == [VariableUse(name: name, fallback: fallback)])
    }

    @Test("no variables", arguments: ["process.env", "getenv(name)", "env('lower')", "getenv(\"", "process.env.é"])
    func noVariables(line: String) { #expect(VariableUse.find(in: line[...], path: "a.py").isEmpty) }

    @Test("settings of Spring have theirs in braces")
    func placeholders() {
        let found = VariableUse.find(in: "a=${AB:v}/${CD}", path: "application.properties")
        #expect(found == [VariableUse(name: "AB", fallback: "v"), VariableUse(name: "CD", fallback: nil)])
    }

    @Test("what names say")
    func names() throws {
        func says(_ name: String) -> String {
            guard let use = ConnectionVariable(name) else { return "nothing" }
            return "\(use.kind?.rawValue ?? "main") \(use.role)"
        }
        #expect(says("DATABASE_URL") == "main address" && says("DB_PASSWORD") == "main password")
        #expect(says("PGHOST") == "postgres host" && says("POSTGRES_DB") == "postgres name")
        #expect(says("REDIS_URL") == "redis address" && says("MONGODB_URI") == "mongo address")
        #expect(says("APP_DB_HOST") == "main host" && says("REDIS_TLS") == "redis other")
        #expect(says("SERVER_PORT") == "nothing" && says("HOST") == "nothing" && says("BASE_URL") == "nothing")
    }

    @Test("addresses keep what the project's example says of scheme, name and query, never its password")
    func addresses() {
        func text(_ kind: DatabaseKind, _ language: Language, _ example: String?) -> String? {
            ConnectionText(kind: kind, language: language, password: "P", name: "n", scheme: nil)
                .value(.address, example: example)
        }
        #expect(
            text(.postgres, .node, "postgres://u:secret@h/x?schema=public")
                == "postgres://app:P@db:5432/n?schema=public")
        #expect(text(.postgres, .go, nil) == "postgresql://app:P@db:5432/n?sslmode=disable")
        #expect(
            text(.postgres, .node, "postgres://h/x?sslmode=require") == "postgres://app:P@db:5432/n?sslmode=disable")
        #expect(text(.mysql, .go, "u:secret@tcp(h:3306)/x") == "app:P@tcp(db:3306)/n?parseTime=true")
        #expect(text(.redis, .node, "rediss://h:6379/3") == "redis://redis:6379/3")
        #expect(text(.mariadb, .java, nil) == "jdbc:mariadb://db:3306/n")
    }
}
