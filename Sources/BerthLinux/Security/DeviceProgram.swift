// The BPF program that decides what processes of a v2 control group may do with devices.
import CLinux

package enum DeviceProgram {
    /// How we know ours among those that others have attached: a privileged container may add to its own group.
    static let name = "berth_devices"
    /// More than the kernel lets anybody attach to one group.
    private static let programsMax = 64

    /// Puts a program in force for a group. It takes the place of ours in one step: there is no moment without one.
    package static func attach(_ instructions: [UInt64], to directory: String) throws(SystemError) {
        let group = try Directory.open(directory, flags: FileFlags.directory)
        let program = Descriptor(
            owning: try systemCall("bpf", "loading a device program") {
                clinux_bpf_load_device_program(instructions, UInt32(instructions.count), name)
            })
        let replaced = try own(group.number)
        try systemCall("bpf", "attaching a device program to \(directory)") {
            clinux_bpf_attach_device_program(group.number, program.number, replaced?.number ?? -1)
        }
    }

    private static func own(_ group: Int32) throws(SystemError) -> SharedDescriptor? {
        var ids = [UInt32](repeating: 0, count: programsMax)
        var count = UInt32(programsMax)
        try systemCall("bpf", "asking for device programs") { clinux_bpf_device_programs(group, &ids, &count) }
        for id in ids.prefix(Int(count)) {
            let program = SharedDescriptor(
                Descriptor(owning: try systemCall("bpf", "opening a device program") { clinux_bpf_open_program(id) }))
            var bytes = [CChar](repeating: 0, count: Int(BPF_OBJ_NAME_LEN))
            try systemCall("bpf", "naming a device program") { clinux_bpf_program_name(program.number, &bytes) }
            if bytes.prefix(while: { $0 != 0 }).map({ UInt8(bitPattern: $0) }) == Array(name.utf8) { return program }
        }
        return nil
    }
}
