// libyaml's events to trees with places. Bounded in depth, size and alias expansion.
import BerthModel
import CYAML

struct YAMLReader {
    static let bytesMax = 8 << 20
    private static let depthMax = 1_000
    /// Nodes after aliases are expanded: a "billion laughs" file stops here.
    private static let nodesMax = 500_000

    private let file: Int32
    private let content: [UInt8]
    private let remarks: Remarks
    private var anchors: [String: (node: Node, size: Int)] = [:]
    private var nodeCount = 0
    private var gaveUp = false
    private var sawReset = false
    /// Where `\'` stands in a double-quoted text: compose reads an apostrophe, and libyaml a mistake.
    private var apostrophe: Int?

    /// The documents of a file; nil, with remarks, where it is not YAML.
    static func read(_ bytes: [UInt8], file: String, remarks: Remarks) -> [Node]? {
        let number = remarks.register(file)
        guard bytes.count <= bytesMax else {
            remarks.error(Mark(file: number, line: 1, column: 1), "", "the file is larger than \(bytesMax) bytes")
            return nil
        }
        var content = bytes
        for _ in 0..<10_000 {
            var reader = YAMLReader(content, file: number, remarks: remarks)
            let documents = reader.documents()
            guard let index = reader.apostrophe else { return documents }
            content.remove(at: index)
        }
        return nil
    }

    private init(_ content: [UInt8], file: Int32, remarks: Remarks) {
        self.content = content
        self.file = file
        self.remarks = remarks
    }

    /// What an event says, copied out of libyaml's memory.
    private struct Item {
        var type: yaml_event_type_t
        var mark: Mark
        var anchor: String?
        var tag: String?
        var text = ""
        var isPlain = false
    }

    private mutating func documents() -> [Node]? {
        var parser = yaml_parser_t()
        yaml_parser_initialize(&parser)
        defer { yaml_parser_delete(&parser) }
        return content.withUnsafeBufferPointer { buffer -> [Node]? in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            var roots: [Node] = []
            while let item = next(&parser) {
                switch item.type {
                case YAML_STREAM_END_EVENT: return roots
                case YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT, YAML_DOCUMENT_END_EVENT, YAML_NO_EVENT:
                    continue
                default: roots.append(node(item, &parser, depth: 0).node)
                }
                if gaveUp { return nil }
            }
            return nil
        }
    }

    private mutating func next(_ parser: inout yaml_parser_t) -> Item? {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) == 1 else {
            if parser.problem.map({ String(cString: $0) }) == "found unknown escape character",
                let place = escapedApostrophe(near: mark(parser.problem_mark))
            {
                apostrophe = place
                gaveUp = true
            } else {
                fail(parser)
            }
            return nil
        }
        defer { yaml_event_delete(&event) }
        var item = Item(type: event.type, mark: mark(event.start_mark))
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

    /// The offset of a backslash before an apostrophe.
    private func escapedApostrophe(near mark: Mark) -> Int? {
        var index = 0
        for _ in 1..<max(1, mark.line) {
            guard let end = content[index...].firstIndex(of: 0x0A) else { return nil }
            index = end + 1
        }
        var column = 1
        while index < content.count, column < Int(mark.column) {
            index += 1
            while index < content.count, content[index] & 0xC0 == 0x80 { index += 1 }
            column += 1
        }
        let candidates = max(0, index - 2)..<min(content.count - 1, index + 2)
        return candidates.first { content[$0] == 0x5C && content[$0 + 1] == 0x27 }
    }

    private mutating func fail(_ parser: yaml_parser_t) {
        gaveUp = true
        let problem = parser.problem.map { String(cString: $0) } ?? "it is not YAML"
        var context = parser.context.map { " " + String(cString: $0) } ?? ""
        let begin = mark(parser.context_mark)
        let place = parser.error == YAML_READER_ERROR ? readerMark(parser) : mark(parser.problem_mark)
        if !context.isEmpty, begin.line > 0, begin.line != place.line {
            context += " that begins in line \(begin.line)"
        }
        let hint: String? =
            problem.contains("cannot start any token")
            ? "indent with spaces, never with tabs; quote text that begins with @ or `"
            : problem.contains("mapping values are not allowed")
                ? "is the indentation right, and text with \": \" quoted?"
                : problem.contains("could not find expected ':'") ? "a key ends with a colon and a space" : nil
        remarks.error(place, "", "\(problem)\(context)", suggestion: hint)
    }

