// `network`: networks that no stack file makes, for `external: true`; and a look at all of them.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Network: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create, list, inspect and remove networks",
        discussion: """
            Examples:
              berth network create proxy                          for stacks with {external: true, name: proxy}
              berth network create --subnet 10.9.0.0/24 office
              berth network rm proxy
            """,
        subcommands: [
            NetworkCreate.self, NetworkLs.self, NetworkInspect.self, NetworkRm.self, NetworkPrune.self,
        ])
}

/// `NAME=VALUE` words of `--label`, `--opt` and the like.
enum PairWords {
    static func read(_ words: [String], _ flag: String, needsValue: Bool = false) throws -> [String: String] {
        var pairs: [String: String] = [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !parts[0].isEmpty, parts.count == 2 || !needsValue else {
                throw ValidationError("\(flag) \"\(word)\": expected NAME=VALUE")
            }
            pairs[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        return pairs
    }
}

struct NetworkCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Create a network")
    @Option(name: .shortAndLong, help: "Only bridge") var driver = "bridge"
    @Option(help: "Its addresses, such as 10.9.0.0/24") var subnet: String?
    @Option(help: "The gateway's address in the subnet") var gateway: String?
    @Option(help: "The part of the subnet that containers get addresses from") var ipRange: String?
    @Option(help: "NAME=ADDRESS that no container gets; repeatable") var auxAddress: [String] = []
    @Flag(help: "No way out") var `internal` = false
    @Flag(help: "Accepted; every network is") var attachable = false
    @Option(help: "KEY=VALUE; repeatable") var label: [String] = []
    @Option(name: [.customShort("o"), .customLong("opt")], help: "Driver option KEY=VALUE; repeatable")
    var opt: [String] = []
    @Argument var name: String

    func run() async throws {
        guard driver == "bridge" else {
            throw ValidationError("the network driver \"\(driver)\" is not there; bridge is")
        }
        var definition = NetworkDefinition(key: name, name: name)
        definition.driver = driver
        definition.isInternal = `internal`
        definition.isAttachable = attachable
        definition.labels = try PairWords.read(label, "--label")
        definition.driverOptions = try PairWords.read(opt, "--opt", needsValue: true)
        var pool = NetworkDefinition.AddressPool()
        for (text, flag, path) in [
            (subnet, "--subnet", \NetworkDefinition.AddressPool.subnet), (ipRange, "--ip-range", \.ipRange),
        ] {
            guard let text else { continue }
            guard IPv4Prefix(text) != nil else {
                throw ValidationError("\(flag) \"\(text)\" is not a subnet: write it as 10.9.0.0/24")
            }
            pool[keyPath: path] = text
        }
        if let gateway, IPv4Address(gateway) == nil {
            throw ValidationError("--gateway \"\(gateway)\" is not an IPv4 address")
        }
        if (gateway != nil || ipRange != nil || !auxAddress.isEmpty) && subnet == nil {
            throw ValidationError("--gateway, --ip-range and --aux-address need a --subnet")
        }
        pool.gateway = gateway
        pool.auxiliaryAddresses = try PairWords.read(auxAddress, "--aux-address", needsValue: true)
        if pool != NetworkDefinition.AddressPool() { definition.pools = [pool] }
        let made = try await AgentConnection.client().changeNetworks(.create(definition))
        for line in made.lines { Console.shared.out(line) }
    }
}

struct NetworkLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List networks", aliases: ["list"])
    @Flag(name: .shortAndLong, help: "Ids only") var quiet = false
    @Flag(help: "Whole ids") var noTrunc = false
    @Option(help: "table or json") var format = "table"

