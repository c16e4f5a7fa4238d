// The editors' schema, the decoder and the examples agree.
import BerthModel
import Foundation
import Testing

@testable import BerthLoader

@Suite("Schema")
struct SchemaTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The names that the schema knows at a definition.
    static func keys(_ path: [String]) throws -> Set<String> {
        let data = try Data(contentsOf: root.appendingPathComponent("schemas/stack.schema.json"))
        var node = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for part in path { node = try #require(node[part] as? [String: Any], "\(path)") }
        return Set(node.keys)
    }

    @Test("the schema knows exactly the service keys that the decoder knows")
    func serviceKeys() throws {
        #expect(try SchemaTests.keys(["$defs", "service", "properties"]) == ServiceKeys.all)
    }

    @Test(
        "a key that the schema does not know is one that the decoder refuses",
        arguments: [
            ("network", "networks: {n: {KEY: }}"), ("volume", "volumes: {n: {KEY: }}"), ("secret", "secrets: {n: {KEY: , file: f}}"),
            ("config", "configs: {n: {KEY: , file: f}}"),
        ])
    func otherKeys(definition: String, text: String) throws {
        for key in try SchemaTests.keys(["$defs", definition, "properties"]) {
            let result = Loading.load("services: {a: {image: x}}\n" + text.replacingOccurrences(of: "KEY", with: key))
            #expect(!result.diagnostics.contains { $0.message.contains("unknown key") }, "\(definition).\(key)")
        }
        let wrong = Loading.load("services: {a: {image: x}}\n" + text.replacingOccurrences(of: "KEY", with: "nonsense"))
        #expect(wrong.diagnostics.contains { $0.message.contains("unknown key \"nonsense\"") })
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
        #expect(result.stack != nil && result.diagnostics.isEmpty, "\(result.diagnostics)")
    }
}
