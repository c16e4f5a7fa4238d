// The instructions of nftables' machine that berth's rules are made of, and their encoding.
import CLinux

/// One instruction. Registers are numbered as the kernel numbers its 32-bit ones: 8 is the first, four bytes each.
package enum NftExpression: Sendable, Equatable {
    package enum Meta: UInt32, Sendable { case inputName = 6, outputName = 7, transport = 16 }
    package enum Base: UInt32, Sendable { case network = 1, transport = 2 }
    package enum Verdict: Int32, Sendable { case drop = 0, accept = 1, leave = -5 }
    package enum Lookup: UInt32, Sendable { case outputName = 2, addressType = 3 }

    case meta(Meta, register: UInt32)
    case payload(Base, offset: UInt32, length: UInt32, register: UInt32)
    case compare(register: UInt32, isEqual: Bool, [UInt8])
    /// In a set; with a destination the value that a map has there.
    case lookup(set: String, register: UInt32, destination: UInt32?)
    /// What the routing table says of the destination address.
    case route(Lookup, register: UInt32)
    case load(register: UInt32, [UInt8])
    case destinationTranslation(address: UInt32, port: UInt32)
    case masquerade
    case verdict(Verdict)

    var name: String {
        switch self {
        case .meta: "meta"
        case .payload: "payload"
        case .compare: "cmp"
        case .lookup: "lookup"
        case .route: "fib"
        case .load, .verdict: "immediate"
        case .destinationTranslation: "nat"
        case .masquerade: "masq"
        }
    }

    func encode(_ into: inout NetlinkMessage) {
        switch self {
        case .meta(let key, let register):
            into.attribute(Int(NFTA_META_DREG.rawValue), network: register)
            into.attribute(Int(NFTA_META_KEY.rawValue), network: key.rawValue)
        case .payload(let base, let offset, let length, let register):
            into.attribute(Int(NFTA_PAYLOAD_DREG.rawValue), network: register)
            into.attribute(Int(NFTA_PAYLOAD_BASE.rawValue), network: base.rawValue)
            into.attribute(Int(NFTA_PAYLOAD_OFFSET.rawValue), network: offset)
            into.attribute(Int(NFTA_PAYLOAD_LEN.rawValue), network: length)
        case .compare(let register, let isEqual, let value):
            into.attribute(Int(NFTA_CMP_SREG.rawValue), network: register)
            into.attribute(Int(NFTA_CMP_OP.rawValue), network: isEqual ? 0 : 1)
            into.nested(Int(NFTA_CMP_DATA.rawValue)) { $0.attribute(Int(NFTA_DATA_VALUE.rawValue), value) }
        case .lookup(let set, let register, let destination):
            into.attribute(Int(NFTA_LOOKUP_SET.rawValue), text: set)
            into.attribute(Int(NFTA_LOOKUP_SREG.rawValue), network: register)
            if let destination { into.attribute(Int(NFTA_LOOKUP_DREG.rawValue), network: destination) }
        case .route(let result, let register):
            into.attribute(Int(NFTA_FIB_DREG.rawValue), network: register)
            into.attribute(Int(NFTA_FIB_RESULT.rawValue), network: result.rawValue)
            into.attribute(Int(NFTA_FIB_FLAGS.rawValue), network: 2)
        case .load(let register, let value):
            into.attribute(Int(NFTA_IMMEDIATE_DREG.rawValue), network: register)
            into.nested(Int(NFTA_IMMEDIATE_DATA.rawValue)) { $0.attribute(Int(NFTA_DATA_VALUE.rawValue), value) }
        case .destinationTranslation(let address, let port):
            into.attribute(Int(NFTA_NAT_TYPE.rawValue), network: 1)
            into.attribute(Int(NFTA_NAT_FAMILY.rawValue), network: UInt32(AF_INET))
            into.attribute(Int(NFTA_NAT_REG_ADDR_MIN.rawValue), network: address)
            into.attribute(Int(NFTA_NAT_REG_PROTO_MIN.rawValue), network: port)
        case .masquerade:
            break
        case .verdict(let verdict):
            into.attribute(Int(NFTA_IMMEDIATE_DREG.rawValue), network: 0)
            into.nested(Int(NFTA_IMMEDIATE_DATA.rawValue)) { value in
                value.nested(Int(NFTA_DATA_VERDICT.rawValue)) {
                    $0.attribute(Int(NFTA_VERDICT_CODE.rawValue), network: UInt32(bitPattern: verdict.rawValue))
                }
            }
        }
    }
}

/// The matches that rules are written with.
extension [NftExpression] {
    private static let nameLength = 16

    /// `iifname "x"`, or `iifname "x*"` as a prefix.
    package static func input(_ name: String, isPrefix: Bool = false, isEqual: Bool = true) -> [NftExpression] {
        [.meta(.inputName, register: 8), .compare(register: 8, isEqual: isEqual, linkName(name, isPrefix))]
    }

    package static func output(_ name: String, isPrefix: Bool = false, isEqual: Bool = true) -> [NftExpression] {
        [.meta(.outputName, register: 8), .compare(register: 8, isEqual: isEqual, linkName(name, isPrefix))]
    }

    /// The link that a packet to this destination would leave by.
    package static func routedOutput(prefix name: String) -> [NftExpression] {
        [.route(.outputName, register: 8), .compare(register: 8, isEqual: true, linkName(name, true))]
    }

    package static let toThisHost: [NftExpression] = [
        .route(.addressType, register: 8), .compare(register: 8, isEqual: true, UInt32(2).nativeBytes),
    ]

    package static let toLoopback: [NftExpression] = [
        .payload(.network, offset: 16, length: 1, register: 8), .compare(register: 8, isEqual: true, [127]),
    ]

    package static let fromLoopback: [NftExpression] = [
        .payload(.network, offset: 12, length: 1, register: 8), .compare(register: 8, isEqual: true, [127]),
    ]

    package static func destination(_ address: [UInt8]) -> [NftExpression] {
        [.payload(.network, offset: 16, length: 4, register: 8), .compare(register: 8, isEqual: true, address)]
    }

    /// - Parameter transport: the IP protocol's number: 6, 17.
    package static func destinationPort(_ port: UInt16, transport: UInt8) -> [NftExpression] {
        [
            .meta(.transport, register: 8), .compare(register: 8, isEqual: true, [transport]),
            .payload(.transport, offset: 2, length: 2, register: 8),
            .compare(register: 8, isEqual: true, [UInt8(port >> 8), UInt8(port & 255)]),
        ]
    }

    static func linkName(_ name: String, _ isPrefix: Bool) -> [UInt8] {
        let bytes = Array<UInt8>(name.utf8.prefix(nameLength - 1))
        return isPrefix ? bytes : bytes + [UInt8](repeating: 0, count: nameLength - bytes.count)
    }
}