    /// Characters that YAML does not know have an offset and no mark.
    private func readerMark(_ parser: yaml_parser_t) -> Mark {
        let reached = mark(parser.mark)
        return Mark(file: file, line: max(1, reached.line), column: max(1, reached.column))
    }

    private func mark(_ mark: yaml_mark_t) -> Mark {
        Mark(file: file, line: Int32(clamping: mark.line) + 1, column: Int32(clamping: mark.column) + 1)
    }

    @discardableResult
    private mutating func giveUp(_ mark: Mark, _ message: String, suggestion: String? = nil) -> Node {
        if !gaveUp { remarks.error(mark, "", message, suggestion: suggestion) }
        gaveUp = true
        return Node(.null, at: mark)
    }

    // MARK: Values

    private mutating func node(_ item: Item, _ parser: inout yaml_parser_t, depth: Int) -> (node: Node, size: Int) {
        guard depth < YAMLReader.depthMax else {
            return (giveUp(item.mark, "values are nested more than \(YAMLReader.depthMax) deep"), 1)
        }
        nodeCount += 1
        var size = 1
        var result: Node
        switch item.type {
        case YAML_ALIAS_EVENT: return alias(item)
        case YAML_SCALAR_EVENT: result = Node(scalar(item), at: item.mark)
        case YAML_SEQUENCE_START_EVENT:
            var items: [Node] = []
            while !gaveUp, let inner = next(&parser), inner.type != YAML_SEQUENCE_END_EVENT {
                let (node, count) = node(inner, &parser, depth: depth + 1)
                size += count
                // compose's own tag on an item: it is not there at all.
                if node.directive != .reset { items.append(node) }
            }
            result = Node(.sequence(items), at: item.mark)
        case YAML_MAPPING_START_EVENT:
            result = Node(.mapping(mapping(&parser, depth: depth, size: &size)), at: item.mark)
        default: return (giveUp(item.mark, "expected a value"), 1)
        }
        if item.tag == "!reset" { result.directive = .reset }
        if item.tag == "!override" { result.directive = .override }
        if result.directive == .reset { sawReset = true }
        if let anchor = item.anchor { anchors[anchor] = (sawReset ? YAMLReader.withoutResets(result) : result, size) }
        return (result, size)
    }

    /// What `!reset` takes away is not there for aliases either.
    private static func withoutResets(_ node: Node) -> Node {
        var result = node
        if let entries = node.entries {
            result.value = .mapping(
                entries.filter { $0.value.directive != .reset }.map { entry in
                    var entry = entry
                    entry.value = withoutResets(entry.value)
                    return entry
                })
        }
        result.updateItems { $0 = withoutResets($0) }
        return result
    }

    private mutating func alias(_ item: Item) -> (node: Node, size: Int) {
        guard let anchor = item.anchor, var found = anchors[anchor] else {
            let known = Spelling.nearest(item.anchor ?? "", in: anchors.keys)
            return (
                giveUp(
                    item.mark, "unknown anchor \"\(item.anchor ?? "")\"",
                    suggestion: known.map { "did you mean *\($0)?" }
                        ?? "an anchor (&name) stands before its aliases (*name)"), 1
            )
        }
        nodeCount += found.size
        if nodeCount > YAMLReader.nodesMax {
            return (giveUp(item.mark, "aliases expand to more than \(YAMLReader.nodesMax) values"), 1)
        }
        if found.node.directive == .reset { found.node.directive = nil }
        return found
    }

