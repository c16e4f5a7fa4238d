// One nftables transaction: tables, chains, sets, rules and elements, all of it or nothing.
import CLinux

package struct NftBatch: Sendable {
    /// Where a base chain hangs.
    package struct Hook: Sendable, Equatable {
        package enum Point: UInt32, Sendable { case prerouting = 0, input, forward, output, postrouting }
        package var type: String
        package var point: Point
        package var priority: Int32
        package init(type: String, point: Point, priority: Int32) {
            self.type = type
            self.point = point
            self.priority = priority
        }
    }

    /// The fields of a set's key or a map's value, as `nft` names and prints them.
    package enum Field: UInt32, Sendable {
        case address = 7, transport = 12, port = 13, linkName = 41
        var sizeBytes: UInt32 { self == .linkName ? 16 : 4 }
        /// Several fields in one number, six bits each.
        static func type(_ fields: [Field]) -> UInt32 { fields.reduce(0) { $0 << 6 | $1.rawValue } }
        static func size(_ fields: [Field]) -> UInt32 { fields.reduce(0) { $0 + $1.sizeBytes } }
    }

    package struct Element: Sendable, Hashable {
        package var key: [UInt8]
        package var value: [UInt8]
        package init(key: [UInt8], value: [UInt8] = []) {
            self.key = key
            self.value = value
        }
    }

    private struct Part: Sendable {
        var type: Int
        var flags: Int
        var content: NetlinkMessage
    }

    private let family: UInt8
    private var parts: [Part] = []
    private var sets: UInt32 = 0

    /// IPv4.
    package init() { family = UInt8(AF_INET) }

    package var isEmpty: Bool { parts.isEmpty }

    private mutating func add(
        _ type: nf_tables_msg_types, create: Bool, append: Bool = false, _ build: (inout NetlinkMessage) -> Void
    ) {
        let subsystem = Int(NFNL_SUBSYS_NFTABLES) << 8
        let flags = Int(NLM_F_REQUEST) | (create ? Int(NLM_F_CREATE) : 0) | (append ? Int(NLM_F_APPEND) : 0)
        // Only the content is built now: type, flags and sequence come with the sending.
        var content = NetlinkMessage(type: 0, flags: 0, sequence: 0)
        content.header([family, 0, 0, 0])
        build(&content)
        parts.append(Part(type: subsystem | Int(type.rawValue), flags: flags, content: content))
    }

    /// Nothing happens when it is there.
    package mutating func addTable(_ name: String) {
        add(NFT_MSG_NEWTABLE, create: true) { message in
            message.attribute(Int(NFTA_TABLE_NAME.rawValue), text: name)
            message.attribute(Int(NFTA_TABLE_FLAGS.rawValue), network: 0)
        }
    }

    /// The table must be there.
    package mutating func removeTable(_ name: String) {
        add(NFT_MSG_DELTABLE, create: false) { $0.attribute(Int(NFTA_TABLE_NAME.rawValue), text: name) }
    }

    /// Policy accept.
    package mutating func addChain(_ table: String, _ name: String, _ hook: Hook) {
        add(NFT_MSG_NEWCHAIN, create: true) { message in
            message.attribute(Int(NFTA_CHAIN_TABLE.rawValue), text: table)
            message.attribute(Int(NFTA_CHAIN_NAME.rawValue), text: name)
            message.attribute(Int(NFTA_CHAIN_TYPE.rawValue), text: hook.type)
            message.nested(Int(NFTA_CHAIN_HOOK.rawValue)) { inner in
                inner.attribute(Int(NFTA_HOOK_HOOKNUM.rawValue), network: hook.point.rawValue)
                inner.attribute(Int(NFTA_HOOK_PRIORITY.rawValue), network: UInt32(bitPattern: hook.priority))
            }
        }
    }

    /// A set, or a map where there are value fields.
    package mutating func addSet(_ table: String, _ name: String, key: [Field], value: [Field] = []) {
        sets += 1
        let id = sets
        add(NFT_MSG_NEWSET, create: true) { message in
            message.attribute(Int(NFTA_SET_TABLE.rawValue), text: table)
            message.attribute(Int(NFTA_SET_NAME.rawValue), text: name)
            message.attribute(Int(NFTA_SET_FLAGS.rawValue), network: value.isEmpty ? 0 : NFT_SET_MAP.rawValue)
            message.attribute(Int(NFTA_SET_KEY_TYPE.rawValue), network: Field.type(key))
            message.attribute(Int(NFTA_SET_KEY_LEN.rawValue), network: Field.size(key))
            if !value.isEmpty {
                message.attribute(Int(NFTA_SET_DATA_TYPE.rawValue), network: Field.type(value))
                message.attribute(Int(NFTA_SET_DATA_LEN.rawValue), network: Field.size(value))
            }
            message.attribute(Int(NFTA_SET_ID.rawValue), network: id)
            // For `nft list` alone: link names are in the host's byte order.
            if key == [.linkName] {
                message.attribute(Int(NFTA_SET_USERDATA.rawValue), [0, 4] + UInt32(1).nativeBytes)
            }
        }
    }

    /// Behind the rules that the chain has.
    package mutating func addRule(_ table: String, _ chain: String, _ expressions: [NftExpression]...) {
        rule(table, chain, append: true, comment: nil, expressions)
    }

    /// Before the rules that the chain has, with a comment that finds it again.
    package mutating func insertRule(
        _ table: String, _ chain: String, comment: String, _ expressions: [NftExpression]...
    ) {
        rule(table, chain, append: false, comment: comment, expressions)
    }

    /// - Parameter handle: as the kernel gave it.
    package mutating func removeRule(_ table: String, _ chain: String, handle: [UInt8]) {
        add(NFT_MSG_DELRULE, create: false) { message in
            message.attribute(Int(NFTA_RULE_TABLE.rawValue), text: table)
            message.attribute(Int(NFTA_RULE_CHAIN.rawValue), text: chain)
            message.attribute(Int(NFTA_RULE_HANDLE.rawValue), handle)
        }
    }

    /// A comment as `nft` keeps it: one entry of type 0.
    static func userData(_ comment: String) -> [UInt8] {
        let text = Array(comment.utf8.prefix(128)) + [0]
        return [0, UInt8(text.count)] + text
    }

    private mutating func rule(
        _ table: String, _ chain: String, append: Bool, comment: String?, _ expressions: [[NftExpression]]
    ) {
        add(NFT_MSG_NEWRULE, create: true, append: append) { message in
            message.attribute(Int(NFTA_RULE_TABLE.rawValue), text: table)
            message.attribute(Int(NFTA_RULE_CHAIN.rawValue), text: chain)
            if let comment { message.attribute(Int(NFTA_RULE_USERDATA.rawValue), NftBatch.userData(comment)) }
            message.nested(Int(NFTA_RULE_EXPRESSIONS.rawValue)) { list in
                for expression in expressions.joined() {
                    list.nested(Int(NFTA_LIST_ELEM.rawValue)) { element in
                        element.attribute(Int(NFTA_EXPR_NAME.rawValue), text: expression.name)
                        element.nested(Int(NFTA_EXPR_DATA.rawValue)) { expression.encode(&$0) }
                    }
                }
            }
        }
    }

    package mutating func addElements(_ table: String, _ set: String, _ elements: [Element]) {
        change(NFT_MSG_NEWSETELEM, create: true, table, set, elements)
    }

    /// The elements must be there.
    package mutating func removeElements(_ table: String, _ set: String, _ elements: [Element]) {
        change(NFT_MSG_DELSETELEM, create: false, table, set, elements.map { Element(key: $0.key) })
    }

    private mutating func change(
        _ type: nf_tables_msg_types, create: Bool, _ table: String, _ set: String, _ elements: [Element]
    ) {
        // An attribute's length has 16 bits: long lists go in several messages.
        var rest = elements[...]
        while !rest.isEmpty {
            let part = rest.prefix(500)
            rest = rest.dropFirst(500)
            add(type, create: create) { message in
                message.attribute(Int(NFTA_SET_ELEM_LIST_TABLE.rawValue), text: table)
                message.attribute(Int(NFTA_SET_ELEM_LIST_SET.rawValue), text: set)
                message.nested(Int(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)) { list in
                    for element in part {
                        list.nested(Int(NFTA_LIST_ELEM.rawValue)) { NftBatch.encode(element, &$0) }
                    }
                }
            }
        }
    }

    private static func encode(_ element: Element, _ into: inout NetlinkMessage) {
        into.nested(Int(NFTA_SET_ELEM_KEY.rawValue)) { $0.attribute(Int(NFTA_DATA_VALUE.rawValue), element.key) }
        if element.value.isEmpty { return }
        into.nested(Int(NFTA_SET_ELEM_DATA.rawValue)) { $0.attribute(Int(NFTA_DATA_VALUE.rawValue), element.value) }
    }

    /// The messages of the transaction, begin to end; each takes its sequence number when it is sent.
    package var messages: [(UInt32) -> [UInt8]] {
        func edge(_ type: Int32) -> (UInt32) -> [UInt8] {
            { sequence in
                var message = NetlinkMessage(type: Int(type), flags: Int(NLM_F_REQUEST), sequence: sequence)
                message.header([0, 0, 0, UInt8(NFNL_SUBSYS_NFTABLES)])
                return message.finished()
            }
        }
        let middle = parts.enumerated().map { index, part -> (UInt32) -> [UInt8] in
            { sequence in
                let isLast = index == parts.count - 1
                var message = NetlinkMessage(
                    type: part.type, flags: part.flags | (isLast ? Int(NLM_F_ACK) : 0), sequence: sequence)
                message.header(Array(part.content.bytes.dropFirst(16)))
                return message.finished()
            }
        }
        return [edge(NFNL_MSG_BATCH_BEGIN)] + middle + [edge(NFNL_MSG_BATCH_END)]
    }
}

