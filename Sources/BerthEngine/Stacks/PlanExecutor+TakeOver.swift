// One container of a slot takes the slot over: its name, its names in DNS and its published ports, at one moment.
import BerthModel
import BerthPlan

extension PlanExecutor {
    func slotRecords(_ stack: String, _ slot: ReplicaSlot) -> [ContainerRecord] {
        parts.registry.all(stack: stack).map(\.record).filter { $0.slot == slot }
    }

    /// Both records change in one transaction: whoever looks after a crash finds one of the two in the slot. New
    /// connections go to the new one from then on; those that are there stay with the old one until it ends.
    func takeOver(_ id: ContainerID, from old: ContainerID?, _ name: String) async throws {
        guard var next = parts.registry.record(id) else { return }
        var changed: [ContainerRecord] = []
        if let old, var before = parts.registry.record(old) {
            before.isStandby = true
            if before.name == name { before.name = before.id.steppedBack(from: name) }
            changed.append(before)
        }
        next.name = name
        next.isStandby = false
        changed.append(next)
        try parts.store.update(changed)
        for record in changed {
            parts.registry.update(record)
            parts.live.update(record)
            await parts.registry.driver(record.id)?.setPlace(name: record.name, isStandby: record.isStandby)
        }
        try await parts.publishNetwork()
    }

    func removeSpareLeases(of record: ContainerRecord) throws {
        let used = slotRecords(record.stack, record.slot).flatMap(\.endpoints).map(\.address)
        try AddressBook.shared.trim("\(record.slot)", record.stack, used: Set(used), parts)
    }
}
