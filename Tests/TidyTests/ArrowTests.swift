// The arrows of the architecture: who may import whom (docs/ARCHITECTURE.md, "Rooms").
import Testing

@Suite("Tidy: arrows between rooms")
struct ArrowTests {
    /// Room → what its files may import. A room that is missing here fails: the table is the architecture.
    static let arrows: [String: Set<String>] = [
        "BerthLinux": ["CLinux"],
        "BerthModel": ["OrderedCollections"],
        "BerthLoader": ["BerthModel", "CYAML", "FoundationEssentials"],
        "BerthPlan": ["BerthModel", "OrderedCollections"],
        "BerthInit": ["BerthModel", "FoundationEssentials"],
        "BerthDoctor": [],
        "BerthLog": ["BerthModel", "BerthLinux", "FoundationEssentials"],
        "BerthStore": ["BerthModel", "BerthLinux", "Crypto", "FoundationEssentials"],
        "BerthTransfer": [
            "BerthModel", "BerthLinux", "BerthStore", "CArchive", "AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1",
            "NIOSSL", "FoundationEssentials",
        ],
        "BerthRegistry": [
            "BerthModel", "BerthLinux", "BerthStore", "CCrypt", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL",
            "FoundationEssentials",
        ],
        "BerthBuild": ["BerthModel", "BerthLinux", "BerthStore", "FoundationEssentials"],
        "BerthNetwork": ["BerthModel", "BerthLinux", "NIOCore", "NIOPosix"],
        "BerthRuntime": ["BerthModel", "BerthLinux", "BerthLog", "CSeccomp", "CCap", "FoundationEssentials"],
        "BerthEngine": [
            "BerthModel", "BerthPlan", "BerthLinux", "BerthStore", "BerthNetwork", "BerthRuntime", "BerthLog", "GRDB",
            "Logging", "FoundationEssentials",
        ],
        "BerthControl": ["BerthModel", "NIOCore", "NIOPosix", "NIOHTTP1", "FoundationEssentials"],
        "berth": [
            "BerthLoader", "BerthInit", "BerthDoctor", "BerthControl", "BerthLog", "BerthModel", "BerthLinux",
            "ArgumentParser", "FoundationEssentials",
        ],
        "berth-agent": [
            "BerthEngine", "BerthControl", "BerthModel", "BerthLinux", "BerthPlan", "BerthStore", "BerthNetwork",
            "BerthRuntime", "Logging", "FoundationEssentials",
        ],
        "berth-worker": [
            "BerthBuild", "BerthTransfer", "BerthRegistry", "BerthStore", "BerthModel", "BerthLinux", "Logging",
            "FoundationEssentials",
        ],
        "berth-shim": ["BerthLinux", "CLinux"],
        "berth-oci": ["BerthRuntime", "BerthModel", "BerthLinux"],
    ]

    /// Part of the toolchain, allowed where the room's rule on Foundation does not forbid them.
    static let toolchain: Set<String> = ["Synchronization", "Dispatch"]

    @Test("every import is an arrow of the picture")
    func imports() {
        for file in SourceTree.sources {
            guard let allowed = ArrowTests.arrows[file.room] else {
                Issue.record("\(file.path): room \(file.room) has no row in the table of arrows")
                continue
            }
            for (index, line) in file.code.enumerated() {
                guard let module = ArrowTests.importedModule(line) else { continue }
                if !allowed.contains(module) && !ArrowTests.toolchain.contains(module) {
                    Issue.record("\(file.path):\(index + 1): \(file.room) may not import \(module)")
                }
            }
        }
    }

    @Test("a rule that never fires proves nothing: the import parser sees all forms")
    func importForms() {
        #expect(ArrowTests.importedModule("package import BerthModel") == "BerthModel")
        #expect(ArrowTests.importedModule("@preconcurrency import NIOCore") == "NIOCore")
        #expect(ArrowTests.importedModule("import struct Crypto.SHA256") == "Crypto")
        #expect(ArrowTests.importedModule("let important = 1") == nil)
    }

    static func importedModule(_ line: String) -> String? {
        var words = line.split(separator: " ").map(String.init)
        let modifiers: Set<String> = ["package", "internal", "private", "fileprivate"]
        while let first = words.first, modifiers.contains(first) || first.hasPrefix("@") { words.removeFirst() }
        guard words.first == "import", words.count >= 2 else { return nil }
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "let", "var", "typealias"]
        let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
        return name.split(separator: ".").first.map(String.init)
    }
}
