// Remarks about files as a person, and as an editor, sees them.
import BerthModel
import Testing

@testable import berth

@Suite("Diagnostics")
struct DiagnosticViewTests {
    static let remark = Diagnostic(
        .error, at: SourcePlace(file: "compose.yaml", line: 2, column: 5), path: "services.web.prots",
        "unknown key \"prots\"", suggestion: "did you mean \"ports\"?")

    @Test("the source line stands below, with a caret at the column")
    func caret() {
        let view = DiagnosticView(colours: false) { $0 == "compose.yaml" ? ["web:", "    prots: [80]"] : nil }
        #expect(
            view.text(Self.remark, showsSource: true) == """
                error: compose.yaml:2:5: services.web.prots: unknown key "prots"; did you mean "ports"?
                  2 |     prots: [80]
                    |     ^
                """)
        #expect(view.text(Self.remark, showsSource: false).contains("\n") == false)
    }

    @Test("a line that is gone, and control characters in it, do no harm")
    func hostile() {
        let gone = DiagnosticView(colours: false) { _ in nil }
        #expect(gone.text(Self.remark, showsSource: true).contains("\n") == false)
        let view = DiagnosticView(colours: false) { _ in ["", "\u{1B}[2J\tx"] }
        #expect(!view.text(Self.remark, showsSource: true).contains("\u{1B}"))
        let long = DiagnosticView(colours: false) { _ in ["", String(repeating: "x", count: 5000)] }
        #expect(long.text(Self.remark, showsSource: true).count < 400)
    }

    @Test("editors get JSON")
    func json() {
        #expect(
            DiagnosticView.json([Self.remark])
                == #"[{"severity":"error","file":"compose.yaml","line":2,"column":5,"path":"services.web.prots","#
                + #""message":"unknown key \"prots\"","suggestion":"did you mean \"ports\"?"}]"# + "\n")
    }

    @Test("global options are read wherever they stand before the command, and mistakes are said")
    func globalOptions() throws {
        let (global, rest) = try GlobalOptions.split([
            "--profile=a", "--profile", "b", "--all-resources", "--ansi", "never", "config",
        ])
        #expect(global.profile == ["a", "b"] && global.allResources && global.ansi == "never" && rest == ["config"])
        for wrong in [["-f"], ["--ansi", "loud", "ps"], ["--parallel", "many", "ps"]] {
            #expect(throws: (any Error).self) { try GlobalOptions.split(wrong) }
        }
    }
}
