// Where text becomes a number or a boolean after interpolation: every string at these places, with a variable or not.

enum Cast: Sendable {
    case int, float, boolean

    static let rules = RuleTree<Cast>(
        service(
            .int,
            [
                "cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period",
                "cpu_rt_runtime", "cpu_shares", "oom_score_adj", "pids_limit", "scale", "deploy.replicas",
                "deploy.update_config.parallelism", "deploy.rollback_config.parallelism",
                "deploy.restart_policy.max_attempts", "deploy.placement.max_replicas_per_node", "healthcheck.retries",
                "ports.*.target", "ulimits.*", "ulimits.*.hard", "ulimits.*.soft",
            ])
            + service(
                .float,
                [
                    "cpus", "cpu_percent", "deploy.update_config.max_failure_ratio",
                    "deploy.rollback_config.max_failure_ratio",
                ])
            + service(
                .boolean,
                [
                    "init", "privileged", "read_only", "tty", "stdin_open", "oom_kill_disable", "healthcheck.disable",
                    "volumes.*.read_only", "volumes.*.volume.nocopy",
                ])
            + [
                "networks.*.external", "networks.*.internal", "networks.*.attachable", "networks.*.enable_ipv4",
                "networks.*.enable_ipv6", "volumes.*.external", "secrets.*.external", "configs.*.external",
            ].map { ($0, .boolean) })

    private static func service(_ cast: Cast, _ keys: [String]) -> [(String, Cast)] {
        keys.map { ("services.*.\($0)", cast) }
    }

    /// Nil: the text cannot be read so.
    func value(of text: String) -> Node.Value? {
        switch self {
        case .int: return Int64(text).map { .int($0) }
        case .float: return GoNumber.float(text).map { .float($0) }
        case .boolean: return Cast.boolean(text).map { .bool($0) }
        }
    }

    var expected: String {
        switch self {
        case .int: "a whole number"
        case .float: "a number"
        case .boolean: "true or false"
        }
    }

    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "y", "yes", "on": true
        case "false", "n", "no", "off": false
        default: nil
        }
    }
}

/// Numbers in text as Go's parsers take them.
enum GoNumber {
    /// `strconv.ParseFloat` without its hexadecimal form.
    static func float(_ text: String) -> Double? {
        guard let first = text.utf8.first, first != 0x20 else { return nil }
        if text.utf8.contains(where: { $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "X") || $0 == UInt8(ascii: "p") })
        {
            return nil
        }
        switch Scalars.resolve(text) {
        case .float(let value): return value
        case .int, .unsigned:
            return Double(text.withoutUnderscores)
        default:
            switch text.lowercased() {
            case "inf", "+inf", "infinity", "+infinity": return .infinity
            case "-inf", "-infinity": return -.infinity
            case "nan": return .nan
            default: return nil
            }
        }
    }
}