    func run() async throws {
        let networks = try await AgentConnection.client().networks(stack: nil).sorted { $0.name < $1.name }
        func id(_ network: NetworkRecord) -> String { noTrunc ? network.id : String(network.id.prefix(12)) }
        if quiet { return networks.forEach { Console.shared.out(id($0)) } }
        if format == "json" {
            for network in networks {
                Console.shared.out(
                    JSONText.object([
                        ("ID", .string(id(network))), ("Name", .string(network.name)), ("Driver", .string("bridge")),
                        ("Scope", .string("local")), ("Internal", .string("\(network.definition.isInternal)")),
                        (
                            "Labels",
                            .string(
                                network.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                                    .joined(separator: ","))
                        ),
                    ]).text)
            }
            return
        }
        Console.shared.out(
            Table.text(
                ["NETWORK ID", "NAME", "DRIVER", "SCOPE"],
                networks.map { [id($0), Console.safe($0.name), "bridge", "local"] }))
    }
}

struct NetworkInspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Show networks as JSON")
    @Argument var names: [String]

    func run() async throws {
        let client = try await AgentConnection.client()
        let all = try await client.networks(stack: nil)
        var filter = ContainerFilter(stack: nil)
        filter.all = false
        let containers = try await client.containers(filter)
        var found: [JSONText] = []
        for name in names {
            guard let network = all.first(where: { $0.name == name || $0.id == name || $0.id.hasPrefix(name) }) else {
                throw BerthError(.notFound, "network \(name) not found", subject: name)
            }
            found.append(document(network, containers))
        }
        Console.shared.out(JSONText.array(found).text)
    }

    private func document(_ network: NetworkRecord, _ containers: [ContainerDocument]) -> JSONText {
        let residents: [(String, JSONText)] = containers.compactMap { document in
            guard let endpoint = document.record.endpoints.first(where: { $0.network == network.name }) else {
                return nil
            }
            return (
                document.record.id.text,
                .object([
                    ("Name", .string(document.record.name)), ("MacAddress", .string(endpoint.macAddress)),
                    ("IPv4Address", .string("\(endpoint.address)/\(endpoint.prefixLength)")),
                    ("IPv6Address", .string("")),
                ])
            )
        }
        let pool: JSONText = .object([
            ("Subnet", .string("\(network.subnet)")), ("Gateway", .string("\(network.gateway)")),
        ])
        return .object([
            ("Name", .string(network.name)), ("Id", .string(network.id)), ("Scope", .string("local")),
            ("Driver", .string("bridge")), ("EnableIPv6", .bool(false)),
            ("IPAM", .object([("Driver", .string("default")), ("Config", .array([pool]))])),
            ("Internal", .bool(network.definition.isInternal)),
            ("Attachable", .bool(network.definition.isAttachable)), ("Containers", .object(residents)),
            ("Options", PairText.object(network.definition.driverOptions)),
            ("Labels", PairText.object(network.labels)),
        ])
    }
}

/// A map of texts as a JSON object, its keys in order.
enum PairText {
    static func object(_ pairs: [String: String]) -> JSONText {
        .object(pairs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }
}

struct NetworkRm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove networks that no container is in", aliases: ["remove"])
    @Flag(name: .shortAndLong, help: "One that is not there is no error") var force = false
    @Argument var names: [String]

    func run() async throws {
        let client = try await AgentConnection.client()
        try await ResourceRemoval.each(names, force: force) { name in
            _ = try await client.changeNetworks(.remove(name))
        }
    }
}

/// Removes all that can be; the first failure is the command's.
enum ResourceRemoval {
    static func each(_ names: [String], force: Bool, _ remove: (String) async throws -> Void) async throws {
        var first: BerthError?
        for name in names {
            do {
                try await remove(name)
                Console.shared.out(Console.safe(name))
            } catch let error as BerthError {
                if force && error.code == .notFound { continue }
                if first != nil { Console.shared.error("berth: \(error)") }
                first = first ?? error
            }
        }
        if let first { throw first }
    }
}

struct NetworkPrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove all networks that no container is in")
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false

    func run() async throws {
        let what = "all networks that no container is in"
        guard try Pruning.isMeant(what, force: force) else { return }
        Pruning.tell(try await AgentConnection.client().changeNetworks(.prune(all: true)), "Networks")
    }
}
