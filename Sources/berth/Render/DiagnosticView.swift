// Remarks about the user's files: a line each, with the source line and a caret on a terminal, or JSON for editors.
import BerthLoader
import BerthModel

struct DiagnosticView {
    let colours: Bool
    /// The lines of a file as the diagnostics name it; nil where it cannot be read.
    let lines: (String) -> [String]?

    func text(_ diagnostic: Diagnostic, showsSource: Bool) -> String {
        let word = diagnostic.severity == .error ? paint("error:", 31) : paint("warning:", 33)
        var text = "\(word) \(Console.safe("\(diagnostic)"))"
        guard showsSource, let place = diagnostic.place, let all = lines(place.file), place.line >= 1,
            place.line <= all.count
        else { return text }
        let source = Console.safe(all[place.line - 1].replacing("\t", with: " "))
        let number = String(place.line)
        let margin = String(repeating: " ", count: number.count)
        // Long lines are cut around the place.
        let begin = max(0, place.column - 60)
        let shown = source.dropFirst(begin).prefix(100)
        let caret = String(repeating: " ", count: max(0, place.column - 1 - begin))
        text += "\n  \(paint("\(number) |", 2)) \(shown)\n  \(paint("\(margin) |", 2)) \(caret)\(paint("^", 31))"
        return text
    }

    private func paint(_ text: String, _ code: Int) -> String { colours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

    /// An array of objects; positions count from 1, as editors show them.
    static func json(_ diagnostics: [Diagnostic]) -> String {
        JSONText.array(
            diagnostics.map { diagnostic in
                var fields: [(String, JSONText)] = [("severity", .string(diagnostic.severity.rawValue))]
                if let place = diagnostic.place {
                    fields += [
                        ("file", .string(place.file)), ("line", .number(Int64(place.line))),
                        ("column", .number(Int64(place.column))),
                    ]
                }
                fields += [("path", .string(diagnostic.path)), ("message", .string(diagnostic.message))]
                if let suggestion = diagnostic.suggestion { fields.append(("suggestion", .string(suggestion))) }
                if let related = diagnostic.related {
                    let place = related.place
                    fields.append(
                        (
                            "related",
                            .object([
                                ("role", .string(related.role)), ("file", .string(place.file)),
                                ("line", .number(Int64(place.line))), ("column", .number(Int64(place.column))),
                            ])
                        ))
                }
                return .object(fields)
            }
        ).text + "\n"
    }
}
