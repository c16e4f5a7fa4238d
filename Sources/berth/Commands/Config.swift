// `config`: the stack file as berth understands it.
import ArgumentParser
import BerthLoader
import BerthModel
import FoundationEssentials

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the stack file and show what it means", discussion: "Example: berth config -q && echo fine",
        aliases: ["convert"])
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Check only") var quiet = false
    @Flag(help: "Names of services") var services = false
    @Flag(help: "Names of images") var images = false
    @Flag(help: "Names of volumes") var volumes = false
    @Flag(help: "Names of networks") var networks = false
    @Flag(help: "Names of profiles") var profiles = false
    @Option(help: "yaml or json") var format = "yaml"
    @Argument var names: [String] = []

    func run() async throws {
        let stack = try StackContext.load(services: names)
        if quiet { return }
        if services { return stack.services.keys.sorted().forEach { Console.shared.out($0) } }
        if images {
            return Set(stack.services.values.map { $0.image ?? "\(stack.name)-\($0.name)" }).sorted().forEach {
                Console.shared.out($0)
            }
        }
        if volumes { return stack.volumes.keys.sorted().forEach { Console.shared.out($0) } }
        if networks { return stack.networks.keys.sorted().forEach { Console.shared.out($0) } }
        if profiles {
            let all = Array(stack.services.values) + Array(stack.inactiveServices.values)
            return Set(all.flatMap(\.profiles)).sorted().forEach { Console.shared.out($0) }
        }
        let document = StackWriter.document(stack)
        Console.shared.outRaw(format == "json" ? document.json + "\n" : document.yaml)
    }
}
