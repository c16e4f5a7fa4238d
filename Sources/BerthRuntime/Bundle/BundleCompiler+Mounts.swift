// Mounts of a bundle as steps: binds from trees that were opened outside, file systems made detached, control groups.
import BerthLinux
import BerthModel

extension BundleCompiler {
    mutating func lower(_ mount: BundleSpec.Mount, sharesRoot: Bool) throws {
        let options = BundleMountOptions(mount.options ?? [])
        let type = mount.type ?? ""
        if options.mapsIdentities || !(mount.uidMappings ?? []).isEmpty {
            throw BundleRefusal.error("mount \(mount.destination)", "idmapped mounts are not supported")
        }
        if options.isRemount {
            add(.setAttributes(target: mount.destination, attributes: options.set))
        } else if options.isBind || type == "bind" {
            try bind(mount, options, sharesRoot: sharesRoot)
        } else if type == "cgroup" || type == "cgroup2" {
            lowerCgroup(mount, options)
        } else {
            lowerFileSystem(mount, options, type)
        }
    }

    private mutating func bind(
        _ mount: BundleSpec.Mount, _ options: BundleMountOptions, sharesRoot: Bool
    ) throws {
        let source = mount.source ?? ""
        let path = source.hasPrefix("/") ? source : "\(input.bundle)/\(source)"
        let slot = nextSlot
        nextSlot += 1
        program.prepare.append(.init(.openTree(path: path, slot: slot, recursive: options.bindsRecursively)))
        // The clone is a peer of what it was cloned from; unless that is asked for, nothing may go back to the host.
        let shared = options.propagations.contains { $0.flags == 1 << 20 }
        if !(shared && sharesRoot) {
            program.prepare.append(
                .init(.mountAttributes(slot: slot, set: 0, clear: 0, propagation: 1 << 19, recursive: true)))
        }
        add(
            .attach(
                slot: slot, target: mount.destination, isDirectory: input.isDirectory(path), attributes: 0,
                propagation: 0))
        lowerAttributes(slot, options)
    }

    private mutating func lowerAttributes(_ slot: Int, _ options: BundleMountOptions) {
        if options.set != 0 || options.clear != 0 {
            add(
                .mountAttributes(
                    slot: slot, set: options.set, clear: BundleMountOptions.cleared(options.set, options.clear),
                    propagation: 0, recursive: false))
        }
        if options.recursiveSet != 0 || options.recursiveClear != 0 {
            add(
                .mountAttributes(
                    slot: slot, set: options.recursiveSet,
                    clear: BundleMountOptions.cleared(options.recursiveSet, options.recursiveClear), propagation: 0,
                    recursive: true))
        }
        for propagation in options.propagations {
            add(
                .mountAttributes(
                    slot: slot, set: 0, clear: 0, propagation: propagation.flags, recursive: propagation.recursive))
        }
    }

    private mutating func lowerFileSystem(_ mount: BundleSpec.Mount, _ options: BundleMountOptions, _ type: String) {
        let source = mount.source.map { $0.isEmpty ? [] : ["source=\($0)"] } ?? []
        let attributes = options.set & ~UInt64(0x20_0000)
        // The system's own file systems are never mounted through a link.
        if type == "proc" || type == "sysfs" {
            add(.mount(type: type, target: mount.destination, options: source + options.data, attributes: attributes))
            return
        }
        let slot = nextSlot
        nextSlot += 1
        let data = options.copiesUp ? options.data : options.data
        add(
            .fileSystem(
                type: type, options: source + data, attributes: options.copiesUp ? attributes & ~1 : attributes,
                slot: slot))
        if options.copiesUp { add(.copyUp(target: mount.destination, slot: slot)) }
        add(.attach(slot: slot, target: mount.destination, isDirectory: true, attributes: 0, propagation: 0))
        if options.copiesUp && attributes & 1 != 0 {
            add(.mountAttributes(slot: slot, set: 1, clear: 0, propagation: 0, recursive: false))
        }
        for propagation in options.propagations {
            add(
                .mountAttributes(
                    slot: slot, set: 0, clear: 0, propagation: propagation.flags, recursive: propagation.recursive))
        }
    }

    /// Pure v2 is one file system; v1 is a small tree of one mount for each hierarchy.
    private mutating func lowerCgroup(_ mount: BundleSpec.Mount, _ options: BundleMountOptions) {
        let own = input.spec.makesNamespace("cgroup")
        let access = options.set
        if !input.cgroup.isHybrid {
            return showGroup(mount.destination, "cgroup2", [], own ? nil : input.cgroup.unified, access)
        }
        add(
            .mount(
                type: "tmpfs", target: mount.destination, options: ["source=tmpfs", "mode=755"],
                attributes: access & ~1))
        for hierarchy in input.cgroup.hierarchies {
            let target = "\(mount.destination)/\(hierarchy.name)"
            let data = hierarchy.controllers.flatMap { $0.hasPrefix("name=") ? ["none", $0] : [$0] }
            showGroup(target, "cgroup", data, own ? nil : hierarchy.directory, access)
            for controller in hierarchy.controllers where hierarchy.controllers.count > 1 {
                add(.symlink(target: "\(mount.destination)/\(controller)", to: hierarchy.name), ignoring: [17])
            }
        }
        if let unified = input.cgroup.unified {
            showGroup("\(mount.destination)/unified", "cgroup2", [], own ? nil : unified, access)
        }
        if access & 1 != 0 { add(.setAttributes(target: mount.destination, attributes: 1)) }
    }

    private mutating func showGroup(
        _ target: String, _ type: String, _ data: [String], _ directory: String?, _ access: UInt64
    ) {
        guard let directory else {
            add(.mount(type: type, target: target, options: ["source=cgroup"] + data, attributes: access))
            return
        }
        program.prepare.append(.init(.openTree(path: directory, slot: nextSlot, recursive: false)))
        add(
            .attach(slot: nextSlot, target: target, isDirectory: true, attributes: access, propagation: 1 << 19))
        nextSlot += 1
    }
}
