// The command line's own logic: where options stand, what is refused, how things are worded.
import ArgumentParser
import BerthControl
import BerthModel
import Testing

@testable import berth

@Suite("Command line")
struct CommandLineTests {
    @Test("global options stand before the subcommand; words behind exec stay with it")
    func split() throws {
        let (global, rest) = try GlobalOptions.split([
            "-p", "demo", "-f", "a.yaml", "--file=b.yaml", "up", "-d", "--dry-run",
        ])
        #expect(global.projectName == "demo" && global.files == ["a.yaml", "b.yaml"] && global.dryRun)
        #expect(rest == ["up", "-d"])
        let (other, words) = try GlobalOptions.split(["exec", "web", "tool", "--dry-run", "-p", "x"])
        #expect(!other.dryRun && other.projectName == nil && words == ["exec", "web", "tool", "--dry-run", "-p", "x"])
    }

    @Test(
        "combinations that docker compose refuses",
        arguments: [
            ["--force-recreate", "--no-recreate"], ["-d", "--exit-code-from", "web"],
            ["--wait", "--abort-on-container-exit"],
            ["-d", "--attach", "web"], ["--scale", "web"], ["--scale", "web=-1"],
        ])
    func conflicts(arguments: [String]) { #expect(throws: (any Error).self) { try Up.parse(arguments) } }

    @Test("exec keeps the program's own options")
    func exec() throws {
        let exec = try Exec.parse(["-T", "-u", "root", "web", "ls", "-l", "--color"])
        #expect(exec.service == "web" && exec.command == ["ls", "-l", "--color"] && exec.user == "root" && exec.noTTY)
    }

    @Test(
        "templates",
        arguments: [
            ("{{.Name}}", "n"), ("{{.Name}} is {{.State}}", "n is up"), ("{{json .Name}}", "\"n\""),
            ("{{range .List}}<{{.}}>{{end}}", "<a><b>"), ("{{range .None}}x{{else}}no{{end}}", "no"),
            ("{{range .List}}{{$.Name}}{{.}} {{end}}", "na nb "), ("{{join .List \", \"}}", "a, b"),
            ("{{.List}}", "[a b]"), ("{{len .List}}", "2"), ("{{index .List 1}}", "b"),
            ("{{if .None}}x{{else}}{{upper .Name}}{{end}}", "N"), ("{{.Name | upper | json}}", "\"N\""),
            ("{{.Deep.Labels.a}} {{.Deep.Labels.z}}", "1 <no value>"), ("{{index .Deep.Labels \"a\"}}", "1"),
            ("{{with .Deep}}{{json .Labels}}{{end}}", "{\"a\":\"1\"}"), ("a {{- .Name -}} b", "anb"),
            ("{{/* nothing */}}{{.Name}}\\t{{.State}}", "n\tup"), ("{{if eq .Name \"n\"}}yes{{end}}", "yes"),
            ("{{json .}}", #"{"Name":"n","State":"up","List":["a","b"],"None":[],"Deep":{"Labels":{"a":"1"}}}"#),
            ("{{println .Name}}", "n\n"), ("plain", "plain"), ("{{not .None}}", "true"),
        ])
    func templates(source: String, expected: String) throws {
        #expect(try TemplateText(source).render(CommandLineTests.fields) == expected)
    }

    private static let fields: [(String, JSONText)] = [
        ("Name", .string("n")), ("State", .string("up")), ("List", .array([.string("a"), .string("b")])),
        ("None", .array([])), ("Deep", .object([("Labels", .object([("a", .string("1"))]))])),
    ]

    @Test(
        "templates that mean nothing are refused, and never trap",
        arguments: [
            "{{.Nope}}", "{{range .}}", "{{end}}", "{{", "{{}}", "{{.Name", "{{json}}", "{{nope .}}",
            "{{range .Name}}{{end}}",
            "{{.Name.Deep}}", "{{|}}", "{{.Name |}}", "{{\"}}", "{{if .Name}}{{else if .State}}{{end}}",
            "{{index .List 9}}",
            "{{index .List -1}}", "{{join .Name \",\"}}", String(repeating: "{{if .Name}}", count: 10_000),
        ])
    func badTemplates(source: String) {
        #expect(throws: BerthError.self) { try TemplateText(source).render(CommandLineTests.fields) }
    }

    @Test("a table has titles above columns")
    func tables() throws {
        let rows: [[(String, JSONText)]] = [
            [("ID", .string("1")), ("Name", .string("long name"))], [("ID", .string("22")), ("Name", .string("x"))],
        ]
        let lines = try TemplateText("table {{.Name}}\\t{{.ID}}").lines(rows, titles: ["ID": "IMAGE ID"])
        #expect(lines == ["NAME        IMAGE ID\nlong name   1\nx           22"])
    }

    @Test(
        "ages in docker's words",
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (7200, "2 hours"),
        ])
    func ages(seconds: Int, words: String) { #expect(ContainerText.age(.seconds(seconds)) == words) }

    @Test("control characters of containers do not reach the terminal")
    func sanitised() {
        #expect(Console.safe("a\u{1B}]0;x\u{7}\r\nb") == "a\\x1b]0;x\\x07\\x0d\\x0ab")
    }
}
