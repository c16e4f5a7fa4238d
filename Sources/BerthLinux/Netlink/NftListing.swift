// Reading what other owners' nftables say: chains and their policies, and rules that carry a mark of ours.
import CLinux

/// A chain of any family.
package struct NftChain: Sendable, Equatable {
    package enum Family: UInt8, Sendable { case inet = 1, ip = 2 }

    /// Nil: neither IPv4 nor both versions at once.
    package var family: Family?
    package var table: String
    package var name: String
    /// Base chains alone have one.
    package var point: NftBatch.Hook.Point?
    /// What no rule decides is dropped.
    package var drops: Bool
}

extension NftSocket {
    private static func type(_ message: nf_tables_msg_types) -> Int {
        Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(message.rawValue)
    }

    package func chains() throws(SystemError) -> [NftChain] {
        try dump("listing chains", NftSocket.type(NFT_MSG_GETCHAIN)) { $0.header([0, 0, 0, 0]) }.compactMap { reply in
            let attributes = reply.attributes(after: 4)
            guard let table = attributes[Int(NFTA_CHAIN_TABLE.rawValue)].map(netlinkText),
                let name = attributes[Int(NFTA_CHAIN_NAME.rawValue)].map(netlinkText)
            else { return nil }
            let hook = attributes[Int(NFTA_CHAIN_HOOK.rawValue)].map { NetlinkReply.attributes($0, after: 0) }
            let policy = attributes[Int(NFTA_CHAIN_POLICY.rawValue)]?.networkNumber
            return NftChain(
                family: reply.payload.first.flatMap { NftChain.Family(rawValue: $0) }, table: table, name: name,
                point: hook?[Int(NFTA_HOOK_HOOKNUM.rawValue)]?.networkNumber.flatMap {
                    NftBatch.Hook.Point(rawValue: $0)
                },
                drops: hook != nil && policy == 0)
        }
    }

    /// Handles of an IPv4 chain's rules that have this comment.
    package func rules(_ table: String, _ chain: String, comment: String) throws(SystemError) -> [[UInt8]] {
        let wanted = NftBatch.userData(comment)
        return try dump("listing rules of \(chain)", NftSocket.type(NFT_MSG_GETRULE)) { message in
            message.header([UInt8(AF_INET), 0, 0, 0])
            message.attribute(Int(NFTA_RULE_TABLE.rawValue), text: table)
            message.attribute(Int(NFTA_RULE_CHAIN.rawValue), text: chain)
        }.compactMap { reply in
            let attributes = reply.attributes(after: 4)
            // Older kernels list every chain's.
            guard attributes[Int(NFTA_RULE_TABLE.rawValue)].map(netlinkText) == table,
                attributes[Int(NFTA_RULE_CHAIN.rawValue)].map(netlinkText) == chain,
                attributes[Int(NFTA_RULE_USERDATA.rawValue)] == wanted
            else { return nil }
            return attributes[Int(NFTA_RULE_HANDLE.rawValue)]
        }
    }
}

extension [UInt8] {
    /// Four bytes in network order.
    fileprivate var networkNumber: UInt32? { count == 4 ? reduce(0) { $0 << 8 | UInt32($1) } : nil }
}
