// libyaml's events to a tree with places. Bounded in depth, size and alias expansion; one document only.
import BerthModel
import CYAML

struct YAMLReader {
    private static let bytesMax = 8 << 20
    private static let depthMax = 100
    /// Nodes after aliases are expanded: a "billion laughs" file stops here.
    private static let nodesMax = 500_000

    private let file: String
    private let remarks: Remarks
    private var anchors: [String: Node] = [:]
    private var nodeCount = 0
    private var gaveUp = false

    /// Nil, with remarks, where the text is no single YAML document. An empty document is a null node.
    static func read(_ bytes: [UInt8], file: String, remarks: Remarks) -> Node? {
        guard bytes.count <= bytesMax else {
            remarks.error(SourcePlace(file: file, line: 1, column: 1), "", "the file is larger than \(bytesMax) bytes")
            return nil
        }
        var reader = YAMLReader(file: file, remarks: remarks)
        return reader.document(bytes)
    }

    private init(file: String, remarks: Remarks) {
        self.file = file
        self.remarks = remarks
    }

    /// What an event says, copied out of libyaml's memory.
    private struct Item {
        var type: yaml_event_type_t
        var place: SourcePlace
        var anchor: String?
        var tag: String?
        var text = ""
        var isPlain = false
    }

    private mutating func document(_ bytes: [UInt8]) -> Node? {
        var parser = yaml_parser_t()
        yaml_parser_initialize(&parser)
        defer { yaml_parser_delete(&parser) }
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        return content.withUnsafeBufferPointer { buffer -> Node? in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            var root: Node?
            var documents = 0
            while let item = next(&parser) {
                switch item.type {
                case YAML_STREAM_END_EVENT: return root ?? Node(.null, at: SourcePlace(file: file, line: 1, column: 1))
                case YAML_DOCUMENT_START_EVENT:
                    documents += 1
                    if documents > 1 {
                        remarks.error(item.place, "", "a stack file is one YAML document, and a second one starts here")
                        return nil
                    }
                case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT, YAML_NO_EVENT: continue
                default: root = node(item, &parser, depth: 0)
                }
                if gaveUp { return nil }
            }
            return nil
        }
    }

    private mutating func next(_ parser: inout yaml_parser_t) -> Item? {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) == 1 else {
            let mark = parser.problem_mark
            let problem = parser.problem.map { String(cString: $0) } ?? "it is not YAML"
            let context = parser.context.map { " " + String(cString: $0) } ?? ""
            remarks.error(place(mark), "", "\(problem)\(context)", suggestion: hint(problem))
            gaveUp = true
            return nil
        }
        defer { yaml_event_delete(&event) }
        var item = Item(type: event.type, place: place(event.start_mark))
        func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? { pointer.map { String(cString: $0) } }
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            item.anchor = text(scalar.anchor)
            item.tag = text(scalar.tag)
            item.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            item.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        case YAML_SEQUENCE_START_EVENT:
            item.anchor = text(event.data.sequence_start.anchor)
            item.tag = text(event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            item.anchor = text(event.data.mapping_start.anchor)
            item.tag = text(event.data.mapping_start.tag)
        case YAML_ALIAS_EVENT: item.anchor = text(event.data.alias.anchor)
        default: break
        }
        return item
    }

    private func place(_ mark: yaml_mark_t) -> SourcePlace {
        SourcePlace(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func hint(_ problem: String) -> String? {
        problem.contains("cannot start any token") ? "indent with spaces, never with tabs" : nil
    }

    private mutating func giveUp(_ place: SourcePlace, _ message: String) -> Node {
        if !gaveUp { remarks.error(place, "", message) }
        gaveUp = true
        return Node(.null, at: place)
    }

    private mutating func count(_ node: Node, at place: SourcePlace) -> Node {
        nodeCount += YAMLReader.size(node, limit: YAMLReader.nodesMax)
        return nodeCount > YAMLReader.nodesMax
            ? giveUp(place, "aliases expand to more than \(YAMLReader.nodesMax) values") : node
    }

    private static func size(_ node: Node, limit: Int) -> Int {
        var total = 1
        switch node.value {
        case .sequence(let items): for item in items where total <= limit { total += size(item, limit: limit - total) }
        case .mapping(let entries):
            for entry in entries where total <= limit { total += 1 + size(entry.value, limit: limit - total) }
        default: break
        }
        return total
    }

    private mutating func node(_ item: Item, _ parser: inout yaml_parser_t, depth: Int) -> Node {
        guard depth < YAMLReader.depthMax else {
            return giveUp(item.place, "values are nested more than \(YAMLReader.depthMax) deep")
        }
        var result: Node
        switch item.type {
        case YAML_ALIAS_EVENT:
            guard let anchor = item.anchor, let found = anchors[anchor] else {
                return giveUp(item.place, "unknown alias \"\(item.anchor ?? "")\"")
            }
            return count(found, at: item.place)
        case YAML_SCALAR_EVENT:
            nodeCount += 1
            let isNull = item.isPlain && ["", "~", "null", "Null", "NULL"].contains(item.text) && item.tag != "!!str"
            result = Node(isNull ? .null : .scalar(item.text, isPlain: item.isPlain), at: item.place)
        case YAML_SEQUENCE_START_EVENT:
            var items: [Node] = []
            while !gaveUp, let inner = next(&parser), inner.type != YAML_SEQUENCE_END_EVENT {
                items.append(node(inner, &parser, depth: depth + 1))
            }
            result = Node(.sequence(items), at: item.place)
        case YAML_MAPPING_START_EVENT:
            result = Node(.mapping(mapping(&parser, depth: depth)), at: item.place)
        default:
            return giveUp(item.place, "expected a value")
        }
        if item.tag == "!reset" { result.directive = .reset }
        if item.tag == "!override" { result.directive = .override }
        if let anchor = item.anchor { anchors[anchor] = result }
        return result
    }

    private mutating func mapping(_ parser: inout yaml_parser_t, depth: Int) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var merged: [Node.Entry] = []
        var keys: Set<String> = []
        while !gaveUp, let keyItem = next(&parser), keyItem.type != YAML_MAPPING_END_EVENT {
            let key = node(keyItem, &parser, depth: depth + 1)
            guard let valueItem = next(&parser) else { break }
            let value = node(valueItem, &parser, depth: depth + 1)
            guard let name = key.text ?? (key.isNull ? "null" : nil) else {
                _ = giveUp(keyItem.place, "a key is a single value, and this one is \(key.kindName)")
                break
            }
            if name == "<<" && keyItem.isPlain {
                merged += mergeSource(value)
                continue
            }
            if !keys.insert(name).inserted {
                remarks.error(keyItem.place, "", "the key \"\(name)\" is already given in this map")
                continue
            }
            entries.append(Node.Entry(key: name, keyPlace: keyItem.place, value: value))
        }
        for entry in merged where !keys.contains(entry.key) {
            keys.insert(entry.key)
            entries.append(entry)
        }
        return entries
    }

    /// `<<`: a map, or a list of maps of which the first that has a key wins.
    private mutating func mergeSource(_ value: Node) -> [Node.Entry] {
        if let entries = value.entries { return entries }
        if let items = value.items {
            return items.flatMap { item -> [Node.Entry] in
                if let entries = item.entries { return entries }
                remarks.error(item.place, "", "\"<<\" merges maps, and this is \(item.kindName)")
                return []
            }
        }
        remarks.error(value.place, "", "\"<<\" merges a map or a list of maps, and this is \(value.kindName)")
        return []
    }
}
