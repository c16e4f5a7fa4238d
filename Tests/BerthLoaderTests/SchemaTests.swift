// The editors' schema, the grammar and the examples agree.
import BerthModel
import Foundation
import Testing

@testable import BerthLoader

@Suite("Schema")
struct SchemaTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("the schema file is the grammar's own text")
    func file() throws {
        let url = SchemaTests.root.appendingPathComponent("schemas/stack.schema.json")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try SchemaDocument.text.write(to: url, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: url, encoding: .utf8) == SchemaDocument.text)
        #expect(
            (try JSONSerialization.jsonObject(with: Data(SchemaDocument.text.utf8)) as? [String: Any])?["definitions"]
                != nil)
    }

    @Test("every key of every map is described")
    func descriptions() throws {
        let document = try JSONSerialization.jsonObject(with: Data(SchemaDocument.text.utf8))
        func undescribed(_ value: Any, _ path: String) -> [String] {
            if let list = value as? [Any] { return list.flatMap { undescribed($0, path) } }
            guard let map = value as? [String: Any] else { return [] }
            let properties = map["properties"] as? [String: [String: Any]] ?? [:]
            let missing = properties.filter { ($0.value["description"] as? String ?? "").isEmpty }.map {
                "\(path).\($0.key)"
            }
            return missing + map.flatMap { undescribed($0.value, "\(path).\($0.key)") }
        }
        #expect(undescribed(document, "") == [])
    }

    @Test("what has no effect is a key of the grammar")
    func unsupportedKeys() {
        for key in UnsupportedKeys.service.keys { #expect(ServiceShape.root.field(key) != nil, "\(key)") }
    }

    @Test("every row of the tables stands at a place that the grammar knows")
    func rows() {
        func check(_ paths: [[String]], _ table: String) {
            for path in paths where !SchemaTests.knows(path[...]) {
                Issue.record("\(table): \(path.joined(separator: "."))")
            }
        }
        check(MergeRule.rules.paths, "merge rules")
        check(ItemIdentity.rules.paths, "item identities")
        check(CanonicalForm.rules.paths, "canonical forms")
        check(FieldType.rules.paths, "field types")
        check(Cast.rules.paths, "casts")
    }

    /// Whether a shape is at a path; `*` is any item or any key of the user's.
    static func knows(_ path: ArraySlice<String>, _ shape: Shape? = StackShape.root) -> Bool {
        guard let shape else { return false }
        guard let step = path.first else { return true }
        let rest = path.dropFirst()
        if step == "*" { return knows(rest, shape.items) || knows(rest, shape.members?.values) }
        return knows(rest, shape.field(step))
    }

    @Test("every example loads without a word", arguments: ["hello", "chain", "scaled", "materials", "demo"])
    func examples(name: String) throws {
        let directory = SchemaTests.root.appendingPathComponent("examples/\(name)")
        var files: [String: String] = [:]
        for file in ["compose.yaml", ".env"] {
            let text = try? String(contentsOf: directory.appendingPathComponent(file), encoding: .utf8)
            if let text { files["/home/demo/\(file)"] = text }
        }
        let text = try #require(files["/home/demo/compose.yaml"])
        let result = Loading.load(text, files: files)
        #expect(
            result.stack != nil && (result.diagnostics + result.hostDiagnostics).isEmpty,
            "\(result.diagnostics) \(result.hostDiagnostics)")
    }
}
