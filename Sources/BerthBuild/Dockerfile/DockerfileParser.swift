// Text to a `Dockerfile`, with all that is wrong in it: never just the first mistake.
import BerthModel

package enum DockerfileParser {
    /// A Dockerfile larger than this is something else.
    private static let bytesMax = 1 << 20

    /// Nil where there are errors among the diagnostics.
    package static func parse(_ text: String, file: String) -> (dockerfile: Dockerfile?, diagnostics: [Diagnostic]) {
        guard text.utf8.count <= bytesMax else {
            let place = SourcePlace(file: file, line: 1, column: 1)
            return (nil, [Diagnostic(.error, at: place, "larger than \(bytesMax) bytes")])
        }
        let lines = DockerfileLines(text, file: file)
        var result = Dockerfile()
        result.directives = lines.directives
        var diagnostics = lines.diagnostics
        for line in lines.instructions {
            let place = SourcePlace(file: file, line: line.firstLine, column: line.column)
            do {
                let reader = InstructionReader(line, escape: lines.directives.escape, place: place)
                try take(reader, into: &result)
            } catch {
                diagnostics.append(error.diagnostic)
            }
        }
        if lines.instructions.isEmpty && diagnostics.isEmpty {
            let place = SourcePlace(file: file, line: 1, column: 1)
            diagnostics.append(Diagnostic(.error, at: place, "file with no instructions"))
        } else if result.stages.isEmpty, !diagnostics.contains(where: { $0.severity == .error }) {
            let place = SourcePlace(file: file, line: lines.instructions.last?.firstLine ?? 1, column: 1)
            diagnostics.append(
                Diagnostic(.error, at: place, "dockerfile contains no stages to build", suggestion: "begin with FROM"))
        }
        diagnostics.sort { DockerfileParser.order($0) < DockerfileParser.order($1) }
        let isWrong = diagnostics.contains { $0.severity == .error }
        return (isWrong ? nil : result, diagnostics)
    }

    private static func order(_ diagnostic: Diagnostic) -> (Int, Int, String) {
        (diagnostic.place?.line ?? 0, diagnostic.place?.column ?? 0, diagnostic.message)
    }

    /// Bytes that are no UTF-8 are replaced.
    package static func parse(_ bytes: [UInt8], file: String) -> (dockerfile: Dockerfile?, diagnostics: [Diagnostic]) {
        parse(String(decoding: bytes, as: UTF8.self), file: file)
    }

    /// One instruction that is kept as text (`ONBUILD`).
    package static func parseInstruction(
        _ raw: String, escape: Character, place: SourcePlace
    ) throws(DockerfileError) -> Instruction {
        let lines = DockerfileLines(raw, file: place.file, escape: escape)
        if let error = lines.diagnostics.first(where: { $0.severity == .error }) {
            throw DockerfileError(place, error.message, suggestion: error.suggestion)
        }
        guard var line = lines.instructions.first, lines.instructions.count == 1 else {
            throw DockerfileError(place, "expected one instruction, found \"\(raw)\"")
        }
        line.lastLine = place.line
        line.firstLine = place.line
        let reader = InstructionReader(line, escape: escape, place: place)
        guard let instruction = try reader.instruction() else {
            throw DockerfileError(place, "FROM isn't allowed here")
        }
        return instruction
    }

    private static func take(_ reader: InstructionReader, into result: inout Dockerfile) throws(DockerfileError) {
        guard let instruction = try reader.instruction() else {
            let number = result.stages.count
            do { result.stages.append(try reader.stage(number: number)) } catch {
                // What follows has its stage all the same, and is judged by itself.
                result.stages.append(
                    DockerfileStage(
                        number: number, name: nil, base: "", platform: nil, place: error.place, source: reader.source))
                throw error
            }
            return
        }
        if !result.stages.isEmpty {
            result.stages[result.stages.count - 1].instructions.append(instruction)
        } else if case .arg = instruction.kind {
            result.globalArguments.append(instruction)
        } else {
            throw DockerfileError(
                instruction.place, "no build stage in current context: only ARG may stand before FROM",
                suggestion: "begin with FROM")
        }
    }
}

/// What is wrong with one instruction.
package struct DockerfileError: Error, Equatable, CustomStringConvertible {
    package var place: SourcePlace
    package var message: String
    package var suggestion: String?

    init(_ place: SourcePlace, _ message: String, suggestion: String? = nil) {
        self.place = place
        // A file that is no Dockerfile may have anything in its words.
        self.message = String(message.prefix(400))
        self.suggestion = suggestion
    }

    var diagnostic: Diagnostic { Diagnostic(.error, at: place, message, suggestion: suggestion) }
    package var description: String { "\(diagnostic)" }
}
