// Which databases a project speaks to: by its packages, by addresses, by names of variables.

enum DatabaseLook {
    private static let evidenceMax = 3

    static func databases(
        _ dependencies: [Dependency], _ language: Language, _ scan: CodeScan
    ) -> [DatabaseFinding] {
        var evidence: [DatabaseKind: [Evidence]] = [:]
        for kind in DatabaseKind.allCases {
            let drivers = kind.drivers(language)
            evidence[kind] = dependencies.filter { drivers.contains($0.name) }.map(\.evidence)
        }
        for address in scan.addresses { evidence[address.kind, default: []].append(address.evidence) }
        for variable in scan.variables {
            guard let use = ConnectionVariable(variable.name), let kind = use.kind else { continue }
            if use.role != .other { evidence[kind, default: []].append(variable.evidence) }
        }
        // MariaDB is spoken to with MySQL's drivers.
        if evidence[.mariadb]?.isEmpty == false, let others = evidence[.mysql] {
            evidence[.mariadb]?.append(contentsOf: others)
            evidence[.mysql] = []
        }
        return DatabaseKind.allCases.compactMap { kind in
            guard let seen = evidence[kind], !seen.isEmpty else { return nil }
            return DatabaseFinding(kind: kind, evidence: Array(seen.prefix(evidenceMax)))
        }
    }
}