    private mutating func scalar(_ item: Item) -> Node.Value {
        let core = "tag:yaml.org,2002:"
        guard let tag = item.tag, tag != "!" else {
            return item.isPlain ? Scalars.resolve(item.text) : .string(item.text)
        }
        guard tag.hasPrefix(core) else {
            // Somebody's own tag: text, except before compose's two.
            return (tag == "!reset" || tag == "!override") && item.isPlain
                ? Scalars.resolve(item.text) : .string(item.text)
        }
        let resolved = Scalars.resolve(item.text)
        switch (tag.dropFirst(core.count), resolved) {
        case ("str", _): return .string(item.text)
        case ("int", .int), ("int", .unsigned), ("float", .float), ("bool", .bool), ("null", .null): return resolved
        case ("float", .int(let value)): return .float(Double(value))
        case ("timestamp", .time): return resolved
        case ("binary", _):
            if let bytes = Base64.decode(item.text) { return .string(String(decoding: bytes, as: UTF8.self)) }
            giveUp(item.mark, "this !!binary value is not base64")
            return .null
        case ("int", _), ("float", _), ("bool", _), ("null", _), ("timestamp", _):
            giveUp(item.mark, "cannot read \"\(item.text)\" as !!\(tag.dropFirst(core.count))")
            return .null
        default: return .string(item.text)
        }
    }

    private mutating func mapping(_ parser: inout yaml_parser_t, depth: Int, size: inout Int) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var merged: [Node.Entry] = []
        var places: [String: Mark] = [:]
        while !gaveUp, let keyItem = next(&parser), keyItem.type != YAML_MAPPING_END_EVENT {
            let (key, keySize) = node(keyItem, &parser, depth: depth + 1)
            guard !gaveUp, let valueItem = next(&parser) else { break }
            let (value, valueSize) = node(valueItem, &parser, depth: depth + 1)
            if gaveUp { break }
            size += keySize + valueSize
            guard let text = keyText(keyItem, key) else { break }
            if let first = places[text] {
                remarks.error(
                    keyItem.mark, "", "the key \"\(text)\" is already given in this map, in line \(first.line)",
                    suggestion: "remove one of them")
                continue
            }
            places[text] = keyItem.mark
            let isMerge =
                keyItem.type == YAML_SCALAR_EVENT && text == "<<"
                && (keyItem.isPlain && keyItem.tag == nil || keyItem.tag == "tag:yaml.org,2002:merge")
            if isMerge {
                merged += mergeSource(value)
            } else {
                entries.append(Node.Entry(key: text, mark: keyItem.mark, value: value))
            }
        }
        for entry in merged where places[entry.key] == nil {
            places[entry.key] = entry.mark
            entries.append(entry)
            size += 1
        }
        nodeCount += merged.count
        return entries
    }

    /// Keys are text; what YAML reads as another type is refused, as compose does.
    private mutating func keyText(_ item: Item, _ key: Node) -> String? {
        if let text = key.string { return text }
        switch key.value {
        case .mapping, .sequence:
            giveUp(
                item.mark, "a key is text, and this one is \(key.kindName)",
                suggestion: "quote values that begin with { or [")
        case .null: giveUp(item.mark, "a key is text, and this one is empty", suggestion: "quote it")
        default:
            giveUp(
                item.mark, "non-string key: a key is text, and this one is \(key.kindName)",
                suggestion: "write it in quotes: \"\(item.text)\"")
        }
        return nil
    }

    /// `<<`: a map, or a list of maps of which the first that has a key wins.
    private mutating func mergeSource(_ value: Node) -> [Node.Entry] {
        func plain(_ entries: [Node.Entry]) -> [Node.Entry] {
            entries.map { entry in
                var entry = entry
                entry.value.directive = nil
                return entry
            }
        }
        if let entries = value.entries { return plain(entries) }
        if let items = value.items {
            return items.flatMap { item -> [Node.Entry] in
                if let entries = item.entries { return plain(entries) }
                giveUp(item.mark, "\"<<\" merges maps, and this is \(item.kindName)")
                return []
            }
        }
        giveUp(value.mark, "\"<<\" merges a map or a list of maps, and this is \(value.kindName)")
        return []
    }
}

/// For `!!binary`.
enum Base64 {
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        var padding = 0
        var count = 0
        for byte in text.utf8 where byte != 0x0A && byte != 0x0D {
            count += 1
            let six: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): six = byte - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): six = byte - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): six = byte + 4
            case UInt8(ascii: "+"): six = 62
            case UInt8(ascii: "/"): six = 63
            case UInt8(ascii: "="):
                padding += 1
                continue
            default: return nil
            }
            if padding > 0 { return nil }
            buffer = buffer << 6 | UInt32(six)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        return padding <= 2 && count % 4 == 0 ? bytes : nil
    }
}
