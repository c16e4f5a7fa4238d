// The steps of bundles as bytes.

extension LaunchStep {
    func writeBundleStep(to w: inout WireWriter) {
        switch self {
        case .kernelFile(let path, let value): w.u8(35); w.text(path); w.text(value)
        case .fileSystem(let type, let options, let attributes, let slot):
            w.u8(36); w.text(type); w.texts(options); w.int(attributes); w.int(slot)
        case .mountAttributes(let slot, let set, let clear, let propagation, let recursive):
            w.u8(37); w.int(slot); w.int(set); w.int(clear); w.int(propagation); w.flag(recursive)
        case .propagation(let target, let flags, let recursive):
            w.u8(38); w.text(target); w.int(flags); w.flag(recursive)
        case .copyUp(let target, let slot): w.u8(39); w.text(target); w.int(slot)
        case .rendezvous(let slot): w.u8(40); w.int(slot)
        case .hook(let path, let arguments, let environment, let timeoutSeconds, let created):
            w.u8(41); w.text(path); w.texts(arguments); w.texts(environment); w.int(timeoutSeconds); w.flag(created)
        case .lookUp(let arguments, let environment): w.u8(42); w.texts(arguments); w.texts(environment)
        case .awaitStart(let slot): w.u8(43); w.int(slot)
        case .personality(let value): w.u8(44); w.int(Int64(bitPattern: value))
        case .ioPriority(let value): w.u8(45); w.int(value)
        case .keepCapabilities: w.u8(46)
        case .capabilitySets(let effective, let permitted, let inheritable, let ambient):
            w.u8(47)
            for set in [effective, permitted, inheritable, ambient] { w.int(Int64(bitPattern: set)) }
        case .filter(let bytes, let flags): w.u8(48); w.data(bytes); w.int(flags)
        case .moveRoot: w.u8(49)
        default: preconditionFailure("a step without bytes: \(self)")
        }
    }

    static func bundleStep(_ code: UInt8, _ r: inout WireReader) throws(WireError) -> LaunchStep {
        switch code {
        case 35: return .kernelFile(path: try r.text(), value: try r.text())
        case 36:
            return .fileSystem(type: try r.text(), options: try r.texts(), attributes: try r.int(), slot: try r.int())
        case 37:
            return .mountAttributes(
                slot: try r.int(), set: try r.int(), clear: try r.int(), propagation: try r.int(),
                recursive: try r.flag())
        case 38: return .propagation(target: try r.text(), flags: try r.int(), recursive: try r.flag())
        case 39: return .copyUp(target: try r.text(), slot: try r.int())
        case 40: return .rendezvous(slot: try r.int())
        case 41:
            return .hook(
                path: try r.text(), arguments: try r.texts(), environment: try r.texts(),
                timeoutSeconds: try r.int(), created: try r.flag())
        case 42: return .lookUp(arguments: try r.texts(), environment: try r.texts())
        case 43: return .awaitStart(slot: try r.int())
        case 44: return .personality(UInt64(bitPattern: try r.int(as: Int64.self)))
        case 45: return .ioPriority(try r.int())
        case 46: return .keepCapabilities
        case 47:
            return .capabilitySets(
                effective: try r.bits(), permitted: try r.bits(), inheritable: try r.bits(), ambient: try r.bits())
        case 48: return .filter(try r.data(), flags: try r.int())
        case 49: return .moveRoot
        default: throw WireError("unknown launch step \(code)")
        }
    }
}

extension WireReader {
    fileprivate mutating func bits() throws(WireError) -> UInt64 { UInt64(bitPattern: try int(as: Int64.self)) }
}
