// What makes a container stale: a versioned hash over the service, its image and the contents of its secrets and
// configs.
package import BerthModel

/// SHA-256, handed in by whoever has it.
package typealias HashFunction = @Sendable ([UInt8]) -> Digest

package enum ConfigHash {
    /// The scheme of the hash. A record with another one is compared field by field instead.
    package static let version = "b1"

    /// Fields that change without a new container, as compose leaves them out of its own hash.
    static let irrelevant: Set<String> = [
        "build", "pullPolicy", "replicas", "update", "rollback", "watch", "dependsOn", "profiles", "configHash",
    ]

    /// What a service without any field says.
    private static let defaults = (try? CanonicalEncoder.value(of: Service(name: "")).members) ?? [:]

    /// The drift hash: `b1:` and 64 hex digits.
    package static func hash(
        _ service: Service, imageID: Digest?, materials: [String: Digest], with function: HashFunction
    ) throws -> String {
        let value = CanonicalValue.object([
            "service": .object(try fingerprint(service)),
            "image": imageID.map { .string($0.hex) } ?? .null,
            "materials": .object(materials.mapValues { .string($0.hex) }),
        ])
        return "\(version):\(function(value.bytes).hex)"
    }

    /// The value of the `config-hash` label: compose's own digits, which the loader computed; over our bytes for a
    /// service that no stack file gave.
    package static func label(_ service: Service, with function: HashFunction) throws -> String {
        if let hash = service.configHash { return hash }
        return function(CanonicalValue.object(try fingerprint(service)).bytes).hex
    }

    /// The fields that make a container what it is. Fields that have their default are left out, so that a field
    /// which a later version adds does not make every existing container stale.
    package static func fingerprint(_ service: Service) throws -> [String: CanonicalValue] {
        let fields = try CanonicalEncoder.value(of: service).members ?? [:]
        return fields.filter { !irrelevant.contains($0.key) && $0.value != defaults[$0.key] && $0.value != .null }
    }
}

/// Names of what differs between two services, in compose's words: `environment.FOO`, `image`.
package enum ServiceDifference {
    /// Maps whose members are named one by one.
    static let maps: Set<String> = [
        "annotations", "environment", "healthcheck", "labels", "logging", "networks", "sysctls", "ulimits",
    ]

    /// Where compose's key is not the field in snake case.
    static let composeKeys: [String: String] = [
        "workingDirectory": "working_dir", "initProcess": "init", "domainName": "domainname",
        "standardInputOpen": "stdin_open", "stopGracePeriod": "stop_grace_period", "mounts": "volumes",
        "readOnlyRoot": "read_only", "shmSizeBytes": "shm_size", "capabilitiesAdded": "cap_add",
        "capabilitiesDropped": "cap_drop", "securityOptions": "security_opt", "additionalGroups": "group_add",
        "pidMode": "pid", "ipcMode": "ipc", "utsMode": "uts", "cgroupMode": "cgroup",
        "userNamespaceMode": "userns_mode",
        "dnsOptions": "dns_opt", "macAddress": "mac_address", "oomScoreAdjustment": "oom_score_adj",
        "oomKillDisable": "oom_kill_disable", "memoryLimitBytes": "mem_limit",
        "memoryReservationBytes": "mem_reservation", "memorySwapLimitBytes": "memswap_limit",
        "memorySwappiness": "mem_swappiness", "nanoCPUs": "cpus", "cpuQuotaMicroseconds": "cpu_quota",
        "cpuPeriodMicroseconds": "cpu_period", "processLimit": "pids_limit",
    ]

    /// Sorted; empty when the two would give the same container.
    package static func fields(_ old: Service, _ new: Service) throws -> [String] {
        let before = try ConfigHash.fingerprint(old)
        let after = try ConfigHash.fingerprint(new)
        var names: Set<String> = []
        for key in Set(before.keys).union(after.keys) where before[key] != after[key] {
            let old = before[key]?.members ?? [:]
            let new = after[key]?.members ?? [:]
            if key == "resources" {
                names.formUnion(changed(old, new).map(composeKey))
            } else if maps.contains(key) {
                names.formUnion(
                    changed(old, new).map { "\(composeKey(key)).\(key == "healthcheck" ? composeKey($0) : $0)" })
            } else {
                names.insert(composeKey(key))
            }
        }
        return names.sorted()
    }

    private static func changed(_ old: [String: CanonicalValue], _ new: [String: CanonicalValue]) -> [String] {
        Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
    }

    static func composeKey(_ field: String) -> String {
        if let key = composeKeys[field] { return key }
        var text = ""
        for character in field {
            if character.isUppercase { text += "_\(character.lowercased())" } else { text.append(character) }
        }
        return text
    }
}