/// nftables in one namespace.
package final class NftSocket: Sendable {
    private let socket: NetlinkSocket

    /// In the calling thread's namespace, where the socket then stays.
    package init() throws(SystemError) { socket = try NetlinkSocket(.netfilter) }

    package init(_ socket: NetlinkSocket) { self.socket = socket }

    package static func inside(_ namespace: SharedDescriptor?) throws(SystemError) -> NftSocket {
        guard let namespace else { return try NftSocket() }
        return try NetworkNamespace.inside(namespace) { () throws(SystemError) in try NftSocket() }
    }

    /// Changes everything or nothing.
    package func apply(_ batch: NftBatch) throws(SystemError) {
        if batch.isEmpty { return }
        try socket.batch("changing the rules", batch.messages)
    }

    func dump(
        _ call: String, _ type: Int, _ build: (inout NetlinkMessage) -> Void
    ) throws(SystemError) -> [NetlinkReply] {
        try socket.dump(call, type: type, build)
    }

    package func hasTable(_ name: String) throws(SystemError) -> Bool {
        let type = Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(NFT_MSG_GETTABLE.rawValue)
        return try socket.get("finding table \(name)", type: type) { message in
            message.header([UInt8(AF_INET), 0, 0, 0])
            message.attribute(Int(NFTA_TABLE_NAME.rawValue), text: name)
        } != nil
    }
}

extension NftBatch.Element {
    /// An element of a set of links.
    package init(linkName: String) { self.init(key: [NftExpression].linkName(linkName, false)) }
}
