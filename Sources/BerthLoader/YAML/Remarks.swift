// What there is to say about the files of one load; a class, because every phase adds to the same list.
import BerthModel

final class Remarks {
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var hasErrors = false
    /// Files by the index that marks have, as the user sees their names.
    private(set) var files: [String] = []
    private static let countMax = 200
    private var places: Set<String> = []
    /// Where a file that was not given comes in, by its number.
    private var origins: [Int32: RelatedPlace] = [:]

    init() {}

    /// For a later phase on the same files.
    init(after other: Remarks) {
        files = other.files
        origins = other.origins
    }

    /// A file comes in by a place in another one; the first such place is remembered.
    func note(_ file: String, _ role: String, at mark: Mark) {
        guard !files.contains(file), let place = place(mark) else { return }
        origins[register(file)] = RelatedPlace(place, role)
    }

    func register(_ file: String) -> Int32 {
        if let index = files.firstIndex(of: file) { return Int32(index) }
        files.append(file)
        return Int32(files.count - 1)
    }

    func place(_ mark: Mark) -> SourcePlace? {
        guard mark.file >= 0 else { return nil }
        return SourcePlace(file: files[Int(mark.file)], line: Int(mark.line), column: Int(mark.column))
    }

    private func diagnostic(
        _ severity: Diagnostic.Severity, _ mark: Mark, _ path: String, _ message: String, _ suggestion: String?
    ) -> Diagnostic {
        var diagnostic = Diagnostic(severity, at: place(mark), path: path, message, suggestion: suggestion)
        diagnostic.related = origins[mark.file]
        return diagnostic
    }

    func error(_ mark: Mark, _ path: String = "", _ message: String, suggestion: String? = nil) {
        hasErrors = true
        // The first word on a value is enough.
        if !path.isEmpty, mark.file >= 0, !places.insert("\(mark.file):\(mark.line):\(mark.column):\(path)").inserted {
            return
        }
        add(diagnostic(.error, mark, path, message, suggestion))
    }

    func error(_ mark: Mark, _ path: TreePath, _ message: String, suggestion: String? = nil) {
        error(mark, path.description, message, suggestion: suggestion)
    }

    func warning(_ mark: Mark, _ path: String = "", _ message: String, suggestion: String? = nil) {
        add(diagnostic(.warning, mark, path, message, suggestion))
    }

    private func add(_ diagnostic: Diagnostic) {
        guard diagnostics.count < Remarks.countMax, !diagnostics.contains(diagnostic) else { return }
        diagnostics.append(diagnostic)
    }
}
