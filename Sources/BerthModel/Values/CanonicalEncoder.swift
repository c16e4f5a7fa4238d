// Any Encodable as canonical JSON, without Foundation: hashes of configuration are taken over these bytes.

/// Encodes values to `CanonicalValue`s.
///
/// Dictionaries with keys other than strings and integers, and sets, encode in an order that differs from run to run;
/// the model has none, and what is hashed must have none.
package enum CanonicalEncoder {
    /// Throws for numbers that JSON cannot say (NaN, infinities) and whatever the value's own `encode` throws.
    package static func value(of encodable: some Encodable) throws -> CanonicalValue {
        let node = CanonicalNode()
        try encodable.encode(to: CanonicalNodeEncoder(node: node, codingPath: []))
        return node.value
    }

    package static func bytes(of encodable: some Encodable) throws -> [UInt8] {
        try value(of: encodable).bytes
    }
}

/// A place in the tree that is being built; containers share it by reference, as Encodable demands.
private final class CanonicalNode {
    enum Content {
        case nothing
        case leaf(CanonicalValue)
        case elements([CanonicalNode])
        case members([String: CanonicalNode])
    }

    var content = Content.nothing

    /// A value that encoded nothing is an empty struct.
    var value: CanonicalValue {
        switch content {
        case .nothing: .object([:])
        case .leaf(let value): value
        case .elements(let nodes): .array(nodes.map(\.value))
        case .members(let nodes): .object(nodes.mapValues(\.value))
        }
    }

    func beginMembers() { if case .members = content {} else { content = .members([:]) } }
    func beginElements() { if case .elements = content {} else { content = .elements([]) } }

    func member(_ key: String) -> CanonicalNode {
        let node = CanonicalNode()
        if case .members(var nodes) = content {
            content = .nothing
            nodes[key] = node
            content = .members(nodes)
        }
        return node
    }

    func element() -> CanonicalNode {
        let node = CanonicalNode()
        if case .elements(var nodes) = content {
            content = .nothing
            nodes.append(node)
            content = .elements(nodes)
        }
        return node
    }

    var elementCount: Int { if case .elements(let nodes) = content { nodes.count } else { 0 } }

    /// The leaf types are taken as they are; everything else encodes itself into this node.
    func encode<T: Encodable>(_ value: T, path: [any CodingKey]) throws {
        switch value {
        case let value as String: content = .leaf(.string(value))
        case let value as Bool: content = .leaf(.bool(value))
        case let value as Double: try encodeNumber(value, path: path)
        case let value as Float: try encodeNumber(Double(value), path: path)
        case let value as any FixedWidthInteger & Encodable: encodeInteger(value)
        default: try value.encode(to: CanonicalNodeEncoder(node: self, codingPath: path))
        }
    }

    private func encodeNumber(_ value: Double, path: [any CodingKey]) throws {
        guard value.isFinite else {
            let context = EncodingError.Context(codingPath: path, debugDescription: "\(value) is no JSON number")
            throw EncodingError.invalidValue(value, context)
        }
        content = .leaf(.number(value))
    }

    private func encodeInteger(_ value: some FixedWidthInteger) {
        if let signed = Int64(exactly: value) {
            content = .leaf(.integer(signed))
        } else {
            content = .leaf(.unsigned(UInt64(truncatingIfNeeded: value)))
        }
    }
}

private struct CanonicalNodeEncoder: Encoder {
    let node: CanonicalNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.beginMembers()
        return KeyedEncodingContainer(CanonicalMembers<Key>(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.beginElements()
        return CanonicalElements(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        CanonicalLeaf(node: node, codingPath: codingPath)
    }
}

private struct CanonicalLeaf: SingleValueEncodingContainer {
    let node: CanonicalNode
    let codingPath: [any CodingKey]

    mutating func encodeNil() { node.content = .leaf(.null) }
    mutating func encode<T: Encodable>(_ value: T) throws { try node.encode(value, path: codingPath) }
}

private struct CanonicalElements: UnkeyedEncodingContainer {
    let node: CanonicalNode
    let codingPath: [any CodingKey]
    var count: Int { node.elementCount }

    mutating func encodeNil() { node.element().content = .leaf(.null) }
    mutating func encode<T: Encodable>(_ value: T) throws { try node.element().encode(value, path: codingPath) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        CanonicalNodeEncoder(node: node.element(), codingPath: codingPath).container(keyedBy: keyType)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        CanonicalNodeEncoder(node: node.element(), codingPath: codingPath).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { CanonicalNodeEncoder(node: node.element(), codingPath: codingPath) }
}

private struct CanonicalMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: CanonicalNode
    let codingPath: [any CodingKey]

    mutating func encodeNil(forKey key: Key) { node.member(key.stringValue).content = .leaf(.null) }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try node.member(key.stringValue).encode(value, path: codingPath + [key])
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        nested(key).container(keyedBy: keyType)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key).unkeyedContainer()
    }
    mutating func superEncoder() -> any Encoder {
        CanonicalNodeEncoder(node: node.member("super"), codingPath: codingPath)
    }
    mutating func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

    private func nested(_ key: Key) -> CanonicalNodeEncoder {
        CanonicalNodeEncoder(node: node.member(key.stringValue), codingPath: codingPath + [key])
    }
}
