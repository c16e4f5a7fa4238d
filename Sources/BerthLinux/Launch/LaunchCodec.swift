// Launch programs as bytes. An agent executes the shim that it opened at its start, so this needs no compatibility
// promise.

extension LaunchProgram {
    package func write(to writer: inout WireWriter) {
        writer.int(Int64(bitPattern: cloneFlags))
        for phase in [prepare, child] {
            writer.int(phase.count)
            for item in phase {
                item.step.write(to: &writer)
                writer.ints(item.ignoring)
            }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        cloneFlags = UInt64(bitPattern: try reader.int(as: Int64.self))
        prepare = try LaunchProgram.phase(&reader)
        child = try LaunchProgram.phase(&reader)
    }

    private static func phase(_ reader: inout WireReader) throws(WireError) -> [Child] {
        var steps: [Child] = []
        for _ in 0..<(try reader.count()) {
            steps.append(Child(try LaunchStep(from: &reader), ignoring: try reader.ints()))
        }
        return steps
    }
}

extension LaunchStep {
    func write(to w: inout WireWriter) {
        switch self {
        case .openTree(let path, let slot, let recursive): w.u8(1); w.text(path); w.int(slot); w.flag(recursive)
        case .enterProcessNamespace(let slot): w.u8(2); w.int(slot)
        case .joinTasks(let path): w.u8(3); w.text(path)
        case .enterNamespace(let slot): w.u8(4); w.int(slot)
        case .unshare(let flags): w.u8(5); w.int(flags)
        case .isolateMounts(let slave): w.u8(6); w.flag(slave)
        case .attachRoot(let slot, let staging): w.u8(7); w.int(slot); w.text(staging)
        case .mount(let type, let target, let options, let attributes):
            w.u8(8); w.text(type); w.text(target); w.texts(options); w.int(attributes)
        case .attach(let slot, let target, let isDirectory, let attributes, let propagation):
            w.u8(9); w.int(slot); w.text(target); w.flag(isDirectory); w.int(attributes); w.int(propagation)
        case .makeDirectory(let target, let mode): w.u8(10); w.text(target); w.int(mode)
        case .makeFile(let target, let mode, let content, let userID, let groupID):
            w.u8(11); w.text(target); w.int(mode); w.data(content); w.int(userID); w.int(groupID)
        case .makeNode(let target, let kind, let mode, let major, let minor, let userID, let groupID):
            w.u8(12); w.text(target); w.u8(kind); w.int(mode); w.int(major); w.int(minor); w.int(userID); w.int(groupID)
        case .symlink(let target, let to): w.u8(13); w.text(target); w.text(to)
        case .mask(let target): w.u8(14); w.text(target)
        case .readOnly(let target): w.u8(15); w.text(target)
        case .readOnlyRoot: w.u8(16)
        case .pivot: w.u8(17)
        case .hostname(let name): w.u8(18); w.text(name)
        case .domainName(let name): w.u8(19); w.text(name)
        case .sysctl(let name, let value): w.u8(20); w.text(name); w.text(value)
        case .resourceLimit(let resource, let soft, let hard):
            w.u8(21); w.int(resource); w.int(Int64(bitPattern: soft)); w.int(Int64(bitPattern: hard))
        case .oomScoreAdjustment(let value): w.u8(22); w.int(value)
        case .newSession: w.u8(23)
        case .terminal(let rows, let columns, let console): w.u8(24); w.int(rows); w.int(columns); w.flag(console)
        case .fileMask(let mask): w.u8(25); w.int(mask)
        case .workingDirectory(let path, let create): w.u8(26); w.text(path); w.flag(create)
        case .boundingSet(let set): w.u8(27); w.int(Int64(bitPattern: set))
        case .user(let userID, let groupID, let groups): w.u8(28); w.int(userID); w.int(groupID); w.ints(groups)
        case .capabilities(let set): w.u8(29); w.int(Int64(bitPattern: set))
        case .noNewPrivileges: w.u8(30)
        case .seccomp(let filter): w.u8(31); w.data(filter)
        case .becomeInit: w.u8(32)
        case .setAttributes(let target, let attributes): w.u8(34); w.text(target); w.int(attributes)
        case .execute(let arguments, let environment): w.u8(33); w.texts(arguments); w.texts(environment)
        default: writeBundleStep(to: &w)
        }
    }

    init(from r: inout WireReader) throws(WireError) {
        let code = try r.u8()
        switch code {
        case 1...17: self = try LaunchStep.fileSystemStep(code, &r)
        case 18: self = .hostname(try r.text())
        case 19: self = .domainName(try r.text())
        case 20: self = .sysctl(name: try r.text(), value: try r.text())
        case 21:
            let resource = try r.int(as: Int32.self)
            let soft = UInt64(bitPattern: try r.int(as: Int64.self))
            self = .resourceLimit(resource: resource, soft: soft, hard: UInt64(bitPattern: try r.int(as: Int64.self)))
        case 22: self = .oomScoreAdjustment(try r.int())
        case 23: self = .newSession
        case 24: self = .terminal(rows: try r.int(), columns: try r.int(), console: try r.flag())
        case 25: self = .fileMask(try r.int())
        case 26: self = .workingDirectory(try r.text(), create: try r.flag())
        case 27: self = .boundingSet(UInt64(bitPattern: try r.int(as: Int64.self)))
        case 28: self = .user(userID: try r.int(), groupID: try r.int(), groups: try r.ints())
        case 29: self = .capabilities(UInt64(bitPattern: try r.int(as: Int64.self)))
        case 30: self = .noNewPrivileges
        case 31: self = .seccomp(try r.data())
        case 32: self = .becomeInit
        case 33: self = .execute(arguments: try r.texts(), environment: try r.texts())
        case 34: self = .setAttributes(target: try r.text(), attributes: try r.int())
        default: self = try LaunchStep.bundleStep(code, &r)
        }
    }

    private static func fileSystemStep(_ code: UInt8, _ r: inout WireReader) throws(WireError) -> LaunchStep {
        switch code {
        case 1: .openTree(path: try r.text(), slot: try r.int(), recursive: try r.flag())
        case 2: .enterProcessNamespace(slot: try r.int())
        case 3: .joinTasks(path: try r.text())
        case 4: .enterNamespace(slot: try r.int())
        case 5: .unshare(flags: try r.int())
        case 6: .isolateMounts(slave: try r.flag())
        case 7: .attachRoot(slot: try r.int(), staging: try r.text())
        case 8: .mount(type: try r.text(), target: try r.text(), options: try r.texts(), attributes: try r.int())
        case 9:
            .attach(
                slot: try r.int(), target: try r.text(), isDirectory: try r.flag(), attributes: try r.int(),
                propagation: try r.int())
        case 10: .makeDirectory(target: try r.text(), mode: try r.int())
        case 11:
            .makeFile(
                target: try r.text(), mode: try r.int(), content: try r.data(), userID: try r.int(),
                groupID: try r.int())
        case 12:
            .makeNode(
                target: try r.text(), kind: try r.u8(), mode: try r.int(), major: try r.int(), minor: try r.int(),
                userID: try r.int(), groupID: try r.int())
        case 13: .symlink(target: try r.text(), to: try r.text())
        case 14: .mask(target: try r.text())
        case 15: .readOnly(target: try r.text())
        case 16: .readOnlyRoot
        default: .pivot
        }
    }
}
