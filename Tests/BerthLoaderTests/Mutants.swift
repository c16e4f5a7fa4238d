// Wrong files made from right ones: keys taken away, types changed, items doubled, lists and maps swapped. The same
// seed gives the same files, so that compose's answers can be kept beside them.
import BerthModel
import BerthTesting
import Foundation

@testable import BerthLoader

struct Mutants {
    static let count = 6_000
    /// Another one, by MUTANTS_SEED, is for looking further; its answers are not on record.
    static let seed = ProcessInfo.processInfo.environment["MUTANTS_SEED"].flatMap(UInt64.init) ?? 20_261_125

    /// The texts, in order.
    static func make() throws -> [String] {
        let bases = try CorpusCase.areas.sorted().flatMap { area -> [Node] in
            try CorpusCase.load(area).filter { $0.isAccepted && $0.arguments.isEmpty && $0.environment.isEmpty }
                .compactMap { one in
                    guard one.files.keys.sorted() == ["compose.yaml"], let text = one.files["compose.yaml"],
                        text.utf8.count < 4000
                    else { return nil }
                    let documents = YAMLReader.read(Array(text.utf8), file: "compose.yaml", remarks: Remarks()) ?? []
                    return documents.count == 1 && documents[0].entries != nil ? documents[0] : nil
                }
        }
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            var node = bases[Int.random(in: 0..<bases.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...2, using: &generator) { mutate(&node, &generator, depth: 0) }
            return document(node).yaml
        }
    }

    private static let strays: [Node.Value] = [
        .null, .bool(true), .int(7), .int(-1), .float(1.5), .string("text"), .string(""), .string("10s"),
        .string("64m"), .string("80:80"),
        .string("a=b"), .string("${UNSET}"), .string("${X:-7}"), .string("true"), .string("0"), .sequence([]),
        .mapping([]),
        .sequence([Node(.string("x"), at: .none)]), .sequence([Node(.int(1), at: .none)]),
        .sequence([Node(.null, at: .none)]),
        .mapping([.init(key: "a", mark: .none, value: Node(.string("b"), at: .none))]),
        .mapping([.init(key: "x-a", mark: .none, value: Node(.int(1), at: .none))]),
        .sequence([Node(.mapping([.init(key: "target", mark: .none, value: Node(.int(80), at: .none))]), at: .none)]),
    ]
    private static let keys = [
        "image", "build", "ports", "volumes", "name", "external", "target", "source", "x-own", "driver", "labels",
        "command", "unknown",
        "file", "content", "condition", "type", "deploy", "networks", "depends_on", "scale",
    ]

    private static func mutate(_ node: inout Node, _ generator: inout SeededGenerator, depth: Int) {
        let isLeaf = (node.entries?.isEmpty ?? true) && (node.items?.isEmpty ?? true)
        // Most changes happen below services, where the language is.
        if isLeaf || depth > 1 && Int.random(in: 0..<4, using: &generator) == 0 { return change(&node, &generator) }
        if var entries = node.entries {
            let index = Int.random(in: 0..<entries.count, using: &generator)
            switch Int.random(in: 0..<12, using: &generator) {
            case 0: entries.remove(at: index)
            case 1: entries[index].key = keys[Int.random(in: 0..<keys.count, using: &generator)]
            case 2:
                entries.append(
                    .init(
                        key: keys[Int.random(in: 0..<keys.count, using: &generator)], mark: .none,
                        value: Node(strays[Int.random(in: 0..<strays.count, using: &generator)], at: .none)))
            case 3: entries[index].key += "s"
            case 4:
                let other = entries[Int.random(in: 0..<entries.count, using: &generator)].value
                entries[index].value = other
            default: mutate(&entries[index].value, &generator, depth: depth + 1)
            }
            var seen: Set<String> = []
            node.value = .mapping(entries.filter { seen.insert($0.key).inserted })
        } else if var items = node.items {
            let index = Int.random(in: 0..<items.count, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: items.remove(at: index)
            case 1: items.append(items[index])
            case 2: items.append(Node(strays[Int.random(in: 0..<strays.count, using: &generator)], at: .none))
            default: mutate(&items[index], &generator, depth: depth + 1)
            }
            node.value = .sequence(items)
        }
    }

    private static func change(_ node: inout Node, _ generator: inout SeededGenerator) {
        switch (Int.random(in: 0..<4, using: &generator), node.value) {
        case (0, .sequence(let items)):
            var seen: Set<String> = []
            node.value = .mapping(
                items.compactMap { item in
                    guard let text = item.scalarText, !text.isEmpty, seen.insert(text).inserted else { return nil }
                    return .init(key: text, mark: .none, value: Node(.null, at: .none))
                })
        case (0, .mapping(let entries)):
            node.value = .sequence(entries.map { Node(.string("\($0.key)=\($0.value.scalarText ?? "")"), at: .none) })
        case (0, .string(let text)): node.value = .string(text + text)
        case (1, _): node.value = .sequence([node])
        default: node.value = strays[Int.random(in: 0..<strays.count, using: &generator)]
        }
    }

    private static func document(_ node: Node) -> StackDocument {
        switch node.value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .unsigned(let value): .unsigned(value)
        case .float(let value): value.isFinite ? .float(value) : .string("inf")
        case .string(let value), .time(let value): .string(value)
        case .sequence(let items): .list(items.map(document))
        case .mapping(let entries): .map(entries.map { ($0.key, document($0.value)) })
        }
    }
}
